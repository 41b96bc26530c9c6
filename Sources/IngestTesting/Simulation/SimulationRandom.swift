/// SplitMix64 (Steele, Lea, Flood 2014): all that one seed decides comes out of one of these.
struct SimulationRandom {
    private var state: UInt64

    init(seed: UInt64) {
        // Mixed, since the generator's state only counts: neighbouring seeds would play the same numbers, shifted.
        state = Self.mix(seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    private static func mix(_ number: UInt64) -> UInt64 {
        var value = number
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// 0 ..< bound; 0 when the bound is not positive.
    mutating func below(_ bound: Int) -> Int {
        bound > 0 ? Int(truncatingIfNeeded: next() >> 33) % bound : 0
    }

    mutating func chance(_ perThousand: Int) -> Bool {
        below(1_000) < perThousand
    }
}
