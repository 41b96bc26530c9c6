-- Comments stay: they belong to tables that stay.
SELECT 1;
