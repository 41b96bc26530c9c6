/// Where the administration server listens, and whom it answers.
public struct AdminConfiguration: Equatable, Sendable {
    public let host: String
    /// 0 lets the system choose.
    public let port: Int
    /// What `Authorization: Bearer` must carry; `nil` answers everybody, on loopback only.
    let token: BearerToken?
    /// Names that `Host` may have besides `localhost` and addresses.
    public let allowedHosts: [String]

    /// - Throws: ``AdminServerError/tokenRequired(host:)`` for an address that other machines reach, without a token.
    public init(
        host: String = "127.0.0.1", port: Int = 4195, token: String? = nil, allowedHosts: [String] = []
    ) throws(AdminServerError) {
        if token?.isEmpty ?? true, !HostName.isLoopback(host) { throw .tokenRequired(host: host) }
        self.host = host
        self.port = port
        self.token = token.flatMap { $0.isEmpty ? nil : BearerToken($0) }
        self.allowedHosts = allowedHosts
    }
}

/// Why the server does not run.
public enum AdminServerError: Error, Equatable, Sendable, CustomStringConvertible {
    case tokenRequired(host: String)
    case cannotListen(host: String, port: Int, reason: String)

    public var description: String {
        switch self {
        case .tokenRequired(let host):
            "http.address \(host) can be reached from other machines: set http.token_file, or listen on 127.0.0.1"
        case .cannotListen(let host, let port, let reason):
            "cannot listen on \(host):\(port): \(reason)"
        }
    }
}

/// A secret that is compared in the same time whatever the difference.
struct BearerToken: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    func matches(_ text: Substring) -> Bool {
        let given = Array(text.utf8)
        var difference = given.count ^ bytes.count
        for index in bytes.indices {
            difference |= Int(bytes[index] ^ (index < given.count ? given[index] : 0))
        }
        return difference == 0
    }

    var description: String { "<redacted>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
