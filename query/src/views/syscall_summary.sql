-- One row per bundle and system call, those that took longest in sum first. Only containers at level full have single
-- system calls.
-- Question: what did the container ask of the kernel, and where did its time go?
--
-- calls: how often it was made.
-- errors: how often it failed.
-- timed: calls whose duration is known; the columns below are of those.
-- total_ns: how long they took together.
-- p99_ns: 99 of 100 took no longer, approximately.
-- max_ns: the longest.
SELECT
    syscall,
    count(*) AS calls,
    count(*) FILTER (WHERE result BETWEEN -4095 AND -1) AS errors,
    count(duration_ns) AS timed,
    sum(duration_ns) AS total_ns,
    CAST(approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) AS BIGINT UNSIGNED) AS p99_ns,
    max(duration_ns) AS max_ns,
    bundle,
    host
FROM syscall
GROUP BY bundle, host, syscall
ORDER BY bundle, total_ns DESC NULLS LAST, syscall
