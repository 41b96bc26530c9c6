extension RedisEndpoint {
    /// Reads a URL.
    /// - Parameters:
    ///   - password: one from elsewhere (a file, the environment); it wins over the URL's.
    ///   - insecureOK: allows a password over plain TCP to another host.
    /// - Throws: ``RedisEndpointError``, which names the problem and never repeats the URL.
    public init(
        url: String, password: RedisPassword? = nil, insecureOK: Bool = false
    ) throws(RedisEndpointError) {
        guard let separator = url.firstRange(ofText: "://") else {
            throw .init("not a URL; write redis://host:6379/0 or unix:///path/to.sock?db=0")
        }
        let rest = url[separator.upperBound...]
        let parts: Parts
        switch url[..<separator.lowerBound].lowercased() {
        case "redis": parts = try Parts(tcp: rest)
        case "unix", "redis+unix": parts = try Parts(unix: rest)
        case "rediss": throw .init("rediss: TLS arrives later, use a unix socket or stunnel")
        default: throw .init("unknown scheme; redis:// and unix:// are known")
        }
        try self.init(
            address: parts.address, user: parts.account.user, password: password ?? parts.account.password,
            database: parts.database, insecureOK: insecureOK)
    }

    private struct Parts {
        var address: Address
        var account: Account
        var database: Int

        /// `[user[:password]@]host[:port][/db]`
        init(tcp text: Substring) throws(RedisEndpointError) {
            guard !text.contains("?"), !text.contains("#") else { throw .init("redis:// takes no parameters") }
            let slash = text.lastIndex(of: "@").map { text[$0...] }?.firstIndex(of: "/") ?? text.firstIndex(of: "/")
            let authority = text[..<(slash ?? text.endIndex)]
            let path = slash.map { text[text.index(after: $0)...] } ?? ""
            let (account, server) = try Account.split(authority)
            self.account = account
            address = try Self.server(server)
            database = path.isEmpty ? 0 : try Self.database(path)
        }

        /// `[user[:password]@]/path[?db=n]`
        init(unix text: Substring) throws(RedisEndpointError) {
            let question = text.lastIndex(of: "?")
            let (account, path) = try Account.split(text[..<(question ?? text.endIndex)])
            let name = try decoded(path)
            guard name.hasPrefix("/") else { throw .init("a unix socket needs a full path: unix:///path/to.sock") }
            // sun_path has room for 107 bytes and a NUL.
            guard name.utf8.count <= 107 else { throw .init("the socket's path is longer than 107 bytes") }
            self.account = account
            address = .unix(path: name)
            database = 0
            guard let question else { return }
            let query = text[text.index(after: question)...]
            guard query.hasPrefix("db=") else { throw .init("unix:// takes one parameter, db") }
            database = try Self.database(query.dropFirst(3))
        }

        private static func database(_ text: Substring) throws(RedisEndpointError) -> Int {
            guard let number = UInt16(text) else { throw .init("the database must be a number from 0") }
            return Int(number)
        }

        private static func server(_ text: Substring) throws(RedisEndpointError) -> Address {
            var host = text
            var port: Substring?
            if text.hasPrefix("[") {
                guard let bracket = text.firstIndex(of: "]") else { throw .init("an address without its ]") }
                host = text[text.index(after: text.startIndex)..<bracket]
                let behind = text[text.index(after: bracket)...]
                guard behind.isEmpty || behind.hasPrefix(":") else { throw .init("something between ] and the port") }
                port = behind.isEmpty ? nil : behind.dropFirst()
            } else if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                port = text[text.index(after: colon)...]
            }
            guard !host.isEmpty else { throw .init("no host") }
            guard let port else { return .tcp(host: try decoded(host), port: 6379) }
            guard let number = UInt16(port), number > 0 else { throw .init("the port must be a number up to 65535") }
            return .tcp(host: try decoded(host), port: number)
        }
    }

    private struct Account {
        var user: String?
        var password: RedisPassword?

        /// Separates `user:password@` from what follows. A password may hold `@`, so the last one counts.
        static func split(_ text: Substring) throws(RedisEndpointError) -> (Account, rest: Substring) {
            guard let at = text.lastIndex(of: "@") else { return (Account(), text) }
            let rest = text[text.index(after: at)...]
            let pair = text[..<at]
            guard let colon = pair.firstIndex(of: ":") else { return (Account(user: try decoded(pair)), rest) }
            let user = try decoded(pair[..<colon])
            let password = try decoded(pair[pair.index(after: colon)...])
            let account = Account(
                user: user.isEmpty ? nil : user, password: password.isEmpty ? nil : RedisPassword(password))
            return (account, rest)
        }
    }

    /// Undoes percent-encoding.
    private static func decoded(_ text: Substring) throws(RedisEndpointError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let code = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count >= 2 else {
                throw .init("a % that is not followed by two hexadecimal digits")
            }
            rest.removeFirst(2)
            bytes.append(code)
        }
        guard let result = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw .init("a part that is not UTF-8")
        }
        return result
    }
}

extension String {
    fileprivate func firstRange(ofText text: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(text), let end = self.index(index, offsetBy: text.count, limitedBy: endIndex) {
                return index..<end
            }
            index = self.index(after: index)
        }
        return nil
    }
}
