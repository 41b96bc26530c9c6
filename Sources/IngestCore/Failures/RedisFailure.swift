/// What to do about a failure of Redis or of the connection to it. Total: an unknown error pauses and alerts.
public enum RedisFailure: Equatable, Hashable, Sendable {
    /// Close the socket **first** (an open, timed-out connection still takes entries), connect again, read the own
    /// pending list.
    case reconnect
    /// The stream of replies makes no sense: close; the third in a row stops.
    case reconnectCounted
    /// The server is busy or incomplete: wait with back-off.
    case pause
    /// Another server is the master now: resolve the address again, then wait and connect.
    case resolveMaster
    /// MOVED or ASK: go to the node named in the error.
    case follow
    /// The group or the stream is gone: the incarnation procedure, at most once a second per stream.
    case heal
    /// The key holds something else: this stream stops, others go on.
    case stopStream
    /// Out of memory: reading and acknowledging go on; mirror and cache wait.
    case deferWrites
    /// Rights or password: stop, try slowly, read the secret again.
    case stopAccess
    /// BUSYGROUP: somebody else created it. That is what was wanted.
    case success
    /// The script is not loaded: load it, try again.
    case reloadScript
    /// EXEC refused the transaction: take the step again.
    case retryStep
    /// Nobody foresaw it: wait with back-off and raise the alarm.
    case pauseAndAlert

    /// What hiredis' `err` says.
    public enum Transport: Hashable, Sendable, CaseIterable {
        /// REDIS_ERR_IO, a time-out included.
        case io
        /// REDIS_ERR_EOF.
        case endOfStream
        /// REDIS_ERR_PROTOCOL.
        case protocolError
        /// REDIS_ERR_OOM.
        case outOfMemory
        /// REDIS_ERR_OTHER, and whatever a newer library says.
        case other
    }

    public init(_ transport: Transport) {
        self =
            switch transport {
            case .io, .endOfStream: .reconnect
            case .protocolError, .outOfMemory, .other: .reconnectCounted
            }
    }

    /// - Parameter reply: the error reply's text without the leading `-`.
    public init(reply: some StringProtocol) {
        let code = reply.prefix { $0 != " " }
        self =
            switch code {
            case "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "MISCONF": .pause
            case "READONLY": .resolveMaster
            case "UNBLOCKED": reply.contains("no longer exists") ? .heal : .resolveMaster
            case "MOVED", "ASK": .follow
            case "NOGROUP": .heal
            case "WRONGTYPE": .stopStream
            case "OOM": .deferWrites
            case "NOAUTH", "WRONGPASS", "NOPERM": .stopAccess
            case "BUSYGROUP": .success
            case "NOSCRIPT": .reloadScript
            case "EXECABORT": .retryStep
            case "ERR" where reply.contains("max number of clients"): .pause
            case "ERR" where reply.contains("invalid password") || reply.contains("AUTH"): .stopAccess
            default: .pauseAndAlert
            }
    }
}
