//! What programs did, those of the branch first.

use super::{Asker, BRANCH_MAX, LINES_MAX, list, within};
use crate::error::QueryError;
use crate::report::facts::{Act, Asked, Change, Cut, Piece, Talk, Terminal};
use crate::report::foreign::Foreign;
use crate::report::lineage::{Lineage, Mark};
use crate::report::rows::{Row, rows};
use datafusion::arrow::array::RecordBatch;
use std::collections::{BTreeSet, HashMap};

/// The most changes of a runtime's.
const SETUP_MAX: usize = 4;
/// The most terminal sessions.
const SESSIONS_MAX: usize = 6;
/// The most of each, in characters.
const SESSION_MAX_CHARS: usize = 4000;

impl Asker<'_> {
    pub(super) async fn talks(&self, branch: &[u64]) -> Result<Cut<Talk>, QueryError> {
        let sql = format!(
            "WITH flow AS (
                SELECT *, CASE WHEN op = 'accept' THEN remote_addr
                    ELSE coalesce(endpoint(remote_addr, remote_port), path) END AS remote,
                    {} AS hostile
                FROM network WHERE {{bundle}} AND op IN ('connect', 'accept')
            )
            SELECT comm, op, protocol, remote, server_name, bool_or(hostile) AS hostile, min(remote_addr) AS address, min(time) AS time,
                min(exec_id) AS exec_id, count(*) AS flows, count(*) FILTER (WHERE result < 0 AND result <> -115) AS failed,
                sum(bytes_sent) AS sent, sum(bytes_received) AS received, count(*) OVER () AS total
            FROM flow GROUP BY comm, op, protocol, remote, server_name
            ORDER BY hostile DESC, time LIMIT {LINES_MAX}",
            within(branch)
        );
        let answer = self.ask(&sql).await?;
        let total = rows(&answer).map(|row| row.count("total")).next();
        Ok(Cut::new(rows(&answer).map(talk).collect(), LINES_MAX, total))
    }

    /// Where the branch comes from a server, the connection that it served last before.
    pub(super) async fn way_in(&self, lineage: &Lineage) -> Result<Option<Talk>, QueryError> {
        let led: BTreeSet<u64> = lineage.marked(Mark::Led).take(BRANCH_MAX).map(|image| image.exec_id).collect();
        let Some(named) = lineage.marked(Mark::Hostile).next().filter(|_| !led.is_empty()) else { return Ok(None) };
        let sql = format!(
            "SELECT comm, op, protocol, server_name, endpoint(remote_addr, remote_port) AS remote, remote_addr AS address, time,
                exec_id, CAST(1 AS BIGINT) AS flows, bytes_sent AS sent, bytes_received AS received
             FROM network WHERE {{bundle}} AND op = 'accept' AND exec_id IN ({}) AND CAST(time AS BIGINT) <= {}
             ORDER BY time DESC LIMIT 1",
            list(&led),
            named.start_ns
        );
        Ok(rows(&self.ask(&sql).await?).map(talk).next())
    }

    pub(super) async fn changes(&self, branch: &[u64]) -> Result<Cut<Change>, QueryError> {
        const CHANGED: &str = "{bundle} AND coalesce(result, 0) = 0 AND op <> 'open' AND (op <> 'io' OR bytes_written > 0) \
                               AND path NOT LIKE '/dev/%' AND path <> ''";
        let hostile = within(branch);
        // What a runtime does while it sets a container up comes last, and is cut: it says little and is much.
        let sql = format!(
            "SELECT time, op, path, new_path, bytes_written AS bytes, mode, made_executable, comm, exec_id,
                {hostile} AS hostile, regexp_like(path, '^/(var/lib/docker|run/docker|run/containerd)/|^/proc/[0-9]+/oom_score_adj$') AS is_setup
             FROM file WHERE {CHANGED} ORDER BY hostile DESC, is_setup, time LIMIT 400"
        );
        let answer = self.ask(&sql).await?;
        let mut changes = merged(&answer, self.count(&format!("FROM file WHERE {CHANGED}")).await?);
        let shown = changes.shown.len();
        let mut setup = 0;
        changes.shown.retain(|change| {
            setup += usize::from(change.is_setup && !change.hostile);
            !change.is_setup || change.hostile || setup <= SETUP_MAX
        });
        changes.more += (shown - changes.shown.len()) as u64;
        Ok(changes)
    }

    pub(super) async fn reads(&self, branch: &[u64]) -> Result<Cut<Change>, QueryError> {
        if branch.is_empty() {
            return Ok(Cut::new(Vec::new(), 0, None));
        }
        // What every program reads to begin with says nothing.
        let of = format!(
            "FROM file WHERE {{bundle}} AND exec_id IN ({}) AND op = 'io' AND bytes_read > 0 AND path LIKE '/%' AND NOT
             regexp_like(path, '^/(proc|dev|sys|lib|lib64|usr/lib|usr/lib64|usr/share)/|^/etc/ld\\.so|\\.so(\\.|$)')",
            list(branch)
        );
        let sql = "SELECT time, 'read' AS op, path, bytes_read AS bytes, comm, exec_id, true AS hostile";
        let answer = self.ask(&format!("{sql} {of} ORDER BY time LIMIT 400")).await?;
        let total = self.count(&of).await?;
        Ok(merged(&answer, total))
    }

    pub(super) async fn acts(&self, branch: &[u64]) -> Result<Cut<Act>, QueryError> {
        if branch.is_empty() {
            return Ok(Cut::new(Vec::new(), 0, None));
        }
        let of = list(branch);
        let privileges =
            format!("FROM privilege WHERE {{bundle}} AND exec_id IN ({of}) AND op NOT IN ('prctl', 'seccomp')");
        let kernel = format!("FROM kernel WHERE {{bundle}} AND exec_id IN ({of})");
        let sql = format!(
            "SELECT time, exec_id, syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END AS words,
                failure(result) AS failure {privileges}
             UNION ALL
             SELECT time, exec_id, syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END
                || coalesce(' ' || path, '') || coalesce(' -> ' || target, ''), failure(result) {kernel}
             ORDER BY time LIMIT {LINES_MAX}"
        );
        let answer = self.ask(&sql).await?;
        let act = |row: Row<'_>| Act {
            time_ns: row.number("time").unwrap_or(0),
            words: row.text("words"),
            failure: row.text("failure"),
            exec_id: row.id("exec_id"),
        };
        let total = self.count(&privileges).await? + self.count(&kernel).await?;
        Ok(Cut::new(rows(&answer).map(act).collect(), LINES_MAX, Some(total)))
    }

    /// How many rows there are; `of` begins with FROM.
    async fn count(&self, of: &str) -> Result<u64, QueryError> {
        let answer = self.ask(&format!("SELECT count(*) AS n {of}")).await?;
        Ok(rows(&answer).map(|row| row.count("n")).sum())
    }

    pub(super) async fn names(&self, branch: &[u64]) -> Result<Cut<Asked>, QueryError> {
        let hostile = within(branch);
        let sql = format!(
            "WITH asked AS (
                SELECT lower(name) AS name, qtype AS kind, array_to_string(answers, ', ') AS answers, time, exec_id
                FROM dns WHERE {{bundle}} AND (op = 'response' OR sent)
                UNION ALL
                SELECT lower(server_name), 'TLS', endpoint(remote_addr, remote_port), time, exec_id
                FROM network WHERE {{bundle}} AND server_name IS NOT NULL
            )
            SELECT name, kind, max(answers) AS answers, min(time) AS time, min(exec_id) AS exec_id, bool_or({hostile}) AS hostile,
                count(*) OVER () AS total
            FROM asked GROUP BY name, kind ORDER BY hostile DESC, time LIMIT {LINES_MAX}"
        );
        let answer = self.ask(&sql).await?;
        let name = |row: Row<'_>| Asked {
            time_ns: row.number("time").unwrap_or(0),
            name: row.text("name"),
            kind: row.text("kind"),
            answers: row.text("answers"),
            exec_id: row.id("exec_id"),
            hostile: row.flag("hostile"),
        };
        let total = rows(&answer).map(|row| row.count("total")).next();
        Ok(Cut::new(rows(&answer).map(name).collect(), LINES_MAX, total))
    }

    pub(super) async fn sessions(&self) -> Result<Cut<Terminal>, QueryError> {
        let found = self
            .ask(&format!(
                "SELECT session_id, min(time) AS time, sum(bytes) FILTER (WHERE direction = 'typed') > 0 AS typed,
                    first_value(exec_id ORDER BY exec_id IS NULL, time) AS exec_id, count(*) OVER () AS total
                 FROM terminal WHERE {{bundle}} GROUP BY session_id ORDER BY typed DESC NULLS LAST, time LIMIT {SESSIONS_MAX}"
            ))
            .await?;
        let mut sessions = Vec::new();
        for row in rows(&found) {
            let Some(id) = row.id("session_id") else { continue };
            let of: BTreeSet<u64> = row.id("exec_id").into_iter().collect();
            let program = self.programs(&of).await?.into_values().next();
            let said = self
                .ask(&format!(
                    "SELECT direction, text FROM terminal WHERE {{bundle}} AND session_id = {id} ORDER BY time LIMIT 2000"
                ))
                .await?;
            let echoed = program.as_ref().is_some_and(|program| program.has_tty);
            let (pieces, cut) =
                pieces(rows(&said).map(|row| (row.raw("direction") == "typed", row.raw("text"))), echoed);
            sessions.push(Terminal {
                time_ns: row.number("time").unwrap_or(0),
                line: program.map(|program| program.line).unwrap_or_default(),
                pieces,
                cut,
            });
        }
        let total = rows(&found).map(|row| row.count("total")).next();
        Ok(Cut::new(sessions, SESSIONS_MAX, total))
    }

    pub(super) async fn digests(&self, branch: &[u64]) -> Result<Vec<(Foreign, Foreign)>, QueryError> {
        let sql = format!(
            "SELECT DISTINCT exe_sha256, coalesce(exe, '') AS exe FROM process
             WHERE {{bundle}} AND exe_sha256 IS NOT NULL AND container_id <> 'host'
                AND ({} OR exe_upper OR exe_memfd OR exe_deleted) ORDER BY exe, exe_sha256 LIMIT {LINES_MAX}",
            within(branch)
        );
        Ok(rows(&self.ask(&sql).await?).map(|row| (row.text("exe_sha256"), row.text("exe"))).collect())
    }
}

fn talk(row: Row<'_>) -> Talk {
    Talk {
        time_ns: row.number("time").unwrap_or(0),
        comm: row.text("comm"),
        exec_id: row.id("exec_id"),
        hostile: row.flag("hostile"),
        inbound: row.raw("op") == "accept",
        protocol: row.text("protocol"),
        remote: row.text("remote"),
        address: row.text("address"),
        server_name: row.text("server_name"),
        flows: row.count("flows"),
        failed: row.count("failed"),
        sent: row.count("sent"),
        received: row.count("received"),
    }
}

fn change(row: Row<'_>) -> Change {
    let op = match row.raw("op") {
        "create" => "created",
        "unlink" => "removed",
        "rmdir" => "removed directory",
        "rename" => "renamed",
        "link" => "linked",
        "symlink" => "made symlink",
        "mkdir" => "made directory",
        "mknod" => "made node",
        "chmod" => "changed the mode of",
        "chown" => "changed the owner of",
        "setxattr" => "set an attribute of",
        "removexattr" => "removed an attribute of",
        "truncate" => "cut",
        "io" => "wrote",
        "read" => "read",
        _ => "changed",
    };
    Change {
        time_ns: row.number("time").unwrap_or(0),
        op,
        path: row.text("path"),
        new_path: row.text("new_path"),
        bytes: row.count("bytes"),
        mode: row.number("mode"),
        made_executable: row.flag("made_executable"),
        is_setup: row.flag("is_setup"),
        comm: row.text("comm"),
        exec_id: row.id("exec_id"),
        hostile: row.flag("hostile"),
    }
}

/// What one program did to one file again and again is told once.
fn merged(answer: &[RecordBatch], total: u64) -> Cut<Change> {
    let mut merged: Vec<Change> = Vec::new();
    let mut places: HashMap<(Option<u64>, &'static str, Foreign, Foreign), usize> = HashMap::new();
    for change in rows(answer).map(change) {
        let key = (change.exec_id, change.op, change.path.clone(), change.new_path.clone());
        if let Some(place) = places.get(&key) {
            merged[*place].bytes += change.bytes;
        } else {
            places.insert(key, merged.len());
            merged.push(change);
        }
    }
    let again = answer.iter().map(RecordBatch::num_rows).sum::<usize>() - merged.len();
    Cut::new(merged, LINES_MAX, Some(total.saturating_sub(again as u64)))
}

/// A terminal's texts as stretches of one direction. Where the terminal echoed, what was typed stands first and what was
/// printed, which has the echo, after it.
fn pieces<'a>(said: impl Iterator<Item = (bool, &'a str)>, echoed: bool) -> (Vec<Piece>, bool) {
    let mut said: Vec<(bool, &str)> = said.collect();
    if echoed {
        said.sort_by_key(|(typed, _)| !typed);
    }
    let (mut joined, mut left, mut cut): (Vec<(bool, String)>, _, _) = (Vec::new(), SESSION_MAX_CHARS, false);
    for (typed, text) in said {
        let taken: String = text.chars().take(left).collect();
        let count = taken.chars().count();
        cut |= count < text.chars().count();
        left -= count;
        match joined.last_mut() {
            Some((last, so_far)) if *last == typed => so_far.push_str(&taken),
            _ if taken.is_empty() => {}
            _ => joined.push((typed, taken)),
        }
    }
    (joined.into_iter().map(|(typed, text)| Piece { typed, text: Foreign::lines(&text) }).collect(), cut)
}
