import Foundation
import Testing

struct LinkTests {
    @Test(arguments: Documents.pages) func linksLeadSomewhere(_ page: String) throws {
        let folder = Documents.root.appending(path: page).deletingLastPathComponent()
        for target in Self.targets(in: try Documents.text(page)) where !target.contains("://") {
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let path = parts[0].isEmpty ? Documents.root.appending(path: page) : folder.appending(path: parts[0])
            #expect(FileManager.default.fileExists(atPath: path.path), "\(page) -> \(target)")
            guard parts.count == 2, path.pathExtension == "md" else { continue }
            let anchors = Self.anchors(of: try String(contentsOf: path, encoding: .utf8))
            #expect(anchors.contains(String(parts[1])), "\(page) -> \(target)")
        }
    }

    /// What stands in `](…)`, outside of code.
    private static func targets(in text: String) -> [String] {
        var isCode = false
        var prose = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() } else if !isCode { prose += line + "\n" }
        }
        return prose.split(separator: "](").dropFirst().compactMap { rest in
            rest.firstIndex(of: ")").map { String(rest[..<$0]) }
        }
    }

    /// As GitHub makes them from headings.
    private static func anchors(of text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { heading in
            let words = heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
            return String(words.compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || $0 == "-" ? $0 : nil })
        }
    }
}
