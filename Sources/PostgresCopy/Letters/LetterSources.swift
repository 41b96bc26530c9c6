/// Sources that have letters of some kind, found by going from source to source through an index: however many letters
/// others have, each of their sources costs one step.
enum LetterSources {
    /// `WITH RECURSIVE … ours AS (…)`: those of the deployment `$1`, its database `$2` and the group `$3`.
    /// - Parameters:
    ///   - condition: what letters `l` are meant, as an index over (source_no, `column`, …) has it.
    ///   - column: with it in the order no index serves that also has all the other letters.
    static func waiting(_ condition: String, by column: String) -> String {
        """
        WITH RECURSIVE waiting (source_no) AS (
          (SELECT l.source_no FROM ingest.dead_letter l WHERE \(condition) ORDER BY l.source_no, l.\(column) LIMIT 1)
          UNION ALL
          SELECT (SELECT l.source_no FROM ingest.dead_letter l WHERE \(condition) AND l.source_no > w.source_no
                   ORDER BY l.source_no, l.\(column) LIMIT 1)
            FROM waiting w WHERE w.source_no IS NOT NULL),
        ours AS (
          SELECT source_no FROM waiting JOIN ingest.source s USING (source_no)
           WHERE s.redis_id = $1 AND s.redis_db = $2 AND s.grp = $3)
        """
    }
}
