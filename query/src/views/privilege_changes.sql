-- One row per attempt to change privileges, failed ones included, with the process that made it, in order: the system
-- calls of the table privilege, and every exec of a program that runs as another user than the one who ran it (setuid).
-- Question: who became what, and who tried?
--
-- op: the family of the call (setuid, capset, setns ...), or exec.
-- failure: why it failed, in words; NULL where it succeeded.
-- effective: the capabilities in force after it, by name.
-- permitted: the capabilities that it may use after it, by name.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
),
change AS (
    SELECT
        time, container_name, op, syscall, detail, result, uid, euid, cap_effective, cap_permitted,
        pid, tid, comm, exe, exec_id, bundle, host
    FROM privilege
    UNION ALL
    SELECT
        time, container_name, 'exec', 'execve',
        'runs as user ' || CAST(euid AS VARCHAR) || ' for user ' || CAST(uid AS VARCHAR), 0,
        uid, euid, cap_effective, cap_permitted, pid, tid, comm, exe, exec_id, bundle, host
    FROM process
    WHERE origin = 'exec' AND euid <> uid
)
SELECT
    change.time,
    change.container_name,
    change.op,
    change.syscall,
    change.detail,
    failure(change.result) AS failure,
    change.uid,
    change.euid,
    capabilities(change.cap_effective) AS effective,
    capabilities(change.cap_permitted) AS permitted,
    change.pid,
    change.comm,
    change.exe,
    image.cmdline,
    change.exec_id,
    change.result,
    change.bundle,
    change.host
FROM change
LEFT JOIN image ON image.bundle = change.bundle AND image.exec_id = change.exec_id
ORDER BY change.time, change.pid, change.tid
