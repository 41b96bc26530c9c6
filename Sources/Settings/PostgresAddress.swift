/// The connection string of a configuration: its password added, and `PG*` variables, where they are honoured, instead
/// of the built-in address. Workers and commands go by this one rule, so that they reach the same database.
public struct PostgresAddress: Sendable {
    /// Holds the password.
    public let connectionString: String

    /// - Parameters:
    ///   - direct: past a transaction pooler, where there is one.
    ///   - variables: the environment to honour; empty when `PG*` variables mean nothing.
    public init(_ postgres: Settings.Postgres, direct: Bool = false, honouring variables: [String: String]) {
        var url = (direct ? postgres.directURL : nil) ?? postgres.url
        if url == Settings.Postgres().url { url = Self.builtIn(url, variables) }
        // A file is read at each connect by the endpoint itself.
        if postgres.passwordFile == nil, let password = postgres.password {
            url = Self.adding(password: password.value, to: url)
        }
        connectionString = url
    }

    /// `PG*` variables fill in what a string leaves open: a built-in address must not get in their way.
    private static func builtIn(_ url: String, _ variables: [String: String]) -> String {
        let names = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"]
        let given = Set(names.filter { variables[$0]?.isEmpty == false })
        if given.isEmpty { return url }
        if given.contains("PGSERVICE") { return "" }
        var words: [String] = []
        if given.isDisjoint(with: ["PGHOST", "PGHOSTADDR"]) { words.append("host=127.0.0.1") }
        if !given.contains("PGDATABASE") { words.append("dbname=millrace") }
        return words.joined(separator: " ")
    }

    static func adding(password: String, to url: String) -> String {
        guard url.contains("://") else {
            let quoted = password.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
            return "\(url) password='\(quoted)'"
        }
        let encoded = password.utf8.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
        return url + (url.contains("?") ? "&" : "?") + "password=" + encoded.joined()
    }
}
