-- One row per DNS question with its first answer, by the time it was asked; an answer whose question is not in the
-- evidence is a row too. A question that was sent again is a row each time. (The table dns has the single messages.)
-- Question: which names were asked for, and what was answered?
--
-- time: when it was asked, or answered where the question is not there.
-- rcode: the answer's code: `NOERROR`, `NXDOMAIN`; NULL where no answer came.
-- answers: addresses, names, texts, `, ` between them; NULL where no answer came.
-- ms: from question to answer.
-- local: address and port of the container's end.
-- remote: address and port of the other end.
-- asked_by_container: false where the container is the server.
-- asked_time: NULL where the question is not there.
-- answered_time: NULL where no answer came.
WITH question AS (
    SELECT * FROM dns WHERE op = 'query'
),
answer AS (
    SELECT * FROM dns WHERE op = 'response'
),
paired AS (
    SELECT
        question.time AS asked_time, answer.time AS answered_time, question.sent AS asked_by_container,
        answer.rcode, answer.answers, question.name, question.qtype, question.container_name,
        question.local_addr, question.local_port, question.remote_addr, question.remote_port,
        question.pid, question.comm, question.exe, question.exec_id, question.id, question.flow_id, question.bundle, question.host,
        row_number() OVER (
            PARTITION BY question.bundle, question.flow_id, question.id, question.name, question.qtype, question.time
            ORDER BY answer.time
        ) AS place
    FROM question
    LEFT JOIN answer ON answer.bundle = question.bundle AND answer.flow_id = question.flow_id
        AND answer.id = question.id AND answer.qtype = question.qtype AND lower(answer.name) = lower(question.name)
        AND answer.sent <> question.sent AND answer.time >= question.time
    UNION ALL
    SELECT
        NULL, answer.time, NOT answer.sent,
        answer.rcode, answer.answers, answer.name, answer.qtype, answer.container_name,
        answer.local_addr, answer.local_port, answer.remote_addr, answer.remote_port,
        answer.pid, answer.comm, answer.exe, answer.exec_id, answer.id, answer.flow_id, answer.bundle, answer.host,
        1
    FROM answer
    LEFT ANTI JOIN question ON answer.bundle = question.bundle AND answer.flow_id = question.flow_id
        AND answer.id = question.id AND answer.qtype = question.qtype AND lower(answer.name) = lower(question.name)
        AND answer.sent <> question.sent AND answer.time >= question.time
),
image AS (
    SELECT bundle, exec_id, min(cmdline) AS cmdline FROM process GROUP BY bundle, exec_id
)
SELECT
    coalesce(paired.asked_time, paired.answered_time) AS time,
    paired.container_name,
    paired.name,
    paired.qtype,
    paired.rcode,
    array_to_string(paired.answers, ', ') AS answers,
    (CAST(paired.answered_time AS BIGINT) - CAST(paired.asked_time AS BIGINT)) / 1000000 AS ms,
    endpoint(paired.local_addr, paired.local_port) AS local,
    endpoint(paired.remote_addr, paired.remote_port) AS remote,
    paired.asked_by_container,
    paired.asked_time,
    paired.answered_time,
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
WHERE paired.place = 1
ORDER BY coalesce(paired.asked_time, paired.answered_time), paired.pid, paired.id
