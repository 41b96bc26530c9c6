import Testing

struct MetricTests {
    /// A series that nobody records is a promise that dashboards believe.
    @Test func everySeriesOfTheCatalogIsRecorded() throws {
        let files = try SourceTree.files(under: "Sources")
        let catalog = try #require(files.first { $0.path.hasSuffix("/MetricCatalog.swift") })
        let recording = files.filter { ["IngestPipeline", "WorkerApp"].contains($0.target) }
        let code = recording.flatMap { file in file.code.map { $0.text } }
        let text = catalog.lines.joined(separator: "\n")
        let families = text.matches(of: #/static let (\w+) = MetricDefinition\(\s*"(\w+)"/#)
        #expect(families.count > 30)
        for family in families {
            let (_, property, name) = family.output
            let signs = ["\"millrace_\(name)\"", "\"\(name)\"", "MetricCatalog.\(property)"]
            #expect(code.contains { line in signs.contains { line.contains($0) } }, "\(name)")
        }
    }
}
