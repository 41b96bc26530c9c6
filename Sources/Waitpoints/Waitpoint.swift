/// A place in the worker where a fault test may make it die, freeze or dawdle.
///
/// Off, which is always the case unless `MILLRACE_FAULT` is set, ``reach()`` is one load and one branch; waitpoints stand
/// where a batch passes, never where an entry does. See ``Waitpoints`` for the switch.
public enum Waitpoint: String, CaseIterable, Sendable {
    /// Entries came; nothing was done with them yet.
    case afterRead = "after-read"
    /// The first piece of a table's rows was sent, more follow or CopyDone does.
    case midCopy = "mid-copy"
    /// All rows and CopyDone were sent; fence and COMMIT run at the server.
    case afterCopy = "after-copy"
    /// Rows stand in an open transaction; the message with fence and COMMIT was not sent. Only where a table that refuses
    /// rows is written piece by piece: elsewhere the server goes from the rows to the fence by itself.
    case beforeFence = "before-fence"
    /// COMMIT is on its way, its answer was not read.
    case commitSent = "commit-sent"
    /// The commit is proven; nothing was done about it yet.
    case afterCommit = "after-commit"
    /// Acknowledgements are ready to be sent.
    case beforeAck = "before-ack"
    /// Dead letters stand in the table and are about to be copied to the stream.
    case beforeMirror = "before-mirror"
    /// They were copied, and not marked as copied yet.
    case afterMirror = "after-mirror"
    /// Ledger rows were replaced by merged ones, in a transaction that is not committed yet.
    case duringMerge = "during-merge"

    /// Carries out what `MILLRACE_FAULT` asks for here.
    @inline(__always) public func reach() {
        if Waitpoints.isOn { Waitpoints.shared.reached(self) }
    }
}
