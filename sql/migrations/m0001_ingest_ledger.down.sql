-- Forgets what was stored: workers would store every entry that the streams still hold a second time.
-- The schema stays, because it holds the table of migrations; the extension stays, because others may use it.

DROP VIEW ingest.dead_letter_groups;
DROP VIEW ingest.status;
DROP TABLE ingest.destination;
DROP TABLE ingest.batch_range;
DROP TABLE ingest.batch;
DROP TABLE ingest.suspect;
DROP FUNCTION ingest.dead_letter_payload(int, uuid);
DROP TABLE ingest.dead_letter_part;
DROP TABLE ingest.dead_letter;
DROP FUNCTION ingest.guard_targets(oid[], text[]);
DROP FUNCTION ingest.fence(int[], uuid[], uuid[], bigint[]);
DROP TABLE ingest.ledger;
DROP TABLE ingest.source;
DROP FUNCTION ingest.stream_id(uuid);
DROP TYPE ingest.sidrange;
