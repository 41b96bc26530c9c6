/// A value that neither logs nor `config show` may print.
public struct Secret: Equatable, Sendable {
    /// The value itself; keep it out of messages.
    public let value: String

    public init(_ value: String) {
        self.value = value
    }

    /// What is printed in its place.
    public static let redacted = "<redacted>"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { Self.redacted }
    public var debugDescription: String { Self.redacted }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
