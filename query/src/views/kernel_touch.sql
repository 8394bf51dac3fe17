-- One row per call that reached beyond its own process, failed ones included, in order: programs and modules loaded into
-- the kernel, mounts, other processes' memory, memory that is writable and executable, the machine's clock and name.
-- Question: who touched the kernel, the mounts or another process?
--
-- act: the call in one line.
-- failure: why it failed, in words; NULL where it succeeded.
-- result: 0 or a negative errno, or what the call returned where that is no error.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    kernel.time,
    kernel.container_name,
    kernel.op,
    kernel.syscall
        || CASE WHEN kernel.detail = '' THEN '' ELSE ' ' || kernel.detail END
        || CASE WHEN kernel.path IS NULL THEN '' ELSE ' ' || kernel.path END
        || CASE WHEN kernel.target IS NULL THEN '' ELSE ' -> ' || kernel.target END
        || CASE WHEN kernel.target_pid IS NULL THEN '' ELSE ' pid ' || CAST(kernel.target_pid AS VARCHAR) END AS act,
    failure(kernel.result) AS failure,
    kernel.pid,
    kernel.comm,
    kernel.exe,
    image.cmdline,
    kernel.uid,
    kernel.path,
    kernel.target,
    kernel.target_pid,
    kernel.exec_id,
    kernel.result,
    kernel.bundle,
    kernel.host
FROM kernel
LEFT JOIN image ON image.bundle = kernel.bundle AND image.exec_id = kernel.exec_id
ORDER BY kernel.time, kernel.pid
