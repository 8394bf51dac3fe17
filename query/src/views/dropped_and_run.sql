-- One row per program run that did not come with the container's image: written or renamed into place in this evidence,
-- lying in the container's own layer, deleted before it ran, or a file in memory. By the time it was run.
-- Question: what was brought in and run?
--
-- file: what was run: the script where there is one, else the executable.
-- how: `memory` (memfd), `deleted` (it had no name left), `written` (this evidence saw it come), or `not of the image`.
-- dropped_time: when a file first got that name; NULL where that is not in the evidence.
-- dropped_op: how it got that name: create, rename, link or symlink.
-- dropped_by: arguments of the program that did that.
-- dropped_exec_id: that program; joins `process.exec_id`.
-- after_ms: from dropped_time to the run.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
),
run AS (
    SELECT *, coalesce(script, exe) AS file FROM process WHERE origin = 'exec'
),
dropped AS (
    SELECT bundle, time, op, exec_id, CASE WHEN op = 'create' THEN path ELSE new_path END AS file
    FROM file
    WHERE coalesce(result, 0) = 0 AND op IN ('create', 'rename', 'link')
    UNION ALL
    -- A symlink's own name is its first one here: new_path is what it says.
    SELECT bundle, time, op, exec_id, path FROM file WHERE coalesce(result, 0) = 0 AND op = 'symlink'
),
first_drop AS (
    SELECT
        run.bundle, run.exec_id, dropped.time, dropped.op, dropped.exec_id AS by_exec_id,
        row_number() OVER (PARTITION BY run.bundle, run.exec_id ORDER BY dropped.time) AS place
    FROM run
    JOIN dropped ON dropped.bundle = run.bundle AND dropped.file = run.file AND dropped.time <= run.time
)
SELECT
    run.time,
    run.container_name,
    run.file,
    CASE
        WHEN run.exe_memfd THEN 'memory'
        WHEN run.exe_deleted THEN 'deleted'
        WHEN first_drop.time IS NOT NULL THEN 'written'
        ELSE 'not of the image'
    END AS how,
    run.exe_sha256,
    first_drop.time AS dropped_time,
    first_drop.op AS dropped_op,
    image.cmdline AS dropped_by,
    (CAST(run.time AS BIGINT) - CAST(first_drop.time AS BIGINT)) / 1000000 AS after_ms,
    run.pid,
    run.comm,
    run.exe,
    run.cmdline,
    run.uid,
    run.parent_exec_id,
    run.exec_id,
    first_drop.by_exec_id AS dropped_exec_id,
    run.bundle,
    run.host
FROM run
LEFT JOIN first_drop ON first_drop.bundle = run.bundle AND first_drop.exec_id = run.exec_id AND first_drop.place = 1
LEFT JOIN image ON image.bundle = run.bundle AND image.exec_id = first_drop.by_exec_id
WHERE run.exe_memfd OR run.exe_deleted OR run.exe_upper OR first_drop.time IS NOT NULL
ORDER BY run.time, run.pid
