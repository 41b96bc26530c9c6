import Records
import Testing

@testable import IngestPipeline

struct GlobPatternTests {
    @Test(arguments: [
        ("trades-*", "trades-BINANCE-BTC-USDT", true),
        ("trades-*", "trades", false),
        ("*", "", true),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("md:?", "md:x", true),
        ("md:?", "md:", false),
        ("k[ab-d]", "kc", true),
        ("k[^a]", "ka", false),
        ("k[^a]", "kb", true),
        (#"a\*"#, "a*", true),
        (#"a\*"#, "ab", false),
        ("k[a", "ka", true),
    ])
    func readsPatternsAsRedisDoes(pattern: String, key: String, expected: Bool) {
        #expect(GlobPattern(pattern).matches(StreamKey(key)) == expected)
    }

    @Test func manyStarsStayFast() {
        let pattern = GlobPattern(String(repeating: "a*", count: 50) + "b")
        #expect(!pattern.matches(StreamKey(String(repeating: "a", count: 5_000))))
    }
}
