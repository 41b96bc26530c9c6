import CPostgres

/// Owns one `PGresult` from birth.
struct ResultHandle: ~Copyable {
    private let raw: OpaquePointer

    init(owning raw: OpaquePointer) {
        self.raw = raw
    }

    deinit { PQclear(raw) }

    var status: ExecStatusType { PQresultStatus(raw) }

    /// Such as `COPY 5000`.
    var tag: String { String(cString: PQcmdStatus(raw)) }

    func field(_ code: Int32) -> String? {
        PQresultErrorField(raw, code).map { String(cString: $0) }
    }

    /// The server's error. Whether the connection outlived it is for the caller to find out.
    func error() -> PostgresError {
        let state = field(millrace_diag_sqlstate).flatMap { SQLState($0) }
        let words = field(millrace_diag_message) ?? String(cString: PQresultErrorMessage(raw))
        var error = PostgresError(state == nil ? .connectionLost : .server, message: words, sqlState: state)
        error.detail = field(millrace_diag_detail)
        error.hint = field(millrace_diag_hint)
        error.context = field(millrace_diag_context)
        error.schema = field(millrace_diag_schema)
        error.table = field(millrace_diag_table)
        error.column = field(millrace_diag_column)
        error.constraint = field(millrace_diag_constraint)
        return error
    }

    /// A copy of all rows.
    func rows() -> ResultSet {
        let columnCount = PQnfields(raw)
        let rowCount = PQntuples(raw)
        var bytes: [UInt8] = []
        var cells: [Range<Int>?] = []
        cells.reserveCapacity(Int(rowCount) * Int(columnCount))
        for row in 0..<rowCount {
            for column in 0..<columnCount {
                guard PQgetisnull(raw, row, column) == 0, let value = PQgetvalue(raw, row, column) else {
                    cells.append(nil)
                    continue
                }
                let start = bytes.count
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(raw, row, column))))
                cells.append(start..<bytes.count)
            }
        }
        let names = (0..<columnCount).map { column in PQfname(raw, column).map { String(cString: $0) } ?? "" }
        return ResultSet(columns: names, tag: tag, count: Int(rowCount), bytes: bytes, cells: cells)
    }
}
