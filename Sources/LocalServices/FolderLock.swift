import Glibc

/// An exclusive lock on a folder (`flock`), held until this value is gone; the kernel lets go of it if we die.
final class FolderLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// The lock, or nil when somebody else has it or the folder is gone.
    static func acquireIfFree(_ folder: String) -> FolderLock? {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
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
