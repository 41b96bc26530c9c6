import CPostgres
import Glibc

extension PostgresEndpoint {
    /// A connection keyword that this libpq knows.
    struct Option {
        var keyword: String
        /// The environment variable that libpq would look at.
        var variable: String?
        /// The value libpq was built with.
        var compiled: String?
    }

    static func knownOptions() -> [Option] {
        guard let first = PQconndefaults() else { return [] }
        defer { PQconninfoFree(first) }
        return fields(of: first).map { field in
            Option(
                keyword: String(cString: field.keyword), variable: field.envvar.map { String(cString: $0) },
                compiled: field.compiled.map { String(cString: $0) })
        }
    }

    /// The keywords of a connection string with their values.
    static func parse(_ conninfo: String) throws(PostgresError) -> [String: String] {
        guard !conninfo.utf8.contains(0) else {
            throw PostgresError(.configuration, message: "the connection string holds a NUL character")
        }
        var words: UnsafeMutablePointer<CChar>?
        guard let first = PQconninfoParse(conninfo, &words) else {
            let text = words.map { String(cString: $0) } ?? ""
            PQfreemem(words)
            throw PostgresError(.configuration, message: explain(text, conninfo: conninfo))
        }
        defer { PQconninfoFree(first) }
        var values: [String: String] = [:]
        for field in fields(of: first) {
            guard let value = field.val else { continue }
            values[String(cString: field.keyword)] = String(cString: value)
        }
        return values
    }

    /// A string for each host, in order: libpq would spend all the time there is on the first one that does not answer.
    func connectionStrings(applicationName: String) throws(PostgresError) -> [String] {
        var texts: [String] = []
        for server in servers { texts.append(try connectionString(applicationName: applicationName, of: server)) }
        return texts
    }

    /// The string for `PQconnectStart`: every keyword that an environment variable could set is spelled out, empty
    /// if need be, because libpq asks the environment only for keywords that the string does not have.
    /// - Parameter server: what holds for one host instead of what was given for all.
    func connectionString(
        applicationName: String, of server: [String: String] = [:]
    ) throws(PostgresError) -> String {
        let ours = try defaults(applicationName: applicationName)
        var pairs: [String] = []
        for option in Self.knownOptions() where option.keyword != "service" {
            let isFromEnvironment = option.variable != nil
            let chosen = ours.forced[option.keyword] ?? server[option.keyword] ?? given[option.keyword]
            let fallback =
                switch environment {
                case .used: option.variable.flatMap { getenv($0) } == nil ? ours.otherwise[option.keyword] : nil
                case .ignored: ours.otherwise[option.keyword] ?? (isFromEnvironment ? option.compiled ?? "" : nil)
                }
            if let value = chosen ?? fallback { pairs.append("\(option.keyword)=\(Self.quote(value))") }
        }
        if environment == .used, let service = given["service"] { pairs.append("service=\(Self.quote(service))") }
        return pairs.joined(separator: " ")
    }

    private func defaults(
        applicationName: String
    ) throws(PostgresError) -> (forced: [String: String], otherwise: [String: String]) {
        var forced = ["application_name": applicationName, "client_encoding": "UTF8", "gssencmode": "disable"]
        if let passwordFile { forced["password"] = try Self.readPassword(passwordFile) }
        var otherwise = [
            "sslmode": sslMode, "target_session_attrs": "read-write", "keepalives": "1", "keepalives_idle": "10",
            "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000",
        ]
        if environment == .ignored {
            otherwise["user"] = user
            otherwise["dbname"] = database
            // An empty value would mean ~/.pgpass; a path below a file exists nowhere.
            otherwise["passfile"] = "/dev/null/none"
        }
        return (forced, otherwise)
    }

    private static func fields(of first: UnsafeMutablePointer<PQconninfoOption>) -> [PQconninfoOption] {
        var list: [PQconninfoOption] = []
        var next = first
        while next.pointee.keyword != nil {
            list.append(next.pointee)
            next += 1
        }
        return list
    }

    private static func quote(_ value: String) -> String {
        var quoted = "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "'"
    }

    /// libpq's words quote the string, and with it perhaps the password: only what cannot hold it is repeated.
    private static func explain(_ words: String, conninfo: String) -> String {
        let hasNoSecret = !conninfo.contains("password") && !conninfo.contains("@")
        if hasNoSecret, words.hasPrefix("invalid connection option") || words.hasPrefix("invalid URI query parameter") {
            return String(words.prefix { $0 != "\n" })
        }
        return "the connection string is neither a postgresql:// URL nor keyword=value pairs that libpq knows"
    }

    private static func readPassword(_ path: String) throws(PostgresError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PostgresError(.configuration, message: "the password file \(path) cannot be opened")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0, count < buffer.count else {
            throw PostgresError(.configuration, message: "the password file \(path) cannot be read, or is too long")
        }
        var bytes = buffer[..<count]
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw PostgresError(.configuration, message: "the password file \(path) is not UTF-8 text")
        }
        return text
    }
}
