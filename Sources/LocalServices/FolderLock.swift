import Glibc

/// An exclusive lock on a folder (`flock`), held until this value is gone; the kernel lets go of it if we die.
final class FolderLock: Sendable {
    private let descriptor: Descriptor

    private init(descriptor: Descriptor) {
        self.descriptor = descriptor
    }

    /// The lock, or nil when somebody else has it or the folder is gone.
    static func acquireIfFree(_ folder: String) -> FolderLock? {
        guard let descriptor = try? Descriptor(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), for: folder),
            flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        return FolderLock(descriptor: descriptor)
    }

    /// Waits for the lock, up to ten minutes (somebody else may be building what it protects).
    static func acquire(_ folder: String) async throws -> FolderLock {
        let deadline = ContinuousClock.now + .seconds(600)
        while ContinuousClock.now < deadline {
            if let lock = acquireIfFree(folder) { return lock }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ServiceError("\(folder) stays locked by another process")
    }
}
