//! Writes the documents that the program knows best itself (`cargo xtask gen-docs`):
//! docs/EVENTS.md from the schema, docs/QUERIES.md from the views and functions, docs/replay.svg and docs/replaying.svg from
//! the replay's own screen.

use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use taffrail_query::Session;
use taffrail_trace::schema::{COMMON, Column, STATE, TABLES, Table};
use taffrail_tui::state::{Action, Move, View};
use taffrail_tui::{Animation, State};

const SAMPLE: &str = "sample-traces/reverse-shell.evidence.zip";
/// The most frames of playing in the moving picture.
const FRAMES_MAX: usize = 200;
/// The size of the README's picture, in characters.
const SCREEN: (u16, u16) = (120, 36);

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = std::env::args().nth(1).as_deref() == Some("check");
    let (svg, moving) = (picture(root)?, recording(root)?);
    for (name, text) in [
        ("docs/EVENTS.md", events()?),
        ("docs/QUERIES.md", queries(root)?),
        ("docs/replay.svg", svg),
        ("docs/replaying.svg", moving),
    ] {
        let path = root.join(name);
        if !check {
            std::fs::write(&path, text).with_context(|| format!("cannot write {name}"))?;
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            bail!("{name} is not what the program writes today: run `cargo xtask gen-docs`");
        }
    }
    Ok(())
}

fn events() -> Result<String> {
    let mut out = String::from(
        "# Events\n\nWritten by `cargo xtask gen-docs` from the schema that the recorder writes with; the same words travel in every\n\
         Parquet file as the `description` of each field.\n\n## Every table of events\n\nbegins with these columns.\n\n",
    );
    columns(&mut out, COMMON)?;
    let (events, state): (Vec<&Table>, Vec<&Table>) = TABLES.iter().copied().partition(|table| table.has_events());
    tables(&mut out, &events)?;
    out.push_str(
        "\n## The state at the trigger\n\nTables in `state/` have what the container was like right after the trigger. They are empty where nobody looked, and\n\
         the manifest's `state` says why; it says what was left out too. Each begins with these columns.\n\n",
    );
    columns(&mut out, STATE)?;
    tables(&mut out, &state)?;
    Ok(out)
}

fn tables(out: &mut String, tables: &[&Table]) -> Result<()> {
    for table in tables {
        writeln!(out, "\n## `{}`\n\n{}\n", table.name, table.doc)?;
        columns(out, table.columns)?;
    }
    Ok(())
}

fn columns(out: &mut String, columns: &[Column]) -> Result<()> {
    writeln!(out, "| column | type | may be NULL | meaning |\n|---|---|---|---|")?;
    for column in columns {
        let nullable = if column.nullable { "yes" } else { "" };
        writeln!(
            out,
            "| `{}` | {} | {nullable} | {} |",
            column.name,
            column.kind.as_str(),
            column.doc.replace('|', "\\|")
        )?;
    }
    Ok(())
}

/// Every view and function of ours, as the session has them.
fn queries(root: &Path) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let session = runtime.block_on(Session::open(&[root.join(SAMPLE)]))?;
    let mut out = String::from(
        "# Queries\n\nWritten by `cargo xtask gen-docs` from the views and functions themselves.\n\n\
         The SQL is [DataFusion\u{2019}s](https://datafusion.apache.org/user-guide/sql/). The tables are in [EVENTS.md](EVENTS.md); \
         each has the columns `bundle`\n(joins `bundle.id`) and `host` besides, so that several bundles open as one set of tables. \
         A view is a file in\n[query/src/views](../query/src/views) to read and copy.\n\n## Views\n\n| view | question |\n|---|---|\n",
    );
    for view in taffrail_query::VIEWS {
        writeln!(out, "| [`{0}`](#{0}) | {1} |", view.name, sentence(&view.question()))?;
    }
    writeln!(
        out,
        "\nThe view of DNS is `dns_lookups`, since `dns` is the table. `file_writes` is an older name of `file_changes`."
    )?;
    let views = runtime.block_on(session.relations())?.into_iter().filter(|relation| relation.is_view);
    for relation in views {
        writeln!(out, "\n### {}\n\n{}\n\n| column | type | meaning |\n|---|---|---|", relation.name, relation.doc)?;
        for column in relation.columns {
            let kind = column.kind.replace("Timestamp(ns, \"UTC\")", "timestamp").to_lowercase();
            writeln!(out, "| `{}` | {kind} | {} |", column.name, column.doc.replace('|', "\\|"))?;
        }
    }
    writeln!(out, "\n## Functions\n\nBesides those that DataFusion has:\n\n| function | |\n|---|---|")?;
    for function in taffrail_query::FUNCTIONS {
        writeln!(out, "| `{}` | {} |", function.call, function.doc.replace('|', "\\|"))?;
    }
    writeln!(
        out,
        "\n## Table functions\n\nThey stand where a table stands, and take a number: `SELECT * FROM descendants(4832250825671486248)`."
    )?;
    for function in taffrail_query::TABLE_FUNCTIONS {
        writeln!(out, "\n### {}(exec_id)\n\n{} Besides the columns of `process`:\n", function.name, function.doc())?;
        for column in ["distance", "relation"] {
            writeln!(out, "- `{column}`: {}", function.column_doc(column))?;
        }
    }
    Ok(out)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The replay of the sample as it opens: at the trigger.
fn picture(root: &Path) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let session = runtime.block_on(Session::open(&[root.join(SAMPLE)]))?;
    let bundle = session.bundles().first().context("no bundle is open")?;
    let state = taffrail_tui::load(&session)?.with_verdict(bundle.verify()?);
    Ok(taffrail_tui::screen_svg(&state, SCREEN.0, SCREEN.1))
}

/// The size of the moving picture, in characters, and how long a frame of it stands while it plays.
const MOVING: (u16, u16) = (100, 30);
const FRAME: Duration = Duration::from_millis(200);

/// The replay of the sample, keys pressed as a person does: the story, the time line, the intruder's terminal, the files.
fn recording(root: &Path) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let session = runtime.block_on(Session::open(&[root.join(SAMPLE)]))?;
    let mut state = taffrail_tui::load(&session)?;
    state.verdict = taffrail_tui::verdict(&session)?;
    let mut animation = Animation::new(MOVING.0, MOVING.1);
    let stand = |state: &State, animation: &mut Animation, millis: u64| animation.frame(state, millis);
    state.apply(Action::Show(View::Story));
    stand(&state, &mut animation, 3_000);
    for _ in 0..3 {
        state.apply(Action::Move(Move::Line(1)));
        stand(&state, &mut animation, 1_000);
    }
    state.apply(Action::Show(View::Timeline));
    stand(&state, &mut animation, 1_500);
    // From where the intruder's shell begins, as they saw it.
    state.apply(Action::Show(View::Terminal));
    stand(&state, &mut animation, 800);
    state.apply(Action::PlayOrPause);
    for _ in 0..FRAMES_MAX {
        state.apply(Action::Tick(FRAME));
        stand(&state, &mut animation, FRAME.as_millis() as u64);
        if !state.playing {
            break;
        }
    }
    for (view, millis) in [(View::Files, 2_500), (View::Network, 2_500), (View::Processes, 2_500)] {
        state.apply(Action::Show(view));
        stand(&state, &mut animation, millis);
    }
    Ok(animation.svg())
}
