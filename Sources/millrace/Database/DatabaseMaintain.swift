import ArgumentParser
import Foundation
import Maintenance

struct DatabaseMaintain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintain",
        abstract: "Make chunks ahead of time; compress, move and drop old ones, as ingest.lifecycle says.",
        discussion: """
            One of the running workers does this every hour; the command does it now. It may run beside workers and \
            may be repeated. A chunk is dropped or compressed only when its range and its last write are older than \
            the limits: see docs/partitioning.md.

            EXAMPLES
              millrace db maintain --dry-run
              millrace db maintain --json
            """)

    private struct Line: Encodable {
        var table: String
        var step: String
        /// Such as `2026-01-31T00:00:00Z`; absent for steps that are not about a range.
        var from: String?
        var to: String?
        var chunks: Int?
        var statement: String?
        /// `planned`, `done`, `later` or `failed`.
        var outcome: String
        var count: Int?
        var reason: String?
    }

    @Flag(name: .long, help: "Show what would be done, and do nothing.")
    var dryRun = false
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let connection = try Servers(try source.load()).postgres(direct: true)
        let maintainer = Maintainer(connection)
        let tables = try maintainer.run(dryRun: dryRun)
        if !dryRun { try maintainer.prune() }
        let lines = tables.flatMap { table in table.entries.map { line($0, of: table.table) } }
        if output.isJSON {
            for line in lines { try Output.json(line) }
        } else {
            printTable(lines)
            let chunks = tables.reduce(0) { $0 + $1.chunkCount }
            Output.print("\(tables.count) tables, \(chunks) chunks, \(lines.count) steps\(dryRun ? " to do" : "")")
        }
        let failures = tables.flatMap(\.failures)
        for failure in failures { Output.complain("failed: \(failure)") }
        if !failures.isEmpty { throw ExitCode(ExitStatus.failed) }
    }

    private func printTable(_ lines: [Line]) {
        guard !lines.isEmpty else { return }
        var table = Table([.init("TABLE"), .init("STEP"), .init("RANGE"), .init("OUTCOME")])
        for line in lines {
            let range = [line.from, line.to].compactMap(\.self).joined(separator: " to ")
            let outcome = line.outcome + (line.count.map { " \($0)" } ?? "")
            table.add([line.table, line.step, line.statement ?? range, outcome])
        }
        table.print()
    }

    private func line(_ entry: TableMaintenance.Entry, of table: String) -> Line {
        var line = Line(table: table, step: entry.step.name, outcome: "planned")
        switch entry.step {
        case .adjust(let statement): line.statement = statement
        case .make(let times):
            line.from = times.first.map(Self.text)
            line.to = times.last.map(Self.text)
            line.chunks = times.count
        case .drop(let range, let chunks), .compress(let range, let chunks), .move(let range, _, let chunks):
            line.from = Self.text(range.lowerBound)
            line.to = Self.text(range.upperBound)
            line.chunks = chunks
        }
        switch entry.outcome {
        case .planned: break
        case .done(let count):
            line.outcome = "done"
            line.count = count
        case .later: line.outcome = "later"
        case .failed(let reason):
            line.outcome = "failed"
            line.reason = reason
        }
        return line
    }

    private static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).ISO8601Format()
    }
}
