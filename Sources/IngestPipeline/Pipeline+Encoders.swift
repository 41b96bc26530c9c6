import IngestCore
import PostgresCopy
import RecordCodec
import Records

extension Pipeline {
    /// A lane's encoder and the revision of the mappings it was made of.
    struct MadeEncoder {
        let encoder: RouteEncoder
        let revision: Int
    }

    /// Drops the encoders of mappings that were checked anew since. Only between two batches: a batch is encoded by one
    /// encoder from its first entry to its last.
    func refreshEncoders() {
        let revision = worker.tables.revision
        guard revision != encodersRevision else { return }
        encoders = encoders.filter { $1.revision == worker.tables.mappings(of: $0).revision }
        encodersRevision = revision
    }

    /// The lane's encoder of a route, made when the route's first entries come.
    func encoder(of route: Routes.RouteID) throws(LaneFailure) -> RouteEncoder {
        if let known = encoders[route] { return known.encoder }
        let (mappings, revision) = worker.tables.mappings(of: route)
        let limits = CodecLimits(
            maxFields: worker.settings.maxFields, maxEntryBytes: worker.settings.entryBytes,
            maxValueBytes: worker.settings.entryBytes)
        let encoder: RouteEncoder
        do throws(PlanError) {
            encoder = try RouteEncoder(mappings: mappings, limits: limits, keptBytes: worker.settings.batchBytes)
        } catch {
            throw .mapping(error)
        }
        encoders[route] = MadeEncoder(encoder: encoder, revision: revision)
        return encoder
    }

    /// The row of `ingest.batch`. Tiny batches get one a second, so that lineage does not cost more than the rows.
    func lineage(of encoded: EncodedBatch) -> BatchLineage {
        BatchLineage(
            id: .random(), worker: worker.identity, lane: number,
            sealedBy: seal(encoded.planned.plan.survivorCount),
            bytes: encoded.byteCount,
            readAtMicroseconds: worker.microseconds - encoded.planned.batch.readAt.microsecondsAgo)
    }

    /// What ended the batch: it was full, or nothing more was there.
    private func seal(_ count: Int) -> String {
        if count >= worker.settings.batchRows { return "rows" }
        return worker.settings.linger > .zero ? "linger" : "drain"
    }
}

extension ContinuousClock.Instant {
    fileprivate var microsecondsAgo: Int64 {
        let passed = duration(to: .now).components
        return passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
    }
}
