/// What one seed showed.
public struct SimulationReport: Sendable {
    public let seed: UInt64
    /// Empty when every promise was kept.
    public let violations: [String]
    public let tally: SimulationTally
    public let steps: Int
    /// Lines of what happened; empty unless asked for.
    public let trace: [String]
}
