//! `beside_duckdb --events N --dir DIR --samples DIR --python FILE`: questions of an investigation, asked of bundles in the
//! shape of the samples, and the same SQL asked of DuckDB over the same Parquet files in the same run.
//! `cargo xtask bench query` runs it.
//!
//! ```text
//! dataset     the samples over and over again, at other times and with other identities, through our own writer
//! questions   what is asked
//! duckdb      the other engine, a Python program that answers line by line
//! ```
//!
//! *Hot* is the median of the rounds after one that does not count, ours and theirs in turns. *Cold* is a new session, from
//! opening on, with the files out of the page cache.

mod dataset;
mod duckdb;
mod questions;

use dataset::Dataset;
use duckdb::DuckDb;
use questions::{QUESTIONS, Question};
use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use taffrail_query::Session;
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the command line says.
struct Options {
    events: u64,
    rounds: usize,
    dir: PathBuf,
    samples: PathBuf,
    python: PathBuf,
    only: Option<String>,
    reuse: bool,
}

/// Milliseconds of one question.
struct Figures {
    hot: [f64; 2],
    cold: [f64; 2],
    rows: usize,
}

fn main() -> Outcome<()> {
    let options = options()?;
    let mut out = std::io::stdout();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let began = Instant::now();
    let dataset = if options.reuse {
        Dataset::found(&options.dir)?
    } else {
        Dataset::make(&options.dir, &options.samples, options.events)?
    };
    writeln!(
        out,
        "{} events in {} bundles of {:.1} MB: {:.2} bytes an event, made or found in {:.0?}",
        dataset.events,
        dataset.bundles.len(),
        dataset.bytes as f64 / 1e6,
        dataset.bytes as f64 / dataset.events as f64,
        began.elapsed()
    )?;
    for (table, rows, bytes) in &dataset.tables {
        writeln!(out, "  {table}: {rows} rows, {:.2} bytes each", *bytes as f64 / (*rows).max(1) as f64)?;
    }
    let mut duckdb = DuckDb::start(&options.python, &dataset.parquet)?;
    writeln!(out, "DuckDB {}", duckdb.version)?;
    let about = runtime.block_on(async { questions::about(&Session::open(&dataset.bundles).await?).await })?;
    samples(&runtime, &options.samples, &mut duckdb, &mut out)?;

    let mut ratios = Vec::new();
    let mut windowed: f64 = 0.0;
    writeln!(
        out,
        "\n| question | rows | hot ms | DuckDB | ratio | cold ms | DuckDB | ratio |\n|---|---|---|---|---|---|---|---|"
    )?;
    for question in QUESTIONS.iter().filter(|it| options.only.as_ref().is_none_or(|only| it.name.contains(only))) {
        let sql = about.fill(question.sql);
        let figures = ask(&runtime, &dataset, &mut duckdb, &sql, options.rounds)?;
        let [hot, cold] = [figures.hot, figures.cold].map(|[ours, theirs]| ours / theirs);
        let [ours, theirs] = figures.hot;
        let [cold_ours, cold_theirs] = figures.cold;
        let Question { name, is_windowed, .. } = question;
        writeln!(
            out,
            "| {name} | {} | {ours:.1} | {theirs:.1} | {hot:.2} | {cold_ours:.1} | {cold_theirs:.1} | {cold:.2} |",
            figures.rows
        )?;
        ratios.push((hot, cold));
        if *is_windowed {
            windowed = windowed.max(ours);
        }
    }
    let count = ratios.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| (ratios.iter().map(of).map(f64::ln).sum::<f64>() / count).exp();
    let worst = ratios.iter().map(|(hot, _)| *hot).fold(0.0, f64::max);
    writeln!(
        out,
        "\ngeometric mean of DuckDB's time: hot {:.2}, cold {:.2}; worst hot {worst:.2}; longest windowed question {windowed:.1} ms hot",
        mean(|(hot, _)| *hot),
        mean(|(_, cold)| *cold)
    )?;
    Ok(())
}

/// One question, hot and cold, of both. Both have to find as many rows.
fn ask(runtime: &Runtime, dataset: &Dataset, duckdb: &mut DuckDb, sql: &str, rounds: usize) -> Outcome<Figures> {
    let mut cold = [Vec::new(), Vec::new()];
    for _ in 0..rounds.div_ceil(3) {
        duckdb.evict(&dataset.bundles)?;
        let began = Instant::now();
        runtime.block_on(async { Session::open(&dataset.bundles).await?.sql(sql).await })?;
        cold[0].push(began.elapsed().as_secs_f64() * 1e3);
        duckdb.evict(&dataset.files)?;
        cold[1].push(duckdb.ask(sql, true)?.0);
    }
    let session = runtime.block_on(Session::open(&dataset.bundles))?;
    let mut hot = [Vec::new(), Vec::new()];
    let mut rows = 0;
    for round in 0..=rounds {
        let began = Instant::now();
        let batches = runtime.block_on(session.sql(sql))?;
        let ours = began.elapsed().as_secs_f64() * 1e3;
        rows = batches.iter().map(|batch| batch.num_rows()).sum();
        let (theirs, found) = duckdb.ask(sql, false)?;
        if found != rows {
            return Err(format!("{rows} rows here and {found} there: {sql}").into());
        }
        if round > 0 {
            hot[0].push(ours);
            hot[1].push(theirs);
        }
    }
    Ok(Figures { hot: hot.map(median), cold: cold.map(median), rows })
}

/// How long it takes until a sample that was never read answers.
fn samples(runtime: &Runtime, dir: &Path, duckdb: &mut DuckDb, out: &mut impl std::io::Write) -> Outcome<()> {
    let mut opened = Vec::new();
    let mut answered = Vec::new();
    for sample in dataset::samples(dir)? {
        for _ in 0..3 {
            duckdb.evict(std::slice::from_ref(&sample))?;
            let began = Instant::now();
            let session = runtime.block_on(Session::open(std::slice::from_ref(&sample)))?;
            opened.push(began.elapsed().as_secs_f64() * 1e3);
            runtime.block_on(session.sql("SELECT time, op, summary FROM timeline LIMIT 20"))?;
            answered.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    let most = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
    let (most_opened, most_answered) = (most(&opened), most(&answered));
    writeln!(
        out,
        "cold open of a sample: {:.1} ms (longest {most_opened:.1}); with the first page of its timeline {:.1} ms (longest {most_answered:.1})",
        median(opened),
        median(answered)
    )?;
    Ok(())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn options() -> Outcome<Options> {
    let mut options = Options {
        events: 20_000_000,
        rounds: 5,
        dir: PathBuf::new(),
        samples: PathBuf::new(),
        python: PathBuf::from("python3"),
        only: None,
        reuse: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--reuse" {
            options.reuse = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--events" => options.events = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            "--dir" => options.dir = value.into(),
            "--samples" => options.samples = value.into(),
            "--python" => options.python = value.into(),
            "--only" => options.only = Some(value),
            _ => return Err(format!("{name} is no option").into()),
        }
    }
    Ok(options)
}
