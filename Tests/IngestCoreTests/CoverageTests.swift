import IngestCore
import Records
import Testing

@Suite struct CoverageTests {
    @Test func rowsInAnyOrderBecomeDisjointRanges() {
        let coverage = covering(span(7, 9), span(1, 3), span(2, 5))
        #expect(coverage.ranges(of: here) == [span(1, 5), span(7, 9)])
    }

    @Test func containsIncludesBothEnds() {
        let coverage = covering(span(2, 4))
        #expect([1, 2, 3, 4, 5].map { coverage.contains(id($0), of: here) } == [false, true, true, true, false])
        #expect(!coverage.contains(id(3), of: there))
    }

    @Test func overlapCountsIdsThatNoEntryHas() {
        let coverage = covering(span(5, 5))
        #expect(coverage.overlaps(span(4, 6), of: here))
        #expect(!coverage.overlaps(span(6, 9), of: here))
        #expect(!coverage.overlaps(span(1, 4), of: here))
    }

    @Test func subtractionLeavesWhatIsNotCovered() {
        #expect(covering(span(2, 3)).subtracted(from: ids(1, 2, 3, 4), of: here) == ids(1, 4))
        #expect(Coverage().subtracted(from: ids(1), of: here) == ids(1))
    }
}
