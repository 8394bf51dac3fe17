-- One row per program image that this one came of, itself included, nearest first.
--
-- distance: 0 for itself, 1 for what it came of, and so on; at most 128.
-- relation: `itself`, `before` (the same process before an exec) or `parent` (another process).
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
line AS (
    SELECT
        bundle, exec_id, CAST(0 AS BIGINT) AS distance, 'itself' AS relation,
        coalesce(before_exec_id, parent_exec_id) AS next_exec_id, before_exec_id IS NOT NULL AS next_is_before
    FROM image
    WHERE exec_id = CAST($1 AS BIGINT UNSIGNED)
    UNION ALL
    SELECT
        line.bundle, image.exec_id, line.distance + 1, CASE WHEN line.next_is_before THEN 'before' ELSE 'parent' END,
        coalesce(image.before_exec_id, image.parent_exec_id), image.before_exec_id IS NOT NULL
    FROM line
    JOIN image ON image.bundle = line.bundle AND image.exec_id = line.next_exec_id
    WHERE line.distance < 128
)
SELECT line.distance, line.relation, process.*
FROM line
JOIN process ON process.bundle = line.bundle AND process.exec_id = line.exec_id
ORDER BY process.bundle, line.distance
