/// Why a program and a database do not go together.
public enum MigrationProblem: Error, Equatable, Sendable {
    /// The database has a step of a newer program.
    case unknown(fileStem: String)
    /// The file of an applied step is not the one that was applied.
    case edited(fileStem: String, applied: String)
    /// The database lacks a step below its newest one.
    case gapInDatabase(number: Int)
    /// The program lacks a step: a mistake in the program.
    case gapInProgram(number: Int)
    case noSuchTarget(Int, newest: Int)
    /// A baseline is for a database without a record of migrations.
    case hasRecord(current: Int)
    /// The database lacks steps that the program needs.
    case behind(current: Int, newest: Int)
}

extension MigrationProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let stem):
            "the database has migration \(stem), which this program does not know: use a newer millrace"
        case .edited(let stem, let applied) where stem == applied:
            "migration \(stem).up.sql is not the file that was applied: restore it; changes go into a new migration"
        case .edited(let stem, let applied):
            "migration \(stem).up.sql was applied as \(applied): restore its name and content"
        case .gapInDatabase(let number):
            "the database lacks migration \(number), though it has later ones: its table ingest.migration was changed"
        case .gapInProgram(let number):
            "this program lacks migration \(number): it was built wrongly"
        case .noSuchTarget(let target, let newest):
            "there is no migration \(target): this program knows 0 to \(newest)"
        case .hasRecord(let current):
            "the database has a record of migrations, up to \(current): a baseline is for one that has none"
        case .behind(let current, let newest):
            "the database's schema is at migration \(current) of \(newest): run `millrace migrate up`"
        }
    }
}
