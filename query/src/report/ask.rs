//! The questions that a report asks: their answers are small whatever the bundle is, since they count, group or cut.
//!
//! ```text
//! ask           the bundle as a whole: counts, findings, images, density over time, what is missing
//! ask::acts     what programs did: flows, files, names, privileges, terminals; of the branch that a rule named first
//! ```

mod acts;

use super::facts::{BINS, Chapter, Coverage, Cut, Finding, Gap, Program, Worst};
use super::foreign::Foreign;
use super::lineage::{Image, Lineage, Mark};
use super::rows::{Row, rows};
use super::state::{KINDS, State};
use crate::error::QueryError;
use crate::session::Session;
use datafusion::arrow::array::RecordBatch;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use taffrail_trace::bundle::{Bundle, SUMS, Verdict};
use taffrail_trace::event::Severity;

/// More images than this are not looked through for a branch; the first ones are.
const IMAGES_MAX: usize = 1_000_000;
/// The most images of a branch that are told of one by one.
const BRANCH_MAX: usize = 300;
/// The most processes in the tree.
const TREE_MAX: usize = 100;
/// The most lines of a table.
const LINES_MAX: usize = 50;
/// The findings that rules made, and no person and no response.
const OF_RULES: &str = "rule <> 'manual' AND coalesce(source, 'rule') NOT IN ('person', 'response')";

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
        let counts = self.counts().await?;
        let findings = self.findings(counts.get("finding").copied()).await?;
        let gaps = self.gaps(counts.get("gap").copied()).await?;
        let named: Vec<u64> = self.named().await?;
        let images = self.images().await?;
        let unseen = counts.get("process").copied().unwrap_or(0).saturating_sub(images.len() as u64);
        let lineage = Lineage::new(images, &named);
        let mut branch = lineage.before(&named);
        branch.extend(lineage.marked(Mark::Hostile).map(|image| image.exec_id).take(BRANCH_MAX));
        let tree = lineage.tree(TREE_MAX);
        let more = (lineage.processes() - tree.len()) as u64 + unseen;
        let told: BTreeSet<u64> = tree
            .iter()
            .flat_map(|node| node.images.iter().copied())
            .chain(branch.iter().copied())
            .chain(findings.shown.iter().filter_map(|finding| finding.exec_id))
            .collect();
        let mut chapter = Chapter {
            file: Foreign::new(&self.bundle.path().file_name().unwrap_or_default().to_string_lossy()),
            manifest: manifest.clone(),
            intact: self.intact()?,
            signed: manifest.signature_namespace.is_some(),
            trigger_ns: utc(manifest.trigger.time_ns),
            from_ns,
            to_ns,
            counts,
            findings,
            active,
            density: self.density(active).await?,
            gaps,
            worst: self.worst().await?,
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
            state: self.state(&branch).await?,
            lineage,
        };
        let unknown: BTreeSet<u64> = chapter.actors().filter(|id| !chapter.programs.contains_key(id)).collect();
        chapter.programs.extend(self.programs(&unknown).await?);
        Ok(chapter)
    }

    /// Whether the bundle is what was sealed, where it is sealed already.
    fn intact(&self) -> Result<Option<bool>, QueryError> {
        if !self.bundle.members().contains_key(SUMS) {
            return Ok(None);
        }
        Ok(Some(matches!(self.bundle.verify()?, Verdict::Intact(_))))
    }

    /// Asks; `{bundle}` is the condition that chooses this bundle.
    async fn ask(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
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

    async fn findings(&self, total: Option<u64>) -> Result<Cut<Finding>, QueryError> {
        let sql = format!("SELECT * FROM finding WHERE {{bundle}} ORDER BY time LIMIT {LINES_MAX}");
        let answer = self.ask(&sql).await?;
        let finding = |row: Row<'_>| Finding {
            time_ns: row.number("time").unwrap_or(0),
            rule: row.text("rule"),
            message: row.text("message"),
            priority: row.text("priority"),
            tags: {
                let mut tags = row.list("tags");
                for technique in row.list("techniques") {
                    if !tags.contains(&technique) {
                        tags.push(technique);
                    }
                }
                tags
            },
            exec_id: row.id("exec_id"),
        };
        Ok(Cut::new(rows(&answer).map(finding).collect(), LINES_MAX, total))
    }

    /// The first of the most severe that rules found; `None` where nothing is more than information.
    async fn worst(&self) -> Result<Option<Worst>, QueryError> {
        let sql = format!(
            "SELECT rule, severity, time FROM finding WHERE {{bundle}} AND {OF_RULES} \
             AND severity IN ('critical', 'warning') ORDER BY severity = 'warning', time LIMIT 1"
        );
        let answer = self.ask(&sql).await?;
        let worst = rows(&answer).next().map(|row| Worst {
            rule: row.text("rule"),
            severity: if row.raw("severity") == "critical" { Severity::Critical } else { Severity::Warning },
            time_ns: row.number("time").unwrap_or(0),
        });
        Ok(worst)
    }

    /// The images that rules named: what only informs names nobody, unless it is what triggered.
    async fn named(&self) -> Result<Vec<u64>, QueryError> {
        let sql = format!(
            "SELECT DISTINCT exec_id, rule, severity FROM finding WHERE {{bundle}} AND {OF_RULES} \
             AND exec_id IS NOT NULL ORDER BY exec_id LIMIT 1000"
        );
        let trigger = &self.bundle.manifest().trigger.rule;
        let answer = self.ask(&sql).await?;
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
        let width = (to_ns.saturating_sub(from_ns) / i64::from(BINS)).max(1);
        let mut density = Vec::new();
        for (name, tables) in [
            ("programs", &["process"][..]),
            ("network", &["network", "dns"]),
            ("files", &["file"]),
            ("privileges", &["privilege", "kernel"]),
            ("terminal", &["terminal"]),
            ("system calls", &["syscall"]),
        ] {
            let mut bins = vec![0; usize::from(BINS)];
            for table in tables {
                let sql = format!(
                    "SELECT (CAST(time AS BIGINT) - {from_ns}) / {width} AS bin, count(*) AS n FROM {table} \
                     WHERE {{bundle}} GROUP BY 1"
                );
                for row in rows(&self.ask(&sql).await?) {
                    let bin = row.number("bin").unwrap_or(-1).min(i64::from(BINS) - 1);
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

    async fn gaps(&self, total: Option<u64>) -> Result<Cut<Gap>, QueryError> {
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
        Ok(Cut::new(rows(&answer).map(gap).collect(), LINES_MAX, total))
    }

    async fn state(&self, branch: &[u64]) -> Result<State, QueryError> {
        let mut state = State::of(self.bundle.manifest());
        for kind in KINDS {
            state.add(kind, &self.ask(&kind.query(&within(branch))).await?);
        }
        Ok(state)
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
