import Logging
import Records
import Synchronization
import Testing

@testable import IngestPipeline

/// People hear of new dead letters soon, and not once for each.
struct LetterNoticeTests {
    /// Keeps what is logged.
    private struct Keeper: LogHandler {
        final class Lines: Sendable {
            let kept = Mutex<[String]>([])
        }

        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(
            level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
            function: String, line: UInt
        ) {
            let facts = "\(metadata?["count"] ?? ""): \(metadata?["causes"] ?? "")"
            lines.kept.withLock { $0.append("\(level) \(facts)") }
        }
    }

    @Test func theFirstIsToldAtOnceAndTheRestTogether() {
        let lines = Keeper.Lines()
        let log = Logger(label: "test") { _ in Keeper(lines: lines) }
        let start = ContinuousClock.now
        var notice = LetterNotice()
        func tell(_ letters: [Rejection.Reason: Int], at seconds: Int, isLast: Bool = false) {
            notice.tell(letters, log: log, now: start + .seconds(seconds), isLast: isLast)
        }
        tell([:], at: 1)
        tell([.notANumber: 1], at: 1)
        tell([.notANumber: 3], at: 2)
        tell([.notANumber: 3, .missingField: 7], at: 10)
        #expect(lines.kept.withLock { $0 } == ["warning 1: not_a_number 1"])
        tell([.notANumber: 3, .missingField: 7], at: 11)
        #expect(lines.kept.withLock { $0.last } == "warning 9: missing_field 7, not_a_number 2")
        tell([.notANumber: 3, .missingField: 7], at: 30)
        #expect(lines.kept.withLock { $0.count } == 2)
        tell([.notANumber: 4, .missingField: 7], at: 31)
        tell([.notANumber: 5, .missingField: 7], at: 32, isLast: true)
        #expect(lines.kept.withLock { $0.last } == "warning 1: not_a_number 1")
        #expect(lines.kept.withLock { $0.count } == 4)
    }
}
