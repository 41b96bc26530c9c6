import PostgresWire
public import Records

/// Whose letters: those of one Redis deployment and group, as a configuration names them.
public struct LetterScope: Equatable, Sendable {
    public var redisID: String
    public var redisDatabase: Int
    public var group: String

    public init(redisID: String, redisDatabase: Int, group: String) {
        self.redisID = redisID
        self.redisDatabase = redisDatabase
        self.group = group
    }
}

/// Names one letter: an entry of one incarnation of a stream.
public struct LetterKey: Hashable, Sendable {
    public var source: SourceNumber
    public var id: StreamID

    public init(source: SourceNumber, id: StreamID) {
        self.source = source
        self.id = id
    }
}

extension LetterKey: Comparable {
    public static func < (lhs: LetterKey, rhs: LetterKey) -> Bool {
        (lhs.source, lhs.id) < (rhs.source, rhs.id)
    }
}

extension LetterKey: CustomStringConvertible {
    /// `7:1690000000000-0`
    public var description: String { "\(source):\(id)" }
}

/// Which letters: everything that is given must hold.
public struct LetterSelection: Equatable, Sendable {
    public enum State: String, CaseIterable, Sendable {
        case open = "o"
        case replayed = "r"
        case discarded = "d"
    }

    /// An entry's id, in all streams or in one source.
    public struct Name: Equatable, Sendable {
        public var source: SourceNumber?
        public var id: StreamID

        public init(source: SourceNumber? = nil, id: StreamID) {
            self.source = source
            self.id = id
        }

        /// Whether this is what it names.
        public func names(_ key: LetterKey) -> Bool { id == key.id && (source ?? key.source) == key.source }
    }

    /// `nil` for any state.
    public var state: State?
    public var names: [Name] = []
    public var causes: [String] = []
    public var tables: [String] = []
    public var streams: [StreamKey] = []
    public var batches: [HexUUID] = []
    public var fingerprints: [String] = []
    /// Written at most so long ago.
    public var since: Duration?
    /// Written at least so long ago.
    public var until: Duration?
    /// Only letters that have a time for the next try.
    public var isScheduled = false

    public init(state: State? = .open) {
        self.state = state
    }

    /// Whether nothing but the state narrows it.
    public var isEverything: Bool {
        var bare = LetterSelection(state: state)
        bare.isScheduled = isScheduled
        return self == bare
    }

    /// A condition on `ingest.dead_letter l` and `ingest.source s`. What comes from outside is hexadecimal digits.
    func condition(in scope: LetterScope) -> String {
        var terms = [
            "s.redis_id = \(SQLText.textLiteral(scope.redisID))", "s.redis_db = \(scope.redisDatabase)",
            "s.grp = \(SQLText.textLiteral(scope.group))",
        ]
        if let state { terms.append("l.state = '\(state.rawValue)'") }
        if !names.isEmpty { terms.append("(" + names.map(Self.term).joined(separator: " OR ") + ")") }
        terms += [Self.list("l.cause", causes), Self.list("l.fingerprint", fingerprints)].compactMap(\.self)
        if !tables.isEmpty {
            // A mapping may name a table with or without its schema.
            let names = tables.map { SQLText.textLiteral($0) }.joined(separator: ", ")
            terms.append("(l.table_name IN (\(names)) OR regexp_replace(l.table_name, '^.*[.]', '') IN (\(names)))")
        }
        if !streams.isEmpty {
            terms.append("s.stream IN (\(streams.map { SQLText.byteaLiteral($0.bytes) }.joined(separator: ", ")))")
        }
        if !batches.isEmpty {
            let ids = batches.map { "'\($0.digits)'::uuid" }.joined(separator: ", ")
            terms.append("(l.batch IN (\(ids)) OR l.stored_by IN (\(ids)))")
        }
        if let since { terms.append("l.created_at >= now() - \(SQLText.interval(since))") }
        if let until { terms.append("l.created_at <= now() - \(SQLText.interval(until))") }
        if isScheduled { terms.append("l.next_retry IS NOT NULL") }
        return terms.joined(separator: " AND ")
    }

    private static func term(_ name: Name) -> String {
        let id = "l.id = '\(name.id.uuidHex)'::uuid"
        return name.source.map { "(l.source_no = \($0.rawValue) AND \(id))" } ?? id
    }

    private static func list(_ column: String, _ values: [String]) -> String? {
        guard !values.isEmpty else { return nil }
        return "\(column) IN (\(values.map { SQLText.textLiteral($0) }.joined(separator: ", ")))"
    }
}

extension LetterSelection.Name: CustomStringConvertible {
    /// `1690000000000-0`, or `7:1690000000000-0` in one source.
    public var description: String { source.map { LetterKey(source: $0, id: id).description } ?? id.description }
}

extension SQLText {
    /// An interval of whole milliseconds.
    static func interval(_ duration: Duration) -> String {
        "interval '\(milliseconds(duration)) milliseconds'"
    }

    static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
