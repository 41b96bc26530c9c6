import BlockingExecutor

/// Lanes work side by side, and one alone when it tries an entry that a worker may have died of: whatever is in another
/// lane's hands then cannot be what this worker dies of.
final class Solitude: Sendable {
    private struct State {
        /// Lanes inside; -1 for one that is alone.
        var working = 0
        /// Lanes that want to be alone. Nobody else comes in before them.
        var waiting = 0
    }

    private let state = Monitor(State())

    /// Runs a lane's turn. Waits at most for turns of other lanes, which have deadlines of their own.
    func run<Failure: Error>(alone: Bool, _ body: () throws(Failure) -> Void) throws(Failure) {
        if alone { enterAlone() } else { enter() }
        defer { leave() }
        try body()
    }

    private func enter() {
        state.wait { state -> Void? in
            guard state.working >= 0, state.waiting == 0 else { return nil }
            state.working += 1
            return ()
        }
    }

    private func enterAlone() {
        state.withLock { $0.waiting += 1 }
        state.wait { state -> Void? in
            guard state.working == 0 else { return nil }
            state.waiting -= 1
            state.working = -1
            return ()
        }
    }

    private func leave() {
        let isEmpty = state.withLock { state in
            state.working = state.working < 0 ? 0 : state.working - 1
            return state.working == 0
        }
        if isEmpty { state.wakeAll() }
    }
}
