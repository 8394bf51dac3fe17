//! One table with rows and cells taken out.

use super::{Bundle, REDACTED, RedactError, Removed};
use crate::clock::UtcNs;
use crate::schema::{DNS, FILE, SYSCALL};
use crate::table::Packer;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, ListArray, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, SchemaRef};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What stands where an argument was.
const MASKED: &str = "[masked]";
/// The operations of `file` whose events are bulk; all of `dns` and `syscall` are.
const BULK_OPS: [&str; 3] = ["open", "create", "io"];

/// What is done to a table.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Columns that become NULL.
    pub columns: Vec<String>,
    /// Beginnings of paths.
    pub paths: Vec<String>,
    /// Whether arguments and values of environment variables are masked.
    pub arguments: bool,
}

/// Which bulk rows stay.
#[derive(Clone, Debug)]
pub enum Keep {
    /// All.
    All,
    /// Those of these moments.
    Within(Range<UtcNs>),
}

/// The rows and cells that went, by kind and name.
#[derive(Default)]
struct Gone(BTreeMap<(&'static str, String), u64>);

impl Gone {
    fn add(&mut self, what: &'static str, name: impl Into<String>, rows: usize) {
        if rows == 0 {
            return;
        }
        *self.0.entry((what, name.into())).or_default() += rows as u64;
    }
}

/// The columns of a member.
pub fn schema(bundle: &Bundle, member: &str) -> Result<SchemaRef, RedactError> {
    Ok(bundle.schema(member)?)
}

impl Edit {
    /// The member's bytes without what goes, its rows, and what went.
    pub fn apply(
        &self,
        bundle: &Bundle,
        member: &str,
        keep: &Keep,
    ) -> Result<(Vec<u8>, u64, Vec<Removed>), RedactError> {
        let fault = |reason: String| RedactError::Table { table: member.to_owned(), reason };
        let table = super::table_of(member).unwrap_or_default();
        let (mut batches, mut gone, mut rows) = (Vec::new(), Gone::default(), 0);
        let mut writer = Packer::new(schema(bundle, member)?).map_err(|error| fault(error.to_string()))?;
        bundle.each_batch::<RedactError>(member, usize::MAX, &mut |batch| {
            let edited = self.batch(table, &batch, keep, &mut gone).map_err(fault)?;
            rows += edited.num_rows() as u64;
            writer.write(&edited).map_err(|error| fault(error.to_string()))
        })?;
        if gone.0.is_empty() {
            // As it was, to the byte.
            std::io::Read::read_to_end(&mut bundle.reader(bundle.members()[member]), &mut batches)
                .map_err(|error| fault(error.to_string()))?;
            return Ok((batches, rows, Vec::new()));
        }
        let bytes = writer.finish().map_err(|error| fault(error.to_string()))?;
        let removed = gone.0.into_iter().map(|((what, name), rows)| Removed {
            what: what.to_owned(),
            name,
            rows: Some(rows),
            note: None,
        });
        Ok((bytes, rows, removed.collect()))
    }

    fn batch(&self, table: &str, batch: &RecordBatch, keep: &Keep, gone: &mut Gone) -> Result<RecordBatch, String> {
        let mut batch = self.without_paths(table, batch, gone)?;
        if let Keep::Within(range) = keep {
            let stays = stays(table, &batch, range)?;
            gone.add("size", table, stays.false_count());
            batch = filtered(&batch, &stays)?;
        }
        let mut columns = Vec::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            columns.push(self.column(table, field, column, gone)?);
        }
        RecordBatch::try_new(batch.schema(), columns).map_err(|error| error.to_string())
    }

    /// The rows of files that are not below one of the paths.
    fn without_paths(&self, table: &str, batch: &RecordBatch, gone: &mut Gone) -> Result<RecordBatch, String> {
        if table != FILE.name || self.paths.is_empty() {
            return Ok(batch.clone());
        }
        let names: Vec<&StringArray> =
            ["path", "new_path"].iter().filter_map(|name| batch.column_by_name(name)?.as_string_opt()).collect();
        let mut stays = vec![true; batch.num_rows()];
        for path in &self.paths {
            let mut count = 0;
            for (row, stays) in stays.iter_mut().enumerate() {
                let is_below = |names: &&StringArray| names.is_valid(row) && names.value(row).starts_with(path);
                if *stays && names.iter().any(is_below) {
                    *stays = false;
                    count += 1;
                }
            }
            gone.add("path", path.clone(), count);
        }
        filtered(batch, &stays.into())
    }

    fn column(&self, table: &str, field: &Field, column: &ArrayRef, gone: &mut Gone) -> Result<ArrayRef, String> {
        let name = format!("{table}.{}", field.name());
        if self.columns.contains(field.name()) {
            gone.add("column", name, column.len() - column.null_count());
            return Ok(new_null_array(field.data_type(), column.len()));
        }
        let mut column = Arc::clone(column);
        if self.arguments {
            let (masked, count) = masked_arguments(field, &column);
            gone.add("arguments", &name, count);
            column = masked;
        }
        if self.paths.is_empty() {
            return Ok(column);
        }
        let (masked, count) = self
            .masked_paths(field, &column)
            .ok_or_else(|| format!("{name} has a type in which paths cannot be looked for"))?;
        gone.add("path", name, count);
        Ok(masked)
    }

    /// The column without the cells that have one of the paths in them; nothing where it cannot be searched.
    fn masked_paths(&self, field: &Field, column: &ArrayRef) -> Option<(ArrayRef, usize)> {
        // A line of arguments for a shell writes a quote so.
        let needles: Vec<String> =
            self.paths.iter().flat_map(|path| [path.clone(), path.replace('\'', r"'\''")]).collect();
        let has = |text: &str| needles.iter().any(|needle| text.contains(needle.as_str()));
        let has_bytes = |bytes: &[u8]| needles.iter().any(|needle| contains(bytes, needle.as_bytes()));
        let instead = (!field.is_nullable()).then_some(REDACTED);
        match field.data_type() {
            DataType::Utf8 => {
                Some(mapped(column.as_string(), |text| if has(text) { Cell::Becomes(instead) } else { Cell::Stays }))
            }
            DataType::List(of) if *of.data_type() == DataType::Utf8 => {
                Some(mapped_list(of, column.as_list(), |_, text| has(text).then(|| REDACTED.to_owned())))
            }
            DataType::Binary => {
                let bytes: &BinaryArray = column.as_binary();
                let mut count = 0;
                let cells = bytes.iter().map(|cell| match cell {
                    Some(cell) if has_bytes(cell) => {
                        count += 1;
                        instead.map(str::as_bytes)
                    }
                    cell => cell,
                });
                let masked: BinaryArray = cells.collect();
                Some((Arc::new(masked), count))
            }
            other => (other.is_primitive() || *other == DataType::Boolean).then(|| (Arc::clone(column), 0)),
        }
    }
}

/// Arguments but the first, values of environment variables, and what may quote them.
fn masked_arguments(field: &Field, column: &ArrayRef) -> (ArrayRef, usize) {
    match (field.name().as_str(), field.data_type()) {
        ("args", DataType::List(of)) if *of.data_type() == DataType::Utf8 => {
            mapped_list(of, column.as_list(), |at, _| (at > 0).then(|| MASKED.to_owned()))
        }
        ("environment", DataType::List(of)) if *of.data_type() == DataType::Utf8 => {
            mapped_list(of, column.as_list(), |_, text| {
                text.split_once('=').map(|(name, _)| format!("{name}={MASKED}"))
            })
        }
        ("cmdline", DataType::Utf8) => {
            let mut count = 0;
            let lines: StringArray = column
                .as_string::<i32>()
                .iter()
                .map(|line| {
                    let line = line?;
                    let name = first_word(line);
                    if name.len() == line.len() {
                        return Some(line.to_owned());
                    }
                    count += 1;
                    Some(format!("{name} {MASKED}"))
                })
                .collect();
            (Arc::new(lines), count)
        }
        // What a rule says of a program quotes its arguments.
        ("message", DataType::Utf8) => mapped(column.as_string(), |_| Cell::Becomes(Some(REDACTED))),
        _ => (Arc::clone(column), 0),
    }
}

/// The first word of a line that [`crate::text::shell_line`] made, quotes and all.
fn first_word(line: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = line.char_indices().find(|(_, ch)| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        is_quoted ^= *ch == '\'';
        is_escaped = !is_quoted && *ch == '\\';
        !is_quoted && *ch == ' '
    });
    end.map_or(line, |(at, _)| &line[..at])
}

/// What becomes of a cell.
enum Cell {
    Stays,
    Becomes(Option<&'static str>),
}

fn mapped(column: &StringArray, cell: impl Fn(&str) -> Cell) -> (ArrayRef, usize) {
    let mut count = 0;
    let cells: StringArray = column
        .iter()
        .map(|text| match text.map(&cell) {
            Some(Cell::Becomes(instead)) => {
                count += 1;
                instead
            }
            _ => text,
        })
        .collect();
    (Arc::new(cells), count)
}

fn mapped_list(of: &Arc<Field>, column: &ListArray, item: impl Fn(usize, &str) -> Option<String>) -> (ArrayRef, usize) {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(of));
    let mut count = 0;
    for list in column.iter() {
        let mut is_changed = false;
        if let Some(list) = &list {
            for (at, text) in list.as_string::<i32>().iter().enumerate() {
                let instead = text.and_then(|text| item(at, text));
                is_changed |= instead.is_some();
                lists.values().append_option(instead.as_deref().or(text));
            }
        }
        count += usize::from(is_changed);
        lists.append(list.is_some());
    }
    (Arc::new(lists.finish()), count)
}

/// Which rows stay of a table where only the bulk rows of a range do.
fn stays(table: &str, batch: &RecordBatch, range: &Range<UtcNs>) -> Result<BooleanArray, String> {
    let times = times(batch)?;
    let bulk = bulk(table, batch);
    Ok((0..batch.num_rows()).map(|row| Some(!bulk(row) || range.contains(&times[row]))).collect())
}

/// When the bulk rows of a batch happened.
pub fn bulk_times(table: &str, batch: &RecordBatch) -> Result<Vec<UtcNs>, String> {
    let times = times(batch)?;
    let bulk = bulk(table, batch);
    Ok((0..batch.num_rows()).filter(|row| bulk(*row)).map(|row| times[row]).collect())
}

fn times(batch: &RecordBatch) -> Result<&[UtcNs], String> {
    let column = batch.column_by_name("time").and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
    column.map(|times| &times.values()[..]).ok_or_else(|| "it has no column time".to_owned())
}

/// Whether a row is of the frequent kind that goes first.
fn bulk<'a>(table: &str, batch: &'a RecordBatch) -> Box<dyn Fn(usize) -> bool + 'a> {
    let ops = batch.column_by_name("op").and_then(|op| op.as_string_opt::<i32>());
    match ops {
        _ if table == DNS.name || table == SYSCALL.name => Box::new(|_| true),
        Some(ops) if table == FILE.name => Box::new(|row| BULK_OPS.contains(&ops.value(row))),
        _ => Box::new(|_| false),
    }
}

fn filtered(batch: &RecordBatch, stays: &BooleanArray) -> Result<RecordBatch, String> {
    arrow_select::filter::filter_record_batch(batch, stays).map_err(|error| error.to_string())
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn the_first_word_of_a_line_is_the_programs_name() {
        for args in [&["sh", "-c", "x y"][..], &["my program", "a"], &["it's", "b"], &["ls"], &["", "x"]] {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(first_word(&text::shell_line(&args)), text::shell_line(&args[..1]));
        }
    }
}
