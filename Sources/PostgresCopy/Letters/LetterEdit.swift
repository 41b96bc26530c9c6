/// A change to a letter's fields.
public enum LetterEdit: Equatable, Sendable {
    /// The field has this value, once; added when it is not there.
    case set([UInt8], to: [UInt8])
    case remove([UInt8])
}

extension [LetterEdit] {
    /// The fields, changed; `nil` when they are not RESP bytes.
    public func applied(to resp: [UInt8]) -> [UInt8]? {
        guard var fields = LetterFields(resp: resp) else { return nil }
        for edit in self {
            switch edit {
            case .set(let name, let value): fields.set(name, to: value)
            case .remove(let name): fields.remove(name)
            }
        }
        return fields.resp
    }
}
