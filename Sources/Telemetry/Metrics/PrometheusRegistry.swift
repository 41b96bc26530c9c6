public import CoreMetrics
import Synchronization

/// The backend of swift-metrics that `/metrics` shows: families of the catalog only, each with a bounded number of
/// label sets.
///
/// Handles take a lock when they are made, and atomic operations alone when they are used. Label values that the
/// catalog or `known` lists exist from the start, at 0.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// Label sets of a family that are kept; more are ignored and counted.
    public static let seriesLimit = 1000
    public static var contentType: String { PrometheusText.contentType }

    private let definitions: [String: MetricDefinition]
    private let order: [MetricDefinition]
    private let families: Mutex<[String: [String: any Series]]>
    private let ignored = Atomic<Int64>(0)

    /// - Parameter known: values by label name that only the configuration knows, such as the tables.
    public init(catalog: [MetricDefinition] = MetricCatalog.all, known: [String: [String]] = [:]) {
        order = catalog
        definitions = Dictionary(catalog.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        families = Mutex([:])
        for definition in catalog { addKnownSeries(of: definition, known) }
    }

    private func addKnownSeries(of definition: MetricDefinition, _ known: [String: [String]]) {
        var sets: [[(String, String)]] = [[]]
        for label in definition.labels {
            let values = label.values.isEmpty ? known[label.name] ?? [] : label.values
            sets = sets.flatMap { set in values.map { set + [(label.name, $0)] } }
        }
        for labels in sets { _ = series(definition.name, labels) }
    }

    /// Sets a gauge for which no handle is kept: of what is told once or twice.
    public func set(_ gauge: MetricDefinition, _ labels: [(String, String)] = [], to value: Double) {
        gauge.gauge(labels, factory: self).set(value)
    }

    // MARK: Exposition

    /// All families as Prometheus reads them, with the process's own at the end.
    public func render() -> String {
        let families = self.families.withLock { $0 }
        var text = ""
        for definition in order {
            guard let series = families[definition.name], !series.isEmpty else { continue }
            text += PrometheusText.header(definition.name, definition.kind.word, definition.help)
            for key in series.keys.sorted() { series[key]?.render(into: &text) }
        }
        text += PrometheusText.header(
            "millrace_metrics_ignored_total", "counter", "Series that were refused: unknown, or too many label sets.")
        text += "millrace_metrics_ignored_total \(ignored.load(ordering: .relaxed))\n"
        return text + ProcessMetrics.render()
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) as? CounterSeries ?? ignore()
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) as? GaugeSeries ?? ignore()
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        switch series(label, dimensions) {
        case let histogram as HistogramSeries: histogram
        case let gauge as GaugeSeries: gauge
        default: ignore()
        }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) as? HistogramSeries ?? ignore()
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    // MARK: Series

    private func ignore() -> IgnoredSeries {
        ignored.add(1, ordering: .relaxed)
        return IgnoredSeries()
    }

    private func series(_ name: String, _ dimensions: [(String, String)]) -> (any Series)? {
        guard let definition = definitions[name],
            let labels = Self.ordered(dimensions, as: definition.labels)
        else { return nil }
        return families.withLock { families in
            if let series = families[name]?[labels] { return series }
            guard families[name, default: [:]].count < Self.seriesLimit else { return nil }
            let made = Self.make(definition, labels)
            families[name, default: [:]][labels] = made
            return made
        }
    }

    private static func make(_ definition: MetricDefinition, _ labels: String) -> any Series {
        switch definition.kind {
        case .counter: CounterSeries(name: definition.name, labels: labels)
        case .gauge: GaugeSeries(name: definition.name, labels: labels)
        case .histogram(let bounds): HistogramSeries(name: definition.name, labels: labels, bounds: bounds)
        }
    }

    /// Exactly the labels of the definition, in its order; `nil` when one is missing or too many.
    private static func ordered(
        _ dimensions: [(String, String)], as labels: [MetricDefinition.Label]
    ) -> String? {
        guard dimensions.count == labels.count else { return nil }
        var ordered: [(String, String)] = []
        for label in labels {
            guard let value = dimensions.first(where: { $0.0 == label.name })?.1 else { return nil }
            ordered.append((label.name, Sanitizer.sanitize(value, limit: 200)))
        }
        return PrometheusText.labels(ordered)
    }

    /// Series of streams that went away are taken out; the caller destroys its handle.
    private func remove(_ handler: AnyObject) {
        guard let series = handler as? any Series else { return }
        families.withLock { _ = $0[series.name]?.removeValue(forKey: series.labels) }
    }
}
