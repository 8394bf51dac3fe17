-- One row per kind of behaviour (those of the view first_seen), the rarest first. With several bundles open, what only
-- one of them has stands above what all of them have.
-- Question: what is out of the ordinary?
--
-- kind: as in first_seen.
-- value: as in first_seen.
-- times: how often it was seen in this bundle.
-- bundles: in how many of the open bundles it was seen.
-- of: how often anything of its kind was seen in this bundle.
-- percent: times of them in a hundred.
-- time: when it was first seen.
-- comm: thread name of the process that was first.
-- exec_id: the program image that was first; joins `process.exec_id`.
WITH counted AS (
    SELECT
        *, count(*) OVER (PARTITION BY kind, value) AS bundles, sum(times) OVER (PARTITION BY bundle, kind) AS of
    FROM first_seen
)
SELECT
    kind, value, times, bundles, of, round(100.0 * times / of, 2) AS percent, time, comm, cmdline, exec_id, bundle, host
FROM counted
ORDER BY bundles, times, time, kind, value
