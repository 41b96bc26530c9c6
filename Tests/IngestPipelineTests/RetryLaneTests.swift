import PostgresCopy
import PostgresWire
import Records
import Testing

@testable import IngestPipeline

struct RetryWaitsTests {
    private let source = SourceNumber(rawValue: 7)
    private let start = ContinuousClock.now

    private func key(_ source: SourceNumber) -> LetterKey {
        LetterKey(source: source, id: StreamID(milliseconds: 1, sequence: 0))
    }

    @Test func lettersThatCannotBeTriedComeUpLaterAndLater() {
        var waits = RetryWaits()
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<7 {
            let pause = waits.pause(of: source, now: now)
            pauses.append(pause)
            now += pause
        }
        #expect(pauses == [15, 30, 60, 120, 240, 300, 300].map { .seconds($0) })
    }

    @Test func thoseOfOneRoundWaitAlike() {
        var waits = RetryWaits()
        for turn in 0..<10 { #expect(waits.pause(of: source, now: start + .seconds(turn)) == .seconds(15)) }
        #expect(waits.pause(of: source, now: start + .seconds(15)) == .seconds(30))
    }

    @Test func aSourceOfWhichLettersCanBeTriedBeginsAnew() {
        var waits = RetryWaits()
        let other = SourceNumber(rawValue: 8)
        for source in [source, other] {
            _ = waits.pause(of: source, now: start)
            _ = waits.pause(of: source, now: start + .seconds(60))
        }
        waits.tried([key(source), key(other)], except: [key(other)])
        #expect(waits.pause(of: source, now: start + .seconds(600)) == .seconds(15))
        #expect(waits.pause(of: other, now: start + .seconds(600)) == .seconds(60))
    }
}

struct ReplayPiecesTests {
    /// Each try sends what is left of its piece, and finds one refused letter.
    @Test func manyRefusedLettersOfAPageCostFewRowsEach() throws {
        var refused = Set(stride(from: 4, to: 5_000, by: 5))
        var todo = [0..<5_000]
        var order: [Int] = []
        var rows = 0
        var tries = 0
        while let range = todo.popLast() {
            tries += 1
            rows += range.count
            if let bad = range.first(where: { refused.contains($0) }) {
                refused.remove(bad)
                todo += LetterReplay.pieces(range, refusing: bad)
            } else {
                order += range
            }
        }
        #expect(order == Array(0..<5_000))
        #expect(tries <= 2_100)
        #expect(rows <= 150_000)
    }
}

struct ConnectRefusalTests {
    @Test func aParameterThatThePoolerDoesNotTakeIsNotWaitedFor() {
        func error(_ message: String, _ code: String? = nil) -> PostgresError {
            PostgresError(.connect, message: message, sqlState: code.flatMap { SQLState($0) }, isConnectionLost: true)
        }
        #expect(Worker.isRefusal(error("FATAL: unsupported startup parameter: options", "08P01")))
        #expect(Worker.isRefusal(error("no such role", "28000")))
        #expect(Worker.isRefusal(PostgresError(.configuration, message: "no such file")))
        #expect(!Worker.isRefusal(error("query_wait_timeout", "08P01")))
        #expect(!Worker.isRefusal(error("connection refused")))
        #expect(!Worker.isRefusal(error("the database system is starting up", "57P03")))
    }
}
