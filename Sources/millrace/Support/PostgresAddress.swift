import Settings

/// The connection string of a command: the configuration's, its password added, and `PG*` variables instead of the
/// built-in address.
struct PostgresAddress {
    let connectionString: String

    init(_ loaded: LoadedSettings, direct: Bool) {
        let postgres = loaded.settings.postgres
        var url = (direct ? postgres.directURL : nil) ?? postgres.url
        if url == Settings().postgres.url { url = Self.builtIn(postgres.url) }
        // A file is read at each connect by the endpoint itself.
        if postgres.passwordFile == nil, let password = postgres.password {
            url = Self.adding(password: password.value, to: url)
        }
        connectionString = url
    }

    /// `PG*` variables fill in what a string leaves open: a built-in address must not get in their way.
    private static func builtIn(_ url: String) -> String {
        let names = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"]
        guard names.contains(where: { Terminal.environment($0) != nil }) else { return url }
        if Terminal.environment("PGSERVICE") != nil { return "" }
        var words: [String] = []
        if Terminal.environment("PGHOST") == nil, Terminal.environment("PGHOSTADDR") == nil {
            words.append("host=127.0.0.1")
        }
        if Terminal.environment("PGDATABASE") == nil { words.append("dbname=millrace") }
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
