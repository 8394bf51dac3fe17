//! `taffrail query`

use crate::Outcome;
use crate::cli::QueryArgs;
use anyhow::{Context as _, Result};
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::path::Path;
use taffrail_query::{Format, Session, Style};
use taffrail_trace::text;

/// The longest file of queries that is read.
const SQL_MAX_BYTES: u64 = 1 << 20;

/// Runs the queries. Where none of them has a row the answer is negative.
pub fn run(args: &QueryArgs) -> Result<Outcome> {
    let runtime = super::runtime()?;
    #[cfg(feature = "record")]
    let live = args.live.then(|| Live::of(args)).transpose()?;
    #[cfg(feature = "record")]
    let bundles = live.as_ref().map_or(&args.bundles, |live| &live.bundles);
    #[cfg(not(feature = "record"))]
    let bundles = &args.bundles;
    let session = super::open_readable(&runtime, bundles)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => read(file)?,
        (None, None) => {
            runtime.block_on(list(&session, &mut out))?;
            return Ok(Outcome::Fine);
        }
    };
    let written = runtime.block_on(session.run(&sql, &style(args.format), &mut out))?;
    out.flush()?;
    Ok(if written.iter().any(|answer| answer.rows > 0) { Outcome::Fine } else { Outcome::Negative })
}

/// The running recorder's histories, as bundles that are gone with the answer.
#[cfg(feature = "record")]
struct Live {
    bundles: Vec<std::path::PathBuf>,
    _dir: tempfile::TempDir,
}

#[cfg(feature = "record")]
impl Live {
    fn of(args: &QueryArgs) -> Result<Self> {
        let dir = tempfile::tempdir().context("cannot make a directory for the live history")?;
        let order = taffrail_recorder::Salvage {
            state_dir: args.state_dir.clone(),
            out_dir: dir.path().to_owned(),
            container: args.container.clone(),
            live: true,
            signing_key: None,
        };
        let mut bundles = Vec::new();
        for bundle in taffrail_recorder::salvage(&order, None)? {
            match bundle {
                Ok(bundle) => bundles.push(bundle),
                Err(error) => crate::logging::complain(&error.into()),
            }
        }
        if bundles.is_empty() {
            anyhow::bail!("the recorder at {} has no event on disk yet", args.state_dir.display());
        }
        Ok(Self { bundles, _dir: dir })
    }
}

fn style(format: Format) -> Style {
    let for_terminal = io::stdout().is_terminal();
    let width = if for_terminal { terminal_width() } else { None };
    Style { for_terminal, width, ..Style::new(format) }
}

fn terminal_width() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

fn read(file: &Path) -> Result<String> {
    let mut sql = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(SQL_MAX_BYTES).read_to_string(&mut sql)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(SQL_MAX_BYTES).read_to_string(&mut sql))
    };
    read.with_context(|| format!("cannot read the queries in {}", file.display()))?;
    Ok(sql)
}

/// What can be asked: every table and view with its columns.
async fn list(session: &Session, out: &mut dyn Write) -> Result<()> {
    for bundle in session.bundles() {
        let manifest = bundle.manifest();
        let name = text::shown(&manifest.container.name);
        let reason = text::shown(&manifest.trigger.reason);
        writeln!(out, "{}: {name}, {}: {reason}", bundle.path().display(), text::shown(&manifest.trigger.rule))?;
    }
    for relation in session.relations().await? {
        let kind = if relation.is_view { "view" } else { "table" };
        writeln!(out, "\n{kind} {}: {}", relation.name, relation.doc)?;
        for column in relation.columns {
            writeln!(out, "    {:<20} {:<12} {}", column.name, column.kind, column.doc)?;
        }
    }
    writeln!(out, "\nfunctions of ours")?;
    for function in taffrail_query::FUNCTIONS {
        writeln!(out, "    {:<32} {}", function.call, function.doc)?;
    }
    for function in taffrail_query::TABLE_FUNCTIONS {
        writeln!(out, "    {:<32} {}", format!("{}(exec_id)", function.name), function.doc())?;
    }
    writeln!(out, "\nask with: taffrail query BUNDLE --sql 'SELECT time, op, summary FROM timeline LIMIT 20'")?;
    out.flush()?;
    Ok(())
}
