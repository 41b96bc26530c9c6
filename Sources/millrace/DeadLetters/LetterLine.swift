import Foundation
import PostgresCopy
import Records

/// A letter as JSON.
struct LetterLine: Encodable {
    let letter: ListedLetter

    private enum CodingKeys: String, CodingKey {
        case source, id, stream, state, cause, reason, table, column, field, sqlstate, constraint, fingerprint, batch
        case attempts, bytes
        case streamHex = "stream_hex"
        case firstReason = "first_reason"
        case nextRetry = "next_retry"
        case createdAt = "created_at"
        case closedAt = "closed_at"
        case closedBy = "closed_by"
        case storedBy = "stored_by"
        case editedAt = "edited_at"
        case editedBy = "edited_by"
        case isReference = "by_reference"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let name = JSONName(letter.stream)
        try container.encode(letter.key.source.rawValue, forKey: .source)
        try container.encode(letter.key.id.description, forKey: .id)
        try container.encode(name.text, forKey: .stream)
        try container.encodeIfPresent(name.hex, forKey: .streamHex)
        try container.encode(letter.state.word, forKey: .state)
        try container.encode(letter.cause, forKey: .cause)
        try container.encode(letter.reason, forKey: .reason)
        try container.encodeIfPresent(letter.firstReason, forKey: .firstReason)
        try container.encodeIfPresent(letter.table, forKey: .table)
        try container.encodeIfPresent(letter.column, forKey: .column)
        try container.encodeIfPresent(letter.field, forKey: .field)
        try container.encodeIfPresent(letter.sqlState, forKey: .sqlstate)
        try container.encodeIfPresent(letter.constraint, forKey: .constraint)
        try container.encode(letter.fingerprint, forKey: .fingerprint)
        try container.encodeIfPresent(letter.batch, forKey: .batch)
        try container.encode(letter.attempts, forKey: .attempts)
        try container.encodeIfPresent(letter.nextRetry, forKey: .nextRetry)
        try container.encode(letter.createdAt, forKey: .createdAt)
        try container.encodeIfPresent(letter.closedAt, forKey: .closedAt)
        try container.encodeIfPresent(letter.closedBy, forKey: .closedBy)
        try container.encodeIfPresent(letter.storedBy, forKey: .storedBy)
        try container.encodeIfPresent(letter.editedAt, forKey: .editedAt)
        try container.encodeIfPresent(letter.editedBy, forKey: .editedBy)
        try container.encode(letter.byteCount, forKey: .bytes)
        try container.encode(letter.isReference, forKey: .isReference)
    }
}

extension LetterSelection.State {
    var word: String {
        switch self {
        case .open: "open"
        case .replayed: "replayed"
        case .discarded: "discarded"
        }
    }
}
