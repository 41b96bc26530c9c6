extension SettingsLoader {
    /// What only shows when several values are looked at together.
    mutating func checkTogether() {
        check(
            settings.limits.entry <= settings.limits.reply, "limits.entry", "is larger than limits.reply",
            fix: "raise limits.reply")
        check(
            settings.retry.initialInterval <= settings.retry.maxInterval, "retry.initial_interval",
            "is longer than retry.max_interval", fix: "raise retry.max_interval")
        if settings.http.enabled, !settings.http.address.isLoopback {
            check(
                settings.http.tokenFile != nil, "http.address",
                "\(settings.http.address) can be reached from other machines", fix: "set http.token_file")
        }
    }

    private mutating func check(_ holds: Bool, _ key: String, _ message: String, fix: String) {
        if holds { return }
        problems.append(SettingsProblem(place: origins[key] ?? .builtIn, key: key, message: message, fix: fix))
    }
}
