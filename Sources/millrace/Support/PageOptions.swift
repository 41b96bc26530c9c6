import ArgumentParser

/// Long lists come in pages.
struct PageOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("At most so many lines.", valueName: "n"))
    var limit = 1000

    @Option(name: .long, help: ArgumentHelp("Go on where a page ended, which printed it.", valueName: "cursor"))
    var cursor: String?

    static let wrongCursor = ValidationError("--cursor is what the page before printed")

    mutating func validate() throws {
        if !(1...1_000_000).contains(limit) { throw ValidationError("--limit is a number from 1 to 1000000") }
    }

    /// Says on standard error that there is more; standard output holds nothing but the list.
    func tellNext(_ cursor: String?) {
        if let cursor { Output.complain("more: --cursor \(cursor)") }
    }
}
