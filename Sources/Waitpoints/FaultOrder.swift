/// One thing that `MILLRACE_FAULT` asks for: `<waitpoint>:<action>[@<nth time>]`.
struct FaultOrder: Equatable, Sendable {
    enum Action: Equatable, Sendable {
        case kill, stop, terminate
        /// Each time from then on.
        case sleep(milliseconds: UInt32)

        init?(_ text: some StringProtocol) {
            switch text {
            case "kill": self = .kill
            case "stop": self = .stop
            case "term": self = .terminate
            default:
                guard text.hasPrefix("sleep="), let milliseconds = UInt32(text.dropFirst(6)), milliseconds <= 60_000
                else { return nil }
                self = .sleep(milliseconds: milliseconds)
            }
        }

        var repeats: Bool { if case .sleep = self { true } else { false } }
    }

    let point: Waitpoint
    let action: Action
    /// From 1.
    let time: Int

    init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let words = halves[0].split(separator: ":", maxSplits: 1)
        guard words.count == 2, let point = Waitpoint(rawValue: String(words[0])), let action = Action(words[1]) else {
            return nil
        }
        let time = halves.count == 2 ? Int(halves[1]) : 1
        guard let time, time > 0 else { return nil }
        (self.point, self.action, self.time) = (point, action, time)
    }
}
