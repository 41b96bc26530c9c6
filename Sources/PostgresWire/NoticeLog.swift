import CPostgres

/// Collects what the server says beside results. libpq calls back on the thread that reads, within the read.
final class NoticeLog {
    /// Enough to see what is going on; a trigger may raise one for each row.
    private static let limit = 100
    private var kept: [PostgresNotice] = []

    func take() -> [PostgresNotice] {
        let taken = kept
        kept.removeAll(keepingCapacity: true)
        return taken
    }

    /// Makes this log the receiver of a connection. The log must outlive the connection.
    func attach(to connection: OpaquePointer) {
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().add(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func add(_ result: OpaquePointer) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let notice = PostgresNotice(
            severity: field(millrace_diag_severity) ?? "NOTICE",
            sqlState: field(millrace_diag_sqlstate).flatMap { SQLState($0) },
            message: field(millrace_diag_message) ?? "")
        if kept.count < Self.limit {
            kept.append(notice)
        } else if notice.isWarning, let place = kept.lastIndex(where: { !$0.isWarning }) {
            // A warning matters more than a notice: guarantees look at it.
            kept[place] = notice
        }
    }
}
