import Foundation
import Testing

@testable import Settings

@Suite struct SecretTests {
    private func withFile<Result>(
        _ text: String, mode: Int = 0o600, _ body: (String) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString)").path()
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func passwordsComeFromFiles() throws {
        try withFile("s3cret\n") { path in
            let loaded = try load("redis: { password_file: \(path) }\npostgres: { password_file: \(path) }")
            #expect(loaded.settings.redis.password == Secret("s3cret"))
            #expect(loaded.settings.postgres.password == Secret("s3cret"))
            #expect(loaded.warnings.isEmpty)
        }
    }

    @Test func theEnvironmentWinsOverTheFile() throws {
        try withFile("from file") { path in
            let loaded = try load(
                "redis: { password_file: \(path) }", environment: ["MILLRACE_REDIS_PASSWORD": "from env"])
            #expect(loaded.settings.redis.password == Secret("from env"))
        }
    }

    @Test func aFileThatOthersMayReadIsAWarning() throws {
        try withFile("s3cret", mode: 0o644) { path in
            let loaded = try load("http: { token_file: \(path), address: \"0.0.0.0:80\" }")
            #expect(loaded.settings.http.token == Secret("s3cret"))
            #expect(loaded.warnings.map(\.key) == ["http.token_file"])
        }
    }

    @Test func missingAndEmptyFilesAreProblems() throws {
        #expect(
            problems("redis: { password_file: /nowhere/x }") == [
                "test.yaml:1:25: redis.password_file: cannot read the file \"/nowhere/x\""
            ])
        try withFile("\n") { path in
            #expect(problems("redis: { password_file: \(path) }").first?.hasSuffix("is empty") == true)
        }
    }

    @Test func secretsAreRefusedAsFlags() {
        let found = problems(flags: ["redis.password=s3cret"])
        #expect(found.count == 1)
        #expect(found[0].contains("MILLRACE_REDIS_PASSWORD") && !found[0].contains("s3cret"))
    }

    @Test func nothingPrintsASecret() throws {
        let file = """
            redis: { url: "redis://user:s3cret@host/1", password: s3cret }
            postgres: { url: "postgresql://u:s3cret@h/d?password=s3cret&x=1", direct_url: "host=h password = 's3 \\\\'cret' dbname=d" }
            """
        let loaded = try load(file)
        let shown = loaded.yaml() + loaded.json() + "\(loaded.settings.redis.password as Any)"
        #expect(!shown.contains("s3cret") && !shown.contains("cret'"))
        #expect(shown.contains("redis://user:<redacted>@host/1"))
        #expect(shown.contains("?password=<redacted>&x=1"))
        #expect(shown.contains("host=h password =<redacted> dbname=d"))
        var dumped = ""
        dump(loaded.settings.redis.password, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }

    @Test(arguments: [
        ("redis://h:1/2", "redis://h:1/2"), ("redis://:pw@h", "redis://:<redacted>@h"),
        ("redis://u:p@w@h", "redis://u:<redacted>@h"), ("redis://u:p/w@h", "redis://u:<redacted>@h"),
        ("redis://u@h", "redis://u@h"), ("host=a user=password", "host=a user=password"),
    ])
    func addressesLoseTheirPassword(_ text: String, _ expected: String) {
        #expect(Redaction.url(text) == expected)
    }
}
