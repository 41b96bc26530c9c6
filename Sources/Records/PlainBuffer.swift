/// Plain values one behind the other, in memory of their own.
///
/// What an array would be, without its look at the reference count before every write: with names and values of a
/// million entries to note down, those looks were a tenth of a worker's time. Indexes are checked.
@usableFromInline
struct PlainBuffer<Element: BitwiseCopyable & Sendable>: ~Copyable {
    // Safety: the memory has one owner, this value, which cannot be copied; it is released with it. Only the first
    // `count` elements are read, and all of them were written.
    @usableFromInline var base: UnsafeMutablePointer<Element>
    @usableFromInline var capacity: Int
    @usableFromInline private(set) var count = 0

    @inlinable
    init() {
        base = .allocate(capacity: 1)
        capacity = 1
    }

    @inlinable
    deinit {
        base.deallocate()
    }

    @inlinable
    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "an index inside the buffer")
            return base[index]
        }
        set {
            precondition(index >= 0 && index < count, "an index inside the buffer")
            base[index] = newValue
        }
    }

    @inlinable
    var span: Span<Element> {
        @_lifetime(borrow self) borrowing get {
            _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
        }
    }

    @inlinable
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count &+= 1
    }

    /// Takes back everything behind the first `length`; the memory stays.
    @inlinable
    mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "a buffer can only be cut inside")
        count = length
    }

    @usableFromInline
    mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: max(64, 2 * capacity))
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = max(64, 2 * capacity)
    }
}

// Safety: one owner, and plain values: it may change threads.
extension PlainBuffer: @unchecked Sendable {}
