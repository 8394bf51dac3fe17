-- One row per thing that happened, in order. Single system calls are not among them: they are in the table syscall.
-- Question: what happened, in which order?
--
-- kind: process, file, network, dns, privilege, kernel, terminal, lifecycle, finding or gap.
-- op: what it was, by kind: process has exec, fork, scan (found running), and exit where it is known how the process
--   ended; file has open, create, unlink, rename, chmod ..., and io for the bytes that went through an open file;
--   network has connect, accept, listen, socket, and close with the bytes of a connection that had been made; dns has
--   query and response; privilege the family of the call (setuid, capset, unshare ...); kernel bpf, module_load, mount,
--   ptrace, mprotect_wx ...; terminal typed and printed; lifecycle found, created, removed, entered, level; finding the
--   rule's name; gap the cause, at the earliest time at which events can be missing.
-- container_name: where it happened; ancestors outside the container are rows too.
-- summary: the row in one line; line ends and tabs of a terminal are written out, and what is long is cut.
-- result: 0 or a negative errno for file, network, privilege and kernel, or what the call returned; NULL where it is
--   not known, and for the others.
WITH event AS (
    SELECT
        time, container_name, 'process' AS kind, origin AS op, pid, comm, exe, exec_id, 2 AS step, bundle, host,
        CASE origin WHEN 'exec' THEN 'exec ' WHEN 'fork' THEN 'fork of ' ELSE 'running ' END
            || coalesce(nullif(cmdline, ''), nullif(exe, ''), comm, '?')
            || CASE WHEN entered IS NULL THEN '' ELSE ' (from outside)' END AS summary,
        CAST(NULL AS BIGINT) AS result
    FROM process
    UNION ALL
    SELECT
        end_time, container_name, 'process', 'exit', pid, comm, exe, exec_id, 7, bundle, host,
        CASE
            WHEN exit_signal IS NOT NULL THEN 'killed by signal ' || CAST(exit_signal AS VARCHAR)
            ELSE 'exit ' || CAST(exit_code AS VARCHAR)
        END || ': ' || coalesce(nullif(cmdline, ''), nullif(exe, ''), comm, '?'),
        NULL
    FROM process
    WHERE end_time IS NOT NULL AND (exit_code IS NOT NULL OR exit_signal IS NOT NULL)
    UNION ALL
    SELECT
        time, container_name, 'file', op, pid, comm, exe, exec_id, 4, bundle, host,
        CASE
            WHEN op = 'chmod' AND mode IS NOT NULL THEN 'chmod ' || octal(mode)
            WHEN op = 'chown' THEN 'chown ' || coalesce(CAST(owner_uid AS VARCHAR), '')
                || CASE WHEN owner_gid IS NULL THEN '' ELSE ':' || CAST(owner_gid AS VARCHAR) END
            ELSE op
        END
            || ' ' || coalesce(nullif(path, ''), 'fd ' || CAST(fd AS VARCHAR), '?')
            || CASE WHEN new_path IS NULL THEN '' ELSE ' -> ' || new_path END
            || CASE WHEN attribute IS NULL THEN '' ELSE ' ' || attribute END
            || CASE WHEN size_bytes IS NULL THEN '' ELSE ' to ' || CAST(size_bytes AS VARCHAR) || ' bytes' END
            || CASE WHEN op = 'open' AND (flags LIKE 'O_WRONLY%' OR flags LIKE 'O_RDWR%') THEN ' for writing' ELSE '' END
            || CASE
                WHEN op = 'io' THEN ' (read ' || coalesce(CAST(bytes_read AS VARCHAR), '?')
                    || ', wrote ' || coalesce(CAST(bytes_written AS VARCHAR), '?') || ' bytes)'
                ELSE ''
            END
            || CASE WHEN rewritten_from IS NULL THEN '' ELSE ' (was ' || rewritten_from || ' when the call began)' END
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM file
    UNION ALL
    SELECT
        time, container_name, 'network', op, pid, comm, exe, exec_id, 3, bundle, host,
        op || ' ' || protocol
            || CASE
                WHEN op = 'socket' THEN ''
                ELSE ' ' || coalesce(endpoint(remote_addr, remote_port), path, endpoint(local_addr, local_port), '?')
            END
            || CASE WHEN server_name IS NULL THEN '' ELSE ' for ' || server_name END
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM network
    UNION ALL
    SELECT
        end_time, container_name, 'network', 'close', pid, comm, exe, exec_id, 6, bundle, host,
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
        time, container_name, 'dns', op, pid, comm, exe, exec_id, 4, bundle, host,
        op || ' ' || qtype || ' ' || name
            || CASE
                WHEN op = 'query' THEN ''
                ELSE ': ' || coalesce(nullif(array_to_string(answers, ', '), ''), rcode, '?')
            END
            || CASE WHEN sent = (op = 'query') THEN '' WHEN sent THEN ' (sent)' ELSE ' (received)' END,
        NULL
    FROM dns
    UNION ALL
    SELECT
        time, container_name, 'privilege', op, pid, comm, exe, exec_id, 4, bundle, host,
        syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM privilege
    UNION ALL
    SELECT
        time, container_name, 'kernel', op, pid, comm, exe, exec_id, 4, bundle, host,
        syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END
            || CASE WHEN path IS NULL THEN '' ELSE ' ' || path END
            || CASE WHEN target IS NULL THEN '' ELSE ' -> ' || target END
            || CASE WHEN target_pid IS NULL THEN '' ELSE ' pid ' || CAST(target_pid AS VARCHAR) END
            || CASE WHEN result < 0 THEN ' (' || failure(result) || ')' ELSE '' END,
        result
    FROM kernel
    UNION ALL
    SELECT
        time, container_name, 'terminal', direction, pid, comm, exe, exec_id, 4, bundle, host,
        direction || ' "' || replace(replace(left(text, 120), chr(10), '\n'), chr(9), '\t')
            || CASE WHEN char_length(text) > 120 OR cut THEN '…"' ELSE '"' END,
        NULL
    FROM terminal
    UNION ALL
    SELECT
        time, container_name, 'lifecycle', op, pid, comm, exe, exec_id, CASE op WHEN 'removed' THEN 8 ELSE 1 END, bundle, host,
        'container ' || op || CASE WHEN detail IS NULL THEN '' ELSE ': ' || detail END, NULL
    FROM lifecycle
    UNION ALL
    SELECT
        time, container_name, 'finding', rule, pid, comm, exe, exec_id, 5, bundle, host,
        severity || ': ' || message, NULL
    FROM finding
    UNION ALL
    SELECT
        time, container_name, 'gap', cause, pid, comm, exe, exec_id, 0, bundle, host,
        coalesce(CAST(lost AS VARCHAR), 'an unknown number of') || ' ' || class || ' events missing'
            || CASE WHEN own THEN '' ELSE ', perhaps of other containers' END,
        NULL
    FROM gap
)
SELECT time, container_name, kind, op, pid, comm, exe, exec_id, summary, result, bundle, host
FROM event
ORDER BY time, step, pid, exec_id
