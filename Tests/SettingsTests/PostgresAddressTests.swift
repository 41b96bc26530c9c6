import Testing

@testable import Settings

@Suite struct PostgresAddressTests {
    private func address(_ postgres: Settings.Postgres, _ variables: [String: String]) -> String {
        PostgresAddress(postgres, honouring: variables).connectionString
    }

    @Test func variablesTakeThePlaceOfTheBuiltInAddress() {
        let builtIn = Settings.Postgres()
        #expect(address(builtIn, ["HOME": "/root", "PGHOST": ""]) == "postgresql://127.0.0.1:5432/millrace")
        #expect(address(builtIn, ["PGHOST": "db.example"]) == "dbname=millrace")
        #expect(address(builtIn, ["PGHOSTADDR": "10.0.0.1", "PGDATABASE": "market"]) == "")
        #expect(address(builtIn, ["PGPORT": "6432"]) == "host=127.0.0.1 dbname=millrace")
        #expect(address(builtIn, ["PGSERVICE": "market"]) == "")
    }

    @Test func anAddressThatWasGivenStays() {
        var postgres = Settings.Postgres()
        postgres.url = "postgresql://h/d"
        postgres.directURL = "postgresql://h:6432/d"
        #expect(address(postgres, ["PGHOST": "db.example"]) == "postgresql://h/d")
        #expect(PostgresAddress(postgres, direct: true, honouring: [:]).connectionString == "postgresql://h:6432/d")
    }

    @Test func passwordsAreAdded() {
        #expect(PostgresAddress.adding(password: "a'b\\", to: "host=x") == "host=x password='a\\'b\\\\'")
        #expect(PostgresAddress.adding(password: "a@", to: "postgresql://h/d") == "postgresql://h/d?password=%61%40")
        #expect(
            PostgresAddress.adding(password: "a", to: "postgresql://h/d?x=1") == "postgresql://h/d?x=1&password=%61")
    }

    @Test func aPasswordFileIsReadByTheEndpoint() {
        var postgres = Settings.Postgres()
        postgres.url = "postgresql://h/d"
        postgres.password = Secret("s3cret")
        #expect(address(postgres, [:]).contains("password="))
        postgres.passwordFile = "/run/secrets/postgres"
        #expect(address(postgres, [:]) == "postgresql://h/d")
    }
}
