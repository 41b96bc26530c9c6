-- Chunks and partitions stay; nobody makes or drops any from now on.
DROP FUNCTION ingest.claim_maintenance(text, interval);
DROP FUNCTION ingest.apply_lifecycle(regclass);
DROP FUNCTION ingest.lifecycle_statements(regclass, text);
DROP FUNCTION ingest.move_range(regclass, timestamptz, timestamptz);
DROP FUNCTION ingest.compress_range(regclass, timestamptz, timestamptz);
DROP FUNCTION ingest.compress_sql(text);
DROP FUNCTION ingest.drop_range(regclass, timestamptz, timestamptz);
DROP FUNCTION ingest.may_touch(regclass, timestamptz, timestamptz, interval);
DROP FUNCTION ingest.make_chunks(regclass, timestamptz[], interval);
DROP FUNCTION ingest.make_partition(regclass, timestamptz);
DROP FUNCTION ingest.observe_chunks(regclass);
DROP FUNCTION ingest.chunks(regclass);
DROP FUNCTION ingest.lifecycle_of(regclass);
DROP FUNCTION ingest.tier();
DROP FUNCTION ingest.timescale_schema();
DROP TABLE ingest.maintenance;
DROP TABLE ingest.chunk_write;
DROP TABLE ingest.lifecycle;
