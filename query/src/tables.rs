//! One table per family over all bundles, and the table `bundle` with one row each.

use crate::error::QueryError;
use crate::store::{ROOT, Store};
use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampNanosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;
use object_store::path::Path;
use std::collections::BTreeSet;
use std::sync::Arc;
use taffrail_trace::bundle::{Bundle, OpenError};
use taffrail_trace::clock::BootNs;
use taffrail_trace::container::{Setup, SetupMount};
use taffrail_trace::manifest::LeftOut;
use taffrail_trace::schema::{Kind, TABLES, Table};
use taffrail_trace::text::shell_line;

/// A column of every event table: which bundle the row is from.
pub const BUNDLE_COLUMN: &str = "bundle";
/// The last column of every event table: which machine the bundle is from.
pub const HOST_COLUMN: &str = "host";
/// What those two say.
pub const ADDED_COLUMNS: [(&str, &str); 2] = [
    (BUNDLE_COLUMN, "The bundle that this row is from; joins `bundle.id`."),
    (HOST_COLUMN, "The machine that recorded it: `bundle.host`."),
];
/// The longest host name of Linux.
const HOST_MAX_CHARS: usize = 64;
/// The table with one row per bundle.
pub const BUNDLE_TABLE: &str = "bundle";

/// A name for every bundle, in the value of the column `bundle`: its id, made unique where two claim the same one.
pub fn labels(bundles: &[Bundle]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |bundle: &Bundle| {
        // The id comes from the manifest and becomes part of a path.
        let id: String = bundle.manifest().id.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        let id = if id.is_empty() { "unnamed".to_owned() } else { id };
        let numbered = (2..).map(|n| format!("{id}-{n}"));
        std::iter::once(id.clone()).chain(numbered).find(|label| taken.insert(label.clone())).unwrap_or(id)
    };
    bundles.iter().map(name).collect()
}

/// The machine's name as a value of the column `host`. It comes from the manifest and becomes part of a path, so that
/// what no host name has in it becomes `_`.
fn host(bundle: &Bundle) -> String {
    let plain = |ch: char| if ch.is_ascii_alphanumeric() || "-._".contains(ch) { ch } else { '_' };
    let name: String = bundle.manifest().host.hostname.chars().take(HOST_MAX_CHARS).map(plain).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// Everything that the tables of these bundles are made of.
pub fn store(bundles: &[Bundle], labels: &[String]) -> Store {
    let mut store = Store::default();
    for (index, (bundle, label)) in bundles.iter().zip(labels).enumerate() {
        for table in TABLES {
            let host = host(bundle);
            let path = format!("{}/{BUNDLE_COLUMN}={label}/{HOST_COLUMN}={host}/{index}.parquet", table.name);
            store.add(Path::from(path), bundle, &table.member());
        }
    }
    store
}

/// Why tables of a bundle cannot be read, as far as footers and lengths of pages tell.
pub fn damage(bundle: &Bundle) -> Option<OpenError> {
    let tables = TABLES.iter().map(|table| table.member()).filter(|name| bundle.members().contains_key(name));
    tables.map(|name| bundle.rows(&name)).find_map(Result::err)
}

/// Puts all tables in place.
///
/// # Errors
/// [`QueryError::Setup`], a fault of this program.
pub fn register(context: &SessionContext, bundles: &[Bundle], labels: &[String]) -> Result<(), QueryError> {
    for table in TABLES {
        let url = ListingTableUrl::parse(format!("{ROOT}{}/", table.name))?;
        let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
            .with_file_extension(".parquet")
            .with_table_partition_cols(ADDED_COLUMNS.map(|(name, _)| (name.to_owned(), DataType::Utf8)).to_vec());
        let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(columns(table));
        // What footers say of a table is worked out once, not for each question.
        let statistics = context.runtime_env().cache_manager.get_file_statistic_cache();
        context.register_table(table.name, Arc::new(ListingTable::try_new(config)?.with_cache(statistics)))?;
    }
    let rows = bundle_rows(bundles, labels)?;
    context.register_table(BUNDLE_TABLE, Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))?;
    Ok(())
}

/// What the engine reads a column as: texts by reference, which costs it half the time of copying them (see the journal).
/// Who asks gets `Utf8`: [`crate::session`] turns them back.
fn engine_type(kind: Kind) -> DataType {
    if kind == Kind::Text { DataType::Utf8View } else { kind.data_type() }
}

/// The columns of a table as any bundle may have them: one that an older bundle lacks is NULL, and a hostile bundle
/// has NULL wherever it likes.
fn columns(table: &Table) -> SchemaRef {
    let fields: Vec<Field> =
        table.all_columns().map(|column| Field::new(column.name, engine_type(column.kind), true)).collect();
    Arc::new(Schema::new(fields))
}

/// What a column of the table `bundle` means.
pub fn bundle_column_doc(column: &str) -> String {
    let doc = match column {
        "id" => "The bundle's id, with a number where two have the same; `bundle` in every table.",
        "path" => "The file.",
        "container_id" => "The runtime's container id; `host` outside containers.",
        "container_name" => "The runtime's container name, else the id's first 12 characters.",
        "image" => "The image that it was made of.",
        "runtime" => "What runs it: `docker`, `containerd`, ...",
        HOST_COLUMN => "The machine that recorded it; what no host name has in it is written as `_`.",
        "kernel" => "Its kernel's release.",
        "trigger_rule" => "The rule that triggered; `manual` where a person asked.",
        "trigger_severity" => "`info`, `warning` or `critical`.",
        "trigger_reason" => "Why it was sealed, in one sentence.",
        "trigger_time" => "The moment of the trigger.",
        "most_severe_rule" => {
            "The most severe finding that joined while the window ran, where it is more severe than the trigger: its rule."
        }
        "most_severe_severity" => "How severe that is; NULL where nothing was more severe than the trigger.",
        "most_severe_time" => "When that was.",
        "command" => "What the container was told to run; NULL where its runtime did not tell.",
        "container_user" => "The user that it begins as: `root` where none was named.",
        "privileged" => "Whether it was given everything that the host has; NULL where its runtime did not tell.",
        "host_mounts" => "What of the host is mounted into it, as `SOURCE:PATH:rw`, with `, ` between.",
        "from_time" => "The first moment that it holds.",
        "to_time" => "The last moment that it holds.",
        "sealed_time" => "When it was sealed.",
        "state_missing" => {
            "Why the tables `state_*` are empty; NULL where they are not, or an older recorder made none."
        }
        "state_left_out" => "What the tables `state_*` lack; NULL where nothing.",
        "tool" => "Name and version of the program that sealed it.",
        _ => "",
    };
    doc.to_owned()
}

/// What the tables `state_*` lack, in one text; `None` where nothing.
fn left_out(all: &[LeftOut]) -> Option<String> {
    let one = |left: &LeftOut| {
        let rows = left.rows.map_or_else(|| "some".to_owned(), |rows| rows.to_string());
        format!("{}: {rows} rows ({})", left.table, left.reason)
    };
    let all: Vec<String> = all.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn utc(bundle: &Bundle, time_ns: BootNs) -> i64 {
    bundle.manifest().clock.utc(time_ns)
}

/// How its container was set up, where that is known.
fn setup(bundle: &Bundle) -> Option<&Setup> {
    bundle.manifest().container.setup.as_deref()
}

/// What of the host is in it, in one text.
fn host_mounts(setup: &Setup) -> String {
    let one =
        |mount: &SetupMount| format!("{}:{}:{}", mount.source, mount.path, if mount.read_only { "ro" } else { "rw" });
    setup.mounts.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn bundle_rows(bundles: &[Bundle], labels: &[String]) -> Result<RecordBatch, QueryError> {
    type Text = fn(&Bundle) -> Option<String>;
    type Time = fn(&Bundle) -> Option<i64>;
    let texts: [(&str, Text); 8] = [
        ("path", |bundle| Some(bundle.path().to_string_lossy().into_owned())),
        ("container_id", |bundle| Some(bundle.manifest().container.id.clone())),
        ("container_name", |bundle| Some(bundle.manifest().container.name.clone())),
        ("image", |bundle| bundle.manifest().container.image.clone()),
        ("runtime", |bundle| Some(bundle.manifest().container.runtime.as_str().to_owned())),
        (HOST_COLUMN, |bundle| Some(host(bundle))),
        ("kernel", |bundle| Some(bundle.manifest().host.kernel.clone())),
        ("tool", |bundle| Some(bundle.manifest().tool.clone())),
    ];
    let trigger: [(&str, Text); 5] = [
        ("trigger_rule", |bundle| Some(bundle.manifest().trigger.rule.clone())),
        ("trigger_severity", |bundle| Some(bundle.manifest().trigger.severity.as_str().to_owned())),
        ("trigger_reason", |bundle| Some(bundle.manifest().trigger.reason.clone())),
        ("most_severe_rule", |bundle| Some(bundle.manifest().most_severe.as_ref()?.rule.clone())),
        ("most_severe_severity", |bundle| Some(bundle.manifest().most_severe.as_ref()?.severity.as_str().to_owned())),
    ];
    let set_up: [(&str, Text); 3] = [
        ("command", |bundle| Some(shell_line(&setup(bundle)?.command))),
        ("container_user", |bundle| Some(setup(bundle)?.user.clone().unwrap_or_else(|| "root".to_owned()))),
        ("host_mounts", |bundle| Some(host_mounts(setup(bundle)?))),
    ];
    let state: [(&str, Text); 2] = [
        ("state_missing", |bundle| bundle.manifest().state.missing.clone()),
        ("state_left_out", |bundle| left_out(&bundle.manifest().state.left_out)),
    ];
    let times: [(&str, Time); 5] = [
        ("trigger_time", |bundle| Some(utc(bundle, bundle.manifest().trigger.time_ns))),
        ("most_severe_time", |bundle| Some(utc(bundle, bundle.manifest().most_severe.as_ref()?.time_ns))),
        ("from_time", |bundle| Some(utc(bundle, bundle.manifest().window.from_ns))),
        ("to_time", |bundle| Some(utc(bundle, bundle.manifest().window.to_ns))),
        ("sealed_time", |bundle| Some(bundle.manifest().sealed_utc_ns)),
    ];

    let mut columns: Vec<(Field, ArrayRef)> = Vec::new();
    let ids: StringArray = labels.iter().map(Some).collect();
    columns.push((Field::new("id", DataType::Utf8, false), Arc::new(ids)));
    let (tool, described) = texts.split_last().map_or((None, &texts[..]), |(last, rest)| (Some(last), rest));
    let text_column = |(name, of): &(&str, Text)| {
        let values: StringArray = bundles.iter().map(of).collect();
        (Field::new(*name, DataType::Utf8, true), Arc::new(values) as ArrayRef)
    };
    columns.extend(described.iter().map(text_column));
    columns.extend(trigger.iter().map(text_column));
    for (name, of) in times {
        let values: TimestampNanosecondArray = bundles.iter().map(of).collect();
        let values = values.with_timezone("UTC");
        let kind = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        columns.push((Field::new(name, kind, true), Arc::new(values)));
    }
    columns.extend(set_up.iter().map(text_column));
    let privileged: BooleanArray = bundles.iter().map(|bundle| Some(setup(bundle)?.privileged)).collect();
    columns.push((Field::new("privileged", DataType::Boolean, true), Arc::new(privileged)));
    columns.extend(state.iter().map(text_column));
    columns.extend(tool.map(text_column));

    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(datafusion::error::DataFusionError::from)?)
}
