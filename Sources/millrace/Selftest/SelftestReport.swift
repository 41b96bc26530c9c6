/// What a self-test came to.
struct SelftestReport: Encodable {
    var published: Int
    /// Rows of the table.
    var stored: Int
    /// Published numbers that are in no row.
    var lost: Int
    /// Rows beyond the first of a number.
    var twice: Int
    /// Rows whose content differs from what was published.
    var changed: Int
    var deadLetters: Int
    /// Entries that the ledger accounts for.
    var recorded: Int
    var kills: Int
    var pauses: Int
    var cuts: Int
    var seconds: Double

    var isRight: Bool {
        lost == 0 && twice == 0 && changed == 0 && deadLetters == 0 && stored == published && recorded == published
    }

    func print() {
        var table = Table([.init("WHAT"), .init("COUNT", number: true)])
        for (name, count) in [
            ("published", published), ("stored", stored), ("lost", lost), ("twice", twice), ("changed", changed),
            ("dead letters", deadLetters), ("recorded in the ledger", recorded), ("workers killed", kills),
            ("workers frozen", pauses), ("times all connections were cut", cuts),
        ] {
            table.add([name, Figures.count(count)])
        }
        table.print()
        Output.print(
            isRight
                ? "each entry is stored once (\(Figures.decimal(seconds, digits: 1)) s)"
                : "NOT every entry is stored exactly once")
    }
}
