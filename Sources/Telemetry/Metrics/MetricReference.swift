/// The table of all series, for the documentation.
public enum MetricReference {
    /// Markdown, one row per family.
    public static func markdown(_ catalog: [MetricDefinition] = MetricCatalog.all) -> String {
        var text = "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        for definition in catalog {
            let labels = definition.labels.map { label in
                label.values.isEmpty ? "`\(label.name)`" : "`\(label.name)`: \(label.values.joined(separator: ", "))"
            }
            text += "| `\(definition.name)` | \(definition.kind.word) | \(labels.joined(separator: "; ")) "
            text += "| \(definition.help) |\n"
        }
        return text
    }
}
