import Foundation

/// Waits for the new day of UTC where this one ends within two minutes, or began a few seconds ago: what counts days or
/// chunks must not see two of them.
public func awayFromMidnight() async throws {
    let day = 86_400
    let second = Int(Date().timeIntervalSince1970) % day
    if second >= day - 120 { try await Task.sleep(for: .seconds(day - second)) }
    if second >= day - 120 || second < 15 { try await Task.sleep(for: .seconds(15)) }
}
