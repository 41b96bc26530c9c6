/// The number of a row of `ingest.source`: one incarnation of one stream as one group sees it.
public struct SourceNumber: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    public static func < (lhs: SourceNumber, rhs: SourceNumber) -> Bool { lhs.rawValue < rhs.rawValue }
}

extension SourceNumber: CustomStringConvertible {
    public var description: String { String(rawValue) }
}
