import PostgresCopy
import Records
import RedisStreams
import RedisWire

/// Fetches the fields of letters that are kept by reference from where they came.
///
/// Only from the very stream they came from: a stream that was made anew under the same key may hold another entry
/// with the same id.
final class ReferencedFields {
    private let settings: PipelineSettings
    private var connection: RedisConnection?
    private let held = HeldBlock(EntryBlock())
    /// Sources of which the stream's marker was seen to be theirs.
    private var isOriginal: Set<SourceNumber> = []

    init(settings: PipelineSettings) {
        self.settings = settings
    }

    /// The letters, with fields where the stream still has them.
    /// - Parameter incarnation: what marks the stream of a source; `nil` for an unknown one.
    func fill(
        _ letters: [OpenLetter], incarnation: (SourceNumber) throws -> HexUUID?
    ) throws -> [OpenLetter] {
        try letters.map { letter in
            guard letter.fields == nil, letter.isSourceOpen else { return letter }
            let redis = try connection.flatMap { $0.isOpen ? $0 : nil } ?? connect()
            connection = redis
            guard try isOriginal(letter, redis, incarnation) else { return letter }
            var filled = letter
            filled.fields = try fields(letter, redis)
            return filled
        }
    }

    private func connect() throws(RedisError) -> RedisConnection {
        try RedisConnection.connect(
            to: settings.redis, name: "millrace/replay",
            limits: ReplyLimits(keptBytes: max(settings.replyBytes, settings.entryBytes)))
    }

    private func isOriginal(
        _ letter: OpenLetter, _ redis: RedisConnection, _ incarnation: (SourceNumber) throws -> HexUUID?
    ) throws -> Bool {
        if isOriginal.contains(letter.key.source) { return true }
        let wanted = try incarnation(letter.key.source)
        let found: [IncarnationMarker]
        do throws(RedisError) {
            found = try redis.markers(in: settings.group, of: letter.stream)
        } catch {
            guard Self.saysNoStream(error) else { throw error }
            return false
        }
        let isSame = wanted.map { wanted in found.contains { HexUUID($0.uuid) == wanted } } ?? false
        if isSame { isOriginal.insert(letter.key.source) }
        return isSame
    }

    private func fields(_ letter: OpenLetter, _ redis: RedisConnection) throws(RedisError) -> [UInt8]? {
        do throws(RedisError) {
            let count = try redis.range(of: letter.stream, IDRange(letter.key.id), count: 1, into: &held.block)
            guard count == 1, held.block.record(0).body == .kept else { return nil }
            return held.block.rawFields(0)
        } catch {
            guard Self.saysNoStream(error) else { throw error }
            return nil
        }
    }

    /// There is no such stream or group, so nothing to fetch from. Whatever else the server says is no word on a letter.
    private static func saysNoStream(_ error: RedisError) -> Bool {
        guard let answer = error.serverError else { return false }
        return answer.isMissingGroup || answer.isWrongType || answer.message.hasPrefix("no such key")
    }
}
