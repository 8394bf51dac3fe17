-- One row per kind of behaviour, by the time it was first seen. What a container always does is early; what is first
-- seen near the trigger is new.
-- Question: what did this container do that it had not done before?
--
-- kind: program (an executable), lineage (parent > child, by executable), destination (program -> address and port),
--   listener (program at a port), name (a name asked for, or asked of a TLS server), writes (program in a directory),
--   user (a user id).
-- value: which one.
-- time: when it was first seen.
-- last_time: when it was last seen.
-- times: how often.
-- comm: thread name of the process that was first.
-- exec_id: the program image that was first; joins `process.exec_id`.
WITH image AS (
    SELECT
        bundle, exec_id, min(cmdline) AS cmdline, min(exe) AS exe
    FROM process
    GROUP BY bundle, exec_id
),
act AS (
    SELECT 'program' AS kind, coalesce(script, exe) AS value, time, comm, exec_id, bundle, host
    FROM process
    WHERE origin <> 'fork'
    UNION ALL
    SELECT
        'lineage', basename(parent.exe) || ' > ' || basename(process.exe),
        process.time, process.comm, process.exec_id, process.bundle, process.host
    FROM process
    JOIN image AS parent ON parent.bundle = process.bundle AND parent.exec_id = process.parent_exec_id
    WHERE process.origin <> 'fork'
    UNION ALL
    SELECT
        'destination', basename(exe) || ' -> ' || coalesce(endpoint(remote_addr, remote_port), path),
        time, comm, exec_id, bundle, host
    FROM network
    WHERE op = 'connect'
    UNION ALL
    SELECT 'listener', basename(exe) || ' at ' || CAST(local_port AS VARCHAR), time, comm, exec_id, bundle, host
    FROM network
    WHERE op = 'listen'
    UNION ALL
    SELECT 'name', lower(name), time, comm, exec_id, bundle, host FROM dns WHERE op = 'query'
    UNION ALL
    SELECT 'name', lower(server_name), time, comm, exec_id, bundle, host FROM network WHERE server_name IS NOT NULL
    UNION ALL
    SELECT 'writes', basename(exe) || ' in ' || dirname(path), time, comm, exec_id, bundle, host
    FROM file
    WHERE path <> '' AND coalesce(result, 0) = 0
        AND (op IN ('create', 'unlink', 'rename', 'link', 'symlink', 'mkdir', 'chmod') OR bytes_written > 0)
    UNION ALL
    SELECT 'user', CAST(uid AS VARCHAR), time, comm, exec_id, bundle, host
    FROM process
    WHERE uid IS NOT NULL AND origin <> 'fork'
),
seen AS (
    SELECT
        bundle, min(host) AS host, kind, value, min(time) AS time, max(time) AS last_time, count(*) AS times,
        first_value(comm ORDER BY time, exec_id) AS comm, first_value(exec_id ORDER BY time, exec_id) AS exec_id
    FROM act
    WHERE value IS NOT NULL
    GROUP BY bundle, kind, value
)
SELECT
    seen.time, seen.kind, seen.value, seen.times, seen.last_time, seen.comm, image.cmdline, seen.exec_id,
    seen.bundle, seen.host
FROM seen
LEFT JOIN image ON image.bundle = seen.bundle AND image.exec_id = seen.exec_id
ORDER BY seen.time, seen.kind, seen.value
