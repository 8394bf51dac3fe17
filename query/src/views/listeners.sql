-- One row per socket that waited for connections, by the time it began, with who came.
-- Question: which doors were open, to whom, and who used them?
--
-- local: the address and port it listened at.
-- reach: `loopback`, `every address` or `one address`.
-- accepted: connections that came in at that port.
-- peers: different addresses that they came from.
-- end_time: when it was closed; NULL while open at the bundle's end.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
),
came AS (
    SELECT bundle, protocol, local_port, count(*) AS accepted, count(DISTINCT remote_addr) AS peers
    FROM network
    WHERE op = 'accept'
    GROUP BY bundle, protocol, local_port
)
SELECT
    network.time,
    network.container_name,
    network.protocol,
    endpoint(network.local_addr, network.local_port) AS local,
    CASE
        WHEN network.local_addr IN ('0.0.0.0', '::') THEN 'every address'
        WHEN in_cidr(network.local_addr, '127.0.0.0/8') OR in_cidr(network.local_addr, '::1/128') THEN 'loopback'
        ELSE 'one address'
    END AS reach,
    coalesce(came.accepted, 0) AS accepted,
    coalesce(came.peers, 0) AS peers,
    network.end_time,
    network.pid,
    network.comm,
    network.exe,
    image.cmdline,
    network.exec_id,
    network.flow_id,
    network.bundle,
    network.host
FROM network
LEFT JOIN image ON image.bundle = network.bundle AND image.exec_id = network.exec_id
LEFT JOIN came ON came.bundle = network.bundle AND came.protocol = network.protocol
    AND came.local_port = network.local_port
WHERE network.op = 'listen'
ORDER BY network.time, network.flow_id
