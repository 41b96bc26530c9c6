import IngestCore
import PostgresCopy
import PostgresWire
public import RecordCodec
public import Records
import RedisWire

/// What the configuration makes of an entry, and whether its row is there.
public enum EntryTrial: Equatable, Sendable {
    /// No mapping names the stream.
    case noStream
    case rejected(Rejection)
    /// A row of this mapping.
    /// - Parameter isThere: a row with its key, of the same or a later version, is in the table; `nil` when the mapping
    ///   names no key, so that a row cannot be found.
    case row(StreamMapping, isThere: Bool?)
}

extension EntryTrial {
    /// Tries an entry without keeping anything: the transaction is rolled back.
    ///
    /// Connects, and checks the stream's mappings against the database. Blocks its thread.
    /// - Throws: ``StartupFailure`` or ``ReplayFailure``.
    public init(of id: StreamID, in stream: StreamKey, fields: [UInt8], _ settings: PipelineSettings) throws {
        let replay = try LetterReplay(connecting: settings)
        do {
            self = try replay.trial(id, of: stream, fields: fields)
        } catch ReplayStop.table(_, let reason) {
            throw ReplayFailure(reason)
        } catch ReplayStop.server(let failure) {
            throw ReplayFailure(failure)
        } catch {
            throw ReplayFailure(error)
        }
    }
}

extension LetterReplay {
    fileprivate func trial(_ id: StreamID, of stream: StreamKey, fields: [UInt8]) throws -> EntryTrial {
        guard let route = routes.route(of: stream) else { return .noStream }
        let entry = OpenLetter(
            key: LetterKey(source: SourceNumber(rawValue: 0), id: id), stream: stream, fields: fields)
        let page = try ReplayPage([entry]) { _ in route }
        let encoder = try encoder(of: route)
        encoder.begin()
        var rejected: [RejectedEntry] = []
        _ = encoder.encode(
            0..<1, of: page.held, stream: stream, now: WorkerContext.microsecondsNow, skipping: [], rejected: &rejected)
        if let refusal = rejected.first { return .rejected(refusal.rejection) }
        guard let load = EncodedBatch.Load.filled(encoder).first,
            let mapping = mapping(of: route, table: load.table.rows.table, LetterFields(resp: fields))
        else { return .noStream }
        return try tell(mapping, load)
    }

    /// A row that its key shows to be there already is not written: that is how it is found.
    private func tell(_ mapping: StreamMapping, _ load: EncodedBatch.Load) throws -> EntryTrial {
        guard mapping.onConflict != .error else { return .row(mapping, isThere: nil) }
        var unit = CommitUnit(rows: [
            .init(target: load.table.target, count: 1, source: load.table.rows, isStaged: true)
        ])
        unit.isRehearsal = true
        let report = commits.commit(unit, deadline: .now + PostgresSession.patience)
        if let error = report.failure {
            guard case .postgres(_, .isolate(_)) = LaneFailure(error) else { throw error }
            return .rejected(Refusal(error, table: mapping.table).rejection)
        }
        return .row(mapping, isThere: report.tables.first.map { $0.written == 0 })
    }

    /// The first mapping of the table whose condition holds, as the encoder chose.
    private func mapping(of route: Routes.RouteID, table: String, _ fields: LetterFields?) -> StreamMapping? {
        func value(_ name: String) -> [UInt8]? { fields?.fields.first { $0.name == Array(name.utf8) }?.value }
        return route.mappings.map { settings.mappings[$0] }.first { mapping in
            guard mapping.table == table else { return false }
            switch mapping.condition {
            case nil: return true
            case .present(let field): return value(field) != nil
            case .equals(let field, let wanted): return value(field) == Array(wanted.utf8)
            }
        }
    }
}
