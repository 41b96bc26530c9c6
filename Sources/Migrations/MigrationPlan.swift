/// What has to be done to bring a schema from where it is to where it should be. A value: it touches no database.
public struct MigrationPlan: Sendable {
    public enum Direction: Sendable {
        case up
        case down
    }

    public let direction: Direction
    /// In the order in which they are to run.
    public let steps: [Migration]

    /// - Parameters:
    ///   - known: the steps of this program, ascending.
    ///   - applied: the steps of the database, in any order.
    ///   - target: the number of the step that is to be the last one applied; `nil` is the newest for `up`, and
    ///     0 for `down`.
    ///   - maxSteps: at most so many steps; `nil` is no limit.
    /// - Throws: the first ``MigrationProblem``, and does so even when nothing would have to be done.
    public init(
        _ direction: Direction, known: [Migration], applied: [AppliedMigration], target: Int? = nil,
        maxSteps: Int? = nil
    ) throws(MigrationProblem) {
        if let problem = Self.problems(known: known, applied: applied).first { throw problem }
        if let target, !(0...known.count).contains(target) { throw .noSuchTarget(target, newest: known.count) }
        let current = applied.count
        let wanted: [Migration] =
            switch direction {
            case .up: known.filter { $0.number > current && $0.number <= target ?? known.count }
            case .down: known.reversed().filter { $0.number <= current && $0.number > target ?? 0 }
            }
        self.direction = direction
        steps = Array(wanted.prefix(maxSteps ?? wanted.count))
    }

    /// Everything that keeps this program from touching that database.
    public static func problems(known: [Migration], applied: [AppliedMigration]) -> [MigrationProblem] {
        var problems: [MigrationProblem] = []
        for (index, migration) in known.enumerated() where migration.number != index + 1 {
            problems.append(.gapInProgram(number: index + 1))
            return problems
        }
        for (index, step) in applied.sorted(by: { $0.number < $1.number }).enumerated() {
            guard step.number == index + 1 else {
                problems.append(.gapInDatabase(number: index + 1))
                break
            }
            guard index < known.count else {
                problems.append(.unknown(fileStem: step.fileStem))
                continue
            }
            if step.checksum != known[index].checksum || step.name != known[index].name {
                problems.append(.edited(fileStem: known[index].fileStem, applied: step.fileStem))
            }
        }
        return problems
    }
}
