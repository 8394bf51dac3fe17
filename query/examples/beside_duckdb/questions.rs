//! What an investigator asks, in SQL that both engines understand.

use crate::Outcome;
use datafusion::arrow::util::display::array_value_to_string;
use taffrail_query::Session;

pub struct Question {
    pub name: &'static str,
    /// It is about a stretch of seconds.
    pub is_windowed: bool,
    /// With `{...}` for what [`About`] has.
    pub sql: &'static str,
}

const fn windowed(name: &'static str, sql: &'static str) -> Question {
    Question { name, is_windowed: true, sql }
}

const fn over_all(name: &'static str, sql: &'static str) -> Question {
    Question { name, is_windowed: false, sql }
}

pub const QUESTIONS: [Question; 20] = [
    windowed(
        "one second of a container's files",
        "SELECT * FROM file WHERE container_name = '{container}' AND time >= '{at}' AND time < '{at_1s}' ORDER BY time",
    ),
    windowed(
        "five seconds of everything",
        "SELECT time, 'file' AS kind, comm, op, path AS what FROM file
             WHERE container_name = '{container}' AND time >= '{at}' AND time < '{at_5s}'
         UNION ALL SELECT time, 'network', comm, op, remote_addr FROM network
             WHERE container_name = '{container}' AND time >= '{at}' AND time < '{at_5s}'
         UNION ALL SELECT time, 'process', comm, origin, cmdline FROM process
             WHERE container_name = '{container}' AND time >= '{at}' AND time < '{at_5s}' ORDER BY time",
    ),
    windowed(
        "all columns of ten seconds of programs",
        "SELECT * FROM process WHERE time >= '{at}' AND time < '{at_10s}' ORDER BY time",
    ),
    over_all(
        "what came of a process",
        "WITH RECURSIVE tree AS (
             SELECT exec_id FROM process WHERE exec_id = {parent}
             UNION SELECT child.exec_id FROM process AS child JOIN tree ON child.parent_exec_id = tree.exec_id)
         SELECT process.time, process.pid, process.cmdline FROM process JOIN tree ON process.exec_id = tree.exec_id",
    ),
    over_all(
        "top talkers",
        "SELECT remote_addr, count(*) AS flows, sum(bytes_sent) AS sent, sum(bytes_received) AS received
         FROM network GROUP BY remote_addr ORDER BY sent DESC, remote_addr LIMIT 20",
    ),
    over_all(
        "rare parent and child",
        "SELECT parent.exe AS parent, child.exe AS child, count(*) AS times
         FROM process AS child JOIN process AS parent ON child.parent_exec_id = parent.exec_id
         GROUP BY parent.exe, child.exe ORDER BY times, parent, child LIMIT 20",
    ),
    over_all("a program by its identity", "SELECT * FROM process WHERE exec_id = {exec}"),
    over_all("what a program did to files", "SELECT * FROM file WHERE exec_id = {exec} ORDER BY time"),
    over_all(
        "below a directory",
        "SELECT op, count(*) AS times, sum(bytes_written) AS written FROM file WHERE path LIKE '/etc/%' GROUP BY op",
    ),
    over_all(
        "programs by what they do",
        "SELECT comm, op, count(*) AS times FROM file GROUP BY comm, op ORDER BY times DESC, comm, op",
    ),
    over_all("the newest", "SELECT * FROM file ORDER BY time DESC LIMIT 100"),
    over_all("events a minute", "SELECT date_trunc('minute', CAST(time AS TIMESTAMP)) AS minute, count(*) AS events FROM file GROUP BY 1 ORDER BY 1"),
    over_all("how many programs touched files", "SELECT count(DISTINCT exec_id) AS programs FROM file"),
    over_all(
        "what was refused",
        "SELECT path, count(*) AS times FROM file WHERE result < 0 GROUP BY path ORDER BY times DESC, path LIMIT 20",
    ),
    over_all(
        "bytes written by executable",
        "SELECT process.exe, sum(file.bytes_written) AS written FROM file JOIN process ON file.exec_id = process.exec_id
         GROUP BY process.exe ORDER BY written DESC NULLS LAST, process.exe LIMIT 20",
    ),
    over_all(
        "shells on a connection",
        "SELECT time, pid, cmdline, stdin FROM process WHERE comm IN ('sh', 'bash', 'ash', 'dash') AND stdin LIKE 'inet%' ORDER BY time LIMIT 50",
    ),
    over_all("a word in a path", "SELECT time, comm, op, path FROM file WHERE path LIKE '%shadow%' ORDER BY time LIMIT 100"),
    over_all(
        "who reached for privileges",
        "SELECT comm, op, result, count(*) AS times FROM privilege GROUP BY comm, op, result ORDER BY times DESC, comm, op, result",
    ),
    over_all(
        "first seen",
        "SELECT path, min(time) AS first FROM file WHERE op <> 'open' GROUP BY path ORDER BY first, path LIMIT 50",
    ),
    over_all(
        "each bundle in figures",
        "SELECT bundle, min(time) AS first, max(time) AS last, count(*) AS events, count(DISTINCT comm) AS programs
         FROM file GROUP BY bundle ORDER BY bundle",
    ),
];

/// Whom and when the questions are about: the middle of the largest bundle.
pub struct About {
    pairs: Vec<(&'static str, String)>,
}

impl About {
    /// The question with everything in its place.
    pub fn fill(&self, sql: &str) -> String {
        self.pairs.iter().fold(sql.to_owned(), |sql, (name, value)| sql.replace(&format!("{{{name}}}"), value))
    }
}

/// Finds them.
pub async fn about(session: &Session) -> Outcome<About> {
    let largest = one(session, "SELECT bundle FROM file GROUP BY bundle ORDER BY count(*) DESC LIMIT 1").await?;
    let of = format!("WHERE bundle = '{}'", largest[0]);
    let sql = format!(
        "SELECT CAST(min(time) AS BIGINT) / 2 + CAST(max(time) AS BIGINT) / 2, min(container_name) FROM file {of}"
    );
    let middle = one(session, &sql).await?;
    // Where something happens.
    let sql = format!(
        "SELECT file.time, CAST(file.time AS BIGINT) AS at, file.exec_id, process.parent_exec_id FROM file
         JOIN process ON process.exec_id = file.exec_id AND process.parent_exec_id IS NOT NULL
         WHERE file.bundle = '{0}' AND process.bundle = '{0}' AND CAST(file.time AS BIGINT) >= {1} ORDER BY file.time LIMIT 1",
        largest[0], middle[0]
    );
    let found = one(session, &sql).await?;
    let at: i64 = found[1].parse()?;
    let mut pairs = vec![
        ("container", middle[1].clone()),
        ("exec", found[2].clone()),
        ("parent", found[3].clone()),
        ("at", found[0].clone()),
    ];
    for (name, seconds) in [("at_1s", 1), ("at_5s", 5), ("at_10s", 10)] {
        let sql = format!("SELECT to_timestamp_nanos({})", at + seconds * 1_000_000_000);
        pairs.push((name, format!("{}Z", one(session, &sql).await?[0])));
    }
    Ok(About { pairs })
}

/// The first row of an answer, as texts.
async fn one(session: &Session, sql: &str) -> Outcome<Vec<String>> {
    let batches = session.sql(sql).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(|| format!("no row for {sql}"))?;
    Ok(batch.columns().iter().map(|column| array_value_to_string(column, 0)).collect::<Result<_, _>>()?)
}
