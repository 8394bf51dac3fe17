//! The evidence tables: names, columns, types, and what each means. Flat, typed and stable.
//!
//! The documentation travels inside the Parquet files as field metadata (`description`), and `cargo xtask gen-docs`
//! writes docs/EVENTS.md from it, so there is one place to be right.

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// A table of the evidence.
#[derive(Debug)]
pub struct Table {
    /// Its name in SQL, and of its Parquet file.
    pub name: &'static str,
    /// One sentence: what a row is.
    pub doc: &'static str,
    /// The columns that are its own; [`COMMON`] come before them.
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

/// `process`: one row per program image.
pub const PROCESS: Table = Table {
    name: "process",
    doc: "One row per program image: run by an exec, copied by a fork, or found running when the recorder started. \
          Ancestors outside the container are included so that every lineage reaches the host's init.",
    columns: &[
        has("origin", Kind::Text, "`exec`, `fork` (has its parent's program) or `scan` (older than the recorder)."),
        has(
            "process_id",
            Kind::U64,
            "The process; several images share it after an exec. Unlike a pid it is not reused.",
        ),
        may(
            "parent_exec_id",
            Kind::U64,
            "The image that made this process; joins `process.exec_id`. It stays when the kernel hands an orphan to another parent (`ppid` follows the kernel).",
        ),
        may("ppid", Kind::U32, "The parent's pid at that moment, in the host's pid namespace."),
        has("cmdline", Kind::Text, "The arguments, quoted for a shell where needed."),
        has("args", Kind::TextList, "The arguments, program name first; the program name is what the caller claims."),
        has("args_cut", Kind::Bool, "The arguments were longer than what is kept."),
        has("cwd", Kind::Text, "Working directory, walked from the kernel's objects."),
        has("gid", Kind::U32, "Real group id in the initial user namespace."),
        has("start_time", Kind::Time, "When this image came to be; for `scan` when its process began."),
        may(
            "end_time",
            Kind::Time,
            "When the process ended or ran another image; NULL while running at the bundle's end.",
        ),
        may("exit_code", Kind::I32, "Exit code 0 to 255; NULL unless this image ended the process by exiting."),
        may("exit_signal", Kind::I32, "The signal that ended the process; NULL unless one did."),
        has("exe_inode", Kind::U64, "Inode number of the executable, 0 where not known."),
        has("exe_deleted", Kind::Bool, "The executable had no name left when it was run: deleted, or a memfd."),
        has(
            "stdin",
            Kind::Text,
            "What fd 0 led to at exec: closed, file, directory, char device, block device, pipe, socket, `inet LOCAL -> REMOTE`, or unknown (fork, scan).",
        ),
        has("stdout", Kind::Text, "What fd 1 led to at exec, as in `stdin`."),
    ],
};

/// `file`: one row per operation on a file.
pub const FILE: Table = Table {
    name: "file",
    doc: "One row per file operation that a program asked for, failed ones included.",
    columns: &[
        has("op", Kind::Text, "`open`, `create` (an open that made the file), `unlink`, `rmdir`, `rename` or `chmod`."),
        has("path", Kind::Text, "The file's name, absolute in the process's mount namespace."),
        may("new_path", Kind::Text, "The new name of a rename."),
        has(
            "path_source",
            Kind::Text,
            "`kernel`: walked from the kernel's file object. `user`: read from the program's memory.",
        ),
        has("flags", Kind::Text, "The system call's flags by name, `|` between them."),
        may("mode", Kind::U32, "Permission bits given with a create or chmod."),
        has("result", Kind::I32, "0, or a negative errno."),
        may("fd", Kind::I32, "The descriptor that an open returned."),
        may("inode", Kind::U64, "Inode number where the kernel's object was at hand."),
    ],
};

/// `network`: one row per flow.
pub const NETWORK: Table = Table {
    name: "network",
    doc: "One row per TCP flow: who began it, both ends, and how it ended.",
    columns: &[
        has("op", Kind::Text, "`connect`, `accept` or `listen`: how the flow began."),
        has("protocol", Kind::Text, "`tcp`."),
        may("direction", Kind::Text, "`outbound` or `inbound`, as the owner sees it; NULL for a listener."),
        has("local_addr", Kind::Text, "Local address, from the kernel's socket."),
        may("local_port", Kind::U16, "Local port; NULL where the kernel had not chosen one."),
        may("remote_addr", Kind::Text, "Remote address; NULL for a listener."),
        may("remote_port", Kind::U16, "Remote port; NULL for a listener."),
        may("bytes_sent", Kind::U64, "Payload bytes sent, retransmissions not counted; NULL while open."),
        may("bytes_received", Kind::U64, "Payload bytes received; NULL while open."),
        may("end_time", Kind::Time, "When the kernel closed the socket; NULL while open at the bundle's end."),
        has(
            "result",
            Kind::I32,
            "0, or a negative errno: -111 (ECONNREFUSED) for a refused connect, -115 (EINPROGRESS) for one not yet answered.",
        ),
        has("flow_id", Kind::U64, "Tells this flow from every other since boot."),
    ],
};

/// `lifecycle`: the container itself.
pub const LIFECYCLE: Table = Table {
    name: "lifecycle",
    doc: "One row per moment in the life of the container itself.",
    columns: &[
        has("op", Kind::Text, "`found` (older than the recorder), `created` or `removed`."),
        has("cgroup_path", Kind::Text, "Path of the cgroup below the unified hierarchy's root."),
    ],
};

/// `finding`: why this evidence was sealed, and what else matched.
pub const FINDING: Table = Table {
    name: "finding",
    doc: "One row per rule that matched and per person who asked; its time is the moment of the trigger.",
    columns: &[
        has("rule", Kind::Text, "The rule's stable name; `manual` where a person asked."),
        has("severity", Kind::Text, "`info`, `warning` or `critical`."),
        has("message", Kind::Text, "What matched, in one sentence."),
    ],
};

/// `gap`: what is missing.
pub const GAP: Table = Table {
    name: "gap",
    doc: "One row per interval and class in which events are missing, with their number and the reason. `time` is \
          `from_time`.",
    columns: &[
        has("class", Kind::Text, "`vital` or `bulk`."),
        has(
            "cause",
            Kind::Text,
            "`ring_full`, `flow_table_full`, `nested`, `malformed` (the kernel could not deliver), `refused` (a budget said no), `evicted` (the ring aged it out), `damaged`, `recorder_down`.",
        ),
        may("lost", Kind::U64, "How many events are missing; NULL where that cannot be known."),
        has("from_time", Kind::Time, "They happened not before this."),
        has("to_time", Kind::Time, "They happened not after this."),
        has("own", Kind::Bool, "They were this container's; false where they could have been any container's."),
    ],
};

/// Every event table, in the order in which a reader wants them.
pub const TABLES: [&Table; 6] = [&PROCESS, &FILE, &NETWORK, &LIFECYCLE, &FINDING, &GAP];

/// The key of a field's documentation in its metadata.
pub const DESCRIPTION: &str = "description";

impl Table {
    /// All columns, [`COMMON`] first.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static Column> {
        COMMON.iter().chain(self.columns)
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
        format!("events/{}.parquet", self.name)
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
        }
    }
}

fn described(doc: &str) -> HashMap<String, String> {
    HashMap::from([(DESCRIPTION.to_owned(), doc.to_owned())])
}
