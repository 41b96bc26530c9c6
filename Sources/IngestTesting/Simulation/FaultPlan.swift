/// Which faults one seed plays: a random subset, so that rare combinations come up without everything always failing
/// at once.
struct FaultPlan {
    enum Fault: Int, CaseIterable {
        case crash, pause, breakRedis, doubtfulCommit, refusedCommit, flushAll, deleteStream, reuseIDs
        case destroyGroup, failover, restore, trim
    }

    /// One bit a fault: asked several times a step.
    private var bits = 0
    /// Out of a thousand steps of a lane, so many crash it, or freeze it. Some seeds are calm, some are not.
    let crashRate: Int
    let pauseRate: Int

    /// - Parameter needed: faults that are played in any case.
    init(random: inout SimulationRandom, needed: [Fault]) {
        crashRate = 5 << random.below(4)
        pauseRate = 5 << random.below(4)
        for fault in Fault.allCases {
            let isChosen = random.chance(Self.share(of: fault))
            if isChosen || needed.contains(fault) { enable(fault) }
        }
        if needed.contains(.restore) || needed.contains(.failover) { disable(.reuseIDs) }
        if has(.reuseIDs) {
            // The evidence of DECISIONS 1 cannot tell a stream whose ids were used again from one whose counters a
            // failover or a restored database set back.
            disable(.failover)
            disable(.restore)
            if !has(.deleteStream), !has(.flushAll) { enable(.deleteStream) }
        }
        // What was trimmed cannot be read again for a database that went back: outside the promise.
        if has(.restore) { disable(.trim) }
    }

    var enabled: [Fault] { Fault.allCases.filter(has) }

    private mutating func enable(_ fault: Fault) { bits |= 1 << fault.rawValue }

    private mutating func disable(_ fault: Fault) { bits &= ~(1 << fault.rawValue) }

    func has(_ fault: Fault) -> Bool { bits & (1 << fault.rawValue) != 0 }

    private static func share(of fault: Fault) -> Int {
        switch fault {
        case .crash, .pause, .doubtfulCommit: 600
        case .breakRedis, .refusedCommit, .destroyGroup: 400
        case .failover, .restore, .trim: 300
        case .flushAll, .deleteStream, .reuseIDs: 250
        }
    }
}
