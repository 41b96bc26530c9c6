import ArgumentParser
import Foundation
import IngestTesting
import Telemetry
import Testing

@testable import millrace

/// Pages that are made from the program. `MILLRACE_WRITE_DOCS=1 swift test --filter DocsTests` writes them anew.
struct GeneratedPageTests {
    @Test func metricsPageIsCurrent() throws {
        try check("docs/metrics.md", Self.metrics)
    }

    @Test func commandsPageIsCurrent() throws {
        try check("docs/commands.md", Self.commands)
    }

    @Test func schemaPageIsCurrent() async throws {
        let database = try await TestServices.shared.database()
        let environment = ["MILLRACE_POSTGRES_URL": database]
        let up = try await MillraceProcess.run(["migrate", "up"], environment: environment)
        try #require(up.status == 0, "\(up.errors)")
        let page = try await MillraceProcess.run(["db", "docs"], environment: environment)
        try #require(page.status == 0, "\(page.errors)")
        try check("docs/schema.md", page.output)
    }

    @Test func faultsPageIsCurrent() throws {
        try check("docs/faults.md", Self.faults)
    }

    private func check(_ page: String, _ text: String) throws {
        if ProcessInfo.processInfo.environment["MILLRACE_WRITE_DOCS"] != nil {
            try Data(text.utf8).write(to: Documents.root.appending(path: page))
        }
        let current = (try? Documents.text(page)) == text
        #expect(current, "\(page) is not what the program says: MILLRACE_WRITE_DOCS=1 swift test --filter DocsTests")
    }

    private static let faults = """
        # Faults

        What is broken on purpose, what must come of it, and the tests that show it. Made from
        `Sources/IngestTesting/Faults/FaultMatrix.swift`; do not edit.

        Every test with servers ends with the same question: is everything that the streams hold stored once, or a dead
        letter once, with nothing pending and the ledger in agreement? And each shows that its fault really came about: by a message, a
        metric, or a fact of the servers. *always* runs in `make test`, *prove* in `make prove` alone
        (`MILLRACE_PROVE=1`). Places inside a batch are reached by `MILLRACE_FAULT`, which makes a worker die, freeze or
        dawdle there (`Sources/Waitpoints`); bytes are cut, held and lost by `CuttingProxy` (`Sources/IngestTesting`).

        `LongRunTests.manyFaultsOfEveryKindLoseNothing` mixes them at random under load, and measures how soon workers
        go on: `MILLRACE_LONG_RUN=<entries>,<faults>`.

        \(FaultMatrix.markdown())

        ## Not shown

        \(FaultMatrix.missing())

        """

    private static let metrics = """
        # Metrics

        What `/metrics` serves, in Prometheus text format. Made from the program's own table; do not edit.

        Names, labels and units are a contract: dashboards may depend on them. Values of labels are bounded; an id of an
        entry or a text of a producer is never one. Series without labels, and those whose labels have listed values or
        name configured tables, exist from the start, at 0; others appear with their first value.

        \(MetricReference.markdown())
        """

    private static let commands = """
        # Commands

        What `--help` prints, for every command. Made from the program; do not edit.

        Every command that prints facts takes `--json`. Exit codes are in
        [operations.md](operations.md#signals-and-exit-codes).

        \(sections(of: Millrace.self, path: []).joined(separator: "\n\n"))

        """

    private static func sections(of command: any ParsableCommand.Type, path: [String]) -> [String] {
        let name = path + [command.configuration.commandName ?? "millrace"]
        let help = Millrace.helpMessage(for: command, columns: 100)
        let own = "## \(name.joined(separator: " "))\n\n```text\n\(help)\n```"
        return [own] + command.configuration.subcommands.flatMap { sections(of: $0, path: name) }
    }
}
