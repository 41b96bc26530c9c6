import RedisWire
import Testing

struct RedisEndpointTests {
    @Test func aPlainURLHasDefaults() throws {
        let endpoint = try RedisEndpoint(url: "redis://localhost")
        #expect(endpoint.address == .tcp(host: "localhost", port: 6379))
        #expect(endpoint.database == 0 && endpoint.user == nil && endpoint.password == nil)
    }

    @Test func aFullURLIsReadInAllParts() throws {
        let endpoint = try RedisEndpoint(url: "redis://ingest:p%40ss:w@rd@127.0.0.1:6380/3")
        #expect(endpoint.address == .tcp(host: "127.0.0.1", port: 6380))
        #expect(endpoint.user == "ingest" && endpoint.password == RedisPassword("p@ss:w@rd"))
        #expect(endpoint.database == 3)
    }

    @Test func anIPv6AddressStandsInBrackets() throws {
        #expect(try RedisEndpoint(url: "redis://[::1]:7000/1").address == .tcp(host: "::1", port: 7000))
        #expect(try RedisEndpoint(url: "redis://[::1]:7000/1").description == "redis://[::1]:7000/1")
    }

    @Test(arguments: ["unix:///run/redis.sock?db=2", "redis+unix:///run/redis.sock?db=2"])
    func aSocketHasAPathAndADatabase(_ url: String) throws {
        let endpoint = try RedisEndpoint(url: url)
        #expect(endpoint.address == .unix(path: "/run/redis.sock"))
        #expect(endpoint.database == 2)
    }

    @Test func aPasswordFromElsewhereWins() throws {
        let secret = RedisPassword("from-a-file")
        #expect(try RedisEndpoint(url: "redis://:old@localhost", password: secret).password == secret)
        #expect(try RedisEndpoint(url: "redis://me@localhost", password: secret).user == "me")
    }

    @Test func noDescriptionShowsThePassword() throws {
        let endpoint = try RedisEndpoint(url: "unix://me:hunter2@/run/redis.sock?db=1")
        var dumped = ""
        dump(endpoint, to: &dumped)
        for text in ["\(endpoint)", String(reflecting: endpoint), dumped, "\(endpoint.password as Any)"] {
            #expect(!text.contains("hunter2"))
        }
        #expect(endpoint.description == "unix://me@/run/redis.sock?db=1")
    }

    @Test func aPasswordDoesNotTravelInClearText() throws {
        #expect(throws: RedisEndpointError.self) { try RedisEndpoint(url: "redis://:secret@redis.example") }
        #expect(throws: RedisEndpointError.self) { try RedisEndpoint(url: "redis://:secret@127.0.0.1.example") }
        #expect(throws: RedisEndpointError.self) { try RedisEndpoint(url: "redis://:secret@10.0.0.1") }
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"] {
            #expect(throws: Never.self) { try RedisEndpoint(url: "redis://:secret@\(host)") }
        }
        #expect(throws: Never.self) { try RedisEndpoint(url: "redis://:secret@redis.example", insecureOK: true) }
        #expect(throws: Never.self) { try RedisEndpoint(url: "redis://redis.example") }
    }

    @Test func transportSecurityIsRefusedWithAdvice() {
        #expect {
            try RedisEndpoint(url: "rediss://localhost")
        } throws: {
            "\($0)".contains("unix socket or stunnel")
        }
    }

    @Test(arguments: [
        "", "localhost", "http://localhost", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536",
        "redis://h:x",
        "redis://h/x", "redis://h/-1", "redis://h/1/2", "redis://[::1", "redis://[::1]x", "redis://h?db=1",
        "redis://secret@h", "unix://", "unix://run.sock", "unix:///s?db=x", "unix:///s?x=1", "redis://h%zz",
        "redis://h%f", "redis://:%ff@localhost", "unix:///" + String(repeating: "p", count: 107),
    ])
    func aWrongURLIsAnErrorThatDoesNotRepeatIt(_ url: String) {
        #expect {
            try RedisEndpoint(url: url)
        } throws: {
            "\($0)".hasPrefix("redis.url: ") && !"\($0)".contains("secret@")
        }
    }
}
