internal import PostgresWire

/// One step of the schema: the SQL that makes it and the SQL that takes it back.
public struct Migration: Sendable {
    /// Counted from 1, without gaps.
    public let number: Int
    /// Such as `ingest_ledger`.
    public let name: String
    public let up: String
    public let down: String

    public init(_ number: Int, _ name: String, up: String, down: String) {
        self.number = number
        self.name = name
        self.up = up
        self.down = down
    }

    /// The names of its files begin with this: `m0001_ingest_ledger`.
    public var fileStem: String { Self.fileStem(number: number, name: name) }

    static func fileStem(number: Int, name: String) -> String {
        let digits = String(number)
        return "m" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits + "_" + name
    }

    /// Changes when the SQL that makes the step changes.
    public var checksum: String {
        var hash = StableHash()
        hash.combine(up)
        return hash.hex
    }
}

/// A step that the database says it has.
public struct AppliedMigration: Equatable, Sendable {
    public var number: Int
    public var name: String
    public var checksum: String
    /// When, as the server writes it; `nil` only in plans made by hand.
    public var appliedAt: String?

    public init(number: Int, name: String, checksum: String, appliedAt: String? = nil) {
        self.number = number
        self.name = name
        self.checksum = checksum
        self.appliedAt = appliedAt
    }

    var fileStem: String { Migration.fileStem(number: number, name: name) }
}
