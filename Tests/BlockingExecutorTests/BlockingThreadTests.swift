import Glibc
import Testing

@testable import BlockingExecutor

/// An actor that lives on its own thread.
private actor Lane {
    private let thread: BlockingThread
    private(set) var seen: [Int] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(on thread: BlockingThread) {
        self.thread = thread
    }

    func append(_ value: Int) { seen.append(value) }

    /// Waits on a barrier, as a blocking read would.
    func block(on barrier: ThreadBarrier) { barrier.arriveAndWait() }

    func name() -> String { threadName() }

    func count() -> Int { seen.count }

    nonisolated func countSynchronously() -> Int { assumeIsolated { $0.seen.count } }

    func isIsolated() -> Bool? { thread.isIsolatingCurrentContext() }

    /// Calls another actor and tells whether it came back to its own thread.
    func isBackAfterCalling(_ other: Lane) async -> Bool {
        _ = await other.count()
        return countSynchronously() >= 0 && thread.isIsolatingCurrentContext() == true
    }
}

/// A pthread barrier in a heap cell.
/// Safety: the cell is set up in `init`, freed in `deinit`, and touched only by `pthread_barrier_wait` in between.
private final class ThreadBarrier: @unchecked Sendable {
    private let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)

    init(count: UInt32) { pthread_barrier_init(barrier, nil, count) }

    deinit {
        pthread_barrier_destroy(barrier)
        barrier.deallocate()
    }

    func arriveAndWait() { pthread_barrier_wait(barrier) }
}

private func threadName() -> String {
    entries(of: "/proc/thread-self").contains("comm") ? contents(of: "/proc/thread-self/comm") : ""
}

private func contents(of path: String) -> String {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)).filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

private func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
}

/// How many threads of this process bear a name.
private func threads(named name: String) -> Int {
    entries(of: "/proc/self/task").filter { contents(of: "/proc/self/task/\($0)/comm") == name }.count
}

struct BlockingThreadTests {
    @Test func jobsOfOneCallerRunInTheirOrder() async throws {
        let lane = Lane(on: try BlockingThread(name: "order"))
        for value in 0..<1_000 { await lane.append(value) }
        #expect(await lane.seen == Array(0..<1_000))
    }

    @Test func callsFromManyTasksAreCountedExactly() async throws {
        let lane = Lane(on: try BlockingThread(name: "many"))
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask { for step in 0..<1_000 { await lane.append(task * 1_000 + step) } }
            }
        }
        let seen = await lane.seen
        #expect(seen.count == 16_000)
        #expect(Set(seen).count == 16_000)
    }

    @Test func theThreadBearsItsName() async throws {
        let lane = Lane(on: try BlockingThread(name: "lane-with-a-long-name"))
        #expect(await lane.name() == "lane-with-a-lon")
    }

    /// With default actors this would need more threads than the pool has, and never end.
    @Test(.timeLimit(.minutes(15))) func blockedActorsDoNotStallThePool() async throws {
        let barrier = ThreadBarrier(count: 9)
        var lanes: [Lane] = []
        for number in 0..<9 { lanes.append(Lane(on: try BlockingThread(name: "blocked-\(number)"))) }
        await withTaskGroup(of: Void.self) { group in
            for lane in lanes.dropLast() { group.addTask { await lane.block(on: barrier) } }
            // Eight calls wait for the ninth, which can only be made while the pool is free.
            await lanes[8].block(on: barrier)
        }
    }

    @Test func actorsShareAThread() async throws {
        let thread = try BlockingThread(name: "shared")
        let first = Lane(on: thread)
        let second = Lane(on: thread)
        #expect(await first.isBackAfterCalling(second))
        #expect(await first.isIsolated() == true)
    }

    @Test func isolationIsRightAfterAnAwait() async throws {
        let first = Lane(on: try BlockingThread(name: "first"))
        let second = Lane(on: try BlockingThread(name: "second"))
        for _ in 0..<100 { #expect(await first.isBackAfterCalling(second)) }
    }

    @Test func isolationIsFalseElsewhere() throws {
        let thread = try BlockingThread(name: "elsewhere")
        #expect(thread.isIsolatingCurrentContext() == false)
    }

    @Test(.timeLimit(.minutes(15))) func shortLivedActorsLeaveNoThread() async throws {
        for value in 0..<200 {
            let lane = Lane(on: try BlockingThread(name: "short-lived"))
            await lane.append(value)
        }
        // A thread ends a moment after its actor; the time limit bounds the wait.
        while threads(named: "short-lived") > 0 { await Task.yield() }
        #expect(threads(named: "short-lived") == 0)
    }

    @Test func aStackThatCannotBeIsAnError() {
        #expect(throws: BlockingThread.CreationError.self) {
            _ = try BlockingThread(name: "huge", stackBytes: 1 << 46)
        }
    }
}
