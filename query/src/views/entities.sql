-- One row per thing that can be looked for elsewhere: addresses, names, digests, programs, changed files, users.
-- Question: which indicators does this evidence give?
--
-- kind: address, name, sha256, program, file or user.
-- value: which one.
-- roles: what it was seen as: connect, accept, query, answer, server, run, create, rename ..., `, ` between them.
-- times: how often.
-- programs: by how many program images.
-- first_time: when it was first seen.
-- last_time: when it was last seen.
-- exec_id: the program image that was first; joins `process.exec_id`.
WITH mention AS (
    SELECT 'address' AS kind, remote_addr AS value, op AS role, time, exec_id, bundle, host
    FROM network
    WHERE remote_addr IS NOT NULL
    UNION ALL
    SELECT 'name', lower(server_name), 'server', time, exec_id, bundle, host
    FROM network
    WHERE server_name IS NOT NULL
    UNION ALL
    SELECT 'name', lower(name), 'query', time, exec_id, bundle, host FROM dns WHERE op = 'query'
    UNION ALL
    -- An answer is an address, or a name or text.
    SELECT
        CASE WHEN in_cidr(answer, '0.0.0.0/0') OR in_cidr(answer, '::/0') THEN 'address' ELSE 'name' END,
        lower(answer), 'answer', time, exec_id, bundle, host
    FROM (SELECT unnest(answers) AS answer, time, exec_id, bundle, host FROM dns WHERE op = 'response')
    UNION ALL
    SELECT 'sha256', exe_sha256, 'run', time, exec_id, bundle, host
    FROM process
    WHERE exe_sha256 IS NOT NULL AND origin <> 'fork'
    UNION ALL
    SELECT 'program', coalesce(script, exe), 'run', time, exec_id, bundle, host
    FROM process
    WHERE origin <> 'fork'
    UNION ALL
    SELECT 'user', CAST(uid AS VARCHAR), 'run', time, exec_id, bundle, host
    FROM process
    WHERE uid IS NOT NULL AND origin <> 'fork'
    UNION ALL
    SELECT 'file', path, op, time, exec_id, bundle, host
    FROM file
    WHERE path <> '' AND coalesce(result, 0) = 0 AND op NOT IN ('open', 'io')
    UNION ALL
    SELECT 'file', new_path, op, time, exec_id, bundle, host
    FROM file
    WHERE coalesce(result, 0) = 0 AND op IN ('rename', 'link')
)
SELECT
    kind,
    value,
    string_agg(DISTINCT role, ', ' ORDER BY role) AS roles,
    count(*) AS times,
    count(DISTINCT exec_id) AS programs,
    min(time) AS first_time,
    max(time) AS last_time,
    first_value(exec_id ORDER BY time, exec_id) AS exec_id,
    bundle,
    min(host) AS host
FROM mention
WHERE value IS NOT NULL AND value <> ''
GROUP BY bundle, kind, value
ORDER BY bundle, kind, value
