import IngestTesting
import LocalServices
import RedisWire
import Testing

struct StreamTrimCommandTests {
    @Test func aStreamThatCannotBeJudgedIsAFailureAndAnEmptyOneIsNot() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        func trim(_ stream: String) async throws -> MillraceProcess.Result {
            try await scene.run(["stream", "trim", stream, "--force"], database: database)
        }
        try scene.connection.command("SET", "millrace:{millrace}:epoch", "token")
        try scene.connection.command("XADD", "unread", "*", "a", "b")
        try scene.connection.command("XADD", "unknown", "*", "a", "b")
        try scene.connection.command("XGROUP", "CREATE", "unknown", "millrace", "0")

        let empty = try await trim("empty")
        #expect(empty.status == 0 && empty.output.contains("nothing to remove"), "\(empty.errors)")
        let unread = try await trim("unread")
        #expect(unread.status == 1 && unread.output.contains("does not read it"), "\(unread.errors)")
        let unknown = try await trim("unknown")
        #expect(unknown.status == 1 && unknown.output.contains("does not know this stream"), "\(unknown.errors)")
        let dry = try await scene.run(["stream", "trim", "unread", "--dry-run", "--json"], database: database)
        #expect(dry.status == 1)
    }

    @Test func lessThanTheConfiguredRetentionWantsForceAndIsTold() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        try scene.connection.command("SET", "millrace:{millrace}:epoch", "token")
        func trim(_ words: String...) async throws -> MillraceProcess.Result {
            try await scene.run(["stream", "trim", "s", "-s", "trim.retention=6h"] + words, database: database)
        }
        let words = "--retention 2 h 0 min is below trim.retention (6 h 0 min)"
        let refused = try await trim("--retention", "2h")
        #expect(refused.status == 2 && refused.errors.contains(words), "\(refused.errors)")
        for permission in ["--force", "--dry-run"] {
            let told = try await trim("--retention", "2h", permission)
            #expect(told.status == 0 && told.errors.contains("warning: \(words)"), "\(told.errors)")
        }
        #expect(try await trim("--retention", "7h", "--force").errors.isEmpty)
    }
}
