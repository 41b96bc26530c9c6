import Records
import Testing

@testable import IngestPipeline

struct ReadPlanTests {
    private let budget = ReadPlan.Budget(entries: 1_000, bytes: 256_000)

    private func next(_ plan: inout ReadPlan) throws -> ReadPlan.Request {
        let request = plan.next(budget)
        return try #require(request)
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
        #expect(first.count == 1_000)
        plan.observed(first, entries: [], bytes: 0)
        let second = try next(&plan)
        #expect(second.mayBlock)
    }

    @Test func manyStreamsAreReadInWindowsThatShareTheBudget() throws {
        var plan = ReadPlan()
        plan.assign(keys(300))
        let first = try next(&plan)
        #expect(first.streams.count == ReadPlan.maxStreamsPerRead)
        #expect(first.count == 1_000 / ReadPlan.maxStreamsPerRead)
        plan.observed(first, entries: [], bytes: 0)
        let second = try next(&plan)
        #expect(second.streams.count == 44)
        #expect(!second.mayBlock)
    }

    @Test func aStreamThatGaveAllItWasAskedIsReadAloneNext() throws {
        var plan = ReadPlan()
        plan.assign(keys(10))
        let first = try next(&plan)
        plan.observed(
            first, entries: [(StreamKey("s3"), first.count), (StreamKey("s4"), 1)], bytes: 256 * (first.count + 1))
        let second = try next(&plan)
        #expect(second.streams == [StreamKey("s3")])
        #expect(second.count >= 900)
        plan.observed(second, entries: [(StreamKey("s3"), 10)], bytes: 2_560)
        let third = try next(&plan)
        #expect(third.streams.count == 10)
    }

    @Test func aBusyStreamDoesNotStarveTheOthers() throws {
        var plan = ReadPlan()
        plan.assign(keys(2))
        var sawBoth = 0
        for _ in 0..<10 {
            let request = try next(&plan)
            if request.streams.count == 2 { sawBoth += 1 }
            plan.observed(request, entries: [(StreamKey("s0"), request.count)], bytes: request.count * 256)
        }
        #expect(sawBoth == 5)
    }

    @Test func largeEntriesMakeSmallReads() throws {
        var plan = ReadPlan()
        plan.assign(keys(1))
        for _ in 0..<40 {
            let request = try next(&plan)
            plan.observed(request, entries: [(StreamKey("s0"), 1)], bytes: 128_000)
        }
        let last = try next(&plan)
        #expect(last.count <= 2)
    }
}
