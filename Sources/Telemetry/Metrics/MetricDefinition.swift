public import CoreMetrics

/// A time series family: its name, type, labels and meaning. Names, labels and units are a contract.
public struct MetricDefinition: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case counter
        case gauge
        /// Upper bounds of its buckets, ascending, without infinity.
        case histogram([Double])

        /// As Prometheus spells it.
        public var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    public struct Label: Hashable, Sendable {
        public var name: String
        /// All its values, when the program knows them; tables and streams are known by the configuration only.
        public var values: [String]

        public init(_ name: String, _ values: [String] = []) {
            self.name = name
            self.values = values
        }
    }

    /// With the prefix `millrace_`.
    public let name: String
    public let kind: Kind
    public let labels: [Label]
    public let help: String

    init(_ name: String, _ kind: Kind, _ labels: [Label] = [], help: String) {
        self.name = "millrace_" + name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}

extension MetricDefinition {
    /// A handle to one series. Keep it: making one takes a lock.
    public func counter(
        _ labels: [(String, String)] = [], factory: any MetricsFactory = MetricsSystem.factory
    ) -> Counter {
        Counter(label: name, dimensions: labels, factory: factory)
    }

    /// A handle to one series. Keep it: making one takes a lock.
    public func gauge(
        _ labels: [(String, String)] = [], factory: any MetricsFactory = MetricsSystem.factory
    ) -> Meter {
        Meter(label: name, dimensions: labels, factory: factory)
    }

    /// A handle to one series, in the unit of the name. Keep it: making one takes a lock.
    public func histogram(
        _ labels: [(String, String)] = [], factory: any MetricsFactory = MetricsSystem.factory
    ) -> Recorder {
        Recorder(label: name, dimensions: labels, aggregate: true, factory: factory)
    }

    /// A handle to one series in seconds, fed with durations. Keep it: making one takes a lock.
    public func timer(
        _ labels: [(String, String)] = [], factory: any MetricsFactory = MetricsSystem.factory
    ) -> Timer {
        Timer(label: name, dimensions: labels, factory: factory)
    }
}
