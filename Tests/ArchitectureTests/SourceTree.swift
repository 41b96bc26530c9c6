import Foundation

/// One Swift file of the package, as text.
struct SourceFile {
    let target: String
    let path: String
    let lines: [String]

    /// The modules it imports, with the line that says so.
    var imports: [(line: Int, module: String)] {
        lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"),
                words[..<position].allSatisfy({
                    ["public", "internal", "private", "package", "@preconcurrency"].contains($0) || $0.hasPrefix("@")
                }),
                position + 1 < words.count
            else { return nil }
            var name = String(words[position + 1])
            if ["struct", "class", "enum", "func", "protocol"].contains(name), position + 2 < words.count {
                name = String(words[position + 2])
            }
            return (index + 1, String(name.prefix { $0 != "." }))
        }
    }

    /// Lines of code, without comments; strings stay.
    var code: [(number: Int, text: String)] {
        lines.enumerated().compactMap { index, line in
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.isEmpty || text.hasPrefix("//") { return nil }
            return (index + 1, text.components(separatedBy: " // ")[0])
        }
    }
}

/// The package's sources, found from where this file lies.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func files(under folder: String) throws -> [SourceFile] {
        let base = root.appending(path: folder)
        let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
        var found: [SourceFile] = []
        while let url = walker?.nextObject() as? URL {
            guard url.pathExtension == "swift" else { continue }
            let relative = url.path.dropFirst(base.path.count + 1)
            let text = try String(contentsOf: url, encoding: .utf8)
            found.append(
                SourceFile(
                    target: String(relative.prefix { $0 != "/" }), path: "\(folder)/\(relative)",
                    lines: text.components(separatedBy: "\n")))
        }
        return found.sorted { $0.path < $1.path }
    }
}
