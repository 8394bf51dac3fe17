//! `taffrail custody`

use super::verify::Trust;
use crate::Outcome;
use crate::cli::{CustodyArgs, CustodyCommand};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use taffrail_trace::bundle::{Bundle, CUSTODY};
use taffrail_trace::custody::{Act, Checked, check};
use taffrail_trace::text;

/// The longest log that is read: some hundred thousand lines.
const LOG_MAX_BYTES: u64 = 256 << 20;

/// Shows every line and says whether it is whole.
pub fn run(command: &CustodyCommand) -> Result<Outcome> {
    let CustodyCommand::Verify(args) = command;
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
