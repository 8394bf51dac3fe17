-- One row per program image, ancestors up to the host's init included, depth first: a parent stands above its children,
-- and those stand in the order in which they came to be. Images whose lineage is a circle, or deeper than the limit,
-- which no kernel writes, stand last as roots.
-- Question: who started whom?
--
-- depth: 0 for a root, at most 64.
-- tree: the command line, indented by depth.
-- path: the lineage by thread names, as in `init > sh > curl`.
-- exit: the exit code, `signal N`, `exec` where the process went on as another image (a row too, with the same
--   process_id and parent), or NULL while it runs.
-- in_container: false for ancestors outside the recorded container.
WITH RECURSIVE image AS (
    SELECT
        bundle, exec_id, min(parent_exec_id) AS parent_exec_id,
        lpad(CAST(CAST(min(time) AS BIGINT) AS VARCHAR), 20, '0') || lpad(CAST(exec_id AS VARCHAR), 20, '0') AS place,
        left(coalesce(nullif(min(comm), ''), nullif(split_part(min(exe), '/', -1), ''), '?'), 64) AS name
    FROM process
    GROUP BY bundle, exec_id
),
node AS (
    SELECT child.bundle, child.exec_id, CAST(0 AS BIGINT) AS depth, child.place AS place, child.name AS path
    FROM image AS child
    LEFT JOIN image AS parent ON parent.bundle = child.bundle AND parent.exec_id = child.parent_exec_id
    WHERE parent.exec_id IS NULL
    UNION ALL
    SELECT child.bundle, child.exec_id, node.depth + 1, node.place || child.place, node.path || ' > ' || child.name
    FROM node
    JOIN image AS child ON child.bundle = node.bundle AND child.parent_exec_id = node.exec_id
    WHERE node.depth < 64
)
SELECT
    coalesce(node.depth, 0) AS depth,
    process.exec_id,
    process.parent_exec_id,
    process.process_id,
    process.pid,
    process.ppid,
    process.origin,
    process.comm,
    process.exe,
    process.cmdline,
    process.start_time,
    process.end_time,
    CASE
        WHEN process.exit_signal IS NOT NULL THEN 'signal ' || CAST(process.exit_signal AS VARCHAR)
        WHEN process.exit_code IS NOT NULL THEN CAST(process.exit_code AS VARCHAR)
        WHEN process.end_time IS NOT NULL THEN 'exec'
    END AS exit,
    CASE WHEN coalesce(node.depth, 0) = 0 THEN '' ELSE repeat('  ', node.depth - 1) || '└ ' END
        || coalesce(nullif(process.cmdline, ''), nullif(process.exe, ''), process.comm, '?') AS tree,
    coalesce(node.path, process.comm, '?') AS path,
    coalesce(process.container_id = recorded.container_id, false) AS in_container,
    process.container_name,
    process.bundle,
    process.host
FROM process
LEFT JOIN node ON node.bundle = process.bundle AND node.exec_id = process.exec_id
LEFT JOIN bundle AS recorded ON recorded.id = process.bundle
ORDER BY process.bundle, coalesce(node.place, '~'), process.time, process.exec_id
