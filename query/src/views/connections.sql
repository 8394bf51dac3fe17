-- One row per flow, and per socket that made none (unix, raw, packet, or refused before a packet was sent), with the
-- process that owned it, by the time it began.
-- Question: who talked to whom, how much, and how did it end?
--
-- local: address and port of the container's end.
-- remote: address and port of the other end, or the path of a unix socket; NULL for a listener.
-- state: listening, connecting (not yet answered), open, closed, refused or failed; the last two never came about. A
--   unix socket is connected, a raw or packet socket made: how they end is not recorded. UDP has no answer to wait for.
-- duration_ms: from the first packet to the end; NULL while it is open.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    network.time,
    network.container_name,
    network.direction,
    network.protocol,
    endpoint(network.local_addr, network.local_port) AS local,
    coalesce(endpoint(network.remote_addr, network.remote_port), network.path) AS remote,
    network.server_name,
    CASE
        WHEN network.result = -111 THEN 'refused'
        WHEN network.result = -115 THEN 'connecting'
        WHEN network.result < 0 THEN 'failed'
        WHEN network.end_time IS NOT NULL THEN 'closed'
        WHEN network.op = 'listen' THEN 'listening'
        WHEN network.op = 'socket' THEN 'made'
        WHEN network.flow_id IS NULL THEN 'connected'
        ELSE 'open'
    END AS state,
    network.bytes_sent,
    network.bytes_received,
    (CAST(network.end_time AS BIGINT) - CAST(network.time AS BIGINT)) / 1000000 AS duration_ms,
    network.pid,
    network.comm,
    network.exe,
    image.cmdline,
    network.exec_id,
    network.flow_id,
    network.result,
    network.bundle,
    network.host
FROM network
LEFT JOIN image ON image.bundle = network.bundle AND image.exec_id = network.exec_id
ORDER BY network.time, network.flow_id
