/// Waiting for a server that was just started.
enum Readiness {
    /// Asks `isReady` every few milliseconds until it says yes.
    ///
    /// Throws a `ServiceError` with the end of the server's log when the server ends, or is not ready in time.
    static func wait(
        for name: String, process: SupervisedProcess, folder: String, within limit: Duration,
        isReady: @Sendable () -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while !isReady() {
            guard !process.hasExited else {
                throw ServiceError("\(name) ended while starting: \(SupervisedProcess.logTail(folder))")
            }
            guard ContinuousClock.now < deadline else {
                process.send(9)
                throw ServiceError("\(name) not ready after \(limit): \(SupervisedProcess.logTail(folder))")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
