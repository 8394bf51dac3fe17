//! `taffrail redact`

use super::custody::{TOOL, file_name, note, signer};
use crate::Outcome;
use crate::cli::RedactArgs;
use anyhow::{Context as _, Result};
use std::io::{self, Write as _};
use taffrail_trace::bundle::redact::{Plan, redact};
use taffrail_trace::bundle::{Bundle, Ending};
use taffrail_trace::custody::{Act, Deed};
use taffrail_trace::manifest::Removed;
use taffrail_trace::text;

/// Makes the new bundle and says what went.
pub fn run(args: RedactArgs) -> Result<Outcome> {
    let original = Bundle::open(&args.bundle)?;
    let plan = Plan {
        tables: args.drop_table,
        columns: args.drop_column,
        paths: args.drop_path,
        arguments: args.mask_args,
        terminal: args.drop_terminal,
        max_bytes: args.max_size,
    };
    if plan == Plan::default() {
        anyhow::bail!("nothing to take out was named; see `taffrail redact --help`");
    }
    let signer = signer(args.key.as_deref(), &args.state_dir)?;
    let ending = Ending { more: Some(&super::report::member), signer: signer.as_ref() };
    let manifest = redact(&original, &args.out, &plan, TOOL, ending)?;

    let deed = Deed {
        act: Act::Redact,
        tool: TOOL.to_owned(),
        bundle: manifest.id.clone(),
        file: file_name(&args.out),
        sums_sha256: Some(Bundle::open(&args.out)?.sums_sha256()?),
        original: Some(original.manifest().id.clone()),
        original_sums_sha256: Some(original.sums_sha256()?),
        export: None,
    };
    // In the bundle itself it stands already.
    note(&args.state_dir, deed, signer.as_ref());
    let mut out = io::stdout().lock();
    let len = std::fs::metadata(&args.out).with_context(|| format!("cannot read {}", args.out.display()))?.len();
    let redaction = manifest.redaction.as_ref();
    let of = text::shown(&original.manifest().id);
    writeln!(out, "{}: {len} bytes, of {of}", text::shown(&args.out.to_string_lossy()))?;
    for removed in redaction.iter().flat_map(|redaction| &redaction.removed) {
        writeln!(out, "  {}", text::shown(&words(removed)))?;
    }
    if redaction.is_none_or(|redaction| redaction.removed.is_empty()) {
        writeln!(out, "  nothing of what was named is in it")?;
    }
    match &signer {
        Some(signer) => writeln!(out, "  signed by {}", signer.fingerprint())?,
        None => writeln!(out, "  unsigned: no key was named (--key), and this host's own cannot be read")?,
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn words(removed: &Removed) -> String {
    let Removed { what, name, rows, note } = removed;
    let rows = rows.map_or_else(String::new, |rows| format!(", {rows} rows"));
    let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    format!("{what} {name}{rows}{note}")
}
