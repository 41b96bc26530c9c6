import Foundation
import IngestTesting
import Testing

/// The fault matrix is complete, and what it says shows a row is there.
struct FaultMatrixTests {
    @Test func everyFaultIsThereOnceAndInOrder() {
        let numbers = FaultMatrix.rows.map(\.number)
        #expect(Set(numbers).count == numbers.count)
        #expect(Set(numbers).isSuperset(of: (1...75).map(String.init)))
        #expect(Set(numbers).isSuperset(of: ["28b", "29b", "21000"]))
    }

    @Test func enoughOfItIsShown() {
        let numbered = FaultMatrix.rows.filter { Int($0.number).map { $0 <= 75 } == true }
        #expect(numbered.filter(\.isShown).count >= 60)
        #expect(numbered.filter { $0.isShown && $0.isAlways }.count >= 20)
        #expect(FaultMatrix.rows.filter { !$0.isShown }.count <= 15)
    }

    @Test func everyTestItNamesExists() throws {
        let tests = try Self.functions()
        for row in FaultMatrix.rows {
            #expect(row.isShown != row.tests.isEmpty, "\(row.number)")
            for test in row.tests { #expect(tests.contains(test), "\(row.number): \(test)") }
        }
    }

    /// `Suite.function` of every test in the package.
    private static func functions() throws -> Set<String> {
        let folder = Documents.root.appending(path: "Tests")
        var found: Set<String> = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path.hasSuffix(".swift") {
            var suite = ""
            for line in try String(contentsOf: folder.appending(path: path), encoding: .utf8).split(separator: "\n") {
                if let name = line.firstMatch(of: /struct ([A-Z]\w+Tests)\b/) { suite = String(name.1) }
                if let name = line.firstMatch(of: /func (\w+)\(/) { found.insert("\(suite).\(name.1)") }
            }
        }
        return found
    }
}
