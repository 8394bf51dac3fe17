//! One thing that happened, as the ring stores it: enriched, with identities, before tables.

mod call;
mod file;
mod network;
mod process;
mod record;

use crate::clock::BootNs;
use crate::ids::ExecId;
use serde::{Deserialize, Serialize};

pub use call::*;
pub use file::*;
pub use network::*;
pub use process::*;
pub use record::*;

/// Defines an enum whose variants are words in a table.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word used in tables.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}
pub(crate) use words;

/// Which share of a container's budget an event lives in. Bulk can never evict vital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Rare and decisive: programs run, connections, removals, privileges, terminals, containers, findings, gaps.
    Vital,
    /// Frequent: opened files, bytes read and written, names looked up, single system calls.
    Bulk,
}

impl Class {
    /// Both classes.
    pub const ALL: [Class; 2] = [Class::Vital, Class::Bulk];

    /// The word used in tables and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vital => "vital",
            Self::Bulk => "bulk",
        }
    }
}

/// One event of one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, on the boot clock.
    pub time_ns: BootNs,
    /// Who; `None` for what no process did (a gap, a removed container).
    pub actor: Option<Actor>,
    /// What.
    pub body: Body,
}

/// Who did it, at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The program image; its [`Image`] is in the same ring.
    pub exec_id: ExecId,
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// The thread's name as the kernel has it, which the program may have chosen.
    pub comm: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A program image came to be. The event's actor is the image itself.
    Image(Box<Image>),
    /// The process of the actor's image ended.
    Exit(Exit),
    /// A file was touched.
    File(Box<FileEvent>),
    /// Bytes went through an open file.
    Io(Box<IoEvent>),
    /// A network flow began, was answered or ended.
    Flow(Box<FlowEvent>),
    /// A socket was used in a way that makes no flow.
    Socket(Box<SocketEvent>),
    /// A TLS client named the server it wants.
    ServerName(Box<ServerName>),
    /// A name was asked for or answered.
    Dns(Box<DnsEvent>),
    /// Privileges were changed or asked for.
    Privilege(Box<PrivilegeEvent>),
    /// The kernel itself was asked for something.
    Kernel(Box<KernelEvent>),
    /// Bytes went over a terminal.
    Terminal(Box<TerminalEvent>),
    /// A system call was made, at level `full`.
    Syscall(Box<SyscallEvent>),
    /// The content of an executable became known.
    Digest(Box<Digest>),
    /// The container itself began or ended.
    Lifecycle(Lifecycle),
    /// A rule matched, or a person asked.
    Finding(Box<Finding>),
    /// Events are missing here.
    Gap(Gap),
}

impl Body {
    /// The share of the budget this event lives in.
    pub fn class(&self) -> Class {
        match self {
            Self::File(file) if matches!(file.op, FileOp::Open | FileOp::Create) => Class::Bulk,
            Self::Io(_) | Self::Dns(_) | Self::Syscall(_) => Class::Bulk,
            _ => Class::Vital,
        }
    }
}
