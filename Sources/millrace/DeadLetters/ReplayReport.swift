import IngestPipeline
import Records

/// What a replay came to, for people and as JSON.
struct ReplayReport: Encodable {
    private struct Reason: Encodable {
        var letters: Int
        var cause: String
        var reason: String
        var constraint: String?
        var example: String
    }

    private var isDryRun: Bool
    private var stored: Int
    private var failed: Int
    private var elsewhere: Int
    private var held: Int
    private var reasons: [Reason]

    private enum CodingKeys: String, CodingKey {
        case stored, failed, elsewhere, held, reasons
        case isDryRun = "dry_run"
    }

    init(_ tally: ReplayTally, isDryRun: Bool) {
        self.isDryRun = isDryRun
        stored = tally.stored
        failed = tally.failed
        elsewhere = tally.elsewhere
        held = tally.held
        reasons = tally.reasons.map { reason in
            Reason(
                letters: reason.count, cause: reason.rejection.reason.rawValue, reason: "\(reason.rejection)",
                constraint: reason.constraint, example: reason.example.description)
        }
    }

    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        Output.print(headline)
        for reason in reasons {
            let constraint = reason.constraint.map { " (\($0))" } ?? ""
            Output.print(
                SafeText.escape(
                    "  \(Figures.count(reason.letters))  \(reason.reason)\(constraint), such as \(reason.example)"))
        }
        if elsewhere > 0 {
            Output.print("\(Figures.count(elsewhere)) were stored, discarded or edited by somebody else meanwhile")
        }
    }

    /// Such as `981 of 1,000 would succeed; 19 still fail:`
    var headline: String {
        let all = stored + failed
        guard all > 0 else { return held > 0 ? "nothing could be tried" : "nothing to replay" }
        let done = "\(Figures.count(stored)) of \(Figures.count(all)) \(isDryRun ? "would succeed" : "are stored")"
        return failed == 0 ? done : "\(done); \(Figures.count(failed)) still fail:"
    }
}
