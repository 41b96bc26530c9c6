public import PostgresWire
public import RecordCodec

extension TableRows: CopySource {
    public func withPieces(
        _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try withUnsafeBytes(body)
    }
}
