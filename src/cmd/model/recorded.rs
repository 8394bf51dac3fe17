//! What a running recorder is asked about its models.

use super::{read_text, write};
use crate::Outcome;
use crate::cli::{ModelExportArgs, ModelImportArgs, ModelListArgs, ModelRelearnArgs, ModelShowArgs};
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use taffrail_recorder::control;
use taffrail_recorder::models::{ModelAnswer, ModelRequest, ModelShown, ModelStatus, Phase};
use taffrail_rules::model::Profile;
use taffrail_trace::text;

/// Prints how every model stands.
pub fn list(args: &ModelListArgs) -> Result<Outcome> {
    let ModelAnswer::List { models } = control::model(&args.state_dir, ModelRequest::List, &[])? else {
        bail!("the recorder answers another question");
    };
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &models)?;
        writeln!(out)?;
    } else if models.is_empty() {
        writeln!(out, "no model yet: no container of an image was seen")?;
    } else {
        out.write_all(table(&models).as_bytes())?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

/// Prints what a model knows.
pub fn show(args: &ModelShowArgs) -> Result<Outcome> {
    let shown = ask(&args.state_dir, &args.image)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &shown)?;
        writeln!(out)?;
    } else {
        out.write_all(page(&shown)?.as_bytes())?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

/// Writes a model as a file.
pub fn export(args: &ModelExportArgs) -> Result<Outcome> {
    let shown = ask(&args.state_dir, &args.image)?;
    write(&shown.toml, args.out.as_deref())?;
    Ok(Outcome::Fine)
}

/// Has the recorder judge by a file.
pub fn import(args: &ModelImportArgs) -> Result<Outcome> {
    let file = read_text(&args.file)?;
    // What is wrong in it is told with the file's name.
    Profile::from_toml(&file).with_context(|| format!("{} is no model", text::shown(&args.file.to_string_lossy())))?;
    let request = ModelRequest::Import { bytes: file.len(), dry_run: args.dry_run };
    changed(&args.state_dir, request, file.as_bytes())
}

/// Has the recorder learn an image again.
pub fn relearn(args: ModelRelearnArgs) -> Result<Outcome> {
    changed(&args.state_dir, ModelRequest::Relearn { image: args.image, keep: args.keep }, &[])
}

fn ask(state_dir: &Path, image: &str) -> Result<ModelShown> {
    match control::model(state_dir, ModelRequest::Show { image: image.to_owned() }, &[])? {
        ModelAnswer::Shown(shown) => Ok(*shown),
        _ => bail!("the recorder answers another question"),
    }
}

/// Changes a model and says how it stands now.
fn changed(state_dir: &Path, request: ModelRequest, file: &[u8]) -> Result<Outcome> {
    let ModelAnswer::Changed(status) = control::model(state_dir, request, file)? else {
        bail!("the recorder answers another question");
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}: {}, {} facts", text::shown(&status.key), phase(&status), status.facts)?;
    out.flush()?;
    Ok(Outcome::Fine)
}

fn table(models: &[ModelStatus]) -> String {
    let mut rows =
        vec![["IMAGE", "DIGEST", "PHASE", "RUNNING", "FACTS", "FULL", "DEVIATIONS", "FINDINGS"].map(str::to_owned)];
    rows.extend(models.iter().map(|model| {
        let full: Vec<&str> = model.full.iter().map(|kind| kind.as_str()).collect();
        [
            model.image.as_deref().map_or_else(|| "-".to_owned(), |image| text::shown(image).into_owned()),
            model.digest.as_deref().map_or_else(|| "-".to_owned(), short),
            phase(model),
            model.containers.to_string(),
            model.facts.to_string(),
            if full.is_empty() { "-".to_owned() } else { full.join(",") },
            model.deviations.to_string(),
            model.findings.to_string(),
        ]
    }));
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(widths) {
            out.push_str(&format!("{cell:<width$}  "));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// A model on one page: how it stands, what it knows, what its dry run would have told.
fn page(shown: &ModelShown) -> Result<String> {
    let status = &shown.status;
    let image = status.image.as_deref().unwrap_or("an image without a name");
    let mut out = format!("{} {}\n", text::shown(image), status.digest.as_deref().map(short).unwrap_or_default());
    writeln!(
        out,
        "{}; {} running, {} facts, {} deviations, {} findings",
        phase(status),
        status.containers,
        status.facts,
        status.deviations,
        status.findings
    )?;
    for kind in &status.full {
        writeln!(out, "{kind} is full ({} facts): nothing of it deviates", kind.most())?;
    }
    let profile = Profile::from_toml(&shown.toml).context("the recorder's model cannot be read")?;
    for (program, _) in profile.programs() {
        writeln!(out, "\n{}", text::shown(program))?;
        for (_, kind, fact) in profile.facts().filter(|(of, ..)| *of == program) {
            writeln!(out, "    {:<10}  {}", kind.as_str(), text::shown(fact))?;
        }
    }
    if !shown.said.is_empty() {
        out.push_str("\nthe dry run would have told:\n");
        for said in &shown.said {
            writeln!(out, "    {}x  {}", said.times, text::shown(&said.words))?;
        }
    }
    Ok(out)
}

/// `learning 12m of 1h00m`
fn phase(model: &ModelStatus) -> String {
    match (model.phase, model.phase_length_seconds) {
        (Phase::Active, _) | (_, None) => model.phase.as_str().to_owned(),
        (phase, Some(length)) => format!("{} {} of {}", phase.as_str(), time(model.phase_seconds), time(length)),
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The first twelve digits, as container tools show them.
fn short(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    text::shown(&hex.chars().take(12).collect::<String>()).into_owned()
}
