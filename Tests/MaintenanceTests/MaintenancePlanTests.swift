import Testing

@testable import Maintenance

@Suite struct MaintenancePlanTests {
    private static let day: Int64 = 86_400
    private static let now: Int64 = 1_000 * day + 3_600

    private func limits() -> TableLimits {
        TableLimits(
            table: "public.t", now: Self.now, width: Self.day, chunksAhead: 2, hotAfter: Self.now - 7 * Self.day,
            warmAfter: Self.now - 30 * Self.day, compressBefore: Self.now - 30 * Self.day,
            dropBefore: Self.now - 365 * Self.day, quietBefore: Self.now - 7 * Self.day, canCompress: true)
    }

    /// The chunk of that day, last written so many days ago.
    private func chunk(day: Int64, written: Int64?, name: String = "c", tablespace: String? = nil) -> Chunk {
        Chunk(
            name: name, range: day * Self.day..<(day + 1) * Self.day, tablespace: tablespace,
            lastWrite: written.map { Self.now - $0 * Self.day })
    }

    private var ahead: [Chunk] { (1_000...1_002).map { chunk(day: $0, written: 0) } }

    private func range(_ day: Int64) -> Range<Int64> { day * Self.day..<(day + 1) * Self.day }

    @Test func nothingIsDoneToChunksAsTheyShouldBe() {
        #expect(MaintenancePlan(limits(), chunks: ahead + [chunk(day: 990, written: 10)]).steps.isEmpty)
    }

    @Test func makesTheChunkOfNowAndThoseAhead() {
        let plan = MaintenancePlan(limits(), chunks: [chunk(day: 1_001, written: 0)])
        #expect(plan.steps == [.make(times: [Self.now, Self.now + 2 * Self.day])])
    }

    @Test func dropsOnlyWhatIsOldAndQuiet() {
        let chunks = [
            chunk(day: 600, written: 300), chunk(day: 601, written: 6), chunk(day: 602, written: nil),
            chunk(day: 634, written: 300), chunk(day: 635, written: 300),
        ]
        let drops = MaintenancePlan(limits(), chunks: ahead + chunks).steps.filter { $0.name == "drop" }
        // Day 634 ends at 635, and 365 days before 1000 and an hour is 635 and an hour.
        #expect(drops == [.drop(range: range(600), chunks: 1), .drop(range: range(634), chunks: 1)])
    }

    @Test func dropsNothingWithoutALimit() {
        var limits = limits()
        limits.dropBefore = nil
        limits.canCompress = false
        #expect(MaintenancePlan(limits, chunks: ahead + [chunk(day: 1, written: 900)]).steps.isEmpty)
    }

    @Test func aLateWriteToOneChunkKeepsItsWholeRange() {
        let chunks = [chunk(day: 600, written: 300, name: "a"), chunk(day: 600, written: 1, name: "b")]
        #expect(MaintenancePlan(limits(), chunks: ahead + chunks).steps.isEmpty)
    }

    @Test func compressesWhatIsOldAndQuietAndWhereItCanBe() {
        var packed = chunk(day: 960, written: 30)
        packed.isCompressed = true
        let chunks = [chunk(day: 961, written: 30), chunk(day: 962, written: 1), packed, chunk(day: 980, written: 15)]
        #expect(
            MaintenancePlan(limits(), chunks: ahead + chunks).steps == [.compress(range: range(961), chunks: 1)])
        var apache = limits()
        apache.canCompress = false
        #expect(MaintenancePlan(apache, chunks: ahead + chunks).steps.isEmpty)
    }

    @Test func movesChunksToTheTablespaceOfTheirAge() {
        var limits = limits()
        limits.canCompress = false
        limits.warmTablespace = "warm"
        limits.coldTablespace = "cold"
        let chunks = [
            chunk(day: 995, written: 0), chunk(day: 980, written: 0), chunk(day: 940, written: 0, tablespace: "warm"),
            chunk(day: 941, written: 0, tablespace: "cold"),
        ]
        #expect(
            MaintenancePlan(limits, chunks: ahead + chunks).steps == [
                .move(range: range(940), to: "cold", chunks: 1), .move(range: range(980), to: "warm", chunks: 1),
            ])
    }

    @Test func adjustmentsComeFirst() {
        let plan = MaintenancePlan(limits(), chunks: [], adjustments: ["SELECT 1"])
        #expect(plan.steps.map(\.name) == ["adjust", "make"])
    }
}
