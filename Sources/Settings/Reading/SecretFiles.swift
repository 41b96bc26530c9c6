import Foundation

extension SettingsLoader {
    /// Reads the files that `*_file` keys name. A value that is given itself wins over its file.
    mutating func readSecretFiles() {
        if settings.redis.password == nil {
            settings.redis.password = readSecret("redis.password_file", settings.redis.passwordFile)
        }
        if settings.postgres.password == nil {
            settings.postgres.password = readSecret("postgres.password_file", settings.postgres.passwordFile)
        }
        settings.http.token = readSecret("http.token_file", settings.http.tokenFile)
    }

    private mutating func readSecret(_ key: String, _ file: String?) -> Secret? {
        guard let file else { return nil }
        let place = origins[key] ?? .builtIn
        do throws(SecretFile.Problem) {
            let secret = try SecretFile.read(file)
            warnIfOthersMayRead(file, key, place)
            return secret
        } catch {
            problems.append(SettingsProblem(place: place, key: key, message: error.message))
            return nil
        }
    }

    private mutating func warnIfOthersMayRead(_ file: String, _ key: String, _ place: Origin) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o007 != 0 else { return }
        warnings.append(
            SettingsProblem(
                place: place, key: key, message: "everybody on this machine may read \"\(file)\"",
                fix: "chmod 600 \(file)"))
    }
}
