import Testing

struct CodeRuleTests {
    @Test func nothingTrapsOnPurpose() throws {
        for file in try SourceTree.files(under: "Sources") {
            for (line, text) in file.code {
                #expect(!text.contains("try!"), "\(file.path):\(line)")
                #expect(!text.contains("fatalError("), "\(file.path):\(line)")
            }
        }
    }

    @Test func uncheckedSendabilityIsArgued() throws {
        for file in try SourceTree.files(under: "Sources") {
            for (number, text) in file.code where text.contains("@unchecked Sendable") {
                let before = file.lines[max(0, number - 12)..<number]
                #expect(before.contains { $0.contains("Safety:") }, "\(file.path):\(number) has no Safety: comment")
            }
        }
    }

    @Test func filesStayReadable() throws {
        for folder in ["Sources", "Tests"] {
            for file in try SourceTree.files(under: folder) {
                #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
            }
        }
    }

    @Test func nothingIsLeftForLater() throws {
        let markers = ["TO" + "DO", "FIX" + "ME"]
        for folder in ["Sources", "Tests"] {
            for file in try SourceTree.files(under: folder) {
                for (index, line) in file.lines.enumerated() {
                    for marker in markers { #expect(!line.contains(marker), "\(file.path):\(index + 1)") }
                }
            }
        }
    }
}
