-- One row per terminal session, by its first byte. pid, comm, exe, cmdline, uid, login_uid and tty are of the process
-- that used it first.
-- Question: who sat at a terminal, and what was typed first?
--
-- time: the first byte.
-- end_time: the last byte.
-- bytes_typed: bytes typed, those that were not kept included.
-- bytes_printed: bytes printed, those that were not kept included.
-- first_line: the first line typed that is not empty; keys that are no characters are written out.
-- programs: how many program images used it.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline, min(login_uid) AS login_uid, min(tty) AS tty
    FROM process
    GROUP BY bundle, exec_id
),
session AS (
    SELECT
        bundle, min(host) AS host, session_id, min(container_name) AS container_name, min(time) AS time, max(time) AS end_time,
        coalesce(sum(bytes) FILTER (WHERE direction = 'typed'), CAST(0 AS BIGINT UNSIGNED)) AS bytes_typed,
        coalesce(sum(bytes) FILTER (WHERE direction = 'printed'), CAST(0 AS BIGINT UNSIGNED)) AS bytes_printed,
        -- A shell that edits lines itself is sent a carriage return for each.
        ltrim(replace(string_agg(text, '' ORDER BY time) FILTER (WHERE direction = 'typed'), '\r', chr(10)), chr(10))
            AS typed,
        count(DISTINCT exec_id) AS programs,
        -- What was cut is told by the recorder, and belongs to no process.
        first_value(pid ORDER BY exec_id IS NULL, time) AS pid,
        first_value(comm ORDER BY exec_id IS NULL, time) AS comm,
        first_value(exe ORDER BY exec_id IS NULL, time) AS exe,
        first_value(uid ORDER BY exec_id IS NULL, time) AS uid,
        first_value(exec_id ORDER BY exec_id IS NULL, time) AS exec_id
    FROM terminal
    GROUP BY bundle, session_id
)
SELECT
    session.time,
    session.end_time,
    session.container_name,
    session.bytes_typed,
    session.bytes_printed,
    split_part(session.typed, chr(10), 1) AS first_line,
    session.programs,
    session.pid,
    session.comm,
    session.exe,
    image.cmdline,
    session.uid,
    image.login_uid,
    image.tty,
    session.exec_id,
    session.session_id,
    session.bundle,
    session.host
FROM session
LEFT JOIN image ON image.bundle = session.bundle AND image.exec_id = session.exec_id
ORDER BY session.time, session.session_id
