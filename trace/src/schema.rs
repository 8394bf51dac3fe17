//! The evidence tables: names, columns, types, and what each means. Flat, typed and stable.
//!
//! The documentation travels inside the Parquet files as field metadata (`description`), and `cargo xtask gen-docs`
//! writes docs/EVENTS.md from it, so there is one place to be right.

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

mod call;
mod file;
mod network;
mod process;
mod record;
mod state;

pub use call::{KERNEL, PRIVILEGE, SYSCALL, TERMINAL};
pub use file::FILE;
pub use network::{DNS, NETWORK};
pub use process::PROCESS;
pub use record::{FINDING, FINDING_EVENT, GAP, LIFECYCLE};
pub use state::{STATE_FILE, STATE_MAP, STATE_MOUNT, STATE_PROCESS, STATE_SOCKET};

/// A table of the evidence.
#[derive(Debug)]
pub struct Table {
    /// Its name in SQL, and of its Parquet file.
    pub name: &'static str,
    /// One sentence: what a row is.
    pub doc: &'static str,
    /// The columns that it begins with: [`COMMON`] for events, [`STATE`] for the state at the trigger.
    pub common: &'static [Column],
    /// The columns that are its own.
    pub columns: &'static [Column],
}

/// A column of a table.
#[derive(Debug)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// What it means, with unit and range.
    pub doc: &'static str,
}

/// The types that columns have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds since 1970, UTC.
    Time,
    /// UTF-8.
    Text,
    /// A list of UTF-8.
    TextList,
    /// Yes or no.
    Bool,
    /// Unsigned 16 bits.
    U16,
    /// Unsigned 32 bits.
    U32,
    /// Unsigned 64 bits.
    U64,
    /// Signed 32 bits.
    I32,
    /// Signed 64 bits.
    I64,
    /// Bytes that are no text.
    Binary,
}

const fn has(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: false, doc }
}

const fn may(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: true, doc }
}

/// The columns that every event table begins with.
pub const COMMON: &[Column] = &[
    has("time", Kind::Time, "When it happened: kernel boot time turned into UTC by the manifest's clock anchors."),
    has("container_id", Kind::Text, "The runtime's container id; `host` outside containers."),
    has("container_name", Kind::Text, "The runtime's container name, else the id's first 12 characters."),
    may("exec_id", Kind::U64, "The program image that did it; joins `process.exec_id`. NULL where no process did."),
    may("pid", Kind::U32, "Process id (thread group) in the host's pid namespace."),
    may("tid", Kind::U32, "Thread id in the host's pid namespace."),
    may("comm", Kind::Text, "The thread's name at that moment; the program can choose it."),
    may("exe", Kind::Text, "Path of the executable, walked from the kernel's file object."),
    may("uid", Kind::U32, "Real user id in the initial user namespace."),
];

/// The columns that every table of the state at the trigger begins with.
pub const STATE: &[Column] = &[
    has("time", Kind::Time, "When the look at the container began, right after the trigger; the same in all rows."),
    has("container_id", Kind::Text, "The runtime's container id."),
    has("container_name", Kind::Text, "The runtime's container name, else the id's first 12 characters."),
    may(
        "exec_id",
        Kind::U64,
        "The program image that the process ran then; joins `process.exec_id`. NULL where no process has it, or none that the recorder knows.",
    ),
    may("pid", Kind::U32, "Process id (thread group) in the host's pid namespace."),
    may("comm", Kind::Text, "The name of the process's first thread; the program can choose it."),
    may("exe", Kind::Text, "Path of the executable, as /proc/PID/exe shows it; NULL where it could not be read."),
    may("uid", Kind::U32, "Real user id in the initial user namespace."),
];

/// Every table, in the order in which a reader wants them: events, then the state at the trigger.
pub const TABLES: [&Table; 17] = [
    &PROCESS,
    &FILE,
    &NETWORK,
    &DNS,
    &PRIVILEGE,
    &KERNEL,
    &TERMINAL,
    &SYSCALL,
    &LIFECYCLE,
    &FINDING,
    &FINDING_EVENT,
    &GAP,
    &STATE_PROCESS,
    &STATE_MAP,
    &STATE_FILE,
    &STATE_SOCKET,
    &STATE_MOUNT,
];

/// The key of a field's documentation in its metadata.
pub const DESCRIPTION: &str = "description";

impl Table {
    /// All columns, the common ones first.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.common.iter().chain(self.columns)
    }

    /// Whether its rows are events; else they are the state at the trigger.
    pub fn has_events(&self) -> bool {
        !self.name.starts_with("state_")
    }

    /// The Arrow schema, documentation in its metadata.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .all_columns()
            .map(|column| {
                Field::new(column.name, column.kind.data_type(), column.nullable).with_metadata(described(column.doc))
            })
            .collect();
        Arc::new(Schema::new_with_metadata(fields, described(self.doc)))
    }

    /// The member of a bundle that holds it.
    pub fn member(&self) -> String {
        format!("{}/{}.parquet", if self.has_events() { "events" } else { "state" }, self.name)
    }
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::Text => DataType::Utf8,
            Self::TextList => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, false))),
            Self::Bool => DataType::Boolean,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::I32 => DataType::Int32,
            Self::I64 => DataType::Int64,
            Self::Binary => DataType::Binary,
        }
    }

    /// The type's name as docs/EVENTS.md shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "timestamp(ns, UTC)",
            Self::Text => "text",
            Self::TextList => "list of text",
            Self::Bool => "boolean",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Binary => "bytes",
        }
    }
}

fn described(doc: &str) -> HashMap<String, String> {
    HashMap::from([(DESCRIPTION.to_owned(), doc.to_owned())])
}
