//! The state of a container at one moment: what `/proc` told of its processes, their memory, descriptors and sockets, and
//! of its mounts. Made by the recorder at a trigger, kept packed until the bundle is sealed, rows of the `state_*` tables
//! then.
//!
//! It is looked at while it changes: a process that ends meanwhile is not in it, and what it says of two processes may be
//! some milliseconds apart ([`State::from_ns`], [`State::to_ns`]).

use crate::clock::BootNs;
use crate::event::{Endpoint, Namespaces};
use crate::ids::ProcessId;
use crate::manifest::{Init, LeftOut};
use crate::segment::gather::gather;
use crate::segment::shred::shred;
use serde::{Deserialize, Serialize};

/// The most memory that a state may take when it is unpacked; a recorder bounds it far below.
const MEMORY_MAX_BYTES: u64 = 512 << 20;
/// The most bytes that a packed state may unpack to.
const RAW_MAX_BYTES: usize = 64 << 20;
/// Speed before size: it is packed while the container runs on.
const ZSTD_LEVEL: i32 = 1;

/// What there was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When the look began.
    pub from_ns: BootNs,
    /// When it was over.
    pub to_ns: BootNs,
    /// The processes, by pid.
    pub processes: Vec<Process>,
    /// Position in `processes` of the one that began the container: the oldest.
    pub init: Option<u32>,
    /// The host's own namespaces.
    pub host: Namespaces,
    /// The sockets of the network namespaces.
    pub sockets: Vec<Socket>,
    /// The mounts of the mount namespaces.
    pub mounts: Vec<Mount>,
    /// What was left out, and why.
    pub left_out: Vec<LeftOut>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Which.
    pub process_id: ProcessId,
    /// Its pid in the initial pid namespace.
    pub pid: u32,
    /// The kernel's parent, 0 where there is none.
    pub ppid: u32,
    /// Its pid in its own pid namespace.
    pub ns_pid: Option<u32>,
    /// When it began, on the boot clock, to the tick.
    pub start_ns: BootNs,
    /// When it was looked at.
    pub looked_ns: BootNs,
    /// Name of its first thread.
    pub comm: String,
    /// Path of its executable.
    pub exe: Option<String>,
    /// Whether that has no name any more.
    pub exe_deleted: Option<bool>,
    /// Its arguments as they stand in its memory.
    pub args: Vec<String>,
    /// They were longer.
    pub args_cut: bool,
    /// Working directory.
    pub cwd: String,
    /// Root directory.
    pub root: String,
    /// The scheduler's letter.
    pub state: String,
    /// Real user id; `None` where `/proc/PID/status` could not be read, as for all below.
    pub uid: Option<u32>,
    /// Effective user id.
    pub euid: Option<u32>,
    /// Real group id.
    pub gid: Option<u32>,
    /// Threads.
    pub threads: Option<u32>,
    /// CPU time, nanoseconds.
    pub cpu_ns: Option<u64>,
    /// Memory in use, bytes.
    pub resident_bytes: Option<u64>,
    /// Address space, bytes.
    pub virtual_bytes: Option<u64>,
    /// Who traces it, 0 for nobody.
    pub tracer_pid: Option<u32>,
    /// Capabilities that may be used.
    pub cap_permitted: Option<u64>,
    /// Capabilities in force.
    pub cap_effective: Option<u64>,
    /// Capabilities that can ever be had.
    pub cap_bounding: Option<u64>,
    /// Whether it cannot gain privileges.
    pub no_new_privs: Option<bool>,
    /// Mode of its system call filter: 0 none, 1 strict, 2 filter.
    pub seccomp: Option<u32>,
    /// The security module's label.
    pub security_label: Option<String>,
    /// Namespaces, 0 for each that could not be read.
    pub namespaces: Namespaces,
    /// Descriptors counted; `None` where they were not looked at.
    pub descriptors: Option<u32>,
    /// Those that are told.
    pub files: Vec<File>,
    /// Mappings counted that belong into the table; `None` where they were not looked at.
    pub mappings: Option<u32>,
    /// Those that are told.
    pub maps: Vec<Map>,
}

impl Process {
    /// Its system call filter in a word.
    pub fn seccomp(&self) -> Option<&'static str> {
        match self.seccomp? {
            0 => Some("disabled"),
            1 => Some("strict"),
            2 => Some("filter"),
            _ => None,
        }
    }
}

/// A stretch of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// Its first address.
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// As in `r-xp`.
    pub permissions: String,
    /// The file, or the name that the kernel gives it.
    pub path: Option<String>,
    /// Where in the file.
    pub offset: u64,
    /// The file's inode number, 0 for none.
    pub inode: u64,
    /// That inode's device, major and minor.
    pub dev: (u32, u32),
    /// Whether the file has no name any more.
    pub deleted: bool,
}

/// An open descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its number.
    pub fd: u32,
    /// What it is.
    pub kind: FileKind,
    /// Its name.
    pub path: Option<String>,
    /// The flags of `open(2)`.
    pub flags: Option<u32>,
    /// Position.
    pub offset: Option<u64>,
    /// Inode number.
    pub inode: Option<u64>,
    /// The mount it lies in.
    pub mount_id: Option<u32>,
    /// Whether it has no name any more.
    pub deleted: bool,
}

/// What a descriptor leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// Anything with a name.
    File,
    /// A file in memory.
    Memfd,
    /// A socket.
    Socket,
    /// A pipe.
    Pipe,
    /// An object of the kernel.
    AnonInode,
    /// A namespace.
    Namespace,
    /// None of these.
    #[default]
    Other,
}

impl FileKind {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memfd => "memfd",
            Self::Socket => "socket",
            Self::Pipe => "pipe",
            Self::AnonInode => "anon_inode",
            Self::Namespace => "namespace",
            Self::Other => "other",
        }
    }
}

/// A socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// `tcp`, `udp`, `icmp`, `raw`, `unix` or `packet`.
    pub protocol: String,
    /// `stream` and so on.
    pub socket_type: Option<String>,
    /// As netstat says it.
    pub state: String,
    /// Local end.
    pub local: Option<Endpoint>,
    /// Remote end.
    pub remote: Option<Endpoint>,
    /// Name of a unix socket.
    pub path: Option<String>,
    /// Protocol of a raw or packet socket.
    pub protocol_number: Option<u16>,
    /// User who made it.
    pub uid: Option<u32>,
    /// Bytes not read.
    pub receive_queue: Option<u64>,
    /// Bytes not acknowledged.
    pub send_queue: Option<u64>,
    /// Connections not accepted.
    pub backlog: Option<u32>,
    /// Inode number, 0 for none.
    pub inode: u64,
    /// Network namespace.
    pub network_ns: u32,
    /// Position in [`State::processes`] of the owner with the lowest pid.
    pub owner: Option<u32>,
    /// That owner's descriptor.
    pub fd: Option<u32>,
    /// How many own it.
    pub owners: u32,
    /// Another socket claims the same inode.
    pub doubtful: bool,
}

/// A mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Position in [`State::processes`] of the one whose view it is.
    pub of: u32,
    /// The mount namespace.
    pub mount_ns: u32,
    /// Its number.
    pub id: u32,
    /// The mount it is on.
    pub parent_id: u32,
    /// Device, major and minor.
    pub dev: (u32, u32),
    /// What of the file system is mounted.
    pub root: String,
    /// Where.
    pub path: String,
    /// Type of the file system.
    pub filesystem: String,
    /// What is mounted.
    pub source: String,
    /// Options of the mount.
    pub options: String,
    /// Options of the file system.
    pub super_options: String,
    /// As in `shared:5`.
    pub propagation: String,
}

/// Why a packed state is none, or none can be packed.
#[derive(Debug, thiserror::Error)]
#[error("the state at the trigger cannot be {what}: {reason}")]
pub struct PackError {
    what: &'static str,
    reason: String,
}

impl PackError {
    fn new(what: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self { what, reason: reason.to_string() }
    }
}

impl State {
    /// As a few bytes, in columns as the ring's segments have them.
    ///
    /// # Errors
    /// [`PackError`]: a fault of this program.
    pub fn pack(&self) -> Result<Vec<u8>, PackError> {
        let columns = shred(self).map_err(|error| PackError::new("packed", &error))?;
        zstd::bulk::compress(&columns, ZSTD_LEVEL).map_err(|error| PackError::new("packed", &error))
    }

    /// Back from [`State::pack`].
    ///
    /// # Errors
    /// [`PackError`] where the bytes are something else, or too large a state.
    pub fn unpack(packed: &[u8]) -> Result<Self, PackError> {
        let failed = |error: &dyn std::fmt::Display| PackError::new("unpacked", error);
        let columns = zstd::bulk::decompress(packed, RAW_MAX_BYTES).map_err(|error| failed(&error))?;
        gather(&columns, MEMORY_MAX_BYTES).map_err(|error| failed(&error))
    }

    /// The process that began the container, as the manifest describes it.
    pub fn describe_init(&self) -> Option<Init> {
        let process = self.processes.get(self.init? as usize)?;
        let shared = process.namespaces.named().into_iter().zip(self.host.named());
        let shared = shared.filter(|((_, own), (_, host))| own == host && *own != 0);
        let capabilities = |bits: Option<u64>| bits.map(|bits| format!("{bits:016x}"));
        Some(Init {
            pid: process.pid,
            exe: process.exe.clone(),
            command: process.args.clone(),
            uid: process.uid,
            gid: process.gid,
            capabilities_bounding: capabilities(process.cap_bounding),
            capabilities_effective: capabilities(process.cap_effective),
            no_new_privs: process.no_new_privs,
            seccomp: process.seccomp().map(str::to_owned),
            security_label: process.security_label.clone(),
            namespaces: process.namespaces,
            shares_with_host: shared.map(|((name, _), _)| name.to_owned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_takes_little_meanwhile() {
        let end = |octet| Some(Endpoint { addr: [10, 0, 0, octet].into(), port: 80 });
        let map = |at: u64| Map {
            start: at << 12,
            end: (at + 1) << 12,
            path: Some("/lib/libc.so.6".to_owned()),
            ..Map::default()
        };
        let process = |pid: u32| Process {
            process_id: ProcessId(u64::from(pid) << 40),
            pid,
            comm: format!("worker-{pid}"),
            args: vec!["worker".to_owned(), pid.to_string()],
            seccomp: pid.is_multiple_of(2).then_some(2),
            maps: (0..100).map(map).collect(),
            files: vec![File { fd: 3, kind: FileKind::Socket, inode: Some(9), ..File::default() }],
            ..Process::default()
        };
        let state = State {
            from_ns: 5,
            to_ns: 9,
            processes: (0..200).map(process).collect(),
            init: Some(0),
            sockets: (0..3).map(|octet| Socket { local: end(octet), ..Socket::default() }).collect(),
            mounts: vec![Mount { path: "/a b".to_owned(), ..Mount::default() }],
            left_out: vec![LeftOut { table: "state_map".to_owned(), rows: None, reason: "time".to_owned() }],
            host: Namespaces { mount: 1, ..Namespaces::default() },
        };
        let packed = state.pack().expect("packed");
        assert!(packed.len() < 20_000, "{} bytes for 20,000 mappings", packed.len());
        assert_eq!(State::unpack(&packed).expect("unpacked"), state);
        assert!(State::unpack(&packed[..packed.len() - 1]).is_err());
        let nothing = State::default().pack().expect("packed");
        assert_eq!(State::unpack(&nothing).expect("unpacked"), State::default());
    }
}
