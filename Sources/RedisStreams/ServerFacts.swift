public import RedisWire

/// A server's version; missing parts are 0.
public struct ServerVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int

    public init(_ major: Int, _ minor: Int = 0, _ patch: Int = 0) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    init(text: some StringProtocol) {
        let parts = text.split(separator: ".").map { Int($0.prefix { $0.isASCII && $0.isNumber }) ?? 0 }
        self.init(parts.first ?? 0, parts.count > 1 ? parts[1] : 0, parts.count > 2 ? parts[2] : 0)
    }

    public static func < (lhs: ServerVersion, rhs: ServerVersion) -> Bool {
        (lhs.major, lhs.minor, lhs.patch) < (rhs.major, rhs.minor, rhs.patch)
    }

    public var description: String { "\(major).\(minor).\(patch)" }
}

/// What a server says of itself (INFO). What it does not tell, or may not, is `nil`.
public struct ServerFacts: Equatable, Sendable {
    /// The Redis version that it is compatible with; of Valkey too.
    public var version: ServerVersion?
    /// Changes with every start.
    public var runID: String?
    /// Changes when a replica is promoted.
    public var masterReplicationID: String?
    /// `master` or `replica`.
    public var role: String?
    /// Anything but `noeviction` may evict streams with their groups.
    public var maxMemoryPolicy: String?
    public var maxMemoryBytes: Int?
    public var usesAppendOnlyFile: Bool?

    /// How pending entries are claimed here.
    public var claimMethod: ClaimMethod {
        guard let version, version < ServerVersion(6, 2) else { return .automatic }
        return .byPending
    }

    init(info texts: [String]) {
        var values: [Substring: Substring] = [:]
        for text in texts {
            for line in text.split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                values[line[..<colon]] = line[line.index(after: colon)...]
            }
        }
        version = values["redis_version"].map { ServerVersion(text: $0) }
        runID = values["run_id"].map { String($0) }
        masterReplicationID = values["master_replid"].map { String($0) }
        role = values["role"].map { $0 == "slave" ? "replica" : String($0) }
        maxMemoryPolicy = values["maxmemory_policy"].map { String($0) }
        maxMemoryBytes = values["maxmemory"].flatMap { Int($0) }
        usesAppendOnlyFile = values["aof_enabled"].map { $0 == "1" }
    }
}

extension RedisConnection {
    /// Asks the server about itself. A section that this user may not read is left out.
    public func serverFacts() throws(RedisError) -> ServerFacts {
        var commands = CommandBuffer()
        for section in ["server", "replication", "memory", "persistence"] { commands.append("INFO", .text(section)) }
        return ServerFacts(info: try pipeline(commands).compactMap(\.text))
    }
}
