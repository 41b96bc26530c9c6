/// What to do about a failure of Redis or of the connection to it. Total: an error that nobody foresaw passes, too.
///
/// Whatever it is, the socket is closed **first** (an open, timed-out connection still takes entries), and the next one
/// begins with the own pending list. A missing group, a key that is no stream and a full server are no failures: they
/// are answers that reading and acknowledging know.
public enum RedisFailure: Equatable, Hashable, Sendable {
    /// The server is away, busy, incomplete, or not the master: try again with back-off.
    case passes
    /// The stream of replies makes no sense. It may be one broken connection, or another server than Redis.
    case garbled
    /// A person is wanted: rights or password, or replies that never make sense. Tried again slowly.
    case wantsPerson

    /// - Parameter reply: the error reply's text without the leading `-`.
    public init(reply: some StringProtocol) {
        let code = reply.prefix { $0 != " " }
        self =
            switch code {
            case "NOAUTH", "WRONGPASS", "NOPERM": .wantsPerson
            case "ERR" where reply.contains("invalid password") || reply.contains("AUTH"): .wantsPerson
            default: .passes
            }
    }
}

/// Failures of Redis in a row: what passes once is a person's after some times.
public struct RedisFailureStreak: Equatable, Sendable {
    /// Replies without sense, one after the other, that are no accident any more.
    public static let garbledLimit = 3

    private var garbled = 0

    public init() {}

    /// What the failure is, after those before it.
    public mutating func failed(_ failure: RedisFailure) -> RedisFailure {
        garbled = failure == .garbled ? garbled + 1 : 0
        return garbled >= Self.garbledLimit ? .wantsPerson : failure
    }

    /// Redis answered well.
    public mutating func succeeded() { garbled = 0 }
}
