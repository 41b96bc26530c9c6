import CPostgres
import Glibc

/// Where PostgreSQL is and how to log in: a URL (`postgresql://…`) or `keyword=value` pairs, as libpq reads them.
///
/// Unless told otherwise it ignores the `PG*` environment variables and `~/.pgpass`, so that two processes with the
/// same configuration reach the same server. Its descriptions never show the password.
public struct PostgresEndpoint: Sendable {
    /// How the environment takes part.
    public enum Environment: Sendable {
        /// `PG*` variables and the default password file mean nothing.
        case ignored
        /// `PG*` variables fill in what the connection string leaves open, as for `psql`.
        case used
    }

    /// The keywords that were given, by name. Holds the password, therefore not public.
    let given: [String: String]
    let environment: Environment
    /// A file whose content, without a newline at its end, is the password. Read at each connect.
    public var passwordFile: String?

    /// - Parameters:
    ///   - conninfo: URL or `keyword=value` pairs; empty means every default (a local socket).
    ///   - allowInsecure: lets a server that is not on this machine be reached without TLS.
    /// - Throws: ``PostgresError/Kind/configuration`` when it cannot be read, or asks for less than TLS to another
    ///   machine. The message never quotes the string.
    public init(
        _ conninfo: String, environment: Environment = .ignored, passwordFile: String? = nil,
        allowInsecure: Bool = false
    ) throws(PostgresError) {
        given = try Self.parse(conninfo)
        self.environment = environment
        self.passwordFile = passwordFile
        if !allowInsecure, !isLocal, ["disable", "allow", "prefer"].contains(sslMode) {
            throw PostgresError(
                .configuration,
                message: "sslmode=\(sslMode) is for sockets and loopback only; use verify-full, or in a network you "
                    + "trust set postgres.insecure_ok")
        }
    }

    /// The host or hosts, as given; empty for the default socket.
    public var host: String { value("host") ?? "" }
    public var port: String { value("port") ?? "5432" }
    /// The user's name; by default the name of the operating system's user.
    public var user: String { value("user") ?? Self.systemUser() }
    /// The database's name; by default the user's name.
    public var database: String { value("dbname") ?? user }
    /// `verify-full` for another machine, `prefer` for this one, unless given.
    public var sslMode: String { value("sslmode") ?? (isLocal ? "prefer" : "verify-full") }

    /// Longest time for opening a session: `connect_timeout`, 10 s by default.
    public var connectTimeout: Duration {
        .seconds(value("connect_timeout").flatMap(Int64.init).flatMap { $0 > 0 ? $0 : nil } ?? 10)
    }

    /// Whether every host is a socket or the loopback interface.
    public var isLocal: Bool {
        let hosts = value("hostaddr") ?? host
        return hosts.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { host in
            host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1"
                || Self.isLoopbackV4(host)
        }
    }

    /// Host, address and port of each server that is named. One without any when there is nothing to take apart: a
    /// single host, lists that do not go together (libpq says so), or a choice that libpq makes among all of them.
    var servers: [[String: String]] {
        let lists = ["host", "hostaddr", "port"].compactMap { keyword in
            value(keyword).map { list in
                (keyword, list.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
            }
        }
        let count = lists.map(\.1.count).max() ?? 1
        let areAlike = lists.allSatisfy { $0.1.count == count || ($0.0 == "port" && $0.1.count == 1) }
        guard count > 1, areAlike, value("target_session_attrs") != "prefer-standby",
            value("load_balance_hosts") != "random"
        else { return [[:]] }
        return (0..<count).map { index in
            Dictionary(uniqueKeysWithValues: lists.map { ($0.0, $0.1.count == 1 ? $0.1[0] : $0.1[index]) })
        }
    }

    private func value(_ keyword: String) -> String? {
        if let value = given[keyword], !value.isEmpty { return value }
        guard environment == .used, let option = Self.knownOptions().first(where: { $0.keyword == keyword }),
            let variable = option.variable, let value = getenv(variable)
        else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    private static func isLoopbackV4(_ host: Substring) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, String(host), &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
    }

    private static func systemUser() -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(geteuid(), &entry, &buffer, buffer.count, &found) == 0, found != nil else { return "" }
        return String(cString: entry.pw_name)
    }
}

extension PostgresEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        "postgresql://\(user)@\(host.isEmpty ? "local" : host):\(port)/\(database)?sslmode=\(sslMode)"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
