import Foundation
import Testing

@testable import PostgresWire

@Suite struct PostgresEndpointTests {
    @Test func neverShowsThePassword() throws {
        for text in ["postgresql://joe:hunter2@localhost:5433/db", "host=/tmp user=joe password=hunter2 dbname=db"] {
            let endpoint = try PostgresEndpoint(text)
            var dumped = ""
            dump(endpoint, to: &dumped)
            for shown in ["\(endpoint)", String(reflecting: endpoint), dumped] {
                #expect(!shown.contains("hunter2"))
                #expect(shown.contains("joe"))
            }
        }
    }

    @Test(arguments: [
        "postgresql://joe:hunter2@[broken/db", "host=x password=hunter2 nonsense=1", "password=hunter2 oops",
        "postgresql://joe:hunter2@h/db?wrong=1",
    ])
    func doesNotQuoteABrokenStringWithAPassword(text: String) {
        let error = failure { () throws(PostgresError) in try PostgresEndpoint(text) }
        #expect(error?.kind == .configuration)
        #expect(error.map { !"\($0) \(String(reflecting: $0))".contains("hunter2") } == true)
    }

    @Test func namesAnUnknownKeywordWhenThatIsSafe() {
        let error = failure { () throws(PostgresError) in try PostgresEndpoint("host=x sslmod=disable") }
        #expect(error?.description.contains("sslmod") == true)
    }

    @Test(arguments: [
        ("host=db.example", "verify-full"), ("host=10.1.2.3", "verify-full"), ("host=localhost", "prefer"),
        ("host=127.4.5.6", "prefer"), ("host=/run/postgresql", "prefer"), ("", "prefer"), ("host=::1", "prefer"),
        ("host=localhost,db.example", "verify-full"), ("host=localhost hostaddr=10.0.0.1", "verify-full"),
        ("host=db.example sslmode=verify-ca", "verify-ca"),
    ])
    func choosesTLSByWhereTheServerIs(text: String, mode: String) throws {
        let endpoint = try PostgresEndpoint(text)
        #expect(endpoint.sslMode == mode)
        #expect(try endpoint.connectionString(applicationName: "x").contains("sslmode='\(mode)'"))
    }

    @Test(arguments: ["disable", "allow", "prefer"])
    func refusesPlaintextToAnotherMachine(mode: String) throws {
        let text = "host=db.example sslmode=\(mode)"
        #expect(failure { () throws(PostgresError) in try PostgresEndpoint(text) }?.kind == .configuration)
        #expect(try PostgresEndpoint(text, allowInsecure: true).sslMode == mode)
        #expect(try PostgresEndpoint("host=127.0.0.1 sslmode=\(mode)").sslMode == mode)
    }

    /// In a process of its own: variables are read by other threads of this one.
    @Test func ignoresTheEnvironmentUnlessAsked() async {
        await #expect(processExitsWith: .success) {
            let variables = [
                "PGHOST": "env.example", "PGHOSTADDR": "10.9.8.7", "PGUSER": "envuser", "PGDATABASE": "envdb",
                "PGPASSWORD": "envsecret", "PGOPTIONS": "-c work_mem=1", "PGSSLMODE": "disable", "PGPORT": "99",
            ]
            for (name, value) in variables { setenv(name, value, 1) }
            let ignoring = try PostgresEndpoint("user=joe").connectionString(applicationName: "x")
            for (name, value) in variables where name != "PGSSLMODE" { #expect(!ignoring.contains(value)) }
            for pair in [
                "host=''", "hostaddr=''", "password=''", "options=''", "user='joe'", "dbname='joe'", "sslmode='prefer'",
            ] {
                #expect(ignoring.contains(pair))
            }
            let using = try PostgresEndpoint("", environment: .used, allowInsecure: true)
            #expect(using.host == "env.example")
            #expect(using.user == "envuser")
            #expect(using.sslMode == "disable")
            #expect(try !using.connectionString(applicationName: "x").contains("host="))
        }
    }

    @Test func readsThePasswordFromAFileAtEachConnect() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let endpoint = try PostgresEndpoint("host=localhost", passwordFile: path)
        #expect(
            failure { () throws(PostgresError) in try endpoint.connectionString(applicationName: "x") }?.kind
                == .configuration)
        for password in ["it's \\ odd", "second"] {
            try Data((password + "\n").utf8).write(to: URL(fileURLWithPath: path))
            let text = try endpoint.connectionString(applicationName: "x")
            #expect(try PostgresEndpoint(text).given["password"] == password)
        }
    }

    @Test func asksForWhatAWorkerNeeds() throws {
        let text = try PostgresEndpoint("host=localhost").connectionString(applicationName: "millrace/w/0")
        for pair in [
            "application_name='millrace/w/0'", "client_encoding='UTF8'", "gssencmode='disable'",
            "target_session_attrs='read-write'", "keepalives='1'", "tcp_user_timeout='15000'",
        ] {
            #expect(text.contains(pair))
        }
        #expect(try PostgresEndpoint("host=a sslmode=require connect_timeout=3").connectTimeout == .seconds(3))
    }
}
