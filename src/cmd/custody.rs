//! `taffrail custody`

use super::verify::Trust;
use crate::Outcome;
use crate::cli::{CustodyArgs, CustodyCommand, CustodyExportArgs};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use taffrail_trace::bundle::{Bundle, CUSTODY, Copy, Verdict};
use taffrail_trace::custody::{self, Act, Checked, Deed, Export, check};
use taffrail_trace::signature::Signer;
use taffrail_trace::text;

/// The longest log that is read: some hundred thousand lines.
const LOG_MAX_BYTES: u64 = 256 << 20;

/// Name and version, as lines of custody have them.
pub const TOOL: &str = concat!("taffrail ", env!("CARGO_PKG_VERSION"));

/// Reads a log, or writes into one.
pub fn run(command: &CustodyCommand) -> Result<Outcome> {
    match command {
        CustodyCommand::Verify(args) => verify(args),
        CustodyCommand::Export(args) => export(args),
    }
}

/// The key that signs: the one that was named, else this host's own, where it can be read. Whoever may not read it signs
/// with another, or not at all.
pub fn signer(key: Option<&Path>, state_dir: &Path) -> Result<Option<Signer>> {
    Ok(match key {
        Some(key) => Some(Signer::read(key)?),
        None => Signer::read(&state_dir.join("host_key")).ok(),
    })
}

/// Writes down what was done, on a host that has a custody log. What is done is done: where it fails it is told.
pub fn note(state_dir: &Path, deed: Deed, signer: Option<&Signer>) {
    let log = state_dir.join(CUSTODY);
    if log.exists()
        && let Err(error) = custody::append(&log, deed, signer)
    {
        crate::logging::complain(&error.into());
    }
}

/// The last part of a path, as lines of custody have it.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What a line says of a file that was made of a bundle to leave this host.
pub fn exported(bundle: &Bundle, file: &Path, file_sha256: String, to: Option<String>) -> Deed {
    Deed {
        act: Act::Export,
        tool: TOOL.to_owned(),
        bundle: bundle.manifest().id.clone(),
        file: file_name(file),
        sums_sha256: bundle.sums_sha256().ok(),
        original: None,
        original_sums_sha256: None,
        export: Some(Export { file_sha256, to }),
    }
}

/// Copies a bundle that is whole. The line comes first: there is no copy without one.
fn export(args: &CustodyExportArgs) -> Result<Outcome> {
    let bundle = Bundle::open(&args.bundle)?;
    let out = if args.out.is_dir() { args.out.join(file_name(&args.bundle)) } else { args.out.clone() };
    let log = args.state_dir.join(CUSTODY);
    if !log.exists() {
        bail!("there is no custody log {}; name the recorder's state directory with --state-dir", log.display());
    }
    let signer = signer(args.key.as_deref(), &args.state_dir)?;
    let copy = Copy::of(&bundle, &out)?;
    if !matches!(Bundle::open(copy.path())?.verify()?, Verdict::Intact(_)) {
        bail!("{} is not what was sealed: see `taffrail verify`", args.bundle.display());
    }
    let sha256 = copy.sha256().to_owned();
    custody::append(&log, exported(&bundle, &out, sha256.clone(), args.to.clone()), signer.as_ref())?;
    copy.finish()?;
    let mut stdout = io::stdout().lock();
    // As sha256sum prints it, for whoever receives the file.
    writeln!(stdout, "{sha256}  {}", text::shown(&out.to_string_lossy()))?;
    stdout.flush()?;
    Ok(Outcome::Fine)
}

/// Shows every line and says whether it is whole.
fn verify(args: &CustodyArgs) -> Result<Outcome> {
    let trust = Trust::of(&args.trust)?;
    let log = read(&args.file)?;
    let mut out = io::stdout().lock();
    let mut outcome = Outcome::Fine;
    let checked = check(&log);
    for (number, line) in (1_usize..).zip(&checked) {
        let (is_fine, words) = judge(line, &trust);
        if !is_fine {
            outcome = Outcome::Negative;
        }
        if args.json {
            writeln!(out, "{}", object(number, is_fine, &words, line))?;
        } else {
            let mark = if is_fine { "ok     " } else { "ALTERED" };
            writeln!(out, "{mark} {number:>4} {}: {}", what(line), text::shown(&words.join("; ")))?;
        }
    }
    if checked.is_empty() && !args.json {
        writeln!(out, "no line of custody in it")?;
    }
    show_kind(args, &mut out, checked.len())?;
    out.flush()?;
    Ok(outcome)
}

/// A log's end can be cut off without a trace in it, which whoever reads it has to know.
fn show_kind(args: &CustodyArgs, out: &mut dyn io::Write, lines: usize) -> io::Result<()> {
    if args.json || lines == 0 {
        return Ok(());
    }
    writeln!(out, "{lines} lines; whether later ones were cut off only a copy kept elsewhere can tell")
}

/// Whether a line is as it was written, in its place, and by somebody who counts; and the words for it.
fn judge(line: &Checked, trust: &Trust) -> (bool, Vec<String>) {
    let (mut is_fine, mut words) = (true, Vec::new());
    let mut wrong = |reason: String| {
        is_fine = false;
        reason
    };
    if let Err(reason) = &line.entry {
        words.push(wrong(reason.clone()));
    } else if !line.is_linked {
        words.push(wrong("it does not follow from the line before it".to_owned()));
    }
    match &line.signature {
        Err(reason) => words.push(wrong(format!("its signature does not hold: {reason}"))),
        Ok(signed) => {
            let (will_do, said) = trust.says(signed.as_ref());
            words.push(if will_do { said } else { wrong(said) });
        }
    }
    (is_fine, words)
}

fn what(line: &Checked) -> String {
    let Ok(entry) = &line.entry else { return "a line that is none".to_owned() };
    let deed = &entry.deed;
    let act = match deed.act {
        Act::Seal => "sealed".to_owned(),
        Act::Redact => format!("made of {} with less in it,", deed.original.as_deref().unwrap_or("another")),
        Act::Export => match deed.export.as_ref().and_then(|export| export.to.as_ref()) {
            Some(to) => format!("exported for {to} as"),
            None => "exported as".to_owned(),
        },
    };
    text::shown(&format!("{} {} {act} {}", entry.time, deed.bundle, deed.file)).into_owned()
}

fn object(number: usize, is_fine: bool, words: &[String], line: &Checked) -> Value {
    let signed = line.signature.as_ref().ok().and_then(Option::as_ref);
    json!({
        "line": number,
        "fine": is_fine,
        "words": words,
        "entry": line.entry.as_ref().ok(),
        "linked": line.is_linked,
        "signed_by": signed.map(taffrail_trace::signature::SignedBy::fingerprint),
    })
}

/// The log in `path`, or in the bundle there.
fn read(path: &Path) -> Result<String> {
    let mut begin = [0; 4];
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.read(&mut begin).is_ok_and(|read| begin[..read] == *b"PK\x03\x04") {
        let bundle = Bundle::open(path)?;
        let log = bundle.text(CUSTODY)?;
        let log = log.with_context(|| format!("{} has no {CUSTODY}: it was never redacted", path.display()))?;
        return Ok(String::from_utf8_lossy(&log).into_owned());
    }
    let mut log = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LOG_MAX_BYTES + 1).read_to_end(&mut log))
        .with_context(|| format!("cannot read {}", path.display()))?;
    if log.len() as u64 > LOG_MAX_BYTES {
        anyhow::bail!("{} is longer than {LOG_MAX_BYTES} bytes", path.display());
    }
    Ok(String::from_utf8_lossy(&log).into_owned())
}
