import Foundation
import Settings

extension PostgresAddress {
    /// Of a command: all but `run` honour `PG*` variables without being told to.
    init(_ loaded: LoadedSettings, direct: Bool) {
        self.init(loaded.settings.postgres, direct: direct, honouring: ProcessInfo.processInfo.environment)
    }
}
