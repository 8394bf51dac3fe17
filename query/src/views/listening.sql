-- One row per socket that waited for others at the trigger: TCP and unix listeners and bound UDP sockets, with the process
-- that had it open; of several, the one with the lowest pid. (The view listeners has those that began while recording.)
-- Question: which doors were open at the moment of the trigger?
--
-- local: an address with its port, or the path of a unix socket.
-- loopback: only the container itself reaches it.
-- backlog: connections that nobody had accepted yet.
-- owners: how many processes have it open.
SELECT
    socket.time,
    socket.container_name,
    socket.protocol,
    coalesce(endpoint(socket.local_addr, socket.local_port), socket.path) AS local,
    socket.local_addr = '::1' OR starts_with(socket.local_addr, '127.') AS loopback,
    socket.backlog,
    socket.owners,
    socket.pid,
    socket.comm,
    socket.exe,
    process.cmdline,
    socket.uid,
    socket.exec_id,
    socket.inode,
    socket.bundle,
    socket.host
FROM state_socket AS socket
LEFT JOIN state_process AS process ON process.bundle = socket.bundle AND process.pid = socket.pid
WHERE
    socket.state = 'LISTEN'
    OR (socket.protocol = 'udp' AND socket.state = 'UNCONNECTED' AND socket.local_port IS NOT NULL)
ORDER BY socket.protocol, local, socket.inode
