public import PostgresWire
public import RecordCodec

extension TableRows: SlicedCopySource {
    public func withPieces(
        _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try withUnsafeBytes(body)
    }

    public func withPieces(
        ofRows range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try CopyPieces(CopyFormat.header).withPieces(body)
        try withUnsafeBytes(ofRows: range, body)
        try CopyPieces(CopyFormat.trailer).withPieces(body)
    }
}
