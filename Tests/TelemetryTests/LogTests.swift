import Logging
import Synchronization
import Telemetry
import Testing

@Suite struct LogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func logged(_ format: LogFormat, _ body: (Logger) -> Void) -> [String] {
        let lines = Lines()
        let logger = Logger(label: "millrace.test") { label in
            LineLogHandler(
                label: label, level: .debug, format: format,
                clock: { LogTime(millisecondsSince1970: 1_767_323_045_007) },
                write: { line in lines.all.withLock { $0.append(line) } })
        }
        body(logger)
        return lines.all.withLock { $0 }
    }

    @Test func aTextLineHoldsTimeLevelMessageAndData() {
        let lines = logged(.text) { logger in
            logger.info("batch committed", metadata: .keys([.stream: "md:trades", .rows: "5000"]))
        }
        #expect(lines == ["2026-01-02T03:04:05.007Z INFO     batch committed rows=5000 stream=md:trades\n"])
    }

    @Test func aJSONLineIsOneObject() {
        let lines = logged(.json) { logger in
            var logger = logger
            logger[.worker] = "a"
            logger.error("commit failed", metadata: .keys([.sqlState: "23505", .count: .stringConvertible(3)]))
        }
        #expect(
            lines == [
                """
                {"time":"2026-01-02T03:04:05.007Z","level":"error","logger":"millrace.test","message":"commit failed",\
                "count":"3","sqlstate":"23505","worker":"a"}\n
                """
            ])
    }

    @Test func dataCannotForgeALineOrAPair() {
        let hostile = "x\n2026 INFO fake level=info \u{1B}[31m \u{202E}"
        for format in LogFormat.allCases {
            let lines = logged(format) { $0.info("entry", metadata: .keys([.stream: "\(hostile)"])) }
            #expect(lines.count == 1)
            let body = lines[0].dropLast()
            #expect(!body.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
        }
        let text = logged(.text) { $0.info("entry", metadata: .keys([.stream: "a b=\"c\""])) }
        #expect(text[0].hasSuffix("stream=\"a b=\\\"c\\\"\"\n"))
    }

    @Test func eventsBelowTheLevelAreDropped() {
        #expect(logged(.text) { $0.trace("nothing") }.isEmpty)
    }

    @Test func sanitizingKeepsOrdinaryText() {
        #expect(Sanitizer.sanitize("price ≥ 1.10 \\ 漢字") == "price ≥ 1.10 \\ 漢字")
        #expect(Sanitizer.sanitize("a\tb\r\n") == "a\\tb\\r\\n")
        #expect(Sanitizer.sanitize("\u{9B}31m\u{7F}\u{200B}\u{2066}") == "\\u{9b}31m\\u{7f}\\u{200b}\\u{2066}")
        #expect(Sanitizer.sanitize("abcdef", limit: 3) == "abc…")
    }
}
