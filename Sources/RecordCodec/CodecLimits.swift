/// What the codec accepts of one entry; what is beyond becomes a rejection.
public struct CodecLimits: Equatable, Sendable {
    /// Name-value pairs of an entry (`too_many_fields`).
    public var maxFields: Int
    /// Bytes of an entry's fields as Redis sent them (`too_large`).
    public var maxEntryBytes: Int
    /// Bytes of one value that goes into a column (`too_large`).
    public var maxValueBytes: Int
    /// Levels of a JSON value, at most 64 (`too_large`).
    public var maxJSONDepth: Int
    /// Days (UTC) that the times of one batch of rows may fall on, at most ``TableRows/maxDistinctDays``: encoding
    /// stops before the entry that would be one too many.
    public var maxDistinctDays: Int

    public init(
        maxFields: Int = 512, maxEntryBytes: Int = 1 << 20, maxValueBytes: Int = 1 << 20, maxJSONDepth: Int = 64,
        maxDistinctDays: Int = TableRows.maxDistinctDays
    ) {
        self.maxFields = maxFields
        self.maxEntryBytes = maxEntryBytes
        self.maxValueBytes = maxValueBytes
        self.maxJSONDepth = min(maxJSONDepth, 64)
        self.maxDistinctDays = min(maxDistinctDays, TableRows.maxDistinctDays)
    }

    public static let standard = CodecLimits()
}
