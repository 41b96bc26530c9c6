import Testing

struct RingTests {
    @Test func codeLooksOnlyInwards() throws {
        for file in try SourceTree.files(under: "Sources") {
            guard let allowed = DependencyTable.inner[file.target] else { continue }
            for (line, module) in file.imports where DependencyTable.own.contains(module) {
                #expect(allowed.contains(module), "\(file.path):\(line) imports \(module)")
            }
        }
    }

    @Test func everyTargetHasItsPlaceInTheTable() throws {
        let targets = Set(try SourceTree.files(under: "Sources").map(\.target))
        #expect(targets.subtracting(DependencyTable.own).isEmpty)
    }

    @Test func onlyTheWiresTouchTheirCLibraries() throws {
        let owners: [String: Set<String>] = [
            "CHiredis": ["RedisWire"], "CPostgres": ["PostgresWire"], "CZlib": ["RecordFiles"],
            "CPlatform": ["BlockingExecutor", "LocalServices"],
        ]
        for file in try SourceTree.files(under: "Sources") {
            for (line, module) in file.imports {
                guard let allowed = owners[module] else { continue }
                #expect(allowed.contains(file.target), "\(file.path):\(line) imports \(module)")
            }
        }
    }

    /// Ring 1 is values and decisions: nothing that waits, reads a clock, draws a random number or logs.
    @Test func theInnerRingIsPure() throws {
        let modules: Set<String> = ["Foundation", "Dispatch", "Logging", "Metrics", "Glibc", "NIOCore"]
        let words = ["async ", "await ", "Task {", "ContinuousClock", "SuspendingClock", ".random(", "Logger("]
        for file in try SourceTree.files(under: "Sources") where DependencyTable.ring(of: file.target) == 1 {
            for (line, module) in file.imports {
                #expect(!modules.contains(module), "\(file.path):\(line) imports \(module)")
            }
            for (line, text) in file.code {
                for word in words { #expect(!text.contains(word), "\(file.path):\(line) says \(word)") }
            }
        }
    }
}
