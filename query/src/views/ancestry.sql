-- One row per program image and image that it came of, itself included, nearest first. An image came of the image that
-- its process was before or, where there is none, of the one that made its process. Of one image `ancestors(exec_id)`
-- and `descendants(exec_id)` say the same, and faster.
-- Question: how did each program come to be?
--
-- exec_id: the image whose ancestry this is.
-- cmdline: its arguments.
-- distance: 0 for itself, 1 for what it came of, and so on; at most 128.
-- relation: `itself`, `before` (the same process before an exec) or `parent` (another process).
-- ancestor_exec_id: the ancestor; joins `process.exec_id`.
-- ancestor_pid: its process id.
-- ancestor_comm: its thread name.
-- ancestor_exe: its executable.
-- ancestor_cmdline: its arguments.
-- ancestor_container: where it ran.
-- ancestor_time: when it came to be.
WITH RECURSIVE single AS (
    SELECT
        bundle, exec_id, min(host) AS host, min(process_id) AS process_id, min(parent_exec_id) AS parent_exec_id,
        min(pid) AS pid, min(comm) AS comm, min(exe) AS exe, min(cmdline) AS cmdline,
        min(container_name) AS container_name, min(start_time) AS start_time
    FROM process
    GROUP BY bundle, exec_id
),
image AS (
    SELECT *, lag(exec_id) OVER (PARTITION BY bundle, process_id ORDER BY start_time, exec_id) AS before_exec_id
    FROM single
),
line AS (
    SELECT
        bundle, exec_id, CAST(0 AS BIGINT) AS distance, 'itself' AS relation, exec_id AS ancestor_exec_id,
        coalesce(before_exec_id, parent_exec_id) AS next_exec_id, before_exec_id IS NOT NULL AS next_is_before
    FROM image
    UNION ALL
    SELECT
        line.bundle, line.exec_id, line.distance + 1, CASE WHEN line.next_is_before THEN 'before' ELSE 'parent' END,
        image.exec_id, coalesce(image.before_exec_id, image.parent_exec_id), image.before_exec_id IS NOT NULL
    FROM line
    JOIN image ON image.bundle = line.bundle AND image.exec_id = line.next_exec_id
    WHERE line.distance < 128
)
SELECT
    line.exec_id,
    own.cmdline,
    line.distance,
    line.relation,
    line.ancestor_exec_id,
    ancestor.pid AS ancestor_pid,
    ancestor.comm AS ancestor_comm,
    ancestor.exe AS ancestor_exe,
    ancestor.cmdline AS ancestor_cmdline,
    ancestor.container_name AS ancestor_container,
    ancestor.start_time AS ancestor_time,
    line.bundle,
    own.host
FROM line
JOIN image AS own ON own.bundle = line.bundle AND own.exec_id = line.exec_id
JOIN image AS ancestor ON ancestor.bundle = line.bundle AND ancestor.exec_id = line.ancestor_exec_id
ORDER BY line.bundle, own.start_time, line.exec_id, line.distance
