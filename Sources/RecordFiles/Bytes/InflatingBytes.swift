import CZlib

/// Bytes of a file, decompressed when they begin like gzip.
struct InflatingBytes: ~Copyable {
    private static let pieceBytes = 64 << 10

    private let source: FileBytes
    private var inflater: Inflater?
    private var input = [UInt8](repeating: 0, count: pieceBytes)
    private var available = 0..<0
    private var isStarted = false
    private var isInsideMember = false

    init(_ source: consuming FileBytes) {
        self.source = source
    }

    /// Appends some bytes to `output`; `false` at the end.
    mutating func read(into output: inout [UInt8]) throws(ReadFailure) -> Bool {
        if !isStarted { try start() }
        if inflater == nil {
            if available.isEmpty { try refill() }
            output.append(contentsOf: input[available])
            defer { available = 0..<0 }
            return !available.isEmpty
        }
        return try inflate(into: &output)
    }

    /// Two bytes tell whether this is gzip; a pipe may deliver them one by one.
    private mutating func start() throws(ReadFailure) {
        isStarted = true
        try refill()
        if available.count == 1 {
            var more = [UInt8](repeating: 0, count: 1)
            if try source.read(into: &more) == 1 {
                input[1] = more[0]
                available = 0..<2
            }
        }
        if available.count >= 2, input[0] == 0x1F, input[1] == 0x8B { inflater = try Inflater() }
    }

    private mutating func refill() throws(ReadFailure) {
        available = 0..<(try source.read(into: &input))
    }

    private mutating func inflate(into output: inout [UInt8]) throws(ReadFailure) -> Bool {
        let before = output.count
        while output.count == before {
            if available.isEmpty {
                try refill()
                if available.isEmpty {
                    if isInsideMember { throw ReadFailure("the compressed data is cut off") }
                    return false
                }
            }
            isInsideMember = true
            guard let step = try inflater?.inflate(input[available], into: &output) else { return false }
            available = (available.lowerBound + step.consumed)..<available.upperBound
            // Files may hold several members one after the other, as `cat a.gz b.gz` makes them.
            if step.isEnd { isInsideMember = false }
        }
        return true
    }
}

/// zlib's decompressor. It owns the `z_stream`, which zlib wants at one address.
struct Inflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: 64 << 10)

    init() throws(ReadFailure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip header.
        let code = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        if code != Z_OK { throw ReadFailure("zlib does not start: code \(code)") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decompresses until the input is used up, the output piece is full, or a member ends.
    mutating func inflate(
        _ input: ArraySlice<UInt8>, into result: inout [UInt8]
    ) throws(ReadFailure) -> (consumed: Int, isEnd: Bool) {
        var code = Z_OK
        let capacity = output.count
        let consumed = input.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(capacity)
                code = CZlib.inflate(stream, Z_NO_FLUSH)
                return source.count - Int(stream.pointee.avail_in)
            }
        }
        result.append(contentsOf: output[..<(capacity - Int(stream.pointee.avail_out))])
        switch code {
        case Z_STREAM_END:
            inflateReset(stream)
            return (consumed, true)
        case Z_OK, Z_BUF_ERROR:
            return (consumed, false)
        default:
            throw ReadFailure("the compressed data is damaged")
        }
    }
}
