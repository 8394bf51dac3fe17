-- One row per program image that came of this one, itself included, by the time it came to be: what its process became,
-- the processes that it made, what those became, and so on.
--
-- distance: 0 for itself, 1 for what came of it, and so on; at most 128.
-- relation: `itself`, `became` (the same process after an exec) or `child` (another process).
WITH RECURSIVE image AS (
    SELECT *, lag(exec_id) OVER (PARTITION BY bundle, process_id ORDER BY start_time, exec_id) AS before_exec_id
    FROM (
        SELECT
            bundle, exec_id, min(process_id) AS process_id, min(parent_exec_id) AS parent_exec_id,
            min(start_time) AS start_time
        FROM process
        GROUP BY bundle, exec_id
    )
),
came AS (
    SELECT
        bundle, exec_id, coalesce(before_exec_id, parent_exec_id) AS of_exec_id,
        CASE WHEN before_exec_id IS NULL THEN 'child' ELSE 'became' END AS relation
    FROM image
),
line AS (
    SELECT bundle, exec_id, CAST(0 AS BIGINT) AS distance, 'itself' AS relation
    FROM came
    WHERE exec_id = CAST($1 AS BIGINT UNSIGNED)
    UNION ALL
    SELECT line.bundle, came.exec_id, line.distance + 1, came.relation
    FROM line
    JOIN came ON came.bundle = line.bundle AND came.of_exec_id = line.exec_id
    WHERE line.distance < 128 AND came.exec_id <> CAST($1 AS BIGINT UNSIGNED)
)
SELECT line.distance, line.relation, process.*
FROM line
JOIN process ON process.bundle = line.bundle AND process.exec_id = line.exec_id
ORDER BY process.bundle, process.start_time, process.exec_id
