//! Which events a rule is about, and what its fields are called here.
//!
//! This is the one place where Sigma's words meet ours. `docs/RULES.md` shows the tables to readers.

use super::document::LogSource;
use super::operand;
use crate::expr::Expr;
use crate::falco;
use crate::operand::Operand;

/// A sort of events that rules can be about.
#[derive(Clone, Copy)]
pub struct Source(&'static Sort);

struct Sort {
    /// `category`, or `service` for auditd.
    name: &'static str,
    /// Which events these are, in Falco's words.
    events: &'static str,
    /// Its own fields, before those of every process.
    fields: &'static [(&'static str, Leads)],
    /// Fields that keywords are looked for in.
    texts: &'static [&'static str],
    /// Fields that a finding shows.
    shown: &'static [&'static str],
}

/// What a field of Sigma's leads to.
#[derive(Clone, Copy)]
pub enum Leads {
    /// Our field of this name.
    To(&'static str),
    /// The event's kind: for each value what it means, in Falco's words.
    Kind(&'static [(&'static str, &'static str)]),
    /// The names of system calls.
    Call,
    /// Nothing that is recorded, and why.
    Nowhere(&'static str),
}
use Leads::{Call, Kind, Nowhere, To};

const PE: &str = "resources of Windows programs";
const GUID: &str = "ids of Sysmon; evidence has exec_id";

/// Fields of the program that acted, in events of all sorts.
const PROCESS: &[(&str, Leads)] = &[
    ("Image", To("proc.exepath")),
    ("CommandLine", To("proc.exeline")),
    ("ProcessId", To("proc.pid")),
    ("CurrentDirectory", To("proc.cwd")),
    ("User", To("user.name")),
    ("ParentImage", To("proc.pexepath")),
    ("ParentCommandLine", To("proc.pexeline")),
    ("ParentProcessId", To("proc.ppid")),
    ("LogonUid", To("user.loginuid")),
    ("OriginalFileName", Nowhere(PE)),
    ("Product", Nowhere(PE)),
    ("Company", Nowhere(PE)),
    ("Description", Nowhere(PE)),
    ("FileVersion", Nowhere(PE)),
    ("ProcessGuid", Nowhere(GUID)),
    ("ParentProcessGuid", Nowhere(GUID)),
    ("LogonGuid", Nowhere(GUID)),
    ("LogonId", Nowhere("sessions are not kept")),
    ("TerminalSessionId", Nowhere("sessions are not kept")),
    ("IntegrityLevel", Nowhere("there is none on Linux")),
    ("ParentUser", Nowhere("who owns the parent is not asked for")),
    ("Hashes", Nowhere("digests become known after the event")),
    ("md5", Nowhere("digests become known after the event, and are SHA-256")),
    ("sha1", Nowhere("digests become known after the event, and are SHA-256")),
    ("sha256", Nowhere("digests become known after the event")),
    ("Imphash", Nowhere(PE)),
];

const FILE: &[(&str, Leads)] = &[("TargetFilename", To("fd.name")), ("FileName", To("fd.name"))];

const SORTS: &[Sort] = &[
    Sort {
        name: "process_creation",
        events: "evt.type in (execve, execveat)",
        fields: &[],
        texts: &["proc.exepath", "proc.exeline", "proc.pexeline"],
        shown: &["proc.exeline", "proc.exepath", "proc.pname", "user.name"],
    },
    Sort {
        // A file that an open made, or made empty.
        name: "file_event",
        events: "evt.type = creat or (evt.type = open and evt.failed = false and evt.is_open_write = true \
                 and evt.arg.flags contains O_TRUNC)",
        fields: FILE,
        texts: &["fd.name", "proc.exepath", "proc.exeline"],
        shown: &["fd.name", "proc.exeline", "user.name"],
    },
    Sort {
        name: "file_access",
        events: "evt.type in (open, creat)",
        fields: FILE,
        texts: &["fd.name", "proc.exepath", "proc.exeline"],
        shown: &["fd.name", "proc.exeline", "user.name"],
    },
    Sort {
        name: "file_delete",
        events: "evt.type = unlink",
        fields: &[("TargetFilename", To("fs.path.name"))],
        texts: &["fs.path.name", "proc.exepath", "proc.exeline"],
        shown: &["fs.path.name", "proc.exeline", "user.name"],
    },
    Sort {
        name: "file_rename",
        events: "evt.type = rename",
        fields: &[("TargetFilename", To("fs.path.target")), ("SourceFilename", To("fs.path.source"))],
        texts: &["fs.path.source", "fs.path.target", "proc.exepath", "proc.exeline"],
        shown: &["fs.path.source", "fs.path.target", "proc.exeline", "user.name"],
    },
    Sort {
        name: "network_connection",
        events: "evt.type in (connect, sendto, accept, recvfrom) and fd.typechar in (4, 6)",
        fields: &[
            // Sysmon's source is whoever called, and so is the client here.
            ("SourceIp", To("fd.cip")),
            ("SourcePort", To("fd.cport")),
            ("SourceHostname", To("fd.cip.name")),
            ("DestinationIp", To("fd.sip")),
            ("DestinationPort", To("fd.sport")),
            ("DestinationHostname", To("fd.sip.name")),
            ("Protocol", To("fd.l4proto")),
            (
                "Initiated",
                Kind(&[("true", "evt.type in (connect, sendto)"), ("false", "evt.type in (accept, recvfrom)")]),
            ),
            ("SourceIsIpv6", Kind(&[("true", "fd.typechar = 6"), ("false", "fd.typechar = 4")])),
            ("DestinationIsIpv6", Kind(&[("true", "fd.typechar = 6"), ("false", "fd.typechar = 4")])),
            ("SourcePortName", Nowhere("ports are not named")),
            ("DestinationPortName", Nowhere("ports are not named")),
        ],
        texts: &["fd.name", "fd.sip.name", "proc.exepath", "proc.exeline"],
        shown: &["fd.name", "proc.exeline", "user.name"],
    },
    Sort {
        // Records of the kernel's audit, as far as one event of ours is one of them.
        name: "auditd",
        events: "evt.num > 0",
        fields: &[
            (
                "type",
                Kind(&[
                    ("EXECVE", "evt.type in (execve, execveat)"),
                    ("PROCTITLE", "evt.type in (execve, execveat)"),
                    ("SYSCALL", "evt.num > 0"),
                    (
                        "PATH",
                        "evt.type in (open, creat, unlink, unlinkat, rmdir, mkdir, mknod, chmod, chown, truncate, setxattr)",
                    ),
                    ("SOCKADDR", "evt.type in (connect, accept, sendto, listen)"),
                ]),
            ),
            ("syscall", Call),
            ("SYSCALL", Call),
            ("exe", To("proc.exepath")),
            ("comm", To("proc.name")),
            ("proctitle", To("proc.exeline")),
            ("pid", To("proc.pid")),
            ("ppid", To("proc.ppid")),
            ("uid", To("user.uid")),
            ("auid", To("user.loginuid")),
            ("tty", To("proc.tty.name")),
            ("cwd", To("proc.cwd")),
            ("name", To("fs.path.name")),
            ("exit", To("evt.rawres")),
            ("success", Kind(&[("yes", "evt.failed = false"), ("no", "evt.failed = true")])),
            ("key", Nowhere("audit rules and their keys are not ours")),
            ("nametype", Nowhere("what a name was to its call is not kept")),
            ("saddr", Nowhere("addresses are kept as such: DestinationIp of network_connection")),
        ],
        texts: &["proc.exeline", "fs.path.name"],
        shown: &["evt.type", "proc.exeline", "fs.path.name", "user.name"],
    },
];

impl Source {
    /// The sort of events that a rule names.
    ///
    /// # Errors
    /// Why there are none of that sort.
    pub fn of(named: &LogSource) -> Result<Self, String> {
        if let Some(product) = named.product.as_deref().filter(|product| *product != "linux") {
            return Err(format!("product {product}: only linux is recorded"));
        }
        let sort = match (named.category.as_deref(), named.service.as_deref()) {
            (Some(category), None) => category,
            (None, Some("auditd")) => "auditd",
            (_, Some(service)) => return Err(format!("service {service}: logs are not recorded")),
            (None, None) => return Err("logsource: no category that is recorded".to_owned()),
        };
        let known = SORTS.iter().find(|known| known.name == sort);
        known.map(Self).ok_or_else(|| format!("category {sort}: no event of ours is one"))
    }

    /// Which events these are.
    pub fn events(self) -> Expr {
        meaning(self.0.events)
    }

    /// What a field leads to; `None` where nothing is called so.
    pub fn field(self, name: &str) -> Option<Leads> {
        let common = if self.0.name == "auditd" { &[][..] } else { PROCESS };
        self.0.fields.iter().chain(common).find(|(known, _)| *known == name).map(|(_, leads)| *leads)
    }

    /// Names that a field can have, for hints.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let common = if self.0.name == "auditd" { &[][..] } else { PROCESS };
        self.0.fields.iter().chain(common).map(|(name, _)| *name)
    }

    /// The field of ours that a name leads to, where it is one: by the table, by an argument's number (`a1` of
    /// auditd's EXECVE), or as ours.
    pub fn operand(self, name: &str) -> Option<Operand> {
        if let Some(Leads::To(ours)) = self.field(name) {
            return operand(ours);
        }
        let argument = name.strip_prefix('a').filter(|_| self.0.name == "auditd");
        if let Some(number) = argument.and_then(|digits| digits.parse::<u16>().ok()) {
            return operand(&format!("proc.argv[{number}]"));
        }
        name.contains('.').then(|| operand(name))?
    }

    /// Whether these are records of the audit, which have a type each.
    pub fn is_audit(self) -> bool {
        self.0.name == "auditd"
    }

    /// Fields that keywords are looked for in.
    pub fn texts(self) -> &'static [&'static str] {
        self.0.texts
    }

    /// Fields that a finding shows.
    pub fn shown(self) -> &'static [&'static str] {
        self.0.shown
    }
}

/// What words of Falco's language mean; a test holds all of them to be right.
pub fn meaning(words: &str) -> Expr {
    falco::filter(words).unwrap_or(Expr::Constant(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_tables_is_one_of_ours() {
        for sort in SORTS {
            assert!(falco::filter(sort.events).is_ok(), "{}", sort.events);
            for name in sort.texts.iter().chain(sort.shown) {
                assert!(operand(name).is_some(), "{name}");
            }
            for (name, leads) in sort.fields.iter().chain(PROCESS) {
                match leads {
                    To(ours) => assert!(operand(ours).is_some(), "{name}: {ours}"),
                    Kind(words) => assert!(words.iter().all(|(_, words)| falco::filter(words).is_ok()), "{name}"),
                    Call | Nowhere(_) => {}
                }
            }
        }
    }
}
