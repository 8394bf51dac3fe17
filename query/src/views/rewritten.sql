-- One row per file name that a program changed in its memory while the kernel worked on it, in order: began_as is what
-- stood there when the call began, path what it acted on or, where path_source is user, what stood there when it ended.
--
-- Programs do not do that by chance: it deceives whoever judges a call by the arguments that it begins with.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    file.time,
    file.container_name,
    file.op,
    file.rewritten_from AS began_as,
    file.path,
    file.path_source,
    file.result,
    failure(file.result) AS failure,
    file.pid,
    file.tid,
    file.comm,
    file.exe,
    image.cmdline,
    file.exec_id,
    file.bundle
FROM file
LEFT JOIN image ON image.bundle = file.bundle AND image.exec_id = file.exec_id
WHERE file.rewritten_from IS NOT NULL
ORDER BY file.time, file.pid
