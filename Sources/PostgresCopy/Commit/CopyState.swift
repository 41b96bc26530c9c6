/// The exact sequence of results that a unit's query string must have, and how far it has come.
///
/// A value without a connection: facts go in, what to do next comes out. Anything out of sequence is a violation,
/// because then it is not known what the server did.
struct CopyState: Equatable, Sendable {
    /// What one statement of the string answers.
    enum Step: Equatable, Sendable {
        /// A command with exactly this tag.
        case command(String)
        /// `COPY n` after data was sent; the index of its data.
        case copy(Int)
        /// One row with a number: rows written from a staging table; the index of its rows.
        case written(Int)
        /// Rows that nobody looks at.
        case rows
        /// `INSERT 0 n`.
        case insert(Int)
        /// Any command or rows; the tag's number must be this, unless `nil`.
        case statement(rows: Int?)
        case commit

        /// Triggers and extensions may warn while rows are written; a warning anywhere else means that the
        /// transaction is not what we take it for.
        var toleratesWarnings: Bool {
            switch self {
            case .copy, .written, .statement: true
            case .command, .rows, .insert, .commit: false
            }
        }
    }

    enum Event: Equatable, Sendable {
        case command(tag: String)
        /// The first cell of the first row, when it is a number.
        case rows(count: Int, number: Int?)
        case copyIn
        case end
    }

    enum Action: Equatable, Sendable {
        /// Send the data with this index, and its end.
        case send(Int)
        case goOn
        /// The string is done, every step seen.
        case finish
        case violation(String)
    }

    private let steps: [Step]
    private var next = 0
    private var isSending = false
    /// The `n` of each `COPY n`, by index.
    private(set) var copied: [Int: Int] = [:]
    /// Rows written from staging tables, by index.
    private(set) var written: [Int: Int] = [:]
    private(set) var finalTag: String?
    /// The first statement of the caller that touched another number of rows than it had to.
    private(set) var wrongStatement: Int?

    init(_ steps: [Step]) {
        self.steps = steps
    }

    /// The step whose answer comes next; `nil` when all were seen.
    var current: Step? { next < steps.count ? steps[next] : nil }
    /// Whether every COPY has its data: from here on only the server has something to do.
    var isAllSent: Bool {
        !steps[next...].dropFirst(isSending ? 1 : 0).contains { step in
            if case .copy = step { true } else { false }
        }
    }

    mutating func received(_ event: Event) -> Action {
        guard let step = current else {
            return event == .end ? .finish : .violation("a result after the last statement")
        }
        switch (step, event) {
        case (.copy(let index), .copyIn) where !isSending:
            isSending = true
            return .send(index)
        case (.copy(let index), .command(let tag)) where isSending:
            guard let count = Self.count(tag, of: "COPY") else { break }
            isSending = false
            copied[index] = count
            return advance(tag: tag)
        case (.command(let wanted), .command(let tag)) where tag == wanted: return advance(tag: tag)
        case (.insert(let wanted), .command(let tag)) where tag == "INSERT 0 \(wanted)": return advance(tag: tag)
        case (.commit, .command(let tag)): return advance(tag: tag)
        case (.rows, .rows): return advance(tag: nil)
        case (.written(let index), .rows(_, let number?)):
            written[index] = number
            return advance(tag: nil)
        case (.statement(let wanted), .rows(let count, _)): return finishStatement(wanted, count)
        case (.statement(let wanted), .command(let tag)):
            return finishStatement(wanted, tag.split(separator: " ").last.flatMap { Int($0) } ?? 0)
        case (.copy, _), (.command, _), (.insert, _), (.commit, _), (.rows, _), (.written, _), (.statement, _): break
        }
        return .violation("\(event) where \(step) was expected")
    }

    /// A wrong number is remembered; the caller looks before it believes the COMMIT.
    private mutating func finishStatement(_ wanted: Int?, _ count: Int) -> Action {
        if let wanted, wanted != count, wrongStatement == nil { wrongStatement = next }
        return advance(tag: nil)
    }

    private mutating func advance(tag: String?) -> Action {
        if let tag { finalTag = tag }
        next += 1
        return .goOn
    }

    static func count(_ tag: String, of command: String) -> Int? {
        let words = tag.split(separator: " ")
        guard words.count == 2, words[0] == command else { return nil }
        return Int(words[1])
    }
}
