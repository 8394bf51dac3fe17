-- One row per bundle and system call, those that took longest in sum first: how often it was made, how often it failed,
-- and how long it took.
--
-- Only containers at level full have single system calls. timed is the number of calls whose duration is known; total_ns
-- and p99_ns (99 of 100 took no longer, approximately) are of those.
SELECT
    syscall,
    count(*) AS calls,
    count(*) FILTER (WHERE result BETWEEN -4095 AND -1) AS errors,
    count(duration_ns) AS timed,
    sum(duration_ns) AS total_ns,
    CAST(approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) AS BIGINT UNSIGNED) AS p99_ns,
    max(duration_ns) AS max_ns,
    bundle
FROM syscall
GROUP BY bundle, syscall
ORDER BY bundle, total_ns DESC NULLS LAST, syscall
