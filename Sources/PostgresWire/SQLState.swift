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
    public static let insufficientPrivilege = SQLState(known: "42501")
    public static let protocolViolation = SQLState(known: "08P01")
    /// Raised by `ingest.fence`: a range, or a part of it, is in the ledger already.
    public static let alreadyCommitted = SQLState(known: "SL001")
    /// Raised by `ingest.guard_targets`: a target no longer is what it was when it was checked.
    public static let targetChanged = SQLState(known: "SL002")
    /// Raised by `ingest.require_letters`: a dead letter was closed or edited since it was read.
    public static let lettersClosed = SQLState(known: "SL004")
}

extension SQLState: CustomStringConvertible {
    public var description: String { code }
}
