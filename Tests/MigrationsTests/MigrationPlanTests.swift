import Foundation
import Testing

@testable import Migrations

private let known = [
    Migration(1, "one", up: "SELECT 1", down: "SELECT -1"), Migration(2, "two", up: "SELECT 2", down: "SELECT -2"),
    Migration(3, "three", up: "SELECT 3", down: "SELECT -3"),
]

private func applied(_ count: Int) -> [AppliedMigration] {
    known.prefix(count).map { AppliedMigration(number: $0.number, name: $0.name, checksum: $0.checksum) }
}

@Suite struct MigrationPlanTests {
    @Test(
        arguments: [
            (0, nil, nil, [1, 2, 3]), (1, nil, nil, [2, 3]), (3, nil, nil, []), (0, 2, nil, [1, 2]), (0, nil, 1, [1]),
            (1, 3, 1, [2]), (2, 1, nil, []),
        ] as [(Int, Int?, Int?, [Int])])
    func goesUpAscending(current: Int, target: Int?, maxSteps: Int?, steps: [Int]) throws {
        let plan = try MigrationPlan(.up, known: known, applied: applied(current), target: target, maxSteps: maxSteps)
        #expect(plan.steps.map(\.number) == steps)
    }

    @Test(
        arguments: [
            (3, nil, nil, [3, 2, 1]), (3, 1, nil, [3, 2]), (3, nil, 1, [3]), (0, nil, nil, []), (2, 3, nil, []),
        ] as [(Int, Int?, Int?, [Int])])
    func goesDownDescending(current: Int, target: Int?, maxSteps: Int?, steps: [Int]) throws {
        let plan = try MigrationPlan(
            .down, known: known, applied: applied(current), target: target, maxSteps: maxSteps)
        #expect(plan.steps.map(\.number) == steps)
    }

    @Test func refusesAnEditedStepByItsFile() {
        var state = applied(2)
        state[1].checksum = "0000000000000000"
        let problems = MigrationPlan.problems(known: known, applied: state)
        #expect(problems == [.edited(fileStem: "m0002_two", applied: "m0002_two")])
        #expect(problems.first.map { "\($0)".contains("m0002_two.up.sql") } == true)
    }

    @Test func refusesARenamedStep() {
        var state = applied(2)
        state[1].name = "other"
        #expect(
            MigrationPlan.problems(known: known, applied: state)
                == [.edited(fileStem: "m0002_two", applied: "m0002_other")])
    }

    @Test func refusesAStepItDoesNotKnow() {
        let state = applied(3) + [AppliedMigration(number: 4, name: "future", checksum: "x")]
        #expect(throws: MigrationProblem.unknown(fileStem: "m0004_future")) {
            try MigrationPlan(.up, known: known, applied: state)
        }
    }

    @Test func refusesGaps() {
        let state = [applied(3)[0], applied(3)[2]]
        #expect(MigrationPlan.problems(known: known, applied: state) == [.gapInDatabase(number: 2)])
        #expect(
            MigrationPlan.problems(known: [known[0], known[2]], applied: []) == [.gapInProgram(number: 2)])
    }

    @Test(arguments: [-1, 4])
    func refusesATargetThatIsNotThere(target: Int) {
        #expect(throws: MigrationProblem.noSuchTarget(target, newest: 3)) {
            try MigrationPlan(.up, known: known, applied: [], target: target)
        }
    }

    @Test func shipsEveryFileOfTheFolder() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../sql/migrations").standardized
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let shipped = Migration.shipped.flatMap { ["\($0.fileStem).down.sql", "\($0.fileStem).up.sql"] }
        #expect(files == shipped)
        for migration in Migration.shipped {
            let up = folder.appendingPathComponent("\(migration.fileStem).up.sql")
            #expect(try String(contentsOf: up, encoding: .utf8) == migration.up)
        }
    }
}
