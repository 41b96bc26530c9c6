/// Where a server listens: `host:port`, an IPv6 address in brackets.
public struct HTTPAddress: Hashable, Sendable {
    /// Without brackets.
    public var host: String
    /// 0 lets the system choose.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:4195`, `localhost:4195`, `[::1]:4195` or `:4195` (every address); `nil` for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") || host.contains("[") || host.contains("/") {
            return nil
        }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: Int(port))
    }

    /// Only processes of this machine can reach it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host)
    }

    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
    }
}

extension HTTPAddress: CustomStringConvertible {
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
