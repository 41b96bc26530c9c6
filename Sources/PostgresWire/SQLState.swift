/// The five characters with which PostgreSQL says what went wrong, such as `23505`.
public struct SQLState: Hashable, Sendable {
    /// Exactly five characters, digits and capital letters.
    public let code: String

    /// `nil` for anything but five ASCII digits and capital letters.
    public init?(_ code: String) {
        let isValid =
            code.utf8.count == 5
            && code.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            }
        guard isValid else { return nil }
        self.code = code
    }

    private init(known code: StaticString) {
        self.code = code.description
    }

    /// The first two characters: the family of the error. It never says whether the connection still stands
    /// (a malformed binary row is `08P01`, of the class "connection exception").
    public var errorClass: String { String(code.prefix(2)) }

    public static let uniqueViolation = SQLState(known: "23505")
    public static let queryCanceled = SQLState(known: "57014")
    public static let lockNotAvailable = SQLState(known: "55P03")
    public static let undefinedTable = SQLState(known: "42P01")
    public static let undefinedFunction = SQLState(known: "42883")
    public static let insufficientPrivilege = SQLState(known: "42501")
    public static let protocolViolation = SQLState(known: "08P01")
    /// Raised by `ingest.fence`: a range, or a part of it, is in the ledger already.
    public static let alreadyCommitted = SQLState(known: "SL001")
    /// Raised by `ingest.guard_targets`: a target no longer is what it was when it was checked.
    public static let targetChanged = SQLState(known: "SL002")
    /// Raised by `ingest.require_letters`: a dead letter was closed or edited since it was read.
    public static let lettersClosed = SQLState(known: "SL004")
}

extension SQLState {
    /// Whether the server's message for this code names roles, addresses and parts of the schema at most. Those of all
    /// other codes may quote what a producer sent.
    var hasBlandMessage: Bool { errorClass == "28" || Self.bland.contains(code) }

    /// Class 28, a login that was refused, is not listed one by one.
    private static let bland: Set<String> = [
        "25006",  // read-only
        "3D000", "3F000",  // no such database, no such schema
        "42501",  // a right is missing
        "42703", "42883", "42P01",  // no such column, function, table
        "53100", "53300",  // the disk is full, too many sessions
        "55P03",  // somebody else has the lock
        "57P01", "57P02", "57P03", "57P04", "57P05",  // the server ends the session, or takes none now
    ]
}

extension SQLState: CustomStringConvertible {
    public var description: String { code }
}
