import PostgresWire
import Testing

/// A binary COPY of one bigint column.
private func binary(_ values: [Int64], trailer: Bool = true) -> [UInt8] {
    var bytes = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)
    for value in values {
        bytes += [0, 1, 0, 0, 0, 8]
        withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
    }
    return trailer ? bytes + [0xFF, 0xFF] : bytes
}

@Suite struct CopyTests {
    private func open(_ connection: PostgresConnection) throws {
        try connection.execute("CREATE TABLE t (a bigint)", deadline: .soon)
        try connection.send("COPY t FROM STDIN (FORMAT binary)", deadline: .soon)
        guard case .copyIn = try connection.next(deadline: .soon) else {
            throw PostgresError(.unexpectedResult, message: "no COPY")
        }
    }

    @Test func copiesMoreThanOnePut() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try open(connection)
            let values = (0..<100_000).map { Int64($0) }
            try connection.putCopyData(binary(values), deadline: .soon)
            try connection.endCopy(deadline: .soon)
            guard case .command(let tag) = try connection.next(deadline: .soon) else { return #expect(Bool(false)) }
            #expect(tag == "COPY 100000")
            guard case .end = try connection.next(deadline: .soon) else { return #expect(Bool(false)) }
            let sum = try connection.query("SELECT sum(a) AS s FROM t", deadline: .soon)[0].integer("s")
            #expect(sum == values.reduce(0, +))
        }
    }

    @Test func aMalformedRowIsNoLostConnection() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try open(connection)
            var bytes = binary([1, 2, 3])
            bytes[19 + 14 + 5] = 7
            try connection.putCopyData(bytes, deadline: .soon)
            try connection.endCopy(deadline: .soon)
            let error = try #require(
                failure { () throws(PostgresError) in try connection.next(deadline: .soon) })
            #expect(error.sqlState == .protocolViolation || error.sqlState == SQLState("22P03"))
            #expect(!error.isConnectionLost)
            #expect(error.copyLocation?.line == 2)
            #expect(connection.transactionStatus == .idle)
            #expect(try connection.query("SELECT count(*) AS n FROM t", deadline: .soon)[0].integer("n") == 0)
        }
    }

    @Test func resetEndsAnOpenCopyWithoutStoringIt() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try open(connection)
            try connection.putCopyData(binary([1, 2, 3]), deadline: .soon)
            _ = failure { () throws(PostgresError) in try connection.reset(deadline: .soon) }
            #expect(connection.transactionStatus == .idle)
            #expect(try connection.query("SELECT count(*) AS n FROM t", deadline: .soon)[0].integer("n") == 0)
        }
    }

    @Test func aQueryDuringACopyClosesTheConnectionInsteadOfMixingResults() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try open(connection)
            let error = failure { () throws(PostgresError) in try connection.query("SELECT 1", deadline: .soon) }
            #expect(error?.kind == .unexpectedResult)
            #expect(!connection.isOpen)
        }
    }

    @Test func aTerminatedSessionMidCopyIsLost() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try open(connection)
            try connection.putCopyData(binary([1, 2, 3], trailer: false), deadline: .soon)
            let killer = try database.connect()
            _ = try killer.query(
                "SELECT pg_terminate_backend($1, 5000)", [String(connection.serverProcessID)], deadline: .soon)
            let rest = [UInt8](repeating: 0, count: 4 << 20)
            let error = failure { () throws(PostgresError) in
                try connection.putCopyData(rest, deadline: .soon)
                try connection.endCopy(deadline: .soon)
                _ = try connection.next(deadline: .soon)
            }
            #expect(error?.isConnectionLost == true)
            #expect(!connection.isOpen)
            #expect(try killer.query("SELECT count(*) AS n FROM t", deadline: .soon)[0].integer("n") == 0)
        }
    }

    @Test func aQueryThatTurnsOutToBeACopyFailsAndLeavesASession() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute("CREATE TABLE t (a bigint)", deadline: .soon)
            let error = failure { () throws(PostgresError) in
                try connection.execute("COPY t FROM STDIN", deadline: .soon)
            }
            #expect(error != nil)
            try connection.reset(deadline: .soon)
            #expect(connection.transactionStatus == .idle)
        }
    }

    @Test func tellsWhetherAResultIsThereWithoutWaiting() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let gate = try database.connect()
            try gate.execute("SELECT pg_advisory_lock(7)", deadline: .soon)
            try connection.send("SELECT pg_advisory_lock(7)", deadline: .soon)
            #expect(try !connection.hasResult())
            try gate.execute("SELECT pg_advisory_unlock(7)", deadline: .soon)
            guard case .rows = try connection.next(deadline: .soon) else { return #expect(Bool(false)) }
        }
    }
}
