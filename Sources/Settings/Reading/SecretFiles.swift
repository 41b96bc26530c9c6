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
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            problems.append(SettingsProblem(place: place, key: key, message: "cannot read the file \"\(file)\""))
            return nil
        }
        guard data.count <= 4096, let text = String(validating: data, as: UTF8.self) else {
            problems.append(
                SettingsProblem(place: place, key: key, message: "\"\(file)\" is not a text of at most 4 KiB"))
            return nil
        }
        warnIfOthersMayRead(file, key, place)
        let secret = text.trimmingCharacters(in: .newlines)
        if secret.isEmpty {
            problems.append(SettingsProblem(place: place, key: key, message: "the file \"\(file)\" is empty"))
            return nil
        }
        return Secret(secret)
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
