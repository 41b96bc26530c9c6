import Foundation
import Records

/// The recorded data beside the repository, if it is there.
enum RecordedData {
    /// `MILLRACE_DATA`, or `shared/data/cryptofeed` in a folder above this file.
    static let folder: URL? = {
        let manager = FileManager.default
        if let path = ProcessInfo.processInfo.environment["MILLRACE_DATA"] {
            for candidate in [path, path + "/cryptofeed"] where !files(in: URL(filePath: candidate)).isEmpty {
                return URL(filePath: candidate)
            }
        }
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path() != "/" {
            let candidate = folder.appending(path: "shared/data/cryptofeed")
            if manager.fileExists(atPath: candidate.path()) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return nil
    }()

    static var isPresent: Bool { folder != nil }

    static func files(in folder: URL) -> [URL] {
        let all = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return all.filter { $0.lastPathComponent.hasSuffix(".ndjson.gz") }.sorted { $0.path() < $1.path() }
    }

    struct Line: Decodable {
        var stream: String
        var id: String
        var fields: [[String]]
    }

    /// The entries of one file, in order.
    static func lines(of file: URL) throws -> [Line] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path()]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Line.self, from: $0) }
    }

    /// A block of entries that are all of one stream.
    static func block(_ lines: [Line]) -> EntryBlock {
        var block = EntryBlock()
        var bytes: [UInt8] = []
        block.beginStream(StreamKey(lines.first?.stream ?? ""))
        for line in lines {
            block.beginEntry(StreamID(line.id) ?? .min)
            let start = bytes.count
            for field in line.fields {
                for part in field {
                    block.appendSlice(offset: bytes.count, length: part.utf8.count)
                    bytes += part.utf8
                }
            }
            block.endEntry(raw: .init(offset: start, length: bytes.count - start))
        }
        block.endStream()
        block.adopt(bytes: bytes + [UInt8](repeating: 0, count: EntryBlock.slack))
        return block
    }
}
