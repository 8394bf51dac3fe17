-- One row per flow, and per socket that made none (unix, raw, packet, or refused before a packet was sent), with the
-- process that owned it, by the time it began.
--
-- state is listening, connecting (not yet answered), open, closed, refused or failed; the last two never came about.
-- A unix socket is connected, a raw or packet socket made: how they end is not recorded. UDP has no answer to wait for.
-- bytes and duration_ms are NULL while a flow is open; of UDP, bytes are then what was counted last. remote is an
-- address, or the path of a unix socket; NULL for a listener. server_name is what a TLS client asked for.
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
    network.bundle
FROM network
LEFT JOIN image ON image.bundle = network.bundle AND image.exec_id = network.exec_id
ORDER BY network.time, network.flow_id
