//! What happened, told from the sealed bundle alone: each act is a question in SQL, and one without an answer fails
//! the demo.

use crate::intruder::Ports;
use anyhow::{Context as _, Result, bail};
use std::io::Write;
use std::path::Path;
use taffrail_query::arrow::array::{Array as _, AsArray as _, RecordBatch};
use taffrail_query::arrow::datatypes::UInt64Type;
use taffrail_query::{Format, Session, Style};
use taffrail_trace::text;

/// One thing that must be in the evidence.
struct Act {
    what: &'static str,
    sql: String,
}

/// When the alarm went off; what rules noted before it set off none.
const ALARM: &str = "(SELECT min(time) FROM finding WHERE severity = 'critical')";

/// Every act of the intrusion, in its order. The first two lie before the trigger: only a recorder has them.
fn acts(ports: &Ports, host_ancestors: bool) -> Vec<Act> {
    let act = |what, sql: String| Act { what, sql };
    vec![
        act(
            "the web server took the request that broke it, before the alarm",
            format!("SELECT 1 FROM network WHERE op = 'accept' AND exe = '/bin/box' AND time < {ALARM}"),
        ),
        act(
            "the web server ran a shell, before the alarm",
            format!(
                "SELECT 1 FROM process p JOIN process w ON p.parent_exec_id = w.exec_id \
                 WHERE (p.cmdline LIKE 'sh -c %' OR p.cmdline LIKE '/bin/sh -c %') AND w.cmdline = '/bin/httpd' AND p.time < {ALARM}"
            ),
        ),
        act(
            "a shell had the intruder's socket as its input",
            format!("SELECT 1 FROM process WHERE cmdline = 'sh -i' AND stdin LIKE 'inet %:{}'", ports.shell),
        ),
        act("it read the password file", "SELECT 1 FROM file WHERE op = 'open' AND path = '/etc/shadow' AND result = 0".to_owned()),
        act(
            "it downloaded a program over loopback",
            format!("SELECT 1 FROM network WHERE op = 'connect' AND remote_port = {} AND bytes_received > 100000", ports.download),
        ),
        act("it wrote the program", "SELECT 1 FROM file WHERE op = 'create' AND path = '/tmp/.update'".to_owned()),
        act("it made it executable", "SELECT 1 FROM file WHERE op = 'chmod' AND path = '/tmp/.update' AND mode = 493".to_owned()),
        act("it ran the program", "SELECT 1 FROM process WHERE exe = '/tmp/.update' AND exit_code = 0".to_owned()),
        act(
            "the program called out",
            format!("SELECT 1 FROM network WHERE op = 'connect' AND exe = '/tmp/.update' AND remote_port = {}", ports.pool),
        ),
        act(
            "it hid the file",
            "SELECT 1 FROM file WHERE op = 'rename' AND path = '/tmp/.update' AND new_path = '/var/tmp/.cache' AND result = 0".to_owned(),
        ),
        act(
            "the shell descends from the web server, and that from the host where the host is named",
            format!(
                "SELECT 1 FROM process_tree WHERE cmdline = 'sh -i' AND depth >= {} AND path LIKE '%httpd > sh > sh'",
                if host_ancestors { 4 } else { 2 }
            ),
        ),
        act(
            "nothing of another container is inside",
            "SELECT 1 FROM (SELECT count(DISTINCT container_id) AS n FROM process WHERE container_id <> 'host') WHERE n = 1".to_owned(),
        ),
    ]
}

/// The question printed for the person to ask again.
const QUESTION: &str = "SELECT time, cmdline, stdin FROM process WHERE stdin LIKE 'inet%'";

/// Proves every act and prints the story.
pub async fn tell(
    session: &Session,
    bundle: &Path,
    ports: &Ports,
    host_ancestors: bool,
    out: &mut dyn Write,
) -> Result<()> {
    for act in acts(ports, host_ancestors) {
        if rows(session, &act.sql).await? == 0 {
            bail!("the evidence in {} does not show that {}; asked: {}", bundle.display(), act.what, act.sql);
        }
    }
    story(session, bundle, out).await
}

/// Prints the story of a bundle that the demo left.
pub async fn story(session: &Session, bundle: &Path, out: &mut dyn Write) -> Result<()> {
    let lost = number(session, "SELECT coalesce(sum(lost), 0) FROM gap WHERE cause = 'ring_full'").await?;
    let before = number(session, &format!("SELECT count(*) FROM timeline WHERE time < {ALARM}")).await?;
    let all = number(session, "SELECT count(*) FROM timeline").await?;
    let sql =
        "SELECT concat(rule, ': ', first_value(message ORDER BY time)) FROM finding GROUP BY rule ORDER BY min(time)";
    writeln!(out, "\nWhat was found")?;
    for found in words(session, sql).await? {
        writeln!(out, "  {found}")?;
    }
    writeln!(out, "  {before} of {all} recorded moments lie before the alarm; {lost} events lost")?;

    writeln!(out, "\nFive moments of it (seconds from the alarm)")?;
    let sql = format!(
        "WITH picked AS ( \
           SELECT time, 1 AS n, summary FROM timeline WHERE kind = 'process' AND op = 'exec' AND summary LIKE '%sh -c%' \
           UNION ALL SELECT time, 2, summary FROM timeline WHERE kind = 'process' AND op = 'exec' AND summary LIKE '%sh -i%' \
           UNION ALL SELECT time, 3, summary FROM timeline WHERE kind = 'file' AND op = 'create' AND summary LIKE '%/tmp/.update%' \
           UNION ALL SELECT time, 4, summary FROM timeline WHERE kind = 'process' AND op = 'exec' AND summary LIKE '%/tmp/.update%' \
                     AND exe = '/tmp/.update' \
           UNION ALL SELECT time, 5, summary FROM timeline WHERE kind = 'file' AND op = 'rename' \
         ), first AS (SELECT n, min(time) AS time, first_value(summary ORDER BY time) AS summary FROM picked GROUP BY n) \
         SELECT concat(CASE WHEN time < {ALARM} THEN '-' ELSE '+' END, \
                round(abs(CAST(CAST(time AS BIGINT) - CAST({ALARM} AS BIGINT) AS DOUBLE)) / 1e9, 3), ' s  ', summary) \
         FROM first ORDER BY time"
    );
    for line in words(session, &sql).await? {
        writeln!(out, "  {line}")?;
    }

    writeln!(out, "\nAsk it yourself")?;
    let program = program();
    writeln!(out, "  {program} query {} --sql \"{QUESTION}\"", bundle.display())?;
    let style = Style { width: Some(110), ..Style::new(Format::Table) };
    session.run(QUESTION, &style, out).await?;
    writeln!(out, "\nWatch it happen")?;
    writeln!(out, "  {program} replay {}", bundle.display())?;
    Ok(())
}

/// How a person calls this program: by name where the shell finds it, else by its path.
fn program() -> String {
    let found = |exe: &Path| {
        let name = exe.file_name()?.to_owned();
        let path = std::env::var_os("PATH")?;
        let on_path = std::env::split_paths(&path).any(|dir| dir.join(&name) == exe);
        Some(if on_path { name.to_string_lossy().into_owned() } else { exe.display().to_string() })
    };
    std::env::current_exe().ok().and_then(|exe| found(&exe)).unwrap_or_else(|| "taffrail".to_owned())
}

async fn rows(session: &Session, sql: &str) -> Result<usize> {
    Ok(session.sql(sql).await?.iter().map(RecordBatch::num_rows).sum())
}

async fn number(session: &Session, sql: &str) -> Result<u64> {
    let batches = session.sql(&format!("SELECT CAST(n AS BIGINT UNSIGNED) FROM ({sql}) AS q(n)")).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).context("a count has no row")?;
    let column = batch.column(0).as_primitive_opt::<UInt64Type>().context("a count is no number")?;
    Ok(column.value(0))
}

/// One column of text, safe for a terminal.
async fn words(session: &Session, sql: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for batch in session.sql(sql).await? {
        let column =
            taffrail_query::arrow::compute::cast(batch.column(0), &taffrail_query::arrow::datatypes::DataType::Utf8)?;
        let column = column.as_string::<i32>();
        words.extend((0..column.len()).map(|row| text::shown(column.value(row)).into_owned()));
    }
    Ok(words)
}
