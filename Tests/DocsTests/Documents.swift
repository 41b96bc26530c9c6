import Foundation

/// The checkout, and the pages in it.
enum Documents {
    static let root: URL = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Pages whose examples are run and whose links must lead somewhere.
    static let pages =
        ["README.md", "CHANGELOG.md", "Sources/README.md"]
        + names(in: "docs").map { "docs/\($0)" } + names(in: "docs/decisions").map { "docs/decisions/\($0)" }

    static func text(_ page: String) throws -> String {
        try String(contentsOf: root.appending(path: page), encoding: .utf8)
    }

    private static func names(in folder: String) -> [String] {
        let all = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
        return (all ?? []).filter { $0.hasSuffix(".md") }.sorted()
    }
}

/// A fenced block of a page.
struct CodeBlock: Sendable {
    var language: String
    var text: String
    /// Where it begins, from 1.
    var line: Int

    /// All blocks of a page, in order.
    static func all(in page: String) -> [CodeBlock] {
        var blocks: [CodeBlock] = []
        var open: CodeBlock?
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = CodeBlock(language: String(line.dropFirst(3)), text: "", line: index + 1)
                }
            } else {
                open?.text += line + "\n"
            }
        }
        return blocks
    }
}
