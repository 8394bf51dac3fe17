-- One row per text that a program changed in its memory while the kernel worked on it, in order. Programs do not do that
-- by chance: it deceives whoever judges a call by the arguments that it begins with.
-- Question: who lied about the arguments of a call?
--
-- op: the operation, as in the tables file and kernel.
-- which: which of the call's names it is: path, new_path, attribute or target.
-- began_as: what stood there when the call began.
-- became: what the call acted on or, where path_source is `user`, what stood there when it ended.
-- failure: why the call failed, in words; NULL where it succeeded.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
),
changed AS (
    SELECT time, container_name, op, 'path' AS which, rewritten_from AS began_as, path AS became, path_source,
        CAST(result AS BIGINT) AS result, pid, tid, comm, exe, exec_id, bundle, host
    FROM file WHERE rewritten_from IS NOT NULL
    UNION ALL
    SELECT time, container_name, op, CASE WHEN attribute IS NULL THEN 'new_path' ELSE 'attribute' END,
        new_rewritten_from, coalesce(attribute, new_path), path_source,
        CAST(result AS BIGINT), pid, tid, comm, exe, exec_id, bundle, host
    FROM file WHERE new_rewritten_from IS NOT NULL
    UNION ALL
    SELECT time, container_name, op, 'path', rewritten_from, path, path_source,
        result, pid, tid, comm, exe, exec_id, bundle, host
    FROM kernel WHERE rewritten_from IS NOT NULL
    UNION ALL
    SELECT time, container_name, op, 'target', target_rewritten_from, target, path_source,
        result, pid, tid, comm, exe, exec_id, bundle, host
    FROM kernel WHERE target_rewritten_from IS NOT NULL
)
SELECT
    changed.time,
    changed.container_name,
    changed.op,
    changed.which,
    changed.began_as,
    changed.became,
    changed.path_source,
    changed.result,
    failure(changed.result) AS failure,
    changed.pid,
    changed.tid,
    changed.comm,
    changed.exe,
    image.cmdline,
    changed.exec_id,
    changed.bundle,
    changed.host
FROM changed
LEFT JOIN image ON image.bundle = changed.bundle AND image.exec_id = changed.exec_id
ORDER BY changed.time, changed.pid
