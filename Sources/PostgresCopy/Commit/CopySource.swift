public import PostgresWire

/// The bytes of one binary COPY: header, rows and trailer.
///
/// They are given out in pieces, from wherever they lie, and more than once when a unit is repeated.
public protocol CopySource {
    /// Calls `body` with each piece, in order.
    func withPieces(
        _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError)
}

/// A COPY of which a part of the rows can be sent.
public protocol SlicedCopySource: CopySource {
    /// Calls `body` with each piece of a COPY that holds these rows only: header, rows, trailer.
    func withPieces(
        ofRows range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError)
}

/// A COPY that lies in arrays.
public struct CopyPieces: CopySource, Sendable {
    public var pieces: [ArraySlice<UInt8>]

    public init(_ pieces: [ArraySlice<UInt8>]) {
        self.pieces = pieces
    }

    public init(_ bytes: [UInt8]) {
        pieces = [bytes[...]]
    }

    public func withPieces(
        _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        for piece in pieces {
            var failure: PostgresError?
            piece.withUnsafeBytes { bytes in
                do throws(PostgresError) {
                    try body(bytes)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
    }
}
