import CoreMetrics
import Synchronization

/// A number that grows and shrinks without a lock: the bits of a `Double`.
final class AtomicDouble: Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, current) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = current
        }
    }
}

/// One label set of a family. `labels` is rendered already: `{table="trades"}`, or empty.
protocol Series: AnyObject, Sendable {
    var name: String { get }
    var labels: String { get }
    func render(into text: inout String)
}

final class CounterSeries: Series, CounterHandler {
    let name: String
    let labels: String
    private let count = Atomic<Int64>(0)

    init(name: String, labels: String) {
        self.name = name
        self.labels = labels
    }

    func increment(by amount: Int64) { count.add(max(0, amount), ordering: .relaxed) }

    /// A counter never falls while the process lives.
    func reset() {}

    func render(into text: inout String) {
        text += "\(name)\(labels) \(count.load(ordering: .relaxed))\n"
    }
}

final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    let name: String
    let labels: String
    private let value = AtomicDouble()

    init(name: String, labels: String) {
        self.name = name
        self.labels = labels
    }

    func set(_ value: Int64) { self.value.set(Double(value)) }
    func set(_ value: Double) { self.value.set(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func render(into text: inout String) {
        text += "\(name)\(labels) \(PrometheusText.number(value.value))\n"
    }
}

final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    private final class Bucket: Sendable {
        let upperBound: Double
        let count = Atomic<UInt64>(0)

        init(upperBound: Double) {
            self.upperBound = upperBound
        }
    }

    let name: String
    let labels: String
    private let buckets: [Bucket]
    private let sum = AtomicDouble()

    init(name: String, labels: String, bounds: [Double]) {
        self.name = name
        self.labels = labels
        buckets = (bounds + [.infinity]).map(Bucket.init(upperBound:))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite, let bucket = buckets.first(where: { value <= $0.upperBound }) else { return }
        bucket.count.add(1, ordering: .relaxed)
        sum.add(value)
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func render(into text: inout String) {
        var total: UInt64 = 0
        for bucket in buckets {
            total += bucket.count.load(ordering: .relaxed)
            let bound = PrometheusText.number(bucket.upperBound)
            let inner = labels.isEmpty ? "{le=\"\(bound)\"}" : labels.dropLast() + ",le=\"\(bound)\"}"
            text += "\(name)_bucket\(inner) \(total)\n"
        }
        text += "\(name)_sum\(labels) \(PrometheusText.number(sum.value))\n"
        text += "\(name)_count\(labels) \(total)\n"
    }
}

/// For families that the catalog does not have, and for label sets beyond the limit.
final class IgnoredSeries: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    func increment(by amount: Int64) {}
    func reset() {}
    func set(_ value: Int64) {}
    func set(_ value: Double) {}
    func increment(by amount: Double) {}
    func decrement(by amount: Double) {}
    func record(_ value: Int64) {}
    func record(_ value: Double) {}
    func recordNanoseconds(_ duration: Int64) {}
}
