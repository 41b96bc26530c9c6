SET LOCAL ROLE millrace_owner;

CREATE OR REPLACE FUNCTION ingest.guard_targets(targets oid[], shapes text[]) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
  target oid;
  place  int := 0;
BEGIN
  FOREACH target IN ARRAY targets LOOP              -- one at a time: a plan for any number would be made anew each time
    place := place + 1;
    IF NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = target AND c.relpersistence = 'p')
       OR shapes[place] IS DISTINCT FROM (
            SELECT md5(string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod, ',' ORDER BY a.attnum))
              FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped)
       OR EXISTS (SELECT 1 FROM pg_trigger t
                   WHERE t.tgrelid = target AND (t.tgtype & 7) = 7      -- bits: 1 row, 2 before, 4 insert
                     AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgname <> 'ts_insert_blocker') THEN
      RAISE EXCEPTION 'target % was replaced or altered, is not permanent, or has a row trigger before insert',
        target::regclass
        USING ERRCODE = 'SL002';
    END IF;
  END LOOP;
  RETURN cardinality(targets);
END $$;
COMMENT ON FUNCTION ingest.guard_targets(oid[], text[]) IS
  'SL002 unless every table is permanent, has the columns it had, and no row trigger before INSERT that could drop rows';
