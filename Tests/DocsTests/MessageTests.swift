import Foundation
import Testing

/// Whoever reads a message in a log finds it in operations.md.
struct MessageTests {
    @Test func everyWarningAndErrorIsExplained() throws {
        let page = try Documents.text("docs/operations.md")
        let messages = try Self.messages()
        #expect(messages.count > 10)
        for message in messages {
            let beginning = message.prefix { !";:\\".contains($0) }
            #expect(page.contains("`\(beginning)"), "docs/operations.md does not explain: \(message)")
        }
    }

    private static func messages() throws -> Set<String> {
        let pattern = try Regex(#"\.(?:notice|warning|error|critical|log)\(\s*(?:level: [^,]+,\s*)?"([^"]+)""#)
        var found: Set<String> = []
        for target in ["IngestPipeline", "WorkerApp", "AdminHTTP"] {
            let folder = Documents.root.appending(path: "Sources/\(target)")
            let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            for name in names where name.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                for match in text.matches(of: pattern) {
                    if let message = match.output[1].substring { found.insert(String(message)) }
                }
            }
        }
        return found
    }
}
