import CoreMetrics
import PostgresCopy
import Records
import RedisStreams

/// The series of single streams. Patterns can find any number of streams, so only the first ones have series of their
/// own; the others share one, labelled `(other)`: sums of what is counted, the worst of what is timed.
struct StreamSeries {
    /// Streams with series of their own.
    static let limit = 200

    struct Figures {
        var lag: Int?
        var pending = 0
        /// Seconds since the oldest pending entry, and since the newest committed one, was enqueued; by the server's
        /// clock. `nil` when there is none, or its id is not a time.
        var oldestPending: Double?
        var freshness: Double?
    }

    private struct Gauges {
        let lag: Gauge
        let pending: Gauge
        let oldestPending: Gauge
        let freshness: Gauge

        init(_ name: String) {
            func gauge(_ series: String) -> Gauge { Gauge(label: "millrace_\(series)", dimensions: [("stream", name)]) }
            lag = gauge("stream_lag")
            pending = gauge("stream_pending")
            oldestPending = gauge("stream_oldest_pending_seconds")
            freshness = gauge("freshness_seconds")
        }

        func record(_ figures: Figures) {
            if let lag = figures.lag { self.lag.record(lag) }
            pending.record(figures.pending)
            oldestPending.record(figures.oldestPending ?? 0)
            if let freshness = figures.freshness { self.freshness.record(freshness) }
        }
    }

    private var gauges: [String: Gauges] = [:]
    private static let other = "(other)"

    mutating func record(_ figures: [(StreamKey, Figures)]) {
        var rest: Figures?
        for (key, figures) in figures {
            let name = name(key)
            if name == Self.other {
                rest = rest.map { $0.adding(figures) } ?? figures
            } else {
                gauges[name]?.record(figures)
            }
        }
        guard let rest else { return }
        if gauges[Self.other] == nil { gauges[Self.other] = Gauges(Self.other) }
        gauges[Self.other]?.record(rest)
    }

    mutating func trimmed(_ key: StreamKey, _ count: Int) {
        Counter(label: "millrace_stream_trimmed_total", dimensions: [("stream", name(key))]).increment(by: count)
    }

    mutating func unreadTrimmed(_ key: StreamKey, _ count: Int) {
        Counter(label: "millrace_stream_unread_trimmed_total", dimensions: [("stream", name(key))]).increment(by: count)
    }

    /// The label of a stream, which is given one as long as there are any.
    private mutating func name(_ key: StreamKey) -> String {
        let name = "\(key)"
        if gauges[name] != nil { return name }
        guard gauges.count < Self.limit else { return Self.other }
        gauges[name] = Gauges(name)
        return name
    }
}

extension StreamSeries.Figures {
    /// - Parameter now: the server's clock in milliseconds since 1970.
    init(_ account: StreamAccount, _ book: SourceBook?, now: Int) {
        lag = account.lag
        pending = account.pending?.count ?? 0
        oldestPending = Self.age(account.pending?.lowest, now)
        freshness = Self.age(book?.highest, now)
    }

    private static func age(_ id: StreamID?, _ now: Int) -> Double? {
        guard let id, id.milliseconds > 0, id.milliseconds <= UInt64(max(0, now)) else { return nil }
        return Double(UInt64(now) - id.milliseconds) / 1_000
    }

    fileprivate func adding(_ next: Self) -> Self {
        var sum = self
        sum.lag = lag.flatMap { lag in next.lag.map { lag + $0 } }
        sum.pending += next.pending
        sum.oldestPending = [oldestPending, next.oldestPending].compactMap(\.self).max()
        sum.freshness = [freshness, next.freshness].compactMap(\.self).max()
        return sum
    }
}
