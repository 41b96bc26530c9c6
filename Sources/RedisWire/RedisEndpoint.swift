/// Where a Redis server is and who we are there.
///
/// ```
/// redis://[user[:password]@]host[:port][/db]        redis://:password@host
/// unix://[user[:password]@]/path/to.sock[?db=n]     redis+unix:// is the same
/// ```
/// Parts of a URL may be percent-encoded. The description never shows the password.
public struct RedisEndpoint: Equatable, Sendable {
    public enum Address: Equatable, Sendable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    public let address: Address
    public let user: String?
    public let password: RedisPassword?
    public let database: Int

    /// - Parameter insecureOK: allows a password over plain TCP to another host.
    /// - Throws: ``RedisEndpointError``.
    public init(
        address: Address, user: String? = nil, password: RedisPassword? = nil, database: Int = 0,
        insecureOK: Bool = false
    ) throws(RedisEndpointError) {
        guard database >= 0 else { throw .init("the database must be a number from 0") }
        guard user == nil || password != nil else {
            throw .init("a user name needs a password; a password alone is written redis://:password@host")
        }
        if case .tcp(let host, _) = address, password != nil, !insecureOK, !Self.isLoopback(host) {
            throw .init(
                "a password would travel in clear text to another host; use a unix socket or stunnel, or in a network "
                    + "you trust set redis.insecure_ok")
        }
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    /// The same server, another database.
    public func database(_ number: Int) throws(RedisEndpointError) -> RedisEndpoint {
        // Whether the password may travel was decided when this endpoint was made.
        try RedisEndpoint(
            address: address, user: user, password: password, database: number, insecureOK: true)
    }

    private static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" { return true }
        // An address, not merely a name that begins like one.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// A password that no description, mirror or dump shows.
public struct RedisPassword: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The secret itself: for AUTH only.
    let value: String

    public init(_ value: String) {
        self.value = value
    }

    public var description: String { "<hidden>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// An endpoint that cannot be used, and why. Holds nothing of the URL that could be a secret.
public struct RedisEndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    public let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    public var description: String { "redis.url: \(reason)" }
}

extension RedisEndpoint: CustomStringConvertible {
    /// A URL without the password.
    public var description: String {
        let account = user.map { $0 + "@" } ?? ""
        switch address {
        case .tcp(let host, let port):
            let shown = host.contains(":") ? "[\(host)]" : host
            return "redis://\(account)\(shown):\(port)" + (database == 0 ? "" : "/\(database)")
        case .unix(let path):
            return "unix://\(account)\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }
}
