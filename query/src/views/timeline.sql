-- One row per thing that happened, in order.
--
-- kind is process, file, network, lifecycle, finding or gap; op says what it was:
--   process    exec, fork, scan (found running), and exit where it is known how the process ended
--   file       open, create, unlink, rmdir, rename, chmod
--   network    connect, accept, listen, and close with the bytes of a connection that had been made
--   lifecycle  found, created, removed
--   finding    the rule's name
--   gap        the cause; its time is the earliest at which events can be missing
-- summary is the row in one line. result is 0 or a negative errno for file and network, else NULL.
-- Ancestors outside the container are rows too: their container_name is that of where they ran.
WITH event AS (
    SELECT
        time, container_name, 'process' AS kind, origin AS op, pid, comm, exe, exec_id, 2 AS step, bundle,
        CASE origin WHEN 'exec' THEN 'exec ' WHEN 'fork' THEN 'fork of ' ELSE 'running ' END
            || coalesce(nullif(cmdline, ''), nullif(exe, ''), comm, '?') AS summary,
        CAST(NULL AS INT) AS result
    FROM process
    UNION ALL
    SELECT
        end_time, container_name, 'process', 'exit', pid, comm, exe, exec_id, 7, bundle,
        CASE
            WHEN exit_signal IS NOT NULL THEN 'killed by signal ' || CAST(exit_signal AS VARCHAR)
            ELSE 'exit ' || CAST(exit_code AS VARCHAR)
        END || ': ' || coalesce(nullif(cmdline, ''), nullif(exe, ''), comm, '?'),
        NULL
    FROM process
    WHERE end_time IS NOT NULL AND (exit_code IS NOT NULL OR exit_signal IS NOT NULL)
    UNION ALL
    SELECT
        time, container_name, 'file', op, pid, comm, exe, exec_id, 4, bundle,
        CASE WHEN op = 'chmod' AND mode IS NOT NULL THEN 'chmod ' || octal(mode) ELSE op END
            || ' ' || path
            || CASE WHEN new_path IS NULL THEN '' ELSE ' -> ' || new_path END
            || CASE WHEN op = 'open' AND (flags LIKE 'O_WRONLY%' OR flags LIKE 'O_RDWR%') THEN ' for writing' ELSE '' END
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM file
    UNION ALL
    SELECT
        time, container_name, 'network', op, pid, comm, exe, exec_id, 3, bundle,
        op || ' ' || protocol || ' '
            || coalesce(endpoint(remote_addr, remote_port), endpoint(local_addr, local_port), '?')
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM network
    UNION ALL
    SELECT
        end_time, container_name, 'network', 'close', pid, comm, exe, exec_id, 6, bundle,
        'close ' || protocol || ' '
            || coalesce(endpoint(remote_addr, remote_port), endpoint(local_addr, local_port), '?')
            || CASE
                WHEN op = 'listen' THEN ''
                ELSE ' (sent ' || coalesce(CAST(bytes_sent AS VARCHAR), '?')
                    || ', received ' || coalesce(CAST(bytes_received AS VARCHAR), '?') || ' bytes)'
            END,
        result
    FROM network
    WHERE end_time IS NOT NULL AND result = 0
    UNION ALL
    SELECT
        time, container_name, 'lifecycle', op, pid, comm, exe, exec_id, CASE op WHEN 'removed' THEN 8 ELSE 1 END, bundle,
        'container ' || op, NULL
    FROM lifecycle
    UNION ALL
    SELECT
        time, container_name, 'finding', rule, pid, comm, exe, exec_id, 5, bundle,
        severity || ': ' || message, NULL
    FROM finding
    UNION ALL
    SELECT
        time, container_name, 'gap', cause, pid, comm, exe, exec_id, 0, bundle,
        coalesce(CAST(lost AS VARCHAR), 'an unknown number of') || ' ' || class || ' events missing'
            || CASE WHEN own THEN '' ELSE ', perhaps of other containers' END,
        NULL
    FROM gap
)
SELECT time, container_name, kind, op, pid, comm, exe, exec_id, summary, result, bundle
FROM event
ORDER BY time, step, pid, exec_id
