import IngestTesting
import Testing

extension EndToEnd {
    /// What is stored is taken off the pending list.
    struct AcknowledgingTests {
        /// More ids than one transaction takes.
        @Test func aLargeBatchIsAcknowledgedWhole() async throws {
            let scene = try await Scene()
            let entries = 30_000
            for first in stride(from: 1, to: entries, by: 5_000) { try scene.addTickers(first...(first + 4_999)) }
            try await scene.drain(settings: ["batching.rows": "20000", "batching.bytes": "64MiB", "lanes": "1"])
            #expect(try scene.covered() == entries)
            #expect(try scene.pendingCount() == 0)
            await scene.stop()
        }
    }
}
