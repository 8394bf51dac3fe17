-- One row per change to the file system: files opened for writing, written, created, renamed, removed, given other
-- permissions or another owner, with the process that did it, in order. What failed is not here.
-- Question: what was changed on disk, and by whom?
--
-- mode: permission bits in octal, given with a create, mkdir, mknod or chmod.
-- bytes_written: since the io row before, or since the file was opened; a file opened for writing without an io row may
--   have been left as it was.
-- result: 0, or NULL where it never became known; NULL for io.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    file.time,
    file.container_name,
    file.op,
    file.path,
    file.new_path,
    file.bytes_written,
    octal(file.mode) AS mode,
    file.made_executable,
    file.flags,
    file.path_source,
    file.pid,
    file.comm,
    file.exe,
    image.cmdline,
    file.exec_id,
    file.result,
    file.bundle,
    file.host
FROM file
LEFT JOIN image ON image.bundle = file.bundle AND image.exec_id = file.exec_id
WHERE coalesce(file.result, 0) = 0
    AND (file.op <> 'io' OR file.bytes_written > 0)
    AND (file.op <> 'open' OR file.flags LIKE 'O_WRONLY%' OR file.flags LIKE 'O_RDWR%' OR file.flags LIKE '%O_TRUNC%')
ORDER BY file.time, file.pid, file.path
