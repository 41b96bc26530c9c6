import Records
import Testing

@testable import IngestPipeline

struct ReadPlanTests {
    private let budget = ReadPlan.Budget(entries: 1_000, bytes: 256_000)

    private func next(_ plan: inout ReadPlan) throws -> ReadPlan.Request {
        let request = plan.next(budget)
        return try #require(request)
    }

    /// A plan that knows its streams: each was read once and gave nothing.
    private func plan(_ count: Int) throws -> ReadPlan {
        var plan = ReadPlan()
        plan.assign(keys(count))
        for _ in stride(from: 0, to: count, by: ReadPlan.maxStreamsPerRead) {
            plan.observed(try next(&plan), [], in: nil)
        }
        return plan
    }

    private func yield(_ stream: String, _ count: Int, bytes: Int) -> ReadPlan.Yield {
        .init(stream: StreamKey(stream), count: count, bytes: bytes)
    }

    private func keys(_ count: Int) -> [StreamKey] { (0..<count).map { StreamKey("s\($0)") } }

    @Test func nothingToReadWithoutStreams() {
        var plan = ReadPlan()
        let request = plan.next(budget)
        #expect(request == nil)
    }

    @Test func waitsOnlyAfterARoundThatFoundNothing() throws {
        var plan = ReadPlan()
        plan.assign(keys(1))
        let first = try next(&plan)
        #expect(!first.mayBlock)
        plan.observed(first, [], in: nil)
        let second = try next(&plan)
        #expect(second.mayBlock)
        #expect(second.count == 1_000)
    }

    @Test func manyStreamsAreReadInWindowsThatShareTheBudget() throws {
        var plan = ReadPlan()
        plan.assign(keys(300))
        let first = try next(&plan)
        #expect(first.streams.count == ReadPlan.maxStreamsPerRead)
        #expect(first.count == 1_000 / ReadPlan.maxStreamsPerRead)
        plan.observed(first, [], in: nil)
        let second = try next(&plan)
        #expect(second.streams.count == 44)
        #expect(!second.mayBlock)
    }

    @Test func aStreamThatGaveAllItWasAskedIsReadAloneNext() throws {
        var plan = try plan(10)
        let first = try next(&plan)
        plan.observed(first, [yield("s3", first.count, bytes: 256 * first.count), yield("s4", 1, bytes: 256)], in: nil)
        let second = try next(&plan)
        #expect(second.streams == [StreamKey("s3")])
        #expect(second.count >= 900)
        plan.observed(second, [yield("s3", 10, bytes: 2_560)], in: nil)
        let third = try next(&plan)
        #expect(third.streams.count == 10)
    }

    @Test func aBusyStreamDoesNotStarveTheOthers() throws {
        var plan = try plan(2)
        var sawBoth = 0
        for _ in 0..<10 {
            let request = try next(&plan)
            if request.streams.count == 2 { sawBoth += 1 }
            plan.observed(request, [yield("s0", request.count, bytes: request.count * 256)], in: nil)
        }
        #expect(sawBoth == 5)
    }

    // MARK: Bytes

    @Test func aStreamThatWasNeverReadBeginsSmall() throws {
        var plan = ReadPlan()
        plan.assign(keys(1))
        #expect(try next(&plan).count == ReadPlan.firstCount)
    }

    @Test func largeEntriesMakeSmallReadsAtOnce() throws {
        var plan = try plan(1)
        plan.observed(try next(&plan), [yield("s0", 64, bytes: 64 * 64_000)], in: nil)
        #expect(try next(&plan).count == 4)
    }

    @Test func largeEntriesOfOneStreamMakeNoSmallReadsOfAnother() throws {
        var plan = try plan(2)
        let both = try next(&plan)
        plan.observed(
            both, [yield("s0", 1, bytes: 128_000), yield("s1", both.count, bytes: both.count * 250)], in: nil)
        let alone = try next(&plan)
        #expect(alone.streams == [StreamKey("s1")])
        #expect(alone.count >= 900)
        plan.observed(alone, [], in: nil)
        #expect(try next(&plan).count == 1)
    }

    @Test func smallEntriesMakeLargeReadsAgainAfterAWhile() throws {
        var plan = try plan(1)
        plan.observed(try next(&plan), [yield("s0", 1, bytes: 128_000)], in: nil)
        #expect(try next(&plan).count == 2)
        for _ in 0..<60 { plan.observed(try next(&plan), [yield("s0", 1, bytes: 200)], in: nil) }
        #expect(try next(&plan).count == 1_000)
    }

    /// Entries of no bytes at all, as it looked when all of them had been read past, once made COUNT overflow.
    @Test func noYieldMakesTheCountOverflow() throws {
        var plan = try plan(1)
        for _ in 0..<2_000 { plan.observed(try next(&plan), [yield("s0", 1, bytes: 0)], in: nil) }
        #expect(try next(&plan).count == 1_000)
        plan.observed(try next(&plan), [yield("s0", 1, bytes: .max)], in: nil)
        #expect(try next(&plan).count == 1)
    }

    // MARK: Time

    @Test func repliesThatComeTooLateAreAskedForInSmallerPieces() throws {
        var plan = try plan(1)
        #expect(try next(&plan).count == 1_000)
        plan.timedOut()
        #expect(try next(&plan).count == 250)
        for _ in 0..<100 { plan.timedOut() }
        #expect(try next(&plan).count == 1)
        plan.observed(try next(&plan), [yield("s0", 1, bytes: 256)], in: .milliseconds(1))
        #expect(try next(&plan).count == 1_000)
    }

    /// 64 kB in four seconds: 16 kB arrive in good time.
    @Test func aSlowReplyMakesTheNextOneSmallBeforeItComesTooLate() throws {
        var plan = try plan(1)
        plan.observed(try next(&plan), [yield("s0", 250, bytes: 64_000)], in: .seconds(4))
        #expect(try next(&plan).count == 62)
        // In good time, though mostly latency: a little more is asked for.
        plan.observed(try next(&plan), [yield("s0", 62, bytes: 15_872)], in: .milliseconds(500))
        #expect(try next(&plan).count == 124)
        plan.observed(try next(&plan), [yield("s0", 1, bytes: 256)], in: .milliseconds(200))
        #expect(try next(&plan).count == 124, "a small reply shows nothing of large ones")
        plan.observed(try next(&plan), [yield("s0", 124, bytes: 31_744)], in: .milliseconds(2))
        #expect(try next(&plan).count == 1_000)
    }

    @Test func whatTheFirstReplyShowsHolds() throws {
        var plan = ReadPlan()
        plan.assign(keys(1))
        plan.observed(try next(&plan), [yield("s0", 64, bytes: 64 * 256)], in: .milliseconds(200))
        #expect(try next(&plan).count == 320)
    }
}

struct PageSizeTests {
    @Test func growsWhileEntriesAreSmall() {
        var page = PageSize(limit: 500)
        var counts: [Int] = []
        for _ in 0..<4 {
            counts.append(page.count)
            page.observed(entries: page.count, bytes: page.count * 250, in: .milliseconds(1))
        }
        #expect(counts == [32, 128, 500, 500])
    }

    @Test func aPageOfLargeEntriesMakesTheNextOneSmallAtOnce() {
        var page = PageSize(limit: 500)
        page.observed(entries: 32, bytes: 32 << 20, in: .milliseconds(1))
        #expect(page.count == 2)
        page.observed(entries: 2, bytes: 200 << 20, in: .milliseconds(1))
        #expect(page.count == 1)
    }

    @Test func aPageThatComesTooLateIsMadeSmallerDownToOneEntry() {
        var page = PageSize(limit: 500)
        for _ in 0..<5 { page.timedOut() }
        #expect(page.count == 1)
        page.observed(entries: 0, bytes: 0, in: .milliseconds(1))
        #expect(page.count == 1)
        page.observed(entries: 1, bytes: 0, in: .milliseconds(1))
        #expect(page.count == 4)
    }

    @Test func aPageThatTakesLongMakesTheNextOneSmaller() {
        var page = PageSize(limit: 500)
        page.observed(entries: 32, bytes: 8_000, in: .milliseconds(900))
        #expect(page.count == 128)
        page.observed(entries: 128, bytes: 32_000, in: .seconds(4))
        #expect(page.count == 32)
        page.observed(entries: 32, bytes: 8_000, in: .seconds(40))
        #expect(page.count == 1)
    }
}
