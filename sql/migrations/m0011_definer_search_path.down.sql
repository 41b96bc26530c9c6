SET LOCAL ROLE millrace_owner;

DROP INDEX ingest.dead_letter_mirror;
CREATE INDEX dead_letter_mirror ON ingest.dead_letter (created_at) WHERE NOT mirrored;
COMMENT ON INDEX ingest.dead_letter_mirror IS 'Letters that the stream of dead letters lacks';
DROP INDEX ingest.dead_letter_due;
CREATE INDEX dead_letter_due ON ingest.dead_letter (next_retry) WHERE state = 'o' AND next_retry IS NOT NULL;
COMMENT ON INDEX ingest.dead_letter_due IS 'Letters whose next try is due';

GRANT UPDATE (mapping, batch) ON ingest.dead_letter TO millrace_writer;
GRANT UPDATE (replication_id) ON ingest.source TO millrace_writer;

CREATE OR REPLACE FUNCTION ingest.prune_position_events(age interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE pruned bigint;
BEGIN
  WITH event AS (
    SELECT e.exchange, e.symbol, e.side, e.updated_at, e.entry_id, e.amount = 0 AS is_zero, e.seen_at,
           lag(e.amount = 0) OVER past AS zero_before, lead(e.amount = 0) OVER past AS zero_after,
           max(e.seen_at) OVER (past ROWS UNBOUNDED PRECEDING) AS last_seen
      FROM ingest.position_event e
    WINDOW past AS (PARTITION BY e.exchange, e.symbol, e.side ORDER BY e.updated_at, e.entry_id)
  ), over AS (
    SELECT *, bool_or(is_zero AND last_seen < now() - age) OVER (
                PARTITION BY exchange, symbol, side ORDER BY updated_at DESC, entry_id DESC) AS is_over
      FROM event
  )
  DELETE FROM ingest.position_event e USING over o
   WHERE e.exchange = o.exchange AND e.symbol = o.symbol AND e.side = o.side
     AND e.updated_at = o.updated_at AND e.entry_id = o.entry_id
     AND o.seen_at < now() - age AND (o.is_over OR (o.zero_before = o.is_zero AND o.zero_after = o.is_zero));
  GET DIAGNOSTICS pruned = ROW_COUNT;

  DELETE FROM ingest.position_key k
   USING (SELECT o.exchange, o.symbol, o.side FROM ingest.position_key o
           WHERE o.seen_at < now() - age
             AND NOT EXISTS (SELECT FROM ingest.position_event e
                              WHERE e.exchange = o.exchange AND e.symbol = o.symbol AND e.side = o.side)
           ORDER BY 1, 2, 3 FOR UPDATE SKIP LOCKED) AS idle
   WHERE k.exchange = idle.exchange AND k.symbol = idle.symbol AND k.side = idle.side;
  RETURN pruned;
END $$;
COMMENT ON FUNCTION ingest.prune_position_events(interval) IS NULL;

DO $$
DECLARE command text;
BEGIN
  FOR command IN
    SELECT format('ALTER FUNCTION %s SET search_path = %s', p.oid::regprocedure,
                  regexp_replace(substr(c.setting, 13), ', pg_temp$', ''))
      FROM pg_proc p CROSS JOIN LATERAL unnest(p.proconfig) AS c(setting)
     WHERE p.pronamespace = 'ingest'::regnamespace AND p.proowner = 'millrace_owner'::regrole AND p.prokind = 'f'
       AND c.setting LIKE 'search\_path=%, pg\_temp' LOOP
    EXECUTE command;
  END LOOP;
END $$;
