-- One row per file that a program wrote after it had begun to receive over the network, by the time it was written, with
-- the flow of that program that received most. That the file is what came over that flow is likely, not proven: compare
-- bytes_written and bytes_received.
-- Question: what was fetched, from where, and where was it put?
--
-- time: when the file was first written.
-- bytes_written: bytes written to the file by that program.
-- remote: address and port that it received from.
-- names: the names that the answers of the container's DNS questions give to that address, `, ` between them.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
),
named AS (
    SELECT bundle, address, string_agg(DISTINCT name, ', ' ORDER BY name) AS names
    FROM (SELECT bundle, name, unnest(answers) AS address FROM dns WHERE op = 'response')
    GROUP BY bundle, address
),
received AS (
    SELECT bundle, exec_id, time, remote_addr, remote_port, server_name, bytes_received, flow_id
    FROM network
    WHERE bytes_received > 0 AND op = 'connect' AND coalesce(remote_port, 0) <> 53 AND exec_id IS NOT NULL
),
written AS (
    SELECT
        bundle, host, container_name, exec_id, path, min(time) AS time, sum(bytes_written) AS bytes_written,
        min(pid) AS pid, min(comm) AS comm, min(exe) AS exe
    FROM file
    WHERE op = 'io' AND bytes_written > 0 AND path <> '' AND path NOT LIKE '/dev/%'
    GROUP BY bundle, host, container_name, exec_id, path
),
paired AS (
    SELECT
        written.*, received.remote_addr, received.remote_port, received.server_name, received.bytes_received,
        received.flow_id,
        row_number() OVER (
            PARTITION BY written.bundle, written.exec_id, written.path
            ORDER BY received.bytes_received DESC, received.time
        ) AS place
    FROM written
    JOIN received ON received.bundle = written.bundle AND received.exec_id = written.exec_id
        AND received.time <= written.time
)
SELECT
    paired.time,
    paired.container_name,
    paired.path,
    paired.bytes_written,
    endpoint(paired.remote_addr, paired.remote_port) AS remote,
    paired.server_name,
    named.names,
    paired.bytes_received,
    paired.pid,
    paired.comm,
    paired.exe,
    image.cmdline,
    paired.exec_id,
    paired.flow_id,
    paired.bundle,
    paired.host
FROM paired
LEFT JOIN image ON image.bundle = paired.bundle AND image.exec_id = paired.exec_id
LEFT JOIN named ON named.bundle = paired.bundle AND named.address = paired.remote_addr
WHERE paired.place = 1
ORDER BY paired.time, paired.path
