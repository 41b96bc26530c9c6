import Foundation
import IngestTesting
import LocalServices
import Settings
import Testing

/// What the pages tell people to type is typed here.
struct ExampleTests {
    static let pagesWithExamples = Documents.pages.filter { page in
        ((try? Documents.text(page)).map { CodeBlock.all(in: $0) } ?? []).contains { $0.language == "sh" }
    }

    @Test(arguments: pagesWithExamples) func shellBlocksRunInOrder(_ page: String) async throws {
        let blocks = CodeBlock.all(in: try Documents.text(page)).filter { $0.language == "sh" }
        let redis = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
        let scene = try ExampleScene(redis: redis.url, postgres: try await TestServices.shared.database())
        let (status, output) = try await scene.run(blocks)
        await redis.stop()
        #expect(status == 0, "\(page): \(output)")
    }

    @Test func makeTargetsOfThePagesExist() throws {
        let makefile = try Documents.text("Makefile")
        for page in Documents.pages {
            for block in CodeBlock.all(in: try Documents.text(page)) where ["sh", "text"].contains(block.language) {
                for line in block.text.split(separator: "\n") where line.hasPrefix("make ") {
                    let target = line.split(separator: " ")[1]
                    #expect(makefile.contains("\n\(target):"), "\(page):\(block.line) make \(target)")
                }
            }
        }
    }

    @Test func yamlBlocksAreValidConfigurations() throws {
        for page in Documents.pages {
            for block in CodeBlock.all(in: try Documents.text(page)) where block.language == "yaml" {
                let file = SettingsInput.File(name: "\(page):\(block.line)", text: block.text)
                do throws(SettingsError) {
                    let loaded = try Settings.load(SettingsInput(file: file))
                    #expect(loaded.warnings.isEmpty)
                    #expect(!loaded.settings.streams.isEmpty)
                } catch {
                    Issue.record("\(error.problems.map(\.description))")
                }
            }
        }
    }
}

/// A shell with `millrace` on its path, servers of its own and an empty folder.
private struct ExampleScene {
    private let folder: URL
    private let environment: [String: String]

    init(redis: String, postgres: String) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "millrace-docs-\(UUID().uuidString)")
        let programs = folder.appending(path: "bin")
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "work"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            at: programs.appending(path: "millrace"), withDestinationURL: try MillraceProcess.executable())
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MILLRACE_") }
        variables["PATH"] = "\(programs.path):\(variables["PATH"] ?? "/usr/bin:/bin")"
        variables["MILLRACE_REDIS_URL"] = redis
        variables["MILLRACE_POSTGRES_URL"] = postgres
        // Pages are tested side by side.
        variables["MILLRACE_HTTP_ADDRESS"] = "127.0.0.1:0"
        environment = variables
    }

    /// One shell for all blocks: later ones use what earlier ones made. What `make` does is not done again here.
    func run(_ blocks: [CodeBlock]) async throws -> (status: Int32, output: String) {
        defer { try? FileManager.default.removeItem(at: folder) }
        var script = "set -euo pipefail\nexec 2>&1\n"
        for block in blocks {
            let lines = block.text.split(separator: "\n", omittingEmptySubsequences: false)
            script += "echo '# block of line \(block.line)'\n"
            script += lines.filter { !$0.hasPrefix("make ") }.joined(separator: "\n") + "\n"
        }
        return try await ShellScript(script, environment: environment, folder: folder.appending(path: "work")).run()
    }
}
