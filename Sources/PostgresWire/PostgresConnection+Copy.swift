import CPostgres

extension PostgresConnection {
    /// Bytes handed to libpq at once. libpq copies them into a buffer that never shrinks, and a put has its own cost:
    /// 64 to 256 KiB is best.
    public static let copyPutBytes = 128 << 10

    /// Sends data of the COPY that the server waits for.
    ///
    /// Returns when the kernel has taken all of it; the server may not have seen it yet.
    public func putCopyData(_ data: UnsafeRawBufferPointer, deadline: Deadline) throws(PostgresError) {
        let raw = try live()
        var rest = data[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.copyPutBytes))
            let text = part.bindMemory(to: CChar.self).baseAddress
            guard PQputCopyData(raw, text, Int32(part.count)) == 1 else { throw putFailure() }
            try flush(deadline: deadline, doing: "sending rows")
            rest = rest.dropFirst(part.count)
        }
    }

    /// Sends data of the COPY that the server waits for.
    public func putCopyData(_ data: some Collection<UInt8>, deadline: Deadline) throws(PostgresError) {
        var failure: PostgresError?
        let isContiguous: Void? = data.withContiguousStorageIfAvailable { buffer in
            do throws(PostgresError) {
                try putCopyData(UnsafeRawBufferPointer(buffer), deadline: deadline)
            } catch {
                failure = error
            }
        }
        if isContiguous == nil { try putCopyData(Array(data), deadline: deadline) }
        if let failure { throw failure }
    }

    /// Ends the COPY's data. With a reason the server throws all of it away and reports an error.
    public func endCopy(failing reason: String? = nil, deadline: Deadline) throws(PostgresError) {
        let raw = try live()
        guard PQputCopyEnd(raw, reason) == 1 else { throw putFailure() }
        try flush(deadline: deadline, doing: "ending a COPY")
    }

    /// libpq refuses data when no COPY is open, and when the connection has broken.
    private func putFailure() -> PostgresError {
        isOpen ? abandon(.unexpectedResult, "no COPY is open") : lost()
    }
}
