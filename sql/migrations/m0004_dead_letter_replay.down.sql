-- Forgets who edited and closed letters; the letters, and what they are about, stay.

DROP FUNCTION ingest.add_attempt(jsonb, jsonb);
DROP FUNCTION ingest.require_letters(bigint, bigint);
DROP INDEX ingest.dead_letter_batch;
DROP INDEX ingest.dead_letter_table;
DROP INDEX ingest.dead_letter_cause;
DROP INDEX ingest.dead_letter_newest;
DROP INDEX ingest.dead_letter_open;
DROP INDEX ingest.dead_letter_fingerprint;
DROP INDEX ingest.dead_letter_due;
CREATE INDEX dead_letter_due ON ingest.dead_letter (next_retry) WHERE state = 'o';
CREATE INDEX dead_letter_fingerprint ON ingest.dead_letter (fingerprint, created_at DESC);
ALTER TABLE ingest.dead_letter
  DROP COLUMN stored_by, DROP COLUMN closed_by, DROP COLUMN edited_at, DROP COLUMN edits, DROP COLUMN first_reason;
