/// Counts the days (UTC) that some times fall on. It looks through a list, so it is meant for a few dozen days.
///
/// Neighbouring rows mostly share their day, so the day seen last is looked at first.
struct DayCounter {
    /// The most days a batch may be told to hold.
    static let limit = 64

    private var days: [Int32] = []
    private var last: Int64 = .min

    var all: [Int32] { days }

    /// How many days were seen.
    var count: Int { days.count }

    /// - Parameter time: microseconds since 1970-01-01 UTC.
    @inline(__always)
    func contains(_ time: Int64) -> Bool {
        isInLastDay(time) || days.contains(DayCounter.day(time))
    }

    @inline(__always)
    mutating func insert(_ time: Int64) {
        if isInLastDay(time) { return }
        insertDay(DayCounter.day(time))
    }

    /// `last` is the first microsecond of the day seen last.
    @inline(__always)
    private func isInLastDay(_ time: Int64) -> Bool {
        time >= last && time &- last < DayCounter.microseconds && last != .min
    }

    private mutating func insertDay(_ day: Int32) {
        last = Int64(day) &* DayCounter.microseconds
        if !days.contains(day) { days.append(day) }
    }

    private static let microseconds: Int64 = 86_400_000_000

    private static func day(_ time: Int64) -> Int32 {
        let day = time / microseconds - (time % microseconds < 0 ? 1 : 0)
        return Int32(truncatingIfNeeded: day)
    }
}
