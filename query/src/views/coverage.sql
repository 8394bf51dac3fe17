-- One row per bundle and class of events, and one for the bytes of terminals. What has no gap is a row too, with zeros: that
-- is the claim that nothing is missing.
-- Question: is anything missing, how much, and why?
--
-- lost_own: events that were surely this container's.
-- lost_maybe: events that could have been any container's.
-- unknown: intervals whose number of missing events cannot be known.
-- bytes_missing: bytes that went over terminals (or a shell's pipes and connections) and are not in the record.
-- intervals: rows of the table gap, or stretches of terminals, that this sums up.
-- causes: why, in alphabetical order. Bytes are `not kept` where a budget cut them, or the kernel passed them on unseen.
-- from_time: the earliest time at which one is missing.
-- to_time: the latest.
WITH class AS (
    SELECT 'vital' AS class, 0 AS place UNION ALL SELECT 'bulk', 1 UNION ALL SELECT 'terminal', 2
),
stretch AS (
    SELECT
        bundle, time, bytes,
        -- Before the bytes themselves were kept their text was.
        CAST(coalesce(octet_length(encode(data, 'hex')) / 2, octet_length(text)) AS BIGINT UNSIGNED) AS kept
    FROM terminal
    WHERE cut
),
missing AS (
    SELECT
        bundle, class,
        sum(lost) FILTER (WHERE own) AS lost_own,
        sum(lost) FILTER (WHERE NOT own) AS lost_maybe,
        CAST(NULL AS BIGINT UNSIGNED) AS bytes_missing,
        count(*) FILTER (WHERE lost IS NULL) AS unknown,
        count(*) AS intervals,
        min(from_time) AS from_time,
        max(to_time) AS to_time,
        string_agg(DISTINCT cause, ', ' ORDER BY cause) AS causes
    FROM gap
    GROUP BY bundle, class
    UNION ALL
    SELECT bundle, 'terminal', NULL, NULL, sum(bytes - kept), 0, count(*), min(time), max(time), 'not kept'
    FROM stretch
    WHERE bytes > kept
    GROUP BY bundle
)
SELECT
    class.class,
    coalesce(missing.lost_own, CAST(0 AS BIGINT UNSIGNED)) AS lost_own,
    coalesce(missing.lost_maybe, CAST(0 AS BIGINT UNSIGNED)) AS lost_maybe,
    coalesce(missing.bytes_missing, CAST(0 AS BIGINT UNSIGNED)) AS bytes_missing,
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
