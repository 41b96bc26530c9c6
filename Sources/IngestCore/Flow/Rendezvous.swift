public import Records

/// Which lane reads which stream: highest random weight (Thaler and Ravishankar, 1998), so that a lane that comes or
/// goes moves only its own share. Advice, not ownership: the ledger is the law.
public enum Rendezvous {
    /// The lane that should read the stream, or `nil` without lanes. The order of `lanes` does not matter.
    public static func owner(of stream: StreamKey, among lanes: some Sequence<String>) -> String? {
        let streamHash = hash(stream.bytes)
        var best: (weight: UInt64, lane: String)?
        for lane in lanes {
            let weight = mix(streamHash ^ mix(hash(Array(lane.utf8))))
            guard let known = best else {
                best = (weight, lane)
                continue
            }
            if weight > known.weight || (weight == known.weight && lane < known.lane) { best = (weight, lane) }
        }
        return best?.lane
    }

    /// FNV-1a, 64 bits.
    static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// The finaliser of MurmurHash3: FNV alone spreads its last bytes badly.
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }
}
