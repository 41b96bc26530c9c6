import CoreMetrics
import Telemetry
import Testing

@Suite struct PrometheusTests {
    private let registry = PrometheusRegistry(known: ["table": ["trades", "ticker"]])

    private func lines(_ name: String) -> [Substring] {
        registry.render().split(separator: "\n").filter { $0.hasPrefix(name) }
    }

    @Test func countersGrowAndNeverFall() {
        let counter = MetricCatalog.entriesRead.counter(factory: registry)
        counter.increment(by: 5)
        counter.increment(by: 2)
        counter.reset()
        #expect(lines("millrace_entries_read_total") == ["millrace_entries_read_total 7"])
    }

    @Test func handlesWithTheSameLabelsShareASeries() {
        MetricCatalog.rowsCommitted.counter([("table", "trades")], factory: registry).increment()
        MetricCatalog.rowsCommitted.counter([("table", "trades")], factory: registry).increment()
        #expect(
            lines("millrace_rows_committed_total") == [
                "millrace_rows_committed_total{table=\"ticker\"} 0",
                "millrace_rows_committed_total{table=\"trades\"} 2",
            ])
    }

    @Test func knownLabelsExistFromTheStart() {
        #expect(lines("millrace_rows_deduplicated_total{").count == 2)
        #expect(lines("millrace_stage_latency_seconds_count{").count == 4)
        #expect(lines("millrace_table_held{").count == 2)
        #expect(lines("millrace_rows_dead_total{").count > 40)
        #expect(lines("millrace_conservation_error ") == ["millrace_conservation_error 0"])
        #expect(lines("millrace_conservation_unknown ") == ["millrace_conservation_unknown 0"])
        #expect(lines("millrace_freshness_seconds{").isEmpty)
    }

    @Test func gaugesKeepTheLastValue() {
        let gauge = MetricCatalog.freshness.gauge([("stream", "md:trades")], factory: registry)
        gauge.set(1.5)
        gauge.increment(by: 2)
        #expect(lines("millrace_freshness_seconds{") == ["millrace_freshness_seconds{stream=\"md:trades\"} 3.5"])
        gauge.destroy()
        #expect(lines("millrace_freshness_seconds{").isEmpty)
    }

    @Test func gaugesNeedNoHandle() {
        registry.set(MetricCatalog.buildInfo, [("version", "1.2.3")], to: 1)
        #expect(lines("millrace_build_info") == ["millrace_build_info{version=\"1.2.3\"} 1"])
        registry.set(MetricCatalog.workerUp, to: 1)
        registry.set(MetricCatalog.workerUp, to: 0)
        #expect(lines("millrace_worker_up") == ["millrace_worker_up 0"])
    }

    @Test func histogramsCountCumulatively() {
        let rows = MetricCatalog.batchRows.histogram(factory: registry)
        for value in [1, 2, 10, 100_000] { rows.record(value) }
        rows.record(Double.nan)
        let text = lines("millrace_batch_rows")
        #expect(text.contains("millrace_batch_rows_bucket{le=\"1\"} 1"))
        #expect(text.contains("millrace_batch_rows_bucket{le=\"10\"} 3"))
        #expect(text.contains("millrace_batch_rows_bucket{le=\"50000\"} 3"))
        #expect(text.contains("millrace_batch_rows_bucket{le=\"+Inf\"} 4"))
        #expect(text.contains("millrace_batch_rows_sum 100013"))
        #expect(text.contains("millrace_batch_rows_count 4"))
    }

    @Test func timersAreInSeconds() {
        MetricCatalog.stageLatency.timer([("stage", "read_commit")], factory: registry).recordMilliseconds(250)
        let text = lines("millrace_stage_latency_seconds")
        #expect(text.contains("millrace_stage_latency_seconds_sum{stage=\"read_commit\"} 0.25"))
        #expect(text.contains("millrace_stage_latency_seconds_bucket{stage=\"read_commit\",le=\"0.1\"} 0"))
        #expect(text.contains("millrace_stage_latency_seconds_bucket{stage=\"read_commit\",le=\"0.25\"} 1"))
    }

    @Test func hostileLabelValuesStayInOneLine() {
        MetricCatalog.streamLag.gauge([("stream", "a\"b\\c\n\u{1B}[2J")], factory: registry).set(1)
        #expect(
            lines("millrace_stream_lag{") == ["millrace_stream_lag{stream=\"a\\\"b\\\\c\\\\n\\\\u{1b}[2J\"} 1"])
    }

    @Test func unknownFamiliesAndFloodsAreRefusedAndCounted() {
        for index in 0..<(PrometheusRegistry.seriesLimit + 10) {
            MetricCatalog.streamLag.gauge([("stream", "s\(index)")], factory: registry).set(1)
        }
        MetricCatalog.streamLag.gauge([("wrong", "label")], factory: registry).set(1)
        #expect(lines("millrace_stream_lag{").count == PrometheusRegistry.seriesLimit)
        #expect(lines("millrace_metrics_ignored_total") == ["millrace_metrics_ignored_total 11"])
    }

    @Test func everyFamilyIsWellFormed() {
        for definition in MetricCatalog.all {
            #expect(definition.name.hasPrefix("millrace_"))
            #expect(definition.name.hasSuffix("_total") == (definition.kind == .counter), "\(definition.name)")
            #expect(definition.help.hasSuffix("."))
        }
        #expect(Set(MetricCatalog.all.map(\.name)).count == MetricCatalog.all.count)
        for family in registry.render().split(separator: "\n") where !family.hasPrefix("#") {
            #expect(family.wholeMatch(of: #/[a-z_]+(\{[^{}]*\})? [-+0-9.eInfNa]+/#) != nil, "\(family)")
        }
    }

    @Test func theProcessTellsItsBasics() {
        let text = registry.render()
        for name in ["cpu_seconds_total", "resident_memory_bytes", "start_time_seconds", "open_fds"] {
            #expect(text.contains("\nprocess_\(name) "))
        }
    }

    @Test func concurrentUpdatesAreNotLost() async {
        let counter = MetricCatalog.entriesAcked.counter(factory: registry)
        let gauge = MetricCatalog.inflightBytes.gauge(factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        gauge.increment(by: 1)
                    }
                }
            }
        }
        #expect(lines("millrace_entries_acked_total") == ["millrace_entries_acked_total 8000"])
        #expect(lines("millrace_inflight_bytes") == ["millrace_inflight_bytes 8000"])
    }

    @Test func theReferenceNamesEveryFamily() {
        let reference = MetricReference.markdown()
        #expect(MetricCatalog.all.allSatisfy { reference.contains("| `\($0.name)` |") })
    }
}
