public import Records

/// How to go on with entries that were in a worker's hands when it died, or that it let lie: one of them may be what it
/// died of.
///
/// Entries are noted before they are tried, and forgotten when the worker outlives the try, so a note that is found
/// says that somebody died. Nobody dies of entries in company twice: those that are noted are tried one by one, and
/// only an entry that was alone when workers died, ``fatalAttempts`` times, is given up.
public enum SuspectTrial: Equatable, Sendable {
    /// The first so many together: nobody is known to have died of them.
    case together(Int)
    /// The first alone.
    case alone
    /// The first is not tried again: workers died of it.
    case givenUp

    /// Entries tried together at most.
    public static let pieceCount = 500
    /// Deaths, alone, after which an entry is given up.
    public static let fatalAttempts = 3

    /// - Parameters:
    ///   - ids: what is to be tried, in order; not empty.
    ///   - loneAttempts: of those that are noted, how often each was alone when it was tried.
    public init(_ ids: [StreamID], loneAttempts: [StreamID: Int]) {
        if let first = ids.first, let attempts = loneAttempts[first] {
            self = attempts < Self.fatalAttempts ? .alone : .givenUp
        } else {
            self = .together(ids.prefix(Self.pieceCount).prefix { loneAttempts[$0] == nil }.count)
        }
    }
}
