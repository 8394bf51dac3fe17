-- One row per shell that was run or found running, by the time it came to be.
-- Question: which shells were there, and who or what spoke to them?
--
-- shell: its name: sh, bash, dash, ...
-- way: `socket` where its input or output is a network connection, `terminal`, `command` (told by -c), `script`, or
--   `input` (a pipe, a file, or not known).
-- parent_comm: thread name of the program that made it.
-- parent_cmdline: arguments of that program.
-- programs: programs that it ran.
-- exit: the exit code, `signal N`, `exec` where it became another program, or NULL while it runs.
WITH image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline, min(comm) AS comm FROM process GROUP BY bundle, exec_id
),
named AS (
    -- A program of many names, such as busybox, goes by the one that it was called by; a login shell's begins with `-`.
    SELECT *, basename(exe) AS file_name, ltrim(basename(args[1]), '-') AS called FROM process WHERE origin <> 'fork'
),
shell AS (
    SELECT *, CASE WHEN called IN ('sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh', 'rbash')
        THEN called ELSE file_name END AS shell
    FROM named
    WHERE called IN ('sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh', 'rbash')
        OR file_name IN ('sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh', 'rbash')
),
ran AS (
    SELECT bundle, parent_exec_id, count(DISTINCT exec_id) AS programs
    FROM process
    WHERE origin = 'exec'
    GROUP BY bundle, parent_exec_id
)
SELECT
    shell.time,
    shell.container_name,
    shell.shell,
    CASE
        WHEN shell.stdin LIKE 'inet %' OR shell.stdout LIKE 'inet %' THEN 'socket'
        WHEN array_has(shell.args, '-c') THEN 'command'
        WHEN shell.script IS NOT NULL THEN 'script'
        WHEN shell.tty IS NOT NULL THEN 'terminal'
        ELSE 'input'
    END AS way,
    shell.cmdline,
    shell.stdin,
    shell.stdout,
    shell.tty,
    coalesce(ran.programs, 0) AS programs,
    CASE
        WHEN shell.exit_signal IS NOT NULL THEN 'signal ' || CAST(shell.exit_signal AS VARCHAR)
        WHEN shell.exit_code IS NOT NULL THEN CAST(shell.exit_code AS VARCHAR)
        WHEN shell.end_time IS NOT NULL THEN 'exec'
    END AS exit,
    shell.end_time,
    shell.pid,
    shell.comm,
    shell.exe,
    shell.uid,
    parent.comm AS parent_comm,
    parent.cmdline AS parent_cmdline,
    shell.parent_exec_id,
    shell.exec_id,
    shell.bundle,
    shell.host
FROM shell
LEFT JOIN image AS parent ON parent.bundle = shell.bundle AND parent.exec_id = shell.parent_exec_id
LEFT JOIN ran ON ran.bundle = shell.bundle AND ran.parent_exec_id = shell.exec_id
ORDER BY shell.time, shell.pid
