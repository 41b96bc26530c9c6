import Foundation
import Testing

@testable import IngestCore

/// The table of error classes in operations.md says what a worker does.
struct ErrorClassTests {
    /// What the words of the table's second column stand for.
    private static let words: [String: FailureClass] = [
        "asks the ledger, takes out what is stored, goes on": .conflict,
        "waits, with growing pauses, and connects again": .pause(.init(reconnects: true)),
        "waits, says so as an error, and connects again": .pause(.init(alerts: true, reconnects: true)),
        "halves the batch, down to one row; that is tried twice more, then it waits":
            .retry(.init(limit: 2, halves: true)),
        "tries again, up to 20 times, then waits": .retry(.init()),
        "tries again once, then waits": .retry(.init(limit: 1)),
        "holds the table and tries again; other tables go on": .pause(.init(scope: .table)),
        "finds the row: a dead letter": .isolate(.init(trustsLine: true)),
        "finds the row by halving: a dead letter": .isolate(.init()),
        "finds the row by halving: a dead letter that is retried by itself": .isolate(.init(mayHeal: true)),
        "finds the row, which has to fail alone twice: a dead letter":
            .isolate(.init(trustsLine: true, loneFailures: 2)),
        "finds the row: a dead letter; if the first rows all fail alike, it stops until a person mends it":
            .isolate(.init(trustsLine: true, stopsWhenAllFailAlike: true)),
        "waits once, then finds the size that fits; a row that fails alone three times is retried by itself":
            .isolate(.init(cutsBatch: true, mayHeal: true, loneFailures: 3, pausesFirst: true)),
        "finds the size that fits; a row that fails alone is retried by itself":
            .isolate(.init(cutsBatch: true, mayHeal: true)),
        "stops until a person mends access": .stop(.access),
        "stops until a person mends the schema": .stop(.schema),
        "stops: a mistake of Millrace's, please report it": .stop(.bug),
        "waits, with growing pauses, and says so as an error": .unforeseen,
    ]

    /// `TS5xx` as a code that no line names whole.
    private static func code(_ token: Substring) -> String { String(token).replacing("x", with: "Z") }

    private static func table() throws -> [(codes: [String], what: String)] {
        let page = try Documents.text("docs/operations.md")
        let section = page.split(separator: "\n## ").first { $0.hasPrefix("Error classes") } ?? ""
        return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            // Code stands between every other pair of backticks.
            let pieces = cells[0].split(separator: "`", omittingEmptySubsequences: false)
            return (stride(from: 1, to: pieces.count, by: 2).map { code(pieces[$0]) }, cells[1])
        }
    }

    @Test func everyLineOfTheTableIsWhatTheWorkerDoes() throws {
        let table = try Self.table()
        #expect(table.count == Self.words.count)
        for (codes, what) in table {
            let expected = try #require(Self.words[what], "\(what)")
            for code in codes {
                #expect(FailureClass(sqlState: code, isConnectionLost: false) == expected, "\(code): \(what)")
            }
        }
    }

    /// Every class of codes that is more than unforeseen has a line.
    @Test func noClassIsLeftOut() throws {
        let told = Set(try Self.table().flatMap(\.codes))
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        for first in digits {
            for second in digits {
                let code = "\(first)\(second)ZZZ"
                let isForeseen = FailureClass(sqlState: code, isConnectionLost: false) != .unforeseen
                #expect(!isForeseen || told.contains(code), "\(code)")
            }
        }
    }
}
