import Testing

@testable import millrace

struct PartsTests {
    @Test func textsOfOthersAreMadeHarmless() {
        #expect(!SafeText.escape("a\u{1B}[31m\n\u{9B}\u{202E}\u{2028}\u{200B}b").isUnsafeForTerminals)
        #expect(SafeText.escape("BTC-USDT é 日本") == "BTC-USDT é 日本")
        #expect(SafeText.escape([0x61, 0xFF, 0x1B]) == "a\\xFF\\x1B")
        #expect(SafeText.escapeJSON("\"\u{7F}\u{202E}\u{E0001}\"") == "\"\\u007F\\u202E\\uDB40\\uDC01\"")
    }

    @Test func columnsStandBelowEachOther() {
        var table = Table([.init("NAME"), .init("N", number: true)])
        table.add(["a", "1,000"])
        table.add(["long\u{1B}", "7"])
        #expect(table.lines() == ["NAME            N", "a           1,000", "long\\u{1b}      7"])
    }

    @Test func figuresAreReadable() {
        #expect(
            [0, 7, 1234, 1_234_567, -1000].map { Figures.count($0) } == ["0", "7", "1,234", "1,234,567", "-1,000"])
        #expect(Figures.decimal(1.005, digits: 1) == "1.0")
        #expect(Figures.decimal(-0.25, digits: 2) == "-0.25")
        let ages: [Duration] = [.milliseconds(400), .seconds(42), .seconds(250), .seconds(7500), .seconds(273_600)]
        #expect(ages.map(Figures.age) == ["0.4 s", "42 s", "4 min 10 s", "2 h 5 min", "3 d 4 h"])
    }

    @Test func progressTellsRateAndEnd() {
        let known = Progress("published", total: 100_000, isShown: false)
        #expect(
            known.line(20_000, elapsed: .seconds(2)) == "published 20,000/100,000  20 %  10,000/s  8.0 s left")
        let unknown = Progress("published", total: nil, isShown: false)
        #expect(unknown.line(20_000, elapsed: .seconds(2)) == "published 20,000  10,000/s")
    }

    @Test func paceIsEven() {
        let start = ContinuousClock.now
        let pacer = Pacer(rate: 20_000, start: start)
        #expect(pacer.pause(before: 0, now: start) == nil)
        #expect(pacer.pause(before: 1, now: start) == start + .milliseconds(2), "a tick, not 50 microseconds")
        #expect(pacer.pause(before: 40, now: start + .milliseconds(2)) == nil)
        #expect(pacer.pause(before: 41, now: start + .milliseconds(2)) == start + .milliseconds(4))
        #expect(pacer.due(20_000 * 3600) == start + .seconds(3600))
        #expect(Pacer(rate: 1, start: start).pause(before: 2, now: start) == start + .seconds(2))
    }

    /// As workers judge it: somebody without heartbeats who just claimed entries is no dead consumer.
    @Test func consumersThatHoldEntriesAreDeadWhenOthersMayTakeThem() {
        func isDead(_ state: GroupConsumers.State, pending: Int = 1, idle: Duration? = nil) -> Bool {
            GroupConsumers.Consumer(name: "c", state: state, pending: pending, idle: idle).isDead
        }
        #expect(!isDead(.alive) && !isDead(.released))
        #expect(isDead(.silent) && !isDead(.silent, pending: 0))
        #expect(!isDead(.unknown) && !isDead(.unknown, idle: .seconds(29)))
        #expect(isDead(.unknown, idle: .seconds(30)) && !isDead(.unknown, pending: 0, idle: .seconds(90)))
    }

    @Test func hexadecimalGoesBothWays() {
        #expect(HexText.decode(HexText.encode([0, 0x1F, 0xFF])) == [0, 0x1F, 0xFF])
        for text in ["0", "zz", "+1", "0x"] { #expect(HexText.decode(text) == nil) }
    }
}
