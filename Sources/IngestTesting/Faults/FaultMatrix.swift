/// Every fault that Millrace is held against, as data. `docs/faults.md` is made of it.
public enum FaultMatrix {
    public static let rows = process + network + postgres + database + redis + stream + value + operation

    /// The page for people.
    public static func markdown() -> String {
        let head = "| # | fault | must be | runs | shown by |\n| --- | --- | --- | --- | --- |\n"
        return head + rows.filter(\.isShown).map(line).joined(separator: "\n")
    }

    /// Rows without a test, and why.
    public static func missing() -> String {
        let head = "| # | fault | must be | why there is no test |\n| --- | --- | --- | --- |\n"
        let lines = rows.compactMap { row -> String? in
            guard case .none(let reason) = row.evidence else { return nil }
            return "| \(row.number) | \(row.fault) | \(row.outcome.rawValue) | \(reason) |"
        }
        return head + lines.joined(separator: "\n")
    }

    private static func line(_ row: FaultRow) -> String {
        let tests = row.tests.map { "`\($0)`" }.joined(separator: ", ") + (row.note.isEmpty ? "" : ". \(row.note)")
        return
            "| \(row.number) | \(row.fault) | \(row.outcome.rawValue) | \(row.isAlways ? "always" : "prove") | \(tests) |"
    }

    private static let everyPlace = "CrashTests.workersKilledAtEveryPlaceLoseNothingAndStoreNothingTwice"
    private static let garbage = "GarbageTests.everyBrokenEntryIsOneLetterByteForByteAndEveryGoodNeighbourIsStored"
    private static let answer = "DatabaseFaultTests.anAnswerThatIsNoRowsFaultPausesAndBlamesNobody"
    private static let outage = "OutageTests.workersOutliveEveryOutageAndGoOnWithinSeconds"
    private static let breaker = "BreakerTests.aBrokenTableHoldsUpOnlyItsOwnStreams"
    private static let refusedLogin = "DatabaseFaultTests.aRefusedLoginIsTriedAgainUntilItIsGranted"
    private static let refusedByRedis = "RedisFaultTests.aRefusalIsWaitedOut"
    private static let restore = "RestoreTests.reconcileRefillsARestoredDatabaseWhileWorkersAndProducersLive"
    private static let failover = "FailoverTests.aStandbyThatLacksAcknowledgedRowsStopsWorkersUntilItIsRefilled"
    private static let wentBack = "IdentityTests.aDatabaseRestoredToAnOlderStateStopsEverything"

    private static let process: [FaultRow] = [
        FaultRow("1", "SIGKILL after the read, before BEGIN", .exactlyOnce, .always, [everyPlace]),
        FaultRow("2", "SIGKILL inside the rows of a COPY", .exactlyOnce, .always, [everyPlace]),
        FaultRow(
            "3", "SIGKILL behind the rows, before the fence", .exactlyOnce, .always,
            ["CrashTests.aWorkerKilledBetweenRowsAndFenceHasStoredNothing", everyPlace],
            note: "Where all goes in one message, the server goes on to the fence by itself"),
        FaultRow(
            "4", "SIGKILL after COMMIT was sent, before its answer", .exactlyOnce, .always,
            ["NetworkTests.aCommitWhoseAnswerIsLostIsFoundInTheLedger", everyPlace]),
        FaultRow(
            "5", "SIGKILL after COMMIT, before anything is done about it", .exactlyOnce, .always, [everyPlace],
            note: "There is no cache to refresh yet"),
        FaultRow("6", "SIGKILL after COMMIT, before XACK", .exactlyOnce, .always, [everyPlace]),
        FaultRow(
            "7", "SIGKILL between two XACKs", .exactlyOnce, .always,
            ["NetworkTests.aWorkerThatDiesBetweenTwoAcknowledgementsHasMadeNone"]),
        FaultRow(
            "8", "SIGKILL after COMMIT of dead letters, before their mirror", .letter, .always,
            ["CrashTests.lettersAreMirroredThoughTheMirrorIsKilled"]),
        FaultRow(
            "9", "SIGKILL between the mirror and its mark", .letter, .always,
            ["CrashTests.lettersAreMirroredThoughTheMirrorIsKilled"]),
        FaultRow(
            "10", "SIGKILL inside a merge of the ledger", .exactlyOnce, .always,
            ["CrashTests.aKilledMergeLeavesTheLedgerAsItWas"]),
        FaultRow(
            "11", "SIGSTOP inside a COPY, SIGCONT after others have claimed", .exactlyOnce, .always,
            ["CrashTests.aWorkerThatStandsStillInsideACopyLosesTheRaceAndNothingElse"],
            note: "7 s always, 20 s (the session is ended by the others) in prove"),
        FaultRow(
            "12", "SIGSTOP between rows and fence", .exactlyOnce, .proof,
            ["CrashTests.aWorkerThatStandsStillBeforeTheFenceIsEndedByTheServer"]),
        FaultRow(
            "13", "SIGTERM under load", .exactlyOnce, .always,
            ["ShutdownTests.sigtermUnderLoadEndsInTimeAndLeavesNothingBehind"]),
        FaultRow(
            "14", "SIGTERM twice, while connecting, while Redis hangs", .exactlyOnce, .always,
            ["CrashTests.sigtermEndsAWorkerWithinItsLimit"],
            note: "While Redis hangs always, the others in prove"),
        FaultRow(
            "15", "all workers killed at once, another number started", .exactlyOnce, .always,
            [
                "CrashTests.workersOfOneNameKilledTogetherAreFollowedByAnotherNumber",
                "KillTests.killsLoseNothingAndStoreNothingTwice",
            ]),
        FaultRow(
            "16", "two processes of one name", .alert, .always,
            ["CrashTests.workersOfOneNameKilledTogetherAreFollowedByAnotherNumber"]),
        FaultRow(
            "17", "claimed while the owner is slow", .exactlyOnce, .always,
            ["CrashTests.aWorkerThatStandsStillInsideACopyLosesTheRaceAndNothingElse"],
            note: "An owner that stands still; from one that is slow and says that it lives, only after claim.after"),
    ]

    private static let network: [FaultRow] = [
        FaultRow(
            "18", "connections cut at random bytes", .exactlyOnce, .always,
            ["NetworkTests.connectionsCutAtRandomBytesLoseNothing"],
            note: "12 cuts of each server's always, 500 in prove"),
        FaultRow(
            "19", "half-open connections", .exactlyOnce, .proof,
            ["NetworkTests.aSilentConnectionIsGivenUpAndAnotherIsMade"]),
        FaultRow(
            "20", "a slow network", .bounded, .proof, ["NetworkTests.aSlowNetworkIsSlowAndNothingElse"],
            note: "100 ms for each 16 KiB; packet loss is TCP's to mend"),
    ]

    private static let postgres: [FaultRow] = [
        FaultRow("21", "PostgreSQL restarted (fast)", .pause, .always, [outage]),
        FaultRow("22", "PostgreSQL stopped (immediate)", .pause, .always, [outage]),
        FaultRow(
            "23", "a backend killed: crash recovery", .pause, .always,
            ["DatabaseFaultTests.aKilledBackendMakesTheServerRecoverAndWorkersGoOn"]),
        FaultRow(
            "24", "sessions ended at any moment", .exactlyOnce, .always,
            [
                "DatabaseFaultTests.sessionsEndedAtAnyMomentLoseNothing",
                "CommitFailureTests.aSessionThatEndsBeforeCommitAnswersLeavesTheOutcomeUnknown",
            ]),
        FaultRow(
            "25", "disk full for data (53100)", .pause, .always, [answer],
            note: "The server's answer is made by a trigger"),
        FaultRow(
            "26", "disk full for WAL: the server is down", .pause, .always, [outage],
            note: "From here it is a server that refuses connections"),
        FaultRow("27", "read-only server", .pause, .always, [refusedLogin]),
        FaultRow("28", "failover to a standby that lacks acknowledged transactions", .stop, .always, [failover]),
        FaultRow("28b", "the same while no worker ran", .stop, .always, [failover]),
        FaultRow("29", "an older copy of the database restored", .stop, .always, [restore, wentBack]),
        FaultRow(
            "29b", "the same while no worker ran", .stop, .always,
            ["RestoreTests.streamsYoungerThanTheCopyAreRefilledToo", wentBack]),
        FaultRow(
            "30", "a synchronous standby is gone, the wait is cancelled", .pause, .always,
            [
                "DatabaseFaultTests.aCommitThatWaitsForAStandbyInVainIsNotAcknowledged",
                "CommitFailureTests.aCancelledWaitForAStandbyIsNotDurable",
            ]),
        FaultRow("31", "too many connections (53300)", .pause, .always, [refusedLogin]),
    ]

    private static let database: [FaultRow] = [
        FaultRow(
            "32", "too many chunks in one transaction", .exactlyOnce, .always,
            ["DatabaseFaultTests.aBatchOfManyDaysIsCut", "StreamEncoderTests.encodingStopsBeforeADayTooMany"],
            note: "A batch holds 64 days, so that 53200 does not come about"),
        FaultRow("33", "deadlock (40P01)", .exactlyOnce, .always, ["DatabaseFaultTests.aDeadlockIsOvercome"]),
        FaultRow(
            "34", "a table locked for long", .pause, .always,
            ["BreakerTests.aTableLockedForLongHoldsUpOnlyItsOwnStreams"]),
        FaultRow(
            "35", "table renamed, column dropped, type changed", .stop, .always,
            [breaker, "BreakerTests.aColumnOfAnotherTypeIsAdoptedWithoutARestart"]),
        FaultRow("36", "right revoked, password changed, while a worker works", .pause, .always, [refusedLogin]),
        FaultRow(
            "36b", "database gone", .stop, .always,
            [
                "DatabaseFaultTests.aDatabaseDroppedUnderALiveWorkerIsNamedAndNothingIsAcknowledged",
                "StartupTests.aDatabaseThatDoesNotExistIsNamed",
            ]),
        FaultRow(
            "37", "table UNLOGGED, synchronous_commit off", .refused, .always,
            [
                "DatabaseFaultTests.commitsAreSynchronousWhateverTheDatabaseSays",
                "CatalogTests.refusesTablesThatCannotHoldAcknowledgedRows",
                "SuppressedRowTests.aTableThatIsNoLongerTheOneCheckedGetsNothing",
            ], note: "Such a table is refused; commits are made synchronous whatever the database says"),
        FaultRow(
            "38", "a trigger takes rows away", .letter, .always,
            [
                "IsolationTests.rowsThatATriggerTakesAwayAreFound",
                "SuppressedRowTests.aKnownTriggerThatDropsRowsLeavesNothing",
                "RefusalTests.rowsThatATriggerOfAPartitionTakesAwayAreLetters",
            ]),
        FaultRow(
            "38b", "a trigger fails for a row, with any code", .letter, .always,
            [
                "DatabaseFaultTests.aRowForWhichATriggerFailsIsALetter",
                "IsolationTests.rowsThatATriggerFailsForAreFoundWhateverItsCode",
            ]),
        FaultRow(
            "39", "no partition for a row", .letter, .always, ["DatabaseFaultTests.rowsWithoutAPartitionAreLetters"]),
        FaultRow(
            "40", "compressed chunk, decompression limit", .letter,
            .none("compression is in TimescaleDB's Community edition, which the tests cannot install")),
        FaultRow(
            "21000", "a mistake of ours: one statement meets a key twice", .pause, .always, [answer],
            note: "The server's answer is made by a trigger"),
    ]

    private static let redis: [FaultRow] = [
        FaultRow(
            "41", "Redis killed, append-only file every second", .exactlyOnce, .always,
            ["RedisFaultTests.aKillWithAnAppendOnlyFileOfOnceASecondCostsOnlyWhatRedisForgot", outage]),
        FaultRow(
            "42", "Redis restarted without its data", .alert, .always,
            ["RedisFaultTests.aServerThatForgotEverythingBeginsANewIncarnation"]),
        FaultRow(
            "43", "FLUSHALL under workers", .alert, .always, ["IdentityTests.afterFLUSHALLEveryNewEntryIsStored"]),
        FaultRow(
            "44", "a stream deleted and made anew with lower ids", .alert, .always,
            [
                "IdentityTests.aStreamMadeAnewWithLowerIDsIsAnotherStream",
                "IdentityTests.idsUsedAgainForOtherEntriesAreStored",
            ]),
        FaultRow(
            "45", "a lagging replica promoted", .alert, .always,
            ["RedisFaultTests.aLaggingReplicaThatIsPromotedDeliversAgainAndNothingIsStoredTwice"]),
        FaultRow(
            "46", "ids set back by hand", .alert, .always, ["RedisFaultTests.idsSetBackByHandAreNoticed"]),
        FaultRow(
            "47", "Redis full (noeviction)", .exactlyOnce, .always,
            ["RedisMemoryTests.aFullServerIsReadAndAcknowledgedAndItsMirrorWaits"]),
        FaultRow("48", "Redis evicts", .refused, .always, ["RedisMemoryTests.evictionIsWarnedOf"]),
        FaultRow(
            "49", "READONLY, LOADING, MASTERDOWN, NOREPLICAS, MISCONF, NOPERM, BUSY, silence", .pause, .always,
            [refusedByRedis, "RedisFaultTests.aScriptThatNeverEndsIsWaitedOut"],
            note:
                "READONLY, NOPERM and BUSY always, the others in prove; LOADING and MISCONF only as lines of RedisFailureTests.everyLineOfTheTableHolds"
        ),
        FaultRow(
            "50", "a cluster's slot moves", .exactlyOnce,
            .none("workers speak to one server; a cluster is not supported yet")),
        FaultRow(
            "51", "rights taken, password changed", .pause, .always,
            [
                refusedByRedis, "RedisFaultTests.aPasswordThatChangesIsAskedForAgain",
                "RefusalTests.aPasswordFileIsReadAgain",
            ]),
        FaultRow(
            "52", "XGROUP DESTROY, XGROUP DELCONSUMER by hand", .alert, .always,
            [
                "IdentityTests.aDestroyedGroupComesBackAsTheSameIncarnationAndReplaysNothing",
                "RedisFaultTests.aConsumerRemovedByHandIsMadeGoodByReconcile",
            ],
            note: "After DELCONSUMER not by itself: people are told, and `millrace reconcile` stores what is missing"),
    ]

    private static let stream: [FaultRow] = [
        FaultRow(
            "53", "the producer trims what was not read", .alert, .always,
            ["RedisFaultTests.whatATrimmingProducerLeavesIsStoredOnce"],
            note: "For what is left; what was trimmed unread is counted and told of (Redis 7.0 and later)"),
        FaultRow(
            "54", "entries deleted while pending", .letter, .always,
            [
                "RedisFaultTests.entriesDeletedWhilePendingAreLettersAndHoldNothingUp",
                "ConsumerTests.anEntryDeletedWhilePendingIsAccountedFor",
            ]),
        FaultRow(
            "55", "a million pending entries of the dead", .bounded, .always,
            ["RedisFaultTests.aLongListOfPendingEntriesOfTheDeadIsDrainedInBoundedMemory"],
            note: "30,000 always, 1,000,000 in prove"),
        FaultRow(
            "56", "a large backlog", .bounded, .always, ["OutageTests.memoryStaysBoundedWhateverTheBacklog"],
            note: "300,000 entries"),
    ]

    private static let value: [FaultRow] = [
        FaultRow(
            "57", "wrong types, overflows, wrong times and enumerations", .letter, .always,
            [garbage, "BuiltInMappingTests.garbageIsRejectedForTheReasonItWasMadeFor"]),
        FaultRow("58", "NaN and infinities", .letter, .always, [garbage, "NumericTests.whatIsNotFiniteIsRejected"]),
        FaultRow("59", "NUL, broken UTF-8, surrogates", .letter, .always, [garbage]),
        FaultRow(
            "60", "texts with TAB, line ends, backslashes, BOM, RTL, four bytes", .exactlyOnce, .always,
            ["TextFaultTests.textsAreStoredByteForByte", "TextTests.anyUTF8IsKeptByteForByte"]),
        FaultRow("61", "names twice, empty, none, thousands", .letter, .always, [garbage]),
        FaultRow("62", "fields missing or unknown", .letter, .always, [garbage]),
        FaultRow(
            "63", "huge entries", .letter, .always,
            [
                "GarbageTests.anEntryThatNoReplyCanHoldIsALetterByReference",
                "RedisFaultTests.anEntryOfAHundredMegabytesIsALetterByReference",
            ],
            note: "12 MB always, 100 MB in prove"),
        FaultRow(
            "64", "row or index row too large (54000)", .letter, .always,
            [
                "DatabaseFaultTests.aRowTooLargeForItsIndexIsALetter",
                "DatabaseFaultTests.aRowTooLargeForItsPageIsTheOnlyLetter",
            ]),
        FaultRow(
            "65", "foreign key (no line is named)", .letter, .always,
            ["GarbageTests.rowsAreFoundEvenWhenTheServerNamesNoLine"]),
        FaultRow(
            "66", "a key that is there already, or twice in a batch", .exactlyOnce, .always,
            [
                "RecordedDataTests.everyRecordedEntryIsStoredToTheLastDigitAndResendsAddOnlyWhatHasNoIdentity",
                "StagingTests.aDuplicateKeyLeadsToStagingWhichStoresTheRest",
            ],
            note: "The first only where there is recorded data"),
        FaultRow(
            "67", "times of wrong clocks", .letter, .always, ["TextFaultTests.timesOfWrongClocksAreRowsOrLetters"]),
        FaultRow(
            "68", "first, last, every other, all rows bad", .letter, .always,
            [
                "GarbageTests.rowsTheDatabaseRefusesAreLettersAndTheirNeighboursAreStored",
                "IsolationTests.everyRowButTheBadOnesIsStoredWhereverTheyAre",
                "BreakerTests.aTableThatRefusesEveryRowIsHeldAndNotDeadLettered",
            ]),
        FaultRow(
            "69", "an entry that crashes the worker", .letter, .always,
            ["PoisonTests.entriesThatCrashTheWorkerAreCorneredAndTheirNeighboursAreStored"]),
        FaultRow(
            "70", "a replay clicked twice, or killed half way", .exactlyOnce, .always,
            ["ReplayTests.twoReplaysAtOnceAndOneThatIsKilledStoreEachLetterOnce"]),
        FaultRow(
            "71", "100,000 letters replayed after a repair", .exactlyOnce, .proof,
            ["ReplayTests.aHundredThousandLettersAreStoredOnceByRacingReplays"]),
    ]

    private static let operation: [FaultRow] = [
        FaultRow(
            "72", "PgBouncer in transaction mode, restarted", .exactlyOnce, .always,
            ["PoolerTests.sessionsOfAPoolerAreTakenAsTheyCome", "PoolerTests.lettersAreReplayedThroughAPooler"]),
        FaultRow(
            "73", "the worker's clock jumps, back and ahead", .exactlyOnce, .always,
            ["ClockTests.aClockThatJumpsStopsNothing"]),
        FaultRow(
            "74", "little memory and two slow tables", .bounded, .always,
            ["BreakerTests.twoTablesThatTakeNothingCostNeitherMemoryNorTheThird"]),
        FaultRow(
            "75", "200 starts and stops under load", .exactlyOnce, .proof,
            ["CrashTests.twoHundredStartsAndStopsUnderLoadLoseNothing"]),
        FaultRow(
            "76", "a refill meets a table that takes no rows", .stop, .always,
            ["RestoreTests.aTableThatTakesNoRowsEndsTheRefillAndTheGuardStays"]),
        FaultRow(
            "77", "a table takes no rows while letters are due", .pause, .always,
            ["RetryTests.aTableThatTakesNoRowsHoldsUpNoOtherTablesLetters"]),
        FaultRow(
            "78", "a configured key is no stream", .alert, .always,
            [
                "RedisFaultTests.aKeyThatIsNoStreamHoldsUpNobodyElse",
                "ReplayTests.aLetterWhoseKeyIsNoStreamHoldsUpNoOther",
            ]),
        FaultRow(
            "79", "memory short for a single dead letter (53200)", .pause, .always,
            [
                "DatabaseFaultTests.aServerShortOfMemoryForEverythingIsWaitedFor",
                "DatabaseFaultTests.aWorkerThatEndsWhileMemoryIsShortMakesNoLetters",
            ]),
        FaultRow(
            "80", "a constraint that speaks up only at COMMIT", .letter, .always,
            [
                "GarbageTests.rowsThatOnlyCommitRefusesAreFoundByCommits",
                "GarbageTests.aTableThatRefusesEverythingAtCommitIsHeld",
            ]),
        FaultRow(
            "81", "a stream deleted, its group made again by hand, ids used again", .alert, .always,
            [
                "IdentityTests.idsUsedAgainUnderAGroupMadeByHandAreStored",
                "IdentityTests.idsUsedAgainAreStoredThoughTheyHaveToWaitForTheirTable",
            ]),
        FaultRow(
            "82", "ids of any size, which are no times", .exactlyOnce, .always,
            ["IdentityTests.idsThatAreNoTimesAreStored"],
            note: "Half of the entries want the id as a time: they become dead letters that name the column"),
    ]
}
