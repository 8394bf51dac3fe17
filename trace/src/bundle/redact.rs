//! A bundle with less in it: for a ticket, a supplier, whoever need not see everything.
//!
//! ```text
//! redact  (this file)   what is to go -> a new bundle that says what went, and from which original
//! edit                  one table with rows and cells taken out
//! size                  the largest part of it that fits
//! ```
//!
//! What holds: only an intact bundle is redacted. Tables that nothing was taken from are copied byte by byte. Members that
//! are no tables, such as a report, were made of the whole original and go; what is made anew of what stays is in it where
//! there is room. What was taken out is stated in the manifest, and what is missing (the gap table) cannot be taken out.
//!
//! Text that is masked becomes NULL where the column can be, else `[redacted]`.

mod edit;
mod size;

use super::{Bundle, CUSTODY, Ending, MANIFEST, OpenError, SIGNATURE, SUMS, Verdict, WriteError, Writer, proof};
use crate::FORMAT_VERSION;
use crate::clock::utc_now;
use crate::custody::{self, Act, CustodyError, Deed};
use crate::manifest::{Manifest, Redaction, Removed, TableRef};
use crate::schema::{GAP, TERMINAL};
use crate::signature::NAMESPACE;
use crate::text::hex;
use edit::Edit;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands where text was that has to be something.
pub const REDACTED: &str = "[redacted]";
/// What a manifest calls lists of arguments and the like.
const ARGUMENT_KEYS: [&str; 6] = ["args", "cmdline", "command", "entrypoint", "env", "environment"];

/// What is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tables by name.
    pub tables: Vec<String>,
    /// Columns, as `table.column`.
    pub columns: Vec<String>,
    /// Beginnings of paths: files of that name go, and every text that has it is masked.
    pub paths: Vec<String>,
    /// All arguments but programs' names, and the values of environment variables.
    pub arguments: bool,
    /// What went over terminals.
    pub terminal: bool,
    /// The most bytes that the new file may have.
    pub max_bytes: Option<u64>,
}

/// Why a bundle cannot be redacted. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The original cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The original is not what was sealed, so nothing can be said of what is made of it.
    #[error("{}: {reason}; only an intact bundle is redacted, see `taffrail verify`", path.display())]
    NotIntact {
        /// The original.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The plan names what is not there, or what cannot go.
    #[error("{0}")]
    Plan(String),
    /// What has to stay is larger than allowed.
    #[error(
        "what has to stay takes {least} bytes, more than the {max} allowed: {kept} stay; drop a table, or allow more"
    )]
    TooLarge {
        /// What it takes at least.
        least: u64,
        /// What was allowed.
        max: u64,
        /// The largest of what stays, in words.
        kept: String,
    },
    /// A table could not be made anew.
    #[error("cannot make {table} anew: {reason}")]
    Table {
        /// The table's member.
        table: String,
        /// What the library said.
        reason: String,
    },
    /// The new bundle cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The line of custody cannot be written.
    #[error(transparent)]
    Custody(#[from] CustodyError),
}

/// The tables of a new bundle by member, with their rows.
type Tables = BTreeMap<String, (Vec<u8>, u64)>;

/// Makes a redacted bundle at `to`, which must not exist, and gives its manifest.
///
/// # Errors
/// [`RedactError`]; nothing is at `to` then.
pub fn redact(
    original: &Bundle,
    to: &Path,
    plan: &Plan,
    tool: &str,
    ending: Ending<'_>,
) -> Result<Manifest, RedactError> {
    if to.exists() {
        return Err(RedactError::Plan(format!("{} is there already; name a new file", to.display())));
    }
    intact(original)?;
    let sums_sha256 = original.sums_sha256()?;
    let now = utc_now();
    let mut removed = Vec::new();
    let edits = edits(original, plan, &mut removed)?;
    let mut tables = Tables::new();
    for (member, edit) in &edits {
        let (bytes, rows, gone) = edit.apply(original, member, &edit::Keep::All)?;
        removed.extend(gone);
        tables.insert(member.clone(), (bytes, rows));
    }
    removed.retain(|it| it.rows != Some(0));

    let mut manifest = masked(original.manifest(), plan)?;
    manifest.format_version = FORMAT_VERSION;
    manifest.id = hex(&Sha256::digest(format!("{sums_sha256} {now}"))[..4]);
    let custody = custody::extended(
        &String::from_utf8_lossy(&original.text(CUSTODY)?.unwrap_or_default()),
        Deed {
            act: Act::Redact,
            tool: tool.to_owned(),
            bundle: manifest.id.clone(),
            file: to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            sums_sha256: None,
            original: Some(original.manifest().id.clone()),
            original_sums_sha256: Some(sums_sha256.clone()),
            export: None,
        },
        ending.signer,
    )?;
    let redaction = Redaction {
        original_id: original.manifest().id.clone(),
        original_sums_sha256: sums_sha256,
        tool: tool.to_owned(),
        redacted_utc_ns: now,
        removed,
    };
    if let Some(max) = plan.max_bytes {
        let draft = Manifest {
            redaction: Some(redaction.clone()),
            signature_namespace: Some(NAMESPACE.to_owned()),
            ..manifest.clone()
        };
        let texts = serde_json::to_vec_pretty(&draft).map_err(WriteError::from)?.len() + custody.len();
        let around = size::around(tables.keys().map(String::as_str), texts);
        let thinned = size::thin(original, &edits, &mut tables, max, around)?;
        manifest.losses.extend(thinned.loss);
        manifest.redaction = Some(Redaction { removed: [redaction.removed, thinned.removed].concat(), ..redaction });
    } else {
        manifest.redaction = Some(redaction);
    }
    manifest.tables.retain_mut(|table| {
        let member = members(table).into_iter().find_map(|name| tables.get(&name));
        table.rows = member.map_or(0, |(_, rows)| *rows);
        member.is_some()
    });

    let mut writer = Writer::create(to, &manifest, ending.signer)?;
    for (name, (bytes, _)) in tables {
        writer.add(&name, &bytes)?;
    }
    writer.add(CUSTODY, custody.as_bytes())?;
    if let Some(more) = ending.more {
        // What is made of the tables can be made again: it stays only where there is room.
        let fitting = |bundle: &Bundle| {
            let made = more(bundle);
            let so_far = bundle.file().metadata().map_or(u64::MAX, |file| file.len());
            let fits = plan.max_bytes.is_none_or(|max| so_far.saturating_add(size::of(&made, bundle)) <= max);
            if fits { made } else { Vec::new() }
        };
        writer.add_made_of(&fitting)?;
    }
    writer.finish()?;
    Ok(manifest)
}

fn intact(original: &Bundle) -> Result<(), RedactError> {
    let not = |reason: String| Err(RedactError::NotIntact { path: original.path().to_owned(), reason });
    if let Verdict::Altered(wrong) = original.verify()? {
        return not(format!("{} of its members are not what SHA256SUMS says", wrong.len()));
    }
    match original.signature()? {
        proof::Signature::Broken(reason) => not(format!("its signature does not hold: {reason}")),
        proof::Signature::None | proof::Signature::By(_) => Ok(()),
    }
}

/// The members that can hold a table of the manifest.
fn members(table: &TableRef) -> [String; 2] {
    ["events", "state"].map(|dir| format!("{dir}/{}.parquet", table.name))
}

/// What is done to each table that stays. Says of those that go, and of other members, that they do.
fn edits(original: &Bundle, plan: &Plan, removed: &mut Vec<Removed>) -> Result<BTreeMap<String, Edit>, RedactError> {
    let mut edits = BTreeMap::new();
    for name in original.members().keys() {
        if [MANIFEST, SUMS, SIGNATURE, CUSTODY].contains(&name.as_str()) {
            continue;
        }
        if table_of(name).is_some() {
            edits
                .insert(name.clone(), Edit { paths: plan.paths.clone(), arguments: plan.arguments, ..Edit::default() });
        } else {
            let note = Some("it was made of the whole original".to_owned());
            removed.push(Removed { what: "member".to_owned(), name: name.clone(), rows: None, note });
        }
    }
    if plan.paths.iter().any(String::is_empty) {
        return Err(RedactError::Plan("an empty beginning of a path would be that of all".to_owned()));
    }
    for column in &plan.columns {
        drop_column(original, column, &mut edits, removed)?;
    }
    let terminal = plan.terminal.then(|| TERMINAL.name.to_owned());
    for table in plan.tables.iter().chain(&terminal) {
        let what = if Some(table) == terminal.as_ref() { "terminal" } else { "table" };
        drop_table(original, table, what, None, &mut edits, removed)?;
    }
    Ok(edits)
}

/// The table that a member holds.
fn table_of(member: &str) -> Option<&str> {
    member.split_once('/').filter(|(dir, _)| ["events", "state"].contains(dir))?.1.strip_suffix(".parquet")
}

fn drop_table(
    original: &Bundle,
    table: &str,
    what: &str,
    note: Option<String>,
    edits: &mut BTreeMap<String, Edit>,
    removed: &mut Vec<Removed>,
) -> Result<(), RedactError> {
    if table == GAP.name {
        return Err(RedactError::Plan("the table gap says what is missing, and stays".to_owned()));
    }
    if removed.iter().any(|it| it.name == table && it.rows.is_some()) {
        return Ok(());
    }
    let member = edits.keys().find(|member| table_of(member) == Some(table)).cloned();
    let Some(member) = member else {
        // Who wants no terminal has it already where there is none.
        return if what == "terminal" { Ok(()) } else { Err(unknown(original, "table", table)) };
    };
    edits.remove(&member);
    let rows = Some(original.rows(&member)?);
    // A table without rows is one that is gone, too.
    removed.push(Removed { what: what.to_owned(), name: table.to_owned(), rows: rows.filter(|it| *it > 0), note });
    Ok(())
}

fn drop_column(
    original: &Bundle,
    column: &str,
    edits: &mut BTreeMap<String, Edit>,
    removed: &mut Vec<Removed>,
) -> Result<(), RedactError> {
    let expected = || RedactError::Plan(format!("{column:?} is no column; it is named table.column"));
    let (table, name) = column.split_once('.').ok_or_else(expected)?;
    let Some((member, edit)) = edits.iter_mut().find(|(member, _)| table_of(member) == Some(table)) else {
        return Err(unknown(original, "table", table));
    };
    let field = edit::schema(original, member)?.field_with_name(name).cloned();
    match field {
        Err(_) => Err(RedactError::Plan(format!("the table {table} has no column {:?}", crate::text::shown(name)))),
        Ok(field) if field.is_nullable() => {
            edit.columns.push(name.to_owned());
            Ok(())
        }
        Ok(_) => {
            let note = Some(format!("{column} cannot be NULL, so the table went with it"));
            drop_table(original, table, "table", note, edits, removed)
        }
    }
}

fn unknown(original: &Bundle, what: &str, name: &str) -> RedactError {
    let known: Vec<&str> = original.members().keys().filter_map(|member| table_of(member)).collect();
    RedactError::Plan(format!("there is no {what} {:?}; there are {}", crate::text::shown(name), known.join(", ")))
}

/// The manifest without what is to go from the tables.
fn masked(manifest: &Manifest, plan: &Plan) -> Result<Manifest, RedactError> {
    let mut value = serde_json::to_value(manifest).map_err(WriteError::from)?;
    for (key, part) in value.as_object_mut().into_iter().flatten() {
        // Whose these are is not of the container.
        if !["tool", "id", "host", "hooks", "segments", "tables", "redaction"].contains(&key.as_str()) {
            mask(part, plan, false);
        }
    }
    let mut masked: Manifest = serde_json::from_value(value).map_err(WriteError::from)?;
    if plan.arguments {
        // It may quote them.
        REDACTED.clone_into(&mut masked.trigger.reason);
    }
    Ok(masked)
}

fn mask(value: &mut Value, plan: &Plan, is_argument: bool) {
    match value {
        Value::String(text) if is_argument || plan.paths.iter().any(|path| text.contains(path)) => {
            REDACTED.clone_into(text);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, plan, is_argument)),
        Value::Object(values) => values.iter_mut().for_each(|(key, value)| {
            let is_argument = is_argument || plan.arguments && ARGUMENT_KEYS.contains(&key.as_str());
            mask(value, plan, is_argument);
        }),
        _ => {}
    }
}
