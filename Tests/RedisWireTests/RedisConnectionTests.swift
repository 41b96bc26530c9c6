import Glibc
import IngestTesting
import LocalServices
import Records
import Testing

@testable import RedisWire

/// Against a real server.
struct RedisConnectionTests {
    private func connect(_ name: String = "millrace/test/0") async throws -> RedisConnection {
        try RedisConnection.connect(to: try await SharedRedis.endpoint(), name: name)
    }

    @Test func aCommandIsAnswered() async throws {
        let connection = try await connect()
        #expect(try connection.command("PING") == .simple("PONG"))
        #expect(try connection.command("SET", "wire:k", .bytes([0, 255])) == .simple("OK"))
        #expect(try connection.command("GET", "wire:k") == .bulk([0, 255]))
        #expect(try connection.command("GET", "wire:none") == .null)
        #expect(try connection.command("STRLEN", "wire:k") == .integer(2))
    }

    @Test func overTCPTooAndNamed() async throws {
        let server = try await SharedRedis.server()
        let connection = try RedisConnection.connect(
            to: RedisEndpoint(url: "redis://127.0.0.1:\(server.port)/3"), name: "millrace/my host/1")
        #expect(try connection.command("CLIENT", "GETNAME").text == "millrace/my_host/1")
        let info = try connection.command("CLIENT", "INFO").text ?? ""
        #expect(info.contains(" db=3 "))
    }

    @Test func aRefusalLeavesTheConnectionOpen() async throws {
        let connection = try await connect()
        #expect {
            try connection.command("NOSUCHCOMMAND")
        } throws: { error in
            guard let error = error as? RedisError else { return false }
            return error.serverError?.isUnknownCommand == true && !error.isTransport
        }
        #expect(try connection.command("PING").text == "PONG")
    }

    @Test func aPipelineIsAnsweredInOrder() async throws {
        let connection = try await connect()
        var commands = CommandBuffer()
        commands.append("ECHO", "one")
        commands.append("NOSUCHCOMMAND")
        commands.append("ECHO", "two")
        let replies = try connection.pipeline(commands)
        #expect(replies.map(\.text) == ["one", nil, "two"])
        #expect(replies[1].error?.code == "ERR")
    }

    @Test func largeCommandsAndRepliesGoThrough() async throws {
        let connection = try await connect()
        connection.commandTimeout = .seconds(120)
        let value = [UInt8](repeating: 7, count: 20 << 20)
        try connection.command("SET", "wire:large", .bytes(value))
        #expect(try connection.command("GET", "wire:large") == .bulk(value))
        try connection.command("DEL", "wire:large")
    }

    @Test func aLateReplyClosesTheConnection() async throws {
        let connection = try await connect()
        #expect(throws: RedisError.timeout(during: .reply)) {
            try connection.command("BLPOP", "wire:never", "30", timeout: .milliseconds(30))
        }
        #expect(!connection.isOpen)
        #expect(throws: RedisError.closed) { try connection.command("PING") }
    }

    @Test func entriesAndOrdinaryRepliesMixInOnePipeline() async throws {
        let connection = try await connect()
        try connection.command("DEL", "wire:mix")
        try connection.command("XGROUP", "CREATE", "wire:mix", "g", "0", "MKSTREAM")
        try connection.command("XADD", "wire:mix", "5-1", "a", "1")
        try connection.command("XADD", "wire:mix", "5-2", "a", "2", "b", "")
        var commands = CommandBuffer()
        commands.append("ECHO", "before")
        commands.append("XREADGROUP", "GROUP", "g", "c", "COUNT", "10", "STREAMS", "wire:mix", ">")
        commands.append("ECHO", "after")
        var block = EntryBlock()
        for round in 0..<3 {
            let deadline = connection.commandDeadline
            try connection.send(commands, by: deadline)
            #expect(try connection.readValue(by: deadline).text == "before")
            let reply = try connection.readEntries(.streams, into: &block, by: deadline)
            #expect(try connection.readValue(by: deadline).text == "after")
            #expect(reply == (round == 0 ? .entries(2) : .nothing))
            if round == 0 {
                #expect(
                    block.plain() == [
                        PlainEntry("wire:mix", "5-1", ["a", "1"]),
                        PlainEntry("wire:mix", "5-2", ["a", "2", "b", ""]),
                    ])
            }
        }
    }

    @Test func deletedEntriesOfOnesOwnHistoryAreMarked() async throws {
        let connection = try await connect()
        try connection.command("DEL", "wire:gone")
        try connection.command("XGROUP", "CREATE", "wire:gone", "g", "0", "MKSTREAM")
        for id in 1...3 { try connection.command("XADD", "wire:gone", "\(id)-0", "a", "x") }
        try connection.command("XREADGROUP", "GROUP", "g", "c", "STREAMS", "wire:gone", ">")
        try connection.command("XDEL", "wire:gone", "2-0")
        var commands = CommandBuffer()
        commands.append("XREADGROUP", "GROUP", "g", "c", "STREAMS", "wire:gone", "0")
        try connection.send(commands, by: connection.commandDeadline)
        var block = EntryBlock()
        #expect(try connection.readEntries(.streams, into: &block, by: connection.commandDeadline) == .entries(3))
        #expect(block.plain().map(\.body) == [.kept, .deleted, .kept])
    }

    @Test func bodiesBeyondTheLimitAreReadPast() async throws {
        let connection = try RedisConnection.connect(
            to: try await SharedRedis.endpoint(), name: "t", limits: ReplyLimits(keptBytes: 64 << 10))
        connection.commandTimeout = .seconds(120)
        try connection.command("DEL", "wire:big")
        for id in 1...30 {
            let size = id.isMultiple(of: 3) ? 5 << 20 : 100
            try connection.command("XADD", "wire:big", "\(id)-0", "v", .bytes([UInt8](repeating: 65, count: size)))
        }
        var commands = CommandBuffer()
        commands.append("XRANGE", "wire:big", "-", "+")
        commands.append("PING")
        try connection.send(commands, by: connection.commandDeadline)
        var block = EntryBlock()
        let shape = EntryParser.Shape.range(of: StreamKey("wire:big"))
        #expect(try connection.readEntries(shape, into: &block, by: connection.commandDeadline) == .entries(30))
        #expect(try connection.readValue(by: connection.commandDeadline).text == "PONG")
        #expect(
            block.plain().filter { $0.body == .kept }.map(\.id) == (1...30).filter { $0 % 3 != 0 }.map { "\($0)-0" })
        #expect(block.bytes.count < 1 << 20)
        try connection.command("DEL", "wire:big")
    }

    @Test func aWrongPasswordIsTheServersAnswer() async throws {
        let server = try await TestServices.shared.privateRedis(
            RedisOptions(appendOnly: false))
        let administrator = try RedisConnection.connect(
            to: RedisEndpoint(address: .unix(path: server.socketPath)), name: "t")
        try administrator.command("ACL", "SETUSER", "tester", "on", ">pw", "~*", "+@all")
        try administrator.command("ACL", "SETUSER", "default", "off")
        let url = "redis://tester:%@127.0.0.1:\(server.port)"
        let right = try RedisEndpoint(url: url.replacing("%", with: "pw"))
        #expect(try RedisConnection.connect(to: right, name: "t").command("PING").text == "PONG")
        for wrong in [url.replacing("%", with: "no"), "redis://127.0.0.1:\(server.port)"] {
            #expect {
                try RedisConnection.connect(to: RedisEndpoint(url: wrong), name: "t")
            } throws: { error in
                ["WRONGPASS", "NOAUTH"].contains((error as? RedisError)?.serverError?.code)
            }
        }
        await server.stop()
    }

    @Test func aServerThatDiesClosesTheConnection() async throws {
        let server = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
        let connection = try RedisConnection.connect(
            to: RedisEndpoint(address: .unix(path: server.socketPath)), name: "t")
        await server.stop()
        #expect(throws: RedisError.closed) { try connection.command("PING") }
        #expect(!connection.isOpen)
        #expect {
            try RedisConnection.connect(to: RedisEndpoint(address: .unix(path: server.socketPath)), name: "t")
        } throws: { error in
            if case .connect? = error as? RedisError { true } else { false }
        }
    }
}

/// Against a peer that the test plays.
struct RedisConnectionFaultTests {
    private func pair() throws -> (SocketPeer, RedisConnection) {
        let peer = try SocketPeer()
        return (peer, RedisConnection(Socket(owning: peer.other), limits: ReplyLimits()))
    }

    @Test func aConnectionClosedMidReplyIsClosed() throws {
        let (peer, connection) = try pair()
        peer.answer("*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3")
        peer.hangUp()
        var block = EntryBlock()
        #expect(throws: RedisError.closed) {
            try connection.readEntries(.streams, into: &block, by: connection.commandDeadline)
        }
        #expect(block.isEmpty && block.streams.isEmpty)
        #expect(!connection.isOpen)
    }

    @Test func aReplyThatStopsHalfwayTimesOut() throws {
        let (peer, connection) = try pair()
        peer.answer("*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n")
        var block = EntryBlock()
        #expect(throws: RedisError.timeout(during: .reply)) {
            try connection.readEntries(.streams, into: &block, by: .now + .milliseconds(20))
        }
        #expect(block.isEmpty && !connection.isOpen)
    }

    @Test func aReplyThatLiesReadyIsTakenAfterItsDeadline() throws {
        let (peer, connection) = try pair()
        peer.answer("+OK\r\n")
        #expect(try connection.readValue(by: .now - .seconds(1)) == .simple("OK"))
    }

    @Test func aReplyThatGoesOnBeyondItsDeadlineIsCutOff() throws {
        let (peer, connection) = try pair()
        peer.answer("$150000\r\n" + String(repeating: "x", count: 150_000) + "\r\n")
        #expect(throws: RedisError.timeout(during: .reply)) { try connection.readValue(by: .now - .seconds(1)) }
        #expect(!connection.isOpen)
    }

    @Test func whatIsNotRESPClosesTheConnection() throws {
        let (peer, connection) = try pair()
        peer.answer("HTTP/1.1 400 Bad Request\r\n")
        #expect {
            try connection.command("PING")
        } throws: { error in
            if case .protocolViolation? = error as? RedisError { true } else { false }
        }
        #expect(!connection.isOpen)
    }

    @Test func aPeerThatReadsNothingTimesOutTheSend() throws {
        let (peer, connection) = try pair()
        #expect(throws: RedisError.timeout(during: .send)) {
            try connection.command(
                "SET", "k", .bytes([UInt8](repeating: 0, count: 16 << 20)), timeout: .milliseconds(20))
        }
        withExtendedLifetime(peer) {}
    }

    @Test func sendingToAClosedPeerIsAnErrorAndNoSignal() throws {
        let (peer, connection) = try pair()
        peer.hangUp()
        #expect(throws: RedisError.closed) { try connection.command("PING") }
    }

    @Test func aReplyLeftUnreadIsNotTakenForAnother() throws {
        let (peer, connection) = try pair()
        var commands = CommandBuffer()
        commands.append("GET", "a")
        try connection.send(commands, by: connection.commandDeadline)
        peer.answer("$5\r\nstale\r\n$5\r\nfresh\r\n")
        #expect(throws: RedisError.self) { try connection.command("GET", "b") }
        #expect(!connection.isOpen)
    }

    @Test func aServerThatDoesNotAcceptTimesOutTheConnect() throws {
        let listener = try SilentListener()
        #expect(throws: RedisError.self) {
            try RedisConnection.connect(
                to: RedisEndpoint(url: "redis://127.0.0.1:\(listener.port)"), name: "t", timeout: .milliseconds(50))
        }
    }
}
