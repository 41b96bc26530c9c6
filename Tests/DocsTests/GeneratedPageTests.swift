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

    private func check(_ page: String, _ text: String) throws {
        if ProcessInfo.processInfo.environment["MILLRACE_WRITE_DOCS"] != nil {
            try Data(text.utf8).write(to: Documents.root.appending(path: page))
        }
        let current = (try? Documents.text(page)) == text
        #expect(current, "\(page) is not what the program says: MILLRACE_WRITE_DOCS=1 swift test --filter DocsTests")
    }

    private static let metrics = """
        # Metrics

        What `/metrics` serves, in Prometheus text format. Made from the program's own table; do not edit.

        Names, labels and units are a contract: dashboards may depend on them. Values of labels are bounded; an id of an
        entry or a text of a producer is never one. A series appears with its first value.

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
