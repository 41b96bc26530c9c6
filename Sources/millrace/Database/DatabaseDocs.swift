import ArgumentParser

struct DatabaseDocs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "docs", abstract: "Print the schema as a Markdown page with a diagram, from the live catalog.",
        discussion: """
            Tables, columns, keys, views, and why each index is there: the comments of the database. docs/schema.md is \
            this page for an empty database.

            EXAMPLES
              millrace db docs > schema.md
            """)

    @OptionGroup var source: ConfigurationOptions

    func run() throws {
        let page = try SchemaPage(try Servers(try source.load()).postgres(direct: true))
        Output.write(Array(page.markdown.utf8), to: Terminal.standardOutput)
    }
}
