import Foundation
import IngestTesting
import Testing

/// The fault matrix is complete, and what it says shows a row is there.
struct FaultMatrixTests {
    @Test func everyFaultIsThereOnceAndInOrder() {
        let numbers = FaultMatrix.rows.map(\.number)
        #expect(Set(numbers).count == numbers.count)
        #expect(Set(numbers).isSuperset(of: (1...82).map(String.init)))
        #expect(Set(numbers).isSuperset(of: ["28b", "29b", "36b", "21000"]))
        // 21000 is a server's code among rows of its kind.
        let counted = numbers.filter { $0 != "21000" }
        #expect(counted == counted.sorted { Self.rank($0) < Self.rank($1) })
    }

    /// `28b` comes behind `28`.
    private static func rank(_ number: String) -> (Int, String) {
        (Int(number.prefix { $0.isNumber }) ?? 0, String(number.drop { $0.isNumber }))
    }

    @Test func enoughOfItIsShown() {
        let numbered = FaultMatrix.rows.filter { Int($0.number).map { $0 <= 75 } == true }
        #expect(numbered.filter(\.isShown).count >= 60)
        #expect(numbered.filter { $0.isShown && $0.isAlways }.count >= 20)
        #expect(FaultMatrix.rows.filter { !$0.isShown }.count <= 15)
    }

    /// What runs always has a test first that does; what is for `make prove` has none that does.
    @Test func everyTestItNamesRunsWhenItSays() throws {
        let tests = try Self.tests()
        for row in FaultMatrix.rows {
            #expect(row.isShown != row.tests.isEmpty, "\(row.number)")
            for test in row.tests { #expect(tests[test] != nil, "\(row.number): \(test)") }
            if row.isAlways {
                #expect(row.tests.first.map { tests[$0] } == .always, "\(row.number)")
            } else {
                #expect(row.tests.allSatisfy { tests[$0] == .proof }, "\(row.number)")
            }
        }
    }

    private enum Run { case always, proof }

    /// When each test of the package runs, by `Suite.function`.
    private static func tests() throws -> [String: Run] {
        let folder = Documents.root.appending(path: "Tests")
        var found: [String: Run] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path.hasSuffix(".swift") {
            var suite = ""
            // From `@Test` on, until the function is named.
            var attribute: String?
            for line in try String(contentsOf: folder.appending(path: path), encoding: .utf8).split(separator: "\n") {
                if let name = line.firstMatch(of: /struct ([A-Z]\w+Tests)\b/) { suite = String(name.1) }
                if line.contains("@Test") { attribute = "" }
                attribute?.append(contentsOf: line)
                guard let words = attribute, let name = line.firstMatch(of: /func (\w+)\(/) else { continue }
                let isProof = words.contains(/enabled\(if: (Proof\.isOn|.*MILLRACE_PROVE)/)
                found["\(suite).\(name.1)"] = isProof ? .proof : .always
                attribute = nil
            }
        }
        return found
    }
}
