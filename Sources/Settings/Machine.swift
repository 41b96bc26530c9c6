import Foundation

/// What defaults depend on.
public struct Machine: Equatable, Sendable {
    public var hostName: String
    public var processorCount: Int

    public init(hostName: String, processorCount: Int) {
        self.hostName = hostName
        self.processorCount = processorCount
    }

    /// This machine; characters that a worker's name may not have become `-`.
    public static var current: Machine {
        let name = String(ProcessInfo.processInfo.hostName.map { WorkerName.allows($0) ? $0 : "-" }.prefix(48))
        return Machine(
            hostName: name.isEmpty ? "worker" : name, processorCount: ProcessInfo.processInfo.activeProcessorCount)
    }
}

/// Worker names are part of Redis keys, consumer names and session names.
enum WorkerName {
    static func allows(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }

    static func isValid(_ text: String) -> Bool {
        (1...48).contains(text.utf8.count) && text.allSatisfy(allows)
    }
}
