import Glibc

/// One line on the terminal that shows how far long work is; nothing when standard error leads elsewhere.
struct Progress {
    private let verb: String
    private let total: Int64?
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private static let pause = Duration.milliseconds(200)

    static var isWanted: Bool { Terminal.isTerminal(Terminal.standardError) }

    /// - Parameters:
    ///   - verb: such as `published`.
    ///   - total: how much there is to do, when that is known.
    init(_ verb: String, total: Int64?, isShown: Bool = Self.isWanted) {
        self.verb = verb
        self.total = total
        self.isShown = isShown
    }

    /// Cheap: shows at most five times a second.
    mutating func update(_ done: Int64) {
        guard isShown else { return }
        let now = ContinuousClock.now
        guard now - lastShown >= Self.pause else { return }
        lastShown = now
        draw(line(done, elapsed: now - start))
    }

    /// Takes the line away.
    func finish() {
        guard isShown else { return }
        draw("")
    }

    /// Such as `published 12,000/74,682  16 %  20,000/s  3.1 s left`.
    func line(_ done: Int64, elapsed: Duration) -> String {
        let rate = elapsed > .zero ? Double(done) / elapsed.seconds : 0
        var text = "\(verb) \(Figures.count(done))"
        if let total, total > 0 {
            text += "/\(Figures.count(total))  \(done * 100 / total) %"
        }
        text += "  \(Figures.count(Int64(rate)))/s"
        if let total, rate > 0, total > done {
            text += "  \(Figures.age(.seconds(Double(total - done) / rate))) left"
        }
        return text
    }

    private func draw(_ text: String) {
        Output.write(Array("\r\u{1B}[K\(text)".utf8), to: Terminal.standardError)
    }
}
