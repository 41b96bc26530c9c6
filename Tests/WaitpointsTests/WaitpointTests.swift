import Testing

@testable import Waitpoints

struct WaitpointTests {
    @Test func ordersNamePlaceActionAndTime() {
        #expect(FaultOrder("after-commit:kill")?.point == .afterCommit)
        #expect(FaultOrder("after-commit:kill")?.time == 1)
        #expect(FaultOrder("mid-copy:stop@7")?.time == 7)
        #expect(FaultOrder("after-read:sleep=20")?.action == .sleep(milliseconds: 20))
        #expect(FaultOrder("before-ack:term")?.action == .terminate)
    }

    @Test(arguments: [
        "", "after-commit", "after-commit:", "nowhere:kill", "after-read:sleep", "after-read:sleep=-1",
        "after-read:sleep=60001", "after-read:kill@0", "after-read:kill@x", "after-read:explode",
    ])
    func whatIsNoOrderIsNone(_ text: String) {
        #expect(FaultOrder(text) == nil)
    }

    @Test func everyPartThatMakesNoSenseIsNamed() {
        let points = Waitpoints(orders: "after-read:kill,what,crash-on=,before-ack:stop@2", onceFile: nil)
        #expect(points.misunderstood == ["what", "crash-on="])
    }

    @Test func itIsOffUnlessTheEnvironmentAsks() {
        #expect(!Waitpoints.isOn)
        #expect(Waitpoints.shared.description.isEmpty)
    }
}
