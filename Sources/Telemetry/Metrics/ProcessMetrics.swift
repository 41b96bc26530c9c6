import Glibc

/// What Prometheus client libraries tell of their process, read from `/proc`.
enum ProcessMetrics {
    static func render() -> String {
        guard let status = ProcessStatus.read() else { return "" }
        var text = ""
        func add(_ name: String, _ kind: String, _ help: String, _ value: Double) {
            text += PrometheusText.header("process_\(name)", kind, help)
            text += "process_\(name) \(PrometheusText.number(value))\n"
        }
        add("cpu_seconds_total", "counter", "Processor time in user and system mode.", status.cpuSeconds)
        add("resident_memory_bytes", "gauge", "Resident memory.", status.residentBytes)
        add("virtual_memory_bytes", "gauge", "Virtual memory.", status.virtualBytes)
        add("start_time_seconds", "gauge", "Start of the process since 1970.", status.startSeconds)
        if let open = ProcessStatus.openDescriptors() {
            add("open_fds", "gauge", "Open file descriptors.", Double(open))
        }
        return text
    }
}

struct ProcessStatus {
    var cpuSeconds: Double
    var residentBytes: Double
    var virtualBytes: Double
    var startSeconds: Double

    /// `nil` where there is no `/proc`.
    static func read() -> ProcessStatus? {
        guard let stat = contents("/proc/self/stat"), let end = stat.lastIndex(of: ")"),
            let boot = contents("/proc/stat").flatMap(bootTime)
        else { return nil }
        // The command's name, in parentheses, may hold spaces: count from its end. See proc(5).
        let fields = stat[end...].split(separator: " ").dropFirst().map { Double($0) ?? 0 }
        guard fields.count > 21 else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessStatus(
            cpuSeconds: (fields[11] + fields[12]) / ticks, residentBytes: fields[21] * Double(getpagesize()),
            virtualBytes: fields[20], startSeconds: boot + fields[19] / ticks)
    }

    private static func bootTime(_ text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    }

    static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not ".", ".." and the descriptor of the folder itself.
        return count - 3
    }

    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
