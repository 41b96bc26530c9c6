import Testing

@testable import IngestCore

/// Every line of the table of faults.
@Suite struct FailureClassTests {
    private static let later = FailureClass.isolate(.init(search: .halves, verdict: .later))
    private static let row = FailureClass.isolate(.init())
    private static let byPolicy = FailureClass.isolate(.init(verdict: .policy))

    private static let table: [(codes: [String], expected: FailureClass)] = [
        (["SL001"], .conflict),
        (["01000"], .pause(.init(alerts: true))),
        (["57P01", "57P02", "57P03", "57P05", "57000"], .pause(.init(reconnects: true))),
        (["57014"], .retry(.init(limit: 2, halves: true))),
        (["25006"], .pause(.init(alerts: true, resolvesAddress: true, reconnects: true))),
        (["25P03", "25P04"], .retry(.init(reconnects: true))),
        (["25P02", "25001", "25000"], .retry(.init(limit: 1, then: .stop, reconnects: true))),
        (["40001", "40P01", "40003"], .retry(.init())),
        (["55P03", "55006"], .pause(.init(scope: .table))),
        (["53100", "53300", "53000"], .pause(.init(alerts: true))),
        (["53200"], .isolate(.init(search: .size, verdict: .later, loneFailures: 3, pausesFirst: true))),
        (["53400"], .isolate(.init(search: .size, verdict: .later))),
        (["58030", "58000", "F0000", "XX001", "XX002", "XX000"], .pause(.init(alerts: true))),
        (["22P02", "22003", "22007", "22008", "22001", "22021", "22P05", "22023"], row),
        (["22P03", "22P04", "08P01"], .isolate(.init(stopsWhenAllFailAlike: true))),
        (["23502", "23514"], row),
        (["23503"], later),
        (["23505", "23P01"], byPolicy),
        (["54000", "54001"], row),
        (["P0001", "P0002"], byPolicy),
        (["42P01", "42703", "42804", "42P10", "42701", "428C9", "0A000", "TS001", "TS103"], .stop(.schema)),
        (["TS501"], .retry(.init())),
        (["42501", "28000", "28P01", "3D000", "3F000", "0LP01"], .stop(.access)),
        (["42601", "42883", "21000"], .stop(.bug)),
        (["26000", "ZZZZZ", "02000", "55000", "🦆123"], .pause(.init(alerts: true))),
    ]

    @Test(arguments: table)
    func everyLineOfTheTableHolds(codes: [String], expected: FailureClass) {
        for code in codes {
            #expect(FailureClass(sqlState: code, isConnectionLost: false) == expected, "\(code)")
        }
    }

    @Test func aBrokenConnectionWithoutAWordPauses() {
        #expect(FailureClass(sqlState: nil, isConnectionLost: true) == .connectionLost)
        #expect(FailureClass(sqlState: "", isConnectionLost: true) == .connectionLost)
        #expect(FailureClass(sqlState: nil, isConnectionLost: false) == .unforeseen)
    }

    @Test func class08MeansALostConnectionOnlyWhenItIsLost() {
        #expect(FailureClass(sqlState: "08006", isConnectionLost: true) == .connectionLost)
        #expect(FailureClass(sqlState: "08P01", isConnectionLost: true) == .connectionLost)
        #expect(FailureClass(sqlState: "08P01", isConnectionLost: false) != .connectionLost)
    }

    @Test func anInternalErrorMayBeTheRowOnlyWhenItNamesALine() {
        let named = FailureClass(sqlState: "XX000", isConnectionLost: false, namesLine: true)
        #expect(named == .isolate(.init(loneFailures: 2)))
    }

    @Test func poolersAreToldApartByTheirText() {
        let refused = "unsupported startup parameter: options"
        #expect(FailureClass(startupRefusal: refused, sqlState: "08P01") == .stop(.poolerParameter))
        #expect(FailureClass(startupRefusal: "query_wait_timeout", sqlState: nil) == .pause(.init(reconnects: true)))
        #expect(FailureClass(startupRefusal: "no such role", sqlState: "28000") == .stop(.access))
    }

    @Test func onlyRowFamiliesLeadToADeadLetter() {
        let families = ["22", "23", "54", "P0", "08", "53", "XX"]
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        for first in digits {
            for second in digits {
                let code = "\(first)\(second)000"
                guard case .isolate = FailureClass(sqlState: code, isConnectionLost: false, namesLine: true) else {
                    continue
                }
                #expect(families.contains(String(code.prefix(2))), "\(code)")
            }
        }
    }
}

@Suite struct RedisFailureTests {
    private static let table: [(replies: [String], expected: RedisFailure)] = [
        (
            [
                "LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down",
                "CLUSTERDOWN Hash slot not served", "TRYAGAIN", "BUSY Redis is busy running a script",
                "NOREPLICAS Not enough good replicas", "MISCONF Redis is configured to save",
                "ERR max number of clients reached", "READONLY You can't write against a read only replica.",
                "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
                "MOVED 3999 127.0.0.1:6381", "EXECABORT Transaction discarded", "ERR syntax error", "", "NEWERROR what",
            ], .passes
        ),
        (
            [
                "NOAUTH Authentication required.", "WRONGPASS invalid", "NOPERM this user has no permissions",
                "ERR invalid password", "ERR Client sent AUTH, but no password is set",
            ], .wantsPerson
        ),
    ]

    @Test(arguments: table)
    func everyLineOfTheTableHolds(replies: [String], expected: RedisFailure) {
        for reply in replies { #expect(RedisFailure(reply: reply) == expected, "\(reply)") }
    }

    @Test func repliesThatNeverMakeSenseWantAPerson() {
        var streak = RedisFailureStreak()
        for expected in [RedisFailure.garbled, .garbled, .wantsPerson, .wantsPerson] {
            #expect(streak.failed(.garbled) == expected)
        }
        streak.succeeded()
        #expect(streak.failed(.garbled) == .garbled)
        #expect(streak.failed(.garbled) == .garbled)
        #expect(streak.failed(.passes) == .passes, "something else in between")
        #expect(streak.failed(.garbled) == .garbled)
    }
}
