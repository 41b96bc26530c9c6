/// Every id from `lower` to `upper`, both included.
public struct IDRange: Hashable, Sendable {
    public var lower: StreamID
    public var upper: StreamID

    /// - Precondition: `lower <= upper`.
    public init(_ lower: StreamID, _ upper: StreamID) {
        precondition(lower <= upper, "a range of ids runs upwards")
        self.lower = lower
        self.upper = upper
    }

    /// The range that holds one id.
    public init(_ id: StreamID) {
        self.init(id, id)
    }

    public func contains(_ id: StreamID) -> Bool { lower <= id && id <= upper }

    public func contains(_ other: IDRange) -> Bool { lower <= other.lower && other.upper <= upper }

    public func overlaps(_ other: IDRange) -> Bool { lower <= other.upper && other.lower <= upper }
}

extension IDRange: CustomStringConvertible {
    public var description: String { "[\(lower), \(upper)]" }
}
