-- One row per change to the file system that succeeded: files opened for writing, created, renamed, removed or given
-- other permissions, with the process that did it, in order.
--
-- How much was written is not recorded: a file opened for writing may have been left as it was.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    file.time,
    file.container_name,
    file.op,
    file.path,
    file.new_path,
    octal(file.mode) AS mode,
    file.flags,
    file.path_source,
    file.pid,
    file.comm,
    file.exe,
    image.cmdline,
    file.exec_id,
    file.bundle
FROM file
LEFT JOIN image ON image.bundle = file.bundle AND image.exec_id = file.exec_id
WHERE file.result = 0
    AND (file.op <> 'open' OR file.flags LIKE 'O_WRONLY%' OR file.flags LIKE 'O_RDWR%' OR file.flags LIKE '%O_TRUNC%')
ORDER BY file.time, file.pid, file.path
