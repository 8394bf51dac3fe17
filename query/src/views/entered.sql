-- One row per process that came into the container from outside, by the time it came, with what it then ran and who
-- sent it. The sender's columns are NULL where the evidence does not have it.
-- Question: who came in by another door than the container's own programs?
--
-- way: `cgroup` (as docker exec does) or `namespaces` (as nsenter does).
-- cmdline: what it was when it came.
-- ran: what its process was last.
-- sender_container: where the sender ran.
-- sender_pid: the sender's process id.
-- sender_uid: the sender's real user id.
-- sender_comm: the sender's thread name.
-- sender_exe: the sender's executable.
-- sender_cmdline: the sender's arguments.
-- sender_exec_id: the sender; joins `process.exec_id`.
WITH newcomer AS (
    SELECT
        *, row_number() OVER (PARTITION BY bundle, process_id ORDER BY time, exec_id) AS place
    FROM process
    WHERE entered IS NOT NULL
),
image AS (
    SELECT
        bundle, exec_id, min(cmdline) AS cmdline, min(exe) AS exe, min(comm) AS comm, min(pid) AS pid, min(uid) AS uid,
        min(container_name) AS container_name
    FROM process
    GROUP BY bundle, exec_id
),
last AS (
    SELECT bundle, process_id, last_value(cmdline ORDER BY time) AS cmdline
    FROM process
    GROUP BY bundle, process_id
)
SELECT
    newcomer.time,
    newcomer.container_name,
    newcomer.entered AS way,
    newcomer.cmdline,
    last.cmdline AS ran,
    newcomer.pid,
    newcomer.uid,
    newcomer.login_uid,
    newcomer.tty,
    image.container_name AS sender_container,
    image.pid AS sender_pid,
    image.uid AS sender_uid,
    image.comm AS sender_comm,
    image.exe AS sender_exe,
    image.cmdline AS sender_cmdline,
    newcomer.entered_by AS sender_exec_id,
    newcomer.exec_id,
    newcomer.bundle,
    newcomer.host
FROM newcomer
LEFT JOIN image ON image.bundle = newcomer.bundle AND image.exec_id = newcomer.entered_by
LEFT JOIN last ON last.bundle = newcomer.bundle AND last.process_id = newcomer.process_id
WHERE newcomer.place = 1
ORDER BY newcomer.time, newcomer.pid
