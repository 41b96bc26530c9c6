import Testing

@testable import PostgresCopy

@Suite struct CopyStateTests {
    private let steps: [CopyState.Step] = [
        .command("BEGIN"), .copy(0), .copy(1), .written(1), .rows, .insert(2), .statement(rows: 1), .commit,
    ]

    @Test func takesTheExactSequence() {
        var state = CopyState(steps)
        let events: [(CopyState.Event, CopyState.Action)] = [
            (.command(tag: "BEGIN"), .goOn), (.copyIn, .send(0)), (.command(tag: "COPY 5"), .goOn),
            (.copyIn, .send(1)), (.command(tag: "COPY 7"), .goOn), (.rows(count: 1, number: 6), .goOn),
            (.rows(count: 1, number: nil), .goOn), (.command(tag: "INSERT 0 2"), .goOn),
            (.command(tag: "DELETE 1"), .goOn), (.command(tag: "COMMIT"), .goOn), (.end, .finish),
        ]
        for (event, action) in events { #expect(state.received(event) == action) }
        #expect(state.copied == [0: 5, 1: 7])
        #expect(state.written == [1: 6])
        #expect(state.finalTag == "COMMIT")
        #expect(state.wrongStatement == nil)
    }

    @Test func knowsWhenOnlyTheServerHasSomethingToDo() {
        var state = CopyState([.command("BEGIN"), .copy(0), .copy(1), .commit])
        #expect(!state.isAllSent)
        _ = state.received(.command(tag: "BEGIN"))
        _ = state.received(.copyIn)
        #expect(!state.isAllSent)
        _ = state.received(.command(tag: "COPY 1"))
        #expect(!state.isAllSent)
        _ = state.received(.copyIn)
        #expect(state.isAllSent)
    }

    @Test(
        arguments: [
            .command(tag: "COPY 5"), .command(tag: "SET"), .end, .rows(count: 1, number: 1), .copyIn,
        ] as [CopyState.Event])
    func anythingElseThanBeginIsAViolation(event: CopyState.Event) {
        var state = CopyState(steps)
        guard case .violation = state.received(event) else { return #expect(Bool(false)) }
    }

    @Test(arguments: [.copyIn, .command(tag: "COPY"), .command(tag: "INSERT 0 5"), .end] as [CopyState.Event])
    func afterTheRowsOnlyTheirCountMayCome(event: CopyState.Event) {
        var state = CopyState([.copy(0), .commit])
        #expect(state.received(.copyIn) == .send(0))
        guard case .violation = state.received(event) else { return #expect(Bool(false)) }
    }

    @Test func aResultAfterTheEndIsAViolation() {
        var state = CopyState([.commit])
        #expect(state.received(.command(tag: "COMMIT")) == .goOn)
        guard case .violation = state.received(.command(tag: "COMMIT")) else { return #expect(Bool(false)) }
    }

    @Test func keepsTheTagOfACommitThatRolledBack() {
        var state = CopyState([.commit])
        #expect(state.received(.command(tag: "ROLLBACK")) == .goOn)
        #expect(state.received(.end) == .finish)
        #expect(state.finalTag == "ROLLBACK")
    }

    @Test func remembersAStatementThatTouchedOtherRows() {
        var state = CopyState([.statement(rows: 2), .statement(rows: nil), .commit])
        #expect(state.received(.command(tag: "UPDATE 1")) == .goOn)
        #expect(state.received(.command(tag: "UPDATE 9")) == .goOn)
        #expect(state.wrongStatement == 0)
    }

    @Test func anotherNumberOfLettersIsAViolation() {
        var state = CopyState([.insert(2), .commit])
        guard case .violation = state.received(.command(tag: "INSERT 0 1")) else { return #expect(Bool(false)) }
    }
}
