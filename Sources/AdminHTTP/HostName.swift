/// Judges names and addresses of hosts.
enum HostName {
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (isIPv4(host) && host.hasPrefix("127."))
    }

    /// `Host` of a request, with or without a port. A page on another site can make a browser come here under its own
    /// name (DNS rebinding), never under an address: addresses are always fine.
    static func isAllowed(_ authority: String, names: [String]) -> Bool {
        guard let host = withoutPort(authority)?.lowercased() else { return false }
        if host == "localhost" || isIPv4(host) || isBracketedIPv6(host) { return true }
        return names.contains { $0.lowercased() == host }
    }

    private static func withoutPort(_ authority: String) -> String? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            return isPort(authority[authority.index(after: end)...]) ? String(authority[...end]) : nil
        }
        guard let colon = authority.firstIndex(of: ":") else { return authority }
        return isPort(authority[colon...]) ? String(authority[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && UInt16(text.dropFirst()) != nil)
    }

    private static func isIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func isBracketedIPv6(_ host: String) -> Bool {
        host.hasPrefix("[") && host.hasSuffix("]") && host.contains(":")
            && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
}
