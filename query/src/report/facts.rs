//! What a report says, gathered by queries whose answers are small whatever the bundle is: counted, grouped or cut.

use super::foreign::Foreign;
use super::lineage::{Image, Lineage, Mark};
use super::rows::{Row, rows};
use crate::error::QueryError;
use crate::session::Session;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use taffrail_trace::bundle::{Bundle, Verdict};
use taffrail_trace::manifest::Manifest;

/// More images than this are not looked through for a branch; the first ones are.
const IMAGES_MAX: usize = 1_000_000;
/// The most images of a branch that are told of one by one.
const BRANCH_MAX: usize = 300;
/// The most processes in the tree.
const TREE_MAX: usize = 100;
/// The most lines of a table.
const LINES_MAX: usize = 50;
/// The most terminal sessions, and characters of each.
const SESSIONS_MAX: usize = 6;
const SESSION_MAX_CHARS: usize = 4000;
/// The columns of the drawn timeline.
pub const BINS: usize = 120;

/// A table cut to a length: what is shown, and how many more there are.
#[derive(Clone, Debug)]
pub struct Cut<T> {
    /// What is shown.
    pub shown: Vec<T>,
    /// How many are not.
    pub more: u64,
}

impl<T> Cut<T> {
    /// Of everything that there is.
    pub fn new(mut all: Vec<T>, most: usize, total: Option<u64>) -> Self {
        let total = total.unwrap_or(0).max(all.len() as u64);
        all.truncate(most);
        Self { more: total - all.len() as u64, shown: all }
    }
}

/// One bundle, as a report tells of it. Times are UTC nanoseconds.
#[derive(Debug)]
pub struct Chapter {
    /// The bundle's file name.
    pub file: Foreign,
    /// Who, what, when and why.
    pub manifest: Manifest,
    /// Whether every member has the digest that it was sealed with.
    pub intact: bool,
    /// Whether a signature lies in the bundle.
    pub signed: bool,
    /// The trigger, and the ends of the window.
    pub trigger_ns: i64,
    /// The window's first moment.
    pub from_ns: i64,
    /// The window's last moment.
    pub to_ns: i64,
    /// Rows by table.
    pub counts: BTreeMap<&'static str, u64>,
    /// What rules found.
    pub findings: Cut<Finding>,
    /// From the first to the last event of the window: what the timeline draws.
    pub active: (i64, i64),
    /// Events per class and bin of that stretch.
    pub density: Vec<(&'static str, Vec<u64>)>,
    /// Where events are missing.
    pub gaps: Cut<Gap>,
    /// What was lost, per class.
    pub coverage: Vec<Coverage>,
    /// Who came of whom.
    pub lineage: Lineage,
    /// The images that are told of.
    pub programs: HashMap<u64, Program>,
    /// The process tree, and how many processes are not in it.
    pub tree: Cut<super::lineage::Node>,
    /// Who talked to whom.
    pub talks: Cut<Talk>,
    /// What changed on disk.
    pub changes: Cut<Change>,
    /// What went over terminals.
    pub sessions: Cut<Terminal>,
    /// What was asked of DNS and of TLS servers by name.
    pub names: Cut<Name>,
    /// Files that the branch read.
    pub reads: Vec<Change>,
    /// What the branch did to privileges and the kernel.
    pub acts: Vec<Act>,
    /// The connection that came in just before the branch began.
    pub way_in: Option<Talk>,
    /// Executables that did not come with the image, or are of the branch.
    pub digests: Vec<(Foreign, Foreign)>,
}

/// A rule that matched.
#[derive(Debug)]
pub struct Finding {
    pub time_ns: i64,
    pub rule: Foreign,
    pub message: Foreign,
    /// Priority, tags and techniques, where the bundle has them.
    pub more: Vec<Foreign>,
    pub exec_id: Option<u64>,
}

/// A stretch with missing events.
#[derive(Debug)]
pub struct Gap {
    pub from_ns: i64,
    pub to_ns: i64,
    pub class: Foreign,
    pub cause: Foreign,
    pub lost: Option<u64>,
    pub own: bool,
}

/// What is missing of a class.
#[derive(Debug)]
pub struct Coverage {
    pub class: Foreign,
    pub own: u64,
    pub maybe: u64,
    pub unknown: u64,
    pub causes: Foreign,
}

/// A program image that is told of.
#[derive(Debug)]
pub struct Program {
    pub pid: u64,
    pub uid: Option<i64>,
    pub comm: Foreign,
    pub line: Foreign,
    pub stdin: Foreign,
    pub has_tty: bool,
    pub inside: bool,
    /// Why it is not of the image, in words; empty where it is.
    pub brought: &'static str,
    pub exit: String,
}

/// Flows of one program to one other end, together.
#[derive(Clone, Debug)]
pub struct Talk {
    pub time_ns: i64,
    pub comm: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
    pub inbound: bool,
    pub protocol: Foreign,
    pub remote: Foreign,
    pub address: Foreign,
    pub server_name: Foreign,
    pub flows: u64,
    pub failed: u64,
    pub sent: u64,
    pub received: u64,
}

/// A change to a file, or the reading of one.
#[derive(Debug)]
pub struct Change {
    pub time_ns: i64,
    pub op: &'static str,
    pub path: Foreign,
    pub new_path: Foreign,
    pub bytes: u64,
    pub mode: Option<i64>,
    pub made_executable: bool,
    /// It lies where a container runtime works.
    pub is_setup: bool,
    pub comm: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
}

/// A name that was asked for.
#[derive(Debug)]
pub struct Name {
    pub time_ns: i64,
    pub name: Foreign,
    pub kind: Foreign,
    pub answers: Foreign,
    pub exec_id: Option<u64>,
    pub hostile: bool,
}

/// A call that reached for privileges or the kernel.
#[derive(Debug)]
pub struct Act {
    pub time_ns: i64,
    pub words: Foreign,
    pub failure: Foreign,
    pub exec_id: Option<u64>,
}

impl Change {
    /// What was done, for a table.
    pub fn what(&self) -> String {
        match (self.op, self.mode) {
            ("changed the mode of", Some(mode)) => format!("mode {mode:o}"),
            ("changed the owner of", _) => "owner changed".to_owned(),
            ("set an attribute of", _) => "attribute set".to_owned(),
            ("removed an attribute of", _) => "attribute removed".to_owned(),
            (op, _) if self.bytes > 0 => format!("{op} {}", super::units::bytes(self.bytes)),
            (op, _) => op.to_owned(),
        }
    }
}

/// What went over one terminal.
#[derive(Debug)]
pub struct Terminal {
    pub time_ns: i64,
    pub line: Foreign,
    /// What was typed and printed, in order.
    pub pieces: Vec<Piece>,
    pub cut: bool,
}

/// A stretch of a terminal in one direction.
#[derive(Debug)]
pub struct Piece {
    pub typed: bool,
    pub text: Foreign,
}

/// Asks one bundle of the session.
pub async fn chapter(session: &Session, index: usize) -> Result<Chapter, QueryError> {
    let (Some(bundle), Some(label)) = (session.bundles().get(index), session.labels().get(index)) else {
        return Err(QueryError::NoBundle);
    };
    Asker { session, bundle, label }.chapter().await
}

struct Asker<'a> {
    session: &'a Session,
    bundle: &'a Bundle,
    label: &'a str,
}

impl Asker<'_> {
    async fn chapter(&self) -> Result<Chapter, QueryError> {
        let manifest = self.bundle.manifest();
        let utc = |ns| manifest.clock.utc(ns);
        let (from_ns, to_ns) = (utc(manifest.window.from_ns), utc(manifest.window.to_ns));
        let active = self.active((from_ns, to_ns), utc(manifest.trigger.time_ns)).await?;
        let findings = self.findings().await?;
        let named: Vec<u64> = self.named().await?;
        let lineage = Lineage::new(self.images().await?, &named);
        let mut branch = lineage.before(&named);
        branch.extend(lineage.marked(Mark::Hostile).map(|image| image.exec_id).take(BRANCH_MAX));
        let tree = lineage.tree(TREE_MAX);
        let more = (lineage.processes() - tree.len()) as u64;
        let told: BTreeSet<u64> = tree
            .iter()
            .flat_map(|node| node.images.iter().copied())
            .chain(branch.iter().copied())
            .chain(findings.shown.iter().filter_map(|finding| finding.exec_id))
            .collect();
        let mut chapter = Chapter {
            file: Foreign::new(&self.bundle.path().file_name().unwrap_or_default().to_string_lossy()),
            manifest: manifest.clone(),
            intact: matches!(self.bundle.verify()?, Verdict::Intact(_)),
            signed: self.bundle.members().contains_key("SHA256SUMS.sig"),
            trigger_ns: utc(manifest.trigger.time_ns),
            from_ns,
            to_ns,
            counts: self.counts().await?,
            findings,
            active,
            density: self.density(active).await?,
            gaps: self.gaps().await?,
            coverage: self.coverage().await?,
            programs: self.programs(&told).await?,
            tree: Cut { shown: tree, more },
            talks: self.talks(&branch).await?,
            changes: self.changes(&branch).await?,
            sessions: self.sessions().await?,
            names: self.names(&branch).await?,
            reads: self.reads(&branch).await?,
            acts: self.acts(&branch).await?,
            way_in: self.way_in(&lineage).await?,
            digests: self.digests(&branch).await?,
            lineage,
        };
        let unknown: BTreeSet<u64> = chapter.actors().filter(|id| !chapter.programs.contains_key(id)).collect();
        chapter.programs.extend(self.programs(&unknown).await?);
        Ok(chapter)
    }

    /// Asks; `{bundle}` is the condition that chooses this bundle.
    async fn ask(&self, sql: &str) -> Result<Vec<super::RecordBatch>, QueryError> {
        // The label has only letters and digits.
        self.session.sql(&sql.replace("{bundle}", &format!("bundle = '{}'", self.label))).await
    }

    async fn counts(&self) -> Result<BTreeMap<&'static str, u64>, QueryError> {
        let mut counts = BTreeMap::new();
        for table in taffrail_trace::schema::TABLES {
            let answer = self.ask(&format!("SELECT count(*) AS n FROM {} WHERE {{bundle}}", table.name)).await?;
            counts.insert(table.name, rows(&answer).map(|row| row.count("n")).sum());
        }
        let remote = "SELECT count(DISTINCT remote_addr) AS n FROM network WHERE {bundle}";
        counts.insert("address", rows(&self.ask(remote).await?).map(|row| row.count("n")).sum());
        let run = "SELECT count(*) AS n FROM process WHERE {bundle} AND origin = 'exec'";
        counts.insert("run", rows(&self.ask(run).await?).map(|row| row.count("n")).sum());
        Ok(counts)
    }

    async fn findings(&self) -> Result<Cut<Finding>, QueryError> {
        let sql = format!("SELECT * FROM finding WHERE {{bundle}} ORDER BY time LIMIT {LINES_MAX}");
        let answer = self.ask(&sql).await?;
        let finding = |row: Row<'_>| Finding {
            time_ns: row.number("time").unwrap_or(0),
            rule: row.text("rule"),
            message: row.text("message"),
            more: ["priority", "tags", "techniques"]
                .map(|column| row.list(column))
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect(),
            exec_id: row.id("exec_id"),
        };
        let total = self.ask("SELECT count(*) AS n FROM finding WHERE {bundle}").await?;
        Ok(Cut::new(rows(&answer).map(finding).collect(), LINES_MAX, rows(&total).map(|row| row.count("n")).next()))
    }

    /// The images that rules named: what only informs names nobody, unless it is what triggered.
    async fn named(&self) -> Result<Vec<u64>, QueryError> {
        let sql = "SELECT DISTINCT exec_id, rule, severity FROM finding WHERE {bundle} AND rule <> 'manual' \
                   AND coalesce(source, 'rule') NOT IN ('person', 'response') AND exec_id IS NOT NULL ORDER BY exec_id LIMIT 1000";
        let trigger = &self.bundle.manifest().trigger.rule;
        let answer = self.ask(sql).await?;
        let serious = rows(&answer).filter(|row| row.raw("severity") != "info" || row.raw("rule") == trigger);
        Ok(serious.filter_map(|row| row.id("exec_id")).collect())
    }

    async fn images(&self) -> Result<Vec<Image>, QueryError> {
        let sql = format!(
            "SELECT exec_id, parent_exec_id, process_id, start_time, time, origin = 'fork' AS is_fork FROM process \
             WHERE {{bundle}} AND exec_id IS NOT NULL ORDER BY time LIMIT {IMAGES_MAX}"
        );
        let answer = self.ask(&sql).await?;
        let image = |row: Row<'_>| {
            let exec_id = row.id("exec_id")?;
            Some(Image {
                exec_id,
                parent: row.id("parent_exec_id"),
                process_id: row.id("process_id").unwrap_or(exec_id),
                start_ns: row.number("start_time").or_else(|| row.number("time")).unwrap_or(0),
                is_fork: row.flag("is_fork"),
            })
        };
        Ok(rows(&answer).filter_map(image).collect())
    }

    async fn programs(&self, ids: &BTreeSet<u64>) -> Result<HashMap<u64, Program>, QueryError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "SELECT * EXCLUDE (environment, args) FROM process WHERE {{bundle}} AND exec_id IN ({})",
            list(ids)
        );
        let own = &self.bundle.manifest().container.id;
        let program = |row: Row<'_>| {
            let brought = match (row.flag("exe_memfd"), row.flag("exe_deleted"), row.flag("exe_upper")) {
                (true, ..) => "a file in memory",
                (_, true, _) => "a file that had been deleted",
                (.., true) => "not of the image",
                _ => "",
            };
            let exit = match (row.number("exit_signal"), row.number("exit_code")) {
                (Some(signal), _) => format!("signal {signal}"),
                (_, Some(code)) => format!("exit {code}"),
                _ => String::new(),
            };
            let line =
                [row.text("cmdline"), row.text("exe"), row.text("comm")].into_iter().find(|text| !text.is_empty());
            let program = Program {
                pid: row.count("pid"),
                uid: row.number("uid"),
                comm: row.text("comm"),
                line: line.unwrap_or_else(|| Foreign::new("?")),
                stdin: Foreign::new(row.raw("stdin").strip_prefix("inet ").unwrap_or_default()),
                has_tty: !row.raw("tty").is_empty(),
                inside: row.raw("container_id") == own,
                brought,
                exit,
            };
            Some((row.id("exec_id")?, program))
        };
        Ok(rows(&self.ask(&sql).await?).filter_map(program).collect())
    }

    /// The stretch of the window in which anything happened, the trigger included, with some air.
    async fn active(&self, window: (i64, i64), trigger_ns: i64) -> Result<(i64, i64), QueryError> {
        let (mut first, mut last) = (trigger_ns, trigger_ns);
        for table in ["process", "file", "network", "dns", "privilege", "kernel", "terminal", "finding", "gap"] {
            // What was found running began long before.
            let sql = format!(
                "SELECT min(time) AS first, max(time) AS last FROM {table} WHERE {{bundle}} AND CAST(time AS BIGINT) >= {} \
                 {}",
                window.0,
                if table == "process" { "AND origin <> 'scan'" } else { "" }
            );
            for row in rows(&self.ask(&sql).await?) {
                first = row.number("first").map_or(first, |time| time.min(first));
                last = row.number("last").map_or(last, |time| time.max(last));
            }
        }
        let air = (last.saturating_sub(first) / 30).max(1_000_000);
        Ok((first.saturating_sub(air).max(window.0), last.saturating_add(air).min(window.1.max(last))))
    }

    async fn density(&self, (from_ns, to_ns): (i64, i64)) -> Result<Vec<(&'static str, Vec<u64>)>, QueryError> {
        let width = (to_ns.saturating_sub(from_ns) / BINS as i64).max(1);
        let mut density = Vec::new();
        for (name, tables) in [
            ("programs", &["process"][..]),
            ("network", &["network", "dns"]),
            ("files", &["file"]),
            ("privileges", &["privilege", "kernel"]),
            ("terminal", &["terminal"]),
            ("system calls", &["syscall"]),
        ] {
            let mut bins = vec![0; BINS];
            for table in tables {
                let sql = format!(
                    "SELECT (CAST(time AS BIGINT) - {from_ns}) / {width} AS bin, count(*) AS n FROM {table} \
                     WHERE {{bundle}} GROUP BY 1"
                );
                for row in rows(&self.ask(&sql).await?) {
                    let bin = row.number("bin").unwrap_or(-1).min(BINS as i64 - 1);
                    // What was running before the window began is not of it.
                    if let Some(slot) = usize::try_from(bin).ok().and_then(|bin| bins.get_mut(bin)) {
                        *slot += row.count("n");
                    }
                }
            }
            if bins.iter().any(|count| *count > 0) {
                density.push((name, bins));
            }
        }
        Ok(density)
    }

    async fn gaps(&self) -> Result<Cut<Gap>, QueryError> {
        let sql = format!("SELECT * FROM gap WHERE {{bundle}} ORDER BY own DESC, time LIMIT {LINES_MAX}");
        let answer = self.ask(&sql).await?;
        let gap = |row: Row<'_>| Gap {
            from_ns: row.number("from_time").unwrap_or(0),
            to_ns: row.number("to_time").unwrap_or(0),
            class: row.text("class"),
            cause: row.text("cause"),
            lost: row.number("lost").and_then(|lost| u64::try_from(lost).ok()),
            own: row.flag("own"),
        };
        let total = self.ask("SELECT count(*) AS n FROM gap WHERE {bundle}").await?;
        Ok(Cut::new(rows(&answer).map(gap).collect(), LINES_MAX, rows(&total).map(|row| row.count("n")).next()))
    }

    async fn coverage(&self) -> Result<Vec<Coverage>, QueryError> {
        let answer = self.ask("SELECT * FROM coverage WHERE {bundle}").await?;
        let class = |row: Row<'_>| Coverage {
            class: row.text("class"),
            own: row.count("lost_own"),
            maybe: row.count("lost_maybe"),
            unknown: row.count("unknown"),
            causes: row.text("causes"),
        };
        Ok(rows(&answer).map(class).collect())
    }

    async fn talks(&self, branch: &[u64]) -> Result<Cut<Talk>, QueryError> {
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
    async fn way_in(&self, lineage: &Lineage) -> Result<Option<Talk>, QueryError> {
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

    async fn changes(&self, branch: &[u64]) -> Result<Cut<Change>, QueryError> {
        const CHANGED: &str = "{bundle} AND coalesce(result, 0) = 0 AND op <> 'open' AND (op <> 'io' OR bytes_written > 0) \
                               AND path NOT LIKE '/dev/%' AND path <> ''";
        let hostile = within(branch);
        // What a runtime does while it sets a container up comes last: it says little and is much.
        let sql = format!(
            "SELECT time, op, path, new_path, bytes_written AS bytes, mode, made_executable, comm, exec_id,
                {hostile} AS hostile, regexp_like(path, '^/(proc|var/lib/docker|run/docker|run/containerd)/') AS is_setup
             FROM file WHERE {CHANGED} ORDER BY hostile DESC, is_setup, time LIMIT 400"
        );
        let total = self.ask(&format!("SELECT count(*) AS n FROM file WHERE {CHANGED}")).await?;
        let answer = self.ask(&sql).await?;
        let all = merged(rows(&answer).map(change));
        let merged_away = answer.iter().map(|batch| batch.num_rows()).sum::<usize>() - all.len();
        let total = rows(&total).map(|row| row.count("n")).sum::<u64>().saturating_sub(merged_away as u64);
        Ok(Cut::new(all, LINES_MAX, Some(total)))
    }

    async fn reads(&self, branch: &[u64]) -> Result<Vec<Change>, QueryError> {
        if branch.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT time, 'read' AS op, path, bytes_read AS bytes, comm, exec_id, true AS hostile FROM file
             WHERE {{bundle}} AND exec_id IN ({}) AND op = 'io' AND bytes_read > 0 AND path LIKE '/%'
                AND NOT regexp_like(path, '^/(proc|dev|sys|lib|lib64|usr/lib|usr/lib64|usr/share)/|^/etc/ld\\.so|\\.so(\\.|$)')
             ORDER BY time LIMIT 200",
            list(branch)
        );
        let answer = self.ask(&sql).await?;
        let mut reads = merged(rows(&answer).map(change));
        reads.truncate(LINES_MAX);
        Ok(reads)
    }

    async fn acts(&self, branch: &[u64]) -> Result<Vec<Act>, QueryError> {
        if branch.is_empty() {
            return Ok(Vec::new());
        }
        let of = list(branch);
        let sql = format!(
            "SELECT time, exec_id, syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END AS words,
                failure(result) AS failure FROM privilege WHERE {{bundle}} AND exec_id IN ({of}) AND op NOT IN ('prctl', 'seccomp')
             UNION ALL
             SELECT time, exec_id, syscall || CASE WHEN detail = '' THEN '' ELSE ' ' || detail END
                || coalesce(' ' || path, '') || coalesce(' -> ' || target, ''), failure(result)
             FROM kernel WHERE {{bundle}} AND exec_id IN ({of})
             ORDER BY time LIMIT {LINES_MAX}"
        );
        let answer = self.ask(&sql).await?;
        let act = |row: Row<'_>| Act {
            time_ns: row.number("time").unwrap_or(0),
            words: row.text("words"),
            failure: row.text("failure"),
            exec_id: row.id("exec_id"),
        };
        Ok(rows(&answer).map(act).collect())
    }

    async fn names(&self, branch: &[u64]) -> Result<Cut<Name>, QueryError> {
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
        let name = |row: Row<'_>| Name {
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

    async fn sessions(&self) -> Result<Cut<Terminal>, QueryError> {
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

    async fn digests(&self, branch: &[u64]) -> Result<Vec<(Foreign, Foreign)>, QueryError> {
        let sql = format!(
            "SELECT DISTINCT exe_sha256, coalesce(exe, '') AS exe FROM process
             WHERE {{bundle}} AND exe_sha256 IS NOT NULL AND container_id <> 'host'
                AND ({} OR exe_upper OR exe_memfd OR exe_deleted) ORDER BY exe, exe_sha256 LIMIT {LINES_MAX}",
            within(branch)
        );
        Ok(rows(&self.ask(&sql).await?).map(|row| (row.text("exe_sha256"), row.text("exe"))).collect())
    }
}

impl Chapter {
    /// The images that anything told of names.
    fn actors(&self) -> impl Iterator<Item = u64> {
        let talks = self.talks.shown.iter().chain(&self.way_in).map(|talk| talk.exec_id);
        let changes = self.changes.shown.iter().chain(&self.reads).map(|change| change.exec_id);
        let names = self.names.shown.iter().map(|name| name.exec_id);
        talks.chain(changes).chain(names).chain(self.acts.iter().map(|act| act.exec_id)).flatten()
    }
}

fn list<'a>(ids: impl IntoIterator<Item = &'a u64>) -> String {
    ids.into_iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// The condition that an event is of the branch.
fn within(branch: &[u64]) -> String {
    if branch.is_empty() {
        return "false".to_owned();
    }
    format!("CASE WHEN exec_id IN ({}) THEN true ELSE false END", list(branch))
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
fn merged(changes: impl Iterator<Item = Change>) -> Vec<Change> {
    let mut merged: Vec<Change> = Vec::new();
    let mut places: HashMap<(Option<u64>, &'static str, Foreign, Foreign), usize> = HashMap::new();
    for change in changes {
        let key = (change.exec_id, change.op, change.path.clone(), change.new_path.clone());
        match places.get(&key) {
            Some(place) => merged[*place].bytes += change.bytes,
            None => {
                places.insert(key, merged.len());
                merged.push(change);
            }
        }
    }
    merged
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
