import Foundation
import IngestCore
public import IngestPipeline
public import PostgresWire
public import RedisWire
public import Settings

/// The servers a configuration names, with their passwords.
struct ServerEndpoints {
    let redis: RedisEndpoint
    let postgres: PostgresEndpoint

    init(_ settings: Settings) throws(ApplicationFailure) {
        do throws(RedisEndpointError) {
            redis = try RedisEndpoint(
                url: settings.redis.url, password: settings.redis.password.map { RedisPassword($0.value) },
                insecureOK: settings.redis.insecureOK)
        } catch {
            throw ApplicationFailure("\(error)", isConfiguration: true)
        }
        let isHonoured = settings.postgres.useEnvironment
        let address = PostgresAddress(
            settings.postgres, honouring: isHonoured ? ProcessInfo.processInfo.environment : [:])
        do throws(PostgresError) {
            postgres = try PostgresEndpoint(
                address.connectionString, environment: isHonoured ? .used : .ignored,
                passwordFile: settings.postgres.passwordFile, allowInsecure: settings.postgres.insecureOK)
        } catch {
            throw ApplicationFailure("postgres.url: \(error.message)", isConfiguration: true)
        }
    }
}

extension PipelineSettings {
    init(_ settings: Settings, _ endpoints: ServerEndpoints) {
        self.init(settings, redis: endpoints.redis, postgres: endpoints.postgres)
    }

    /// What a configuration says to the pipeline.
    public init(_ settings: Settings, redis: RedisEndpoint, postgres: PostgresEndpoint) {
        self.init(
            redis: redis, postgres: postgres, redisDeployment: settings.redis.id,
            group: settings.consumerGroup, worker: settings.worker, lanes: settings.lanes,
            mappings: settings.streams, batchRows: settings.batching.rows, batchBytes: settings.batching.bytes,
            replyBytes: settings.limits.reply, entryBytes: settings.limits.entry,
            deadLetterBytes: settings.limits.deadLetterPayload, maxFields: settings.limits.fields,
            claimEvery: settings.claim.every, claimAfter: settings.claim.after, claimCount: settings.claim.count,
            discoverEvery: settings.discovery.every, mirrorMax: settings.deadLetter.mirrorMax,
            trim: settings.trim.mode == .acked
                ? Trim(retention: settings.trim.retention, every: settings.trim.every) : nil)
        linger = settings.batching.linger
        retry = RetrySchedule(
            maximumAttempts: settings.retry.maxAttempts, initialInterval: settings.retry.initialInterval,
            maximumInterval: settings.retry.maxInterval, isJittered: settings.retry.jitter == .full)
        redisAccess = RedisAccess(redis, readPassword: Self.passwordReader(settings.redis))
        letterAlert = LetterAlert(rows: settings.deadLetter.alertRows, bytes: settings.deadLetter.alertBytes)
    }

    /// Reads the password's file again, if the password is from there: one that is given itself wins over its file.
    private static func passwordReader(_ redis: Settings.Redis) -> @Sendable () -> RedisPassword? {
        guard let file = redis.passwordFile, let known = redis.password, known == (try? SecretFile.read(file)) else {
            return { nil }
        }
        return { (try? SecretFile.read(file)).map { RedisPassword($0.value) } }
    }
}
