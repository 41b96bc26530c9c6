import CPlatform
import Glibc

/// A serial executor on a thread of its own: the one place where blocking calls are legal.
///
/// Give it to the actors of one lane as their `unownedExecutor`. Actors that share it call each other without a
/// change of thread (some 30 ns); a call from anywhere else costs two wake-ups (14-49 us), so cross per batch, never
/// per entry.
///
/// Its actors hold it, and nobody else need to: when the last reference goes, the thread runs what is queued and
/// ends by itself. It is never joined, because the last reference may go on that very thread.
///
/// Inside an actor that lives here, do not `await` between sending a command and reading its reply: actors are
/// reentrant.
public final class BlockingThread: SerialExecutor {
    /// The system refused a thread.
    public struct CreationError: Error, Equatable, CustomStringConvertible {
        /// What `pthread_create` returned, such as `EAGAIN`.
        public let code: Int32

        public var description: String { "no thread could be started (error \(code))" }
    }

    private let queue = JobQueue()

    /// Starts the thread.
    /// - Parameters:
    ///   - name: what `top -H` shows; at most 15 bytes are kept.
    ///   - stackBytes: 1 MiB unless told.
    /// - Throws: ``CreationError`` when the system has no thread to give.
    public init(name: String, stackBytes: Int = 1 << 20) throws(CreationError) {
        // Only an identity that is passed along while a job of ours runs; that job's actor keeps this object alive.
        let identity = UnownedSerialExecutor(ordinary: self)
        let body = ThreadBody(queue: queue, identity: identity, name: name)
        guard let code = Self.start(body, stackBytes: stackBytes) else { return }
        throw CreationError(code: code)
    }

    deinit {
        queue.close()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        // The runtime holds no reference while it calls this. Once queued, the job may run, end and let go of the last
        // actor, and with it of this executor, before `push` has returned: so `push` runs on a reference of its own.
        let held = Unmanaged.passRetained(queue)
        held.takeUnretainedValue().push(UnownedJob(job))
        held.release()
    }

    /// Whether the caller runs on this thread.
    public func isIsolatingCurrentContext() -> Bool? {
        ServedQueue.isServing(queue)
    }

    /// Stops the program when the caller is not on this thread: that is a programmer's error.
    public func checkIsolated() {
        precondition(ServedQueue.isServing(queue), "called off the executor's own thread")
    }

    /// Starts a detached thread; `nil` when it runs, else the error's code.
    private static func start(_ body: ThreadBody, stackBytes: Int) -> Int32? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)
        let argument = Unmanaged.passRetained(body)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard code != 0 else { return nil }
        argument.release()
        return code
    }
}

/// What the thread runs. It holds the queue and not the executor, so that the executor can go.
private final class ThreadBody {
    private let queue: JobQueue
    private let identity: UnownedSerialExecutor
    private let name: String

    init(queue: JobQueue, identity: UnownedSerialExecutor, name: String) {
        self.queue = queue
        self.identity = identity
        self.name = name
    }

    func run() {
        millrace_name_current_thread(name)
        ServedQueue.mark(queue)
        var jobs: [UnownedJob] = []
        while queue.take(into: &jobs) {
            for job in jobs { job.runSynchronously(on: identity) }
            jobs.removeAll(keepingCapacity: true)
        }
    }
}
