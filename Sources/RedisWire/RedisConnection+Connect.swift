extension RedisConnection {
    /// Connects, authenticates, selects the database and names the session: all within `timeout`.
    ///
    /// Blocks the calling thread.
    /// - Parameters:
    ///   - name: shown by CLIENT LIST; `millrace/<worker>/<lane>`. Characters that Redis forbids become `_`.
    ///   - timeout: 5 seconds unless told. (Resolving a host name is the C library's and not bound by it.)
    /// - Throws: ``RedisError``: `.connect` or `.timeout` when the server cannot be reached, `.server` when it refuses
    ///   user, password or database (`WRONGPASS`, `NOAUTH`, `NOPERM`, `ERR`).
    public static func connect(
        to endpoint: RedisEndpoint, name: String, limits: ReplyLimits = ReplyLimits(),
        timeout: Duration = .seconds(5)
    ) throws(RedisError) -> RedisConnection {
        let deadline = ContinuousClock.now + timeout
        let socket = try Socket.connect(to: endpoint.address, by: deadline)
        let connection = RedisConnection(socket, limits: limits)
        try connection.introduce(endpoint, name: name, by: deadline)
        return connection
    }

    private func introduce(
        _ endpoint: RedisEndpoint, name: String, by deadline: ContinuousClock.Instant
    ) throws(RedisError) {
        var commands = CommandBuffer()
        if let password = endpoint.password {
            commands.append(["AUTH"] + (endpoint.user.map { [.text($0)] } ?? []) + [.text(password.value)])
        }
        if endpoint.database != 0 { commands.append("SELECT", .integer(endpoint.database)) }
        // Last: a server that wants a password says so even when nothing else was sent. A session without a name
        // still works, so a user who may not set one is let through.
        commands.append("CLIENT", "SETNAME", .text(Self.sessionName(name)))
        try send(commands, by: deadline)
        for reply in 1...commands.commandCount {
            guard let error = try readValue(by: deadline).error else { continue }
            if reply == commands.commandCount, error.code == "NOPERM" { continue }
            close()
            throw .server(error)
        }
    }

    /// Redis wants printable ASCII without spaces.
    static func sessionName(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
}
