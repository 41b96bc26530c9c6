import Foundation

/// Recorded market data that may lie beside the checkout: `EXCHANGE.ndjson.gz`, one entry of a stream a line.
struct RecordedFiles {
    let folder: String
    /// Sorted; at least one.
    let paths: [String]

    /// In `$MILLRACE_DATA`, else in `shared/data/cryptofeed` in this folder or in one above it.
    static func find() -> RecordedFiles? {
        if let given = Terminal.environment("MILLRACE_DATA") { return RecordedFiles(folder: given) }
        var folder = URL(filePath: FileManager.default.currentDirectoryPath)
        while true {
            if let found = RecordedFiles(folder: folder.appending(path: "shared/data/cryptofeed").path) { return found }
            guard folder.path != "/" else { return nil }
            folder = folder.deletingLastPathComponent()
        }
    }

    init?(folder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = names.filter { $0.hasSuffix(".ndjson.gz") || $0.hasSuffix(".ndjson") }.sorted()
        guard !files.isEmpty else { return nil }
        self.folder = folder
        paths = files.map { "\(folder)/\($0)" }
    }
}
