extension SchemaPage {
    /// The whole page, ending with a line break.
    var markdown: String {
        let tables = relations.filter { !$0.isView }
        let views = relations.filter(\.isView)
        return """
            # Schema

            What `millrace migrate up` makes, the same on every tier. Made by `millrace db docs` from the live catalog; do
            not edit: change the comments, in a migration. How tables are cut into chunks is in
            [partitioning.md](partitioning.md).

            ## Diagram

            \(diagram)

            ## Tables

            \(tables.map(Self.section).joined(separator: "\n\n"))

            ## Views

            \(views.map(Self.section).joined(separator: "\n\n"))

            """
    }

    /// References that the tables keep without a foreign key: one would cost every batch.
    private static let references = [
        ("ingest.source", "ingest.ledger", "source_no"), ("ingest.source", "ingest.dead_letter", "source_no"),
        ("ingest.dead_letter", "ingest.dead_letter_part", "source_no, id"),
        ("ingest.source", "ingest.suspect", "source_no"), ("ingest.batch", "ingest.batch_range", "batch"),
        ("ingest.source", "ingest.batch_range", "source_no"), ("ingest.lifecycle", "ingest.chunk_write", "table_name"),
        ("public.current_positions", "public.position_history", "exchange, symbol, side"),
    ]

    private var diagram: String {
        var lines = ["```mermaid", "erDiagram"]
        for relation in relations where !relation.isView {
            lines.append("  \(Self.entity(relation.name)) {")
            for column in relation.columns { lines.append("    \(Self.word(column.type)) \(column.name)") }
            lines.append("  }")
        }
        let names = Set(relations.map(\.name))
        for (one, many, label) in Self.references where names.contains(one) && names.contains(many) {
            lines.append("  \(Self.entity(one)) ||--o{ \(Self.entity(many)) : \"\(label)\"")
        }
        return (lines + ["```"]).joined(separator: "\n")
    }

    private static func entity(_ name: String) -> String {
        name.replacing(".", with: "_").replacing("public_", with: "")
    }

    /// A type as Mermaid's grammar takes it: one word.
    private static func word(_ type: String) -> String {
        let short = type.replacing("timestamp with time zone", with: "timestamptz").replacing("\"char\"", with: "char")
        return String(short.prefix { $0 != "(" }.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    private static func section(_ relation: Relation) -> String {
        var lines = ["### \(relation.name)", "", relation.comment + ".", ""]
        lines += ["| column | type | null | default | |", "|---|---|---|---|---|"]
        for column in relation.columns {
            let value = column.value.isEmpty ? "" : "`\(cell(column.value))`"
            let null = relation.isView || !column.isNotNull ? "yes" : "no"
            lines.append("| `\(column.name)` | \(cell(column.type)) | \(null) | \(value) | \(cell(column.comment)) |")
        }
        if !relation.keys.isEmpty { lines += ["", "Keys and checks:", ""] + relation.keys.map { "- \(cell($0))" } }
        if !relation.indexes.isEmpty {
            lines += ["", "| index | over | why |", "|---|---|---|"]
            for index in relation.indexes {
                let why = index.why.isEmpty ? "the key" : index.why
                lines.append("| `\(index.name)` | \(cell(index.definition)) | \(cell(why)) |")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}
