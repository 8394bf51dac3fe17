//! The largest part of a bundle that fits: bulk rows go, those furthest from the trigger first, and no vital one.

use super::edit::{Edit, Keep, bulk_times};
use super::{Bundle, CUSTODY, MANIFEST, RedactError, SIGNATURE, SUMS, Tables, edit, table_of};
use crate::clock::UtcNs;
use crate::event::{Class, GapCause};
use crate::manifest::{Loss, Manifest, Removed};
use crate::schema::{DNS, FILE, GAP, SYSCALL};
use crate::table::{self, Cell, Packer};
use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array as _, RecordBatch, UInt32Array};
use std::collections::BTreeMap;

/// The most that the rows of a gap table may take: far more than those of a recorder do.
const GAPS_MAX_BYTES: usize = 256 << 20;
/// The end of a ZIP.
const END_BYTES: u64 = 22;
/// SHA256SUMS.sig: what an Ed25519 key signs, in its armour.
const SIGNATURE_BYTES: u64 = 400;
/// The manifest's word for what is left out: at most three tables, and a sum.
const SAID_BYTES: u64 = 1 << 10;
/// How often a part is tried until the largest that fits is near.
const TRIES: u32 = 8;

/// What was left out.
#[derive(Debug, Default)]
pub struct Thinned {
    /// By table.
    pub removed: Vec<Removed>,
    /// All of it.
    pub loss: Option<Loss>,
}

/// What a bundle of members with these names takes besides their bytes and `texts`, the bytes of the manifest and the custody
/// log.
pub fn around<'a>(names: impl Iterator<Item = &'a str>, texts: usize) -> u64 {
    // Two headers with the member's name, and its line in SHA256SUMS.
    let member = |name: &str| 30 + 46 + 64 + 3 + 3 * name.len() as u64;
    let all = names.chain([MANIFEST, CUSTODY, SUMS, SIGNATURE]);
    all.map(member).sum::<u64>() + texts as u64 + SIGNATURE_BYTES + END_BYTES
}

/// What these members, and the sums of all, add to a bundle that has no sums yet.
pub fn of(more: &[(String, Vec<u8>)], bundle: &Bundle) -> u64 {
    let lines: u64 = bundle.members().keys().map(|name| 64 + 3 + name.len() as u64).sum();
    around(more.iter().map(|(name, _)| name.as_str()), more.iter().map(|(_, bytes)| bytes.len()).sum()) + lines
}

/// Leaves out as many bulk rows as it takes for `tables` and `other` bytes to be at most `max`, and says so in the gap
/// table.
pub fn thin(
    original: &Bundle,
    edits: &BTreeMap<String, Edit>,
    tables: &mut Tables,
    max: u64,
    other: u64,
) -> Result<Thinned, RedactError> {
    let whole = bytes(tables) + other;
    if whole <= max {
        return Ok(Thinned::default());
    }
    let manifest = original.manifest();
    let trigger = manifest.clock.utc(manifest.trigger.time_ns);
    let names: Vec<String> =
        [&FILE, &DNS, &SYSCALL].iter().map(|table| table.member()).filter(|name| tables.contains_key(name)).collect();
    let mut times = Vec::new();
    for name in &names {
        let table = table_of(name).unwrap_or_default();
        original.each_batch::<RedactError>(name, usize::MAX, &mut |batch| {
            let fault = |reason| RedactError::Table { table: name.clone(), reason };
            times.extend(bulk_times(table, &batch).map_err(fault)?);
            Ok(())
        })?;
    }
    times.sort_unstable_by_key(|time| time.abs_diff(trigger));
    let other = other + SAID_BYTES;
    let attempt = |count: usize| {
        let kept = nearest(&times, trigger, count);
        let gaps = gaps(manifest, &times, &kept);
        let keep = Keep::Within(kept);
        let mut made = tables.clone();
        let mut removed = Vec::new();
        for name in &names {
            let (bytes, rows, gone) = edits[name].apply(original, name, &keep)?;
            removed.extend(gone.into_iter().filter(|it| it.what == "size"));
            made.insert(name.clone(), (bytes, rows));
        }
        add_gaps(original, &mut made, &gaps)?;
        Ok::<_, RedactError>((made, removed, gaps))
    };
    let (mut fits, mut fits_not) = (0, times.len());
    let mut best = attempt(0)?;
    let least = bytes(&best.0) + other;
    if least > max {
        // To say what is left out can take more than it saves.
        let least = least.min(whole);
        return Err(RedactError::TooLarge { least, max, kept: largest(&best.0) });
    }
    for _ in 0..TRIES {
        let count = fits + (fits_not - fits) / 2;
        if count == fits {
            break;
        }
        let made = attempt(count)?;
        if bytes(&made.0) + other <= max {
            (fits, best) = (count, made);
        } else {
            fits_not = count;
        }
    }
    let (made, mut removed, gaps) = best;
    *tables = made;
    removed.retain(|it| it.rows != Some(0));
    let lost = gaps.iter().map(|(.., rows)| rows).sum();
    let told = Loss { class: Class::Bulk, cause: GapCause::Redacted, lost, own: true };
    Ok(Thinned { removed, loss: Some(told) })
}

/// The stretches in which bulk rows at `times` are left out where only those of `kept` stay, with their numbers.
fn gaps(manifest: &Manifest, times: &[UtcNs], kept: &std::ops::Range<UtcNs>) -> Vec<(UtcNs, UtcNs, u64)> {
    let left_out = |from: UtcNs, to: UtcNs| {
        let rows = times.iter().filter(|time| (from..=to).contains(*time)).count() as u64;
        (from, to, rows)
    };
    let (begin, end) = (manifest.clock.utc(manifest.window.from_ns), manifest.clock.utc(manifest.window.to_ns));
    let oldest = times.iter().copied().min().unwrap_or(begin).min(begin);
    let newest = times.iter().copied().max().unwrap_or(end).max(end);
    let gaps = [left_out(oldest, kept.start.saturating_sub(1)), left_out(kept.end.max(kept.start), newest)];
    gaps.into_iter().filter(|(.., rows)| *rows > 0).collect()
}

/// The moments of the `count` rows that are nearest to the trigger; `times` are by their distance.
fn nearest(times: &[UtcNs], trigger: UtcNs, count: usize) -> std::ops::Range<UtcNs> {
    match times.get(count) {
        None => UtcNs::MIN..UtcNs::MAX,
        Some(first_out) => {
            let distance = i64::try_from(first_out.abs_diff(trigger)).unwrap_or(i64::MAX);
            // Those as far away as the first that goes, go too.
            trigger.saturating_sub(distance).saturating_add(1)..trigger.saturating_add(distance).max(trigger)
        }
    }
}

fn bytes(tables: &Tables) -> u64 {
    tables.values().map(|(bytes, _)| bytes.len() as u64).sum()
}

fn largest(tables: &Tables) -> String {
    let mut sizes: Vec<(usize, &str)> =
        tables.iter().map(|(name, (bytes, _))| (bytes.len(), table_of(name).unwrap_or_default())).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let words: Vec<String> = sizes.iter().take(3).map(|(len, name)| format!("{len} of {name}")).collect();
    words.join(", ")
}

/// The gap table with a row more for each stretch that was left out.
fn add_gaps(original: &Bundle, tables: &mut Tables, gaps: &[(UtcNs, UtcNs, u64)]) -> Result<(), RedactError> {
    let member = GAP.member();
    let fault = |reason: String| RedactError::Table { table: GAP.member(), reason };
    let schema = edit::schema(original, &member)?;
    let container = &original.manifest().container;
    let mut rows = table::Tables::default();
    let table = rows.of(&GAP).map_err(|error| fault(error.to_string()))?;
    for (from, to, lost) in gaps {
        let cells: Vec<Cell<'_>> = GAP
            .all_columns()
            .map(|column| match column.name {
                "time" | "from_time" => Cell::Time(*from),
                "to_time" => Cell::Time(*to),
                "container_id" => Cell::Text(&container.id),
                "container_name" => Cell::Text(&container.name),
                "class" => Cell::Text(Class::Bulk.as_str()),
                "cause" => Cell::Text(GapCause::Redacted.as_str()),
                "lost" => Cell::U64(*lost),
                "own" => Cell::Bool(true),
                _ => Cell::Null,
            })
            .collect();
        table.push(&cells).map_err(|error| fault(error.to_string()))?;
    }
    let ours = table.to_batch().map_err(|error| fault(error.to_string()))?;
    let columns = schema.fields().iter().map(|field| ours.column_by_name(field.name()).cloned());
    let columns = columns.collect::<Option<Vec<_>>>().ok_or_else(|| fault("it has columns of its own".to_owned()))?;
    let more = RecordBatch::try_new(schema.clone(), columns).map_err(|error| fault(error.to_string()))?;
    let mut batches = vec![more];
    let mut held = 0_usize;
    original.each_batch::<RedactError>(&member, usize::MAX, &mut |batch| {
        held = held.saturating_add(batch.get_array_memory_size());
        if held > GAPS_MAX_BYTES {
            return Err(fault(format!("its rows take more than {GAPS_MAX_BYTES} bytes, which no recorder writes")));
        }
        batches.push(batch);
        Ok(())
    })?;
    let arrow = |error: arrow_schema::ArrowError| fault(error.to_string());
    let all = arrow_select::concat::concat_batches(&schema, &batches).map_err(arrow)?;
    let times = all.column(0).as_primitive_opt::<TimestampNanosecondType>();
    let times = times.ok_or_else(|| fault("its first column is not the time".to_owned()))?;
    let mut order: Vec<u32> = (0..all.num_rows() as u32).collect();
    order.sort_by_key(|row| times.is_valid(*row as usize).then(|| times.value(*row as usize)));
    let sorted = arrow_select::take::take_record_batch(&all, &UInt32Array::from(order)).map_err(arrow)?;
    let mut writer = Packer::new(schema).map_err(|error| fault(error.to_string()))?;
    writer.write(&sorted).map_err(|error| fault(error.to_string()))?;
    let bytes = writer.finish().map_err(|error| fault(error.to_string()))?;
    tables.insert(member, (bytes, sorted.num_rows() as u64));
    Ok(())
}
