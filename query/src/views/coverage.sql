-- One row per bundle and class of events. A class without a gap is a row too, with zeros: that is the claim that nothing
-- is missing.
-- Question: is anything missing, how much, and why?
--
-- lost_own: events that were surely this container's.
-- lost_maybe: events that could have been any container's.
-- unknown: intervals whose number of missing events cannot be known.
-- intervals: rows of the table gap that this sums up.
-- causes: why, in alphabetical order.
-- from_time: the earliest time at which one is missing.
-- to_time: the latest.
WITH class AS (
    SELECT 'vital' AS class, 0 AS place UNION ALL SELECT 'bulk', 1
),
missing AS (
    SELECT
        bundle, class,
        sum(lost) FILTER (WHERE own) AS lost_own,
        sum(lost) FILTER (WHERE NOT own) AS lost_maybe,
        count(*) FILTER (WHERE lost IS NULL) AS unknown,
        count(*) AS intervals,
        min(from_time) AS from_time,
        max(to_time) AS to_time,
        string_agg(DISTINCT cause, ', ' ORDER BY cause) AS causes
    FROM gap
    GROUP BY bundle, class
)
SELECT
    class.class,
    coalesce(missing.lost_own, CAST(0 AS BIGINT UNSIGNED)) AS lost_own,
    coalesce(missing.lost_maybe, CAST(0 AS BIGINT UNSIGNED)) AS lost_maybe,
    coalesce(missing.unknown, 0) AS unknown,
    coalesce(missing.intervals, 0) AS intervals,
    missing.causes,
    missing.from_time,
    missing.to_time,
    recorded.id AS bundle,
    recorded.host
FROM bundle AS recorded
CROSS JOIN class
LEFT JOIN missing ON missing.bundle = recorded.id AND missing.class = class.class
ORDER BY recorded.id, class.place
