import Foundation
import Synchronization
import Testing

@testable import IngestPipeline

struct SolitudeTests {
    /// Twice as many as could be alone by chance; each looks who else is there.
    @Test func whoIsAloneMeetsNobody() async {
        let solitude = Solitude()
        let inside = Atomic<Int>(0)
        let met = Atomic<Int>(0)
        let together = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        for lane in 0..<4 {
            Thread.detachNewThread {
                for turn in 0..<300 {
                    let alone = (turn + lane).isMultiple(of: 5)
                    solitude.run(alone: alone) {
                        let others = inside.add(1, ordering: .sequentiallyConsistent).oldValue
                        usleep(50)
                        if alone, others > 0 || inside.load(ordering: .sequentiallyConsistent) > 1 {
                            met.add(1, ordering: .relaxed)
                        }
                        if !alone, others > 0 { together.add(1, ordering: .relaxed) }
                        inside.subtract(1, ordering: .sequentiallyConsistent)
                    }
                }
                done.add(1, ordering: .releasing)
            }
        }
        while done.load(ordering: .acquiring) < 4 { try? await Task.sleep(for: .milliseconds(5)) }
        #expect(met.load(ordering: .relaxed) == 0)
        #expect(together.load(ordering: .relaxed) > 0, "others work side by side")
    }
}
