/// A row of the fault matrix: something that breaks, what must come of it, and what shows that it does.
public struct FaultRow: Sendable {
    /// What must come of a fault. Everywhere: nothing lost, nothing stored twice.
    public enum Outcome: String, Sendable {
        case exactlyOnce = "exactly once, by itself"
        case alert = "exactly once, by itself; told to people"
        case letter = "dead letter, neighbours stored"
        case pause = "waits, goes on by itself; no dead letter"
        case stop = "stops and says why; nothing acknowledged"
        case refused = "does not start, or warns"
        case bounded = "memory and time stay bounded"
    }

    /// When its tests run.
    public enum Evidence: Sendable {
        /// In `make test`.
        case always
        /// Takes long: in `make prove` alone.
        case proof
        /// No test on one machine, and why.
        case none(String)
    }

    /// `7`, or `28b`.
    public let number: String
    public let fault: String
    public let outcome: Outcome
    public let evidence: Evidence
    /// `Suite.function`; parts that show a piece of it come last.
    public let tests: [String]
    /// What the tests do otherwise than the words of the row.
    public let note: String

    init(
        _ number: String, _ fault: String, _ outcome: Outcome, _ evidence: Evidence = .always, _ tests: [String] = [],
        note: String = ""
    ) {
        (self.number, self.fault, self.outcome) = (number, fault, outcome)
        (self.evidence, self.tests, self.note) = (evidence, tests, note)
    }

    public var isAlways: Bool { if case .always = evidence { true } else { false } }
    public var isShown: Bool { if case .none = evidence { false } else { true } }
}
