/// What the demo says while it runs: one line at a time, with the time since its start.
struct Narration {
    private let start = ContinuousClock.now
    /// Standard output holds nothing but the report when that is asked for as JSON.
    private let descriptor: Int32

    init(_ output: OutputOptions) {
        descriptor = output.isJSON ? Terminal.standardError : Terminal.standardOutput
    }

    var elapsed: Duration { ContinuousClock.now - start }

    func say(_ text: String) {
        // The progress line of a publisher may stand there.
        if Terminal.isTerminal(Terminal.standardError) {
            Output.write(Array("\r\u{1B}[K".utf8), to: Terminal.standardError)
        }
        let seconds = Figures.decimal(elapsed.seconds, digits: 1)
        let blanks = String(repeating: " ", count: max(0, 6 - seconds.utf8.count))
        Output.write(Array("\(blanks)\(seconds) s  \(SafeText.escape(text))\n".utf8), to: descriptor)
    }
}
