//! Records that outlive their drain, their walked paths turned round.

use taffrail_probes::{
    Body, Record,
    abi::{
        Header, Kind,
        call::{Call, Completed, call_flags},
        cgroup::{Attach, Cgroup},
        header_flags::PATH_CUT,
        io::{Terminal, Totals, Use},
        network::{Dns, Flow},
        process::{Credentials, Exec, Exit, Fork, Thread},
        syscall::Syscall,
    },
    walked_path,
};

#[derive(Clone, Debug)]
pub struct Event {
    pub header: Header,
    pub kind: Kind,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Exec { exec: Exec, exe: String, cwd: String, name: String, args: Vec<String>, environment: Vec<String> },
    Fork(Fork),
    Exit(Exit),
    Thread(Thread),
    Call(Called),
    Completed { completed: Completed, path: String },
    Flow(Flow),
    Dns { dns: Dns, payload: Vec<u8> },
    Hello { flow_id: u64, bytes: Vec<u8> },
    Use { used: Use, path: String },
    Totals(Totals),
    Terminal { terminal: Terminal, bytes: Vec<u8> },
    Syscall(Syscall),
    Cgroup { cgroup: Cgroup, path: String },
    Attach(Attach),
}

/// A system call that was reported one by one.
#[derive(Clone, Debug)]
pub struct Called {
    pub header: Header,
    pub kind: Kind,
    pub call: Call,
    pub base: String,
    pub path: String,
    pub new_base: String,
    pub new_path: String,
    pub entered: String,
    pub entered_second: String,
    pub data: Vec<u8>,
    pub credentials: Option<Credentials>,
}

impl Called {
    /// Whether all bits of `call_flags` in `bits` are set.
    pub fn is(&self, bits: u16) -> bool {
        self.call.what & bits == bits
    }

    /// The first name, absolute, by whomever it was told.
    pub fn name(&self) -> String {
        joined(self.is(call_flags::KERNEL_PATH), &self.base, &self.path)
    }

    /// The second name, likewise.
    pub fn new_name(&self) -> String {
        joined(self.is(call_flags::KERNEL_NEW_PATH), &self.new_base, &self.new_path)
    }

    /// Both names and the result.
    pub fn told(&self) -> (&str, &str, i64) {
        (&self.base, &self.path, self.call.result)
    }
}

fn joined(by_kernel: bool, base: &str, path: &str) -> String {
    if by_kernel || path.is_empty() {
        return base.to_owned();
    }
    if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stands between NULs.
fn texts(bytes: &[u8]) -> Vec<String> {
    bytes.split_inclusive(|byte| *byte == 0).map(|item| text(item.strip_suffix(b"\0").unwrap_or(item))).collect()
}

impl Event {
    pub fn of(record: &Record<'_>) -> Event {
        let Record { header, kind, .. } = *record;
        let walked = |bytes: &[u8]| text(&walked_path(bytes, header.flags & PATH_CUT != 0));
        // A base that is not there is not the root.
        let base = |bytes: &[u8]| if bytes.is_empty() { String::new() } else { walked(bytes) };
        let what = match record.body {
            Body::Exec { exec, exe, cwd, name, args, environment } => What::Exec {
                exec,
                exe: walked(exe),
                cwd: walked(cwd),
                name: text(name),
                args: texts(args),
                environment: texts(environment),
            },
            Body::Fork(fork) => What::Fork(fork),
            Body::Exit(exit) => What::Exit(exit),
            Body::Thread(thread) => What::Thread(thread),
            Body::Call { call, names, credentials } => What::Call(Called {
                header,
                kind,
                call,
                base: base(names.base),
                path: text(names.path),
                new_base: base(names.new_base),
                new_path: text(names.new_path),
                entered: text(names.entered),
                entered_second: text(names.entered_second),
                data: names.data.to_vec(),
                credentials,
            }),
            Body::Completed { completed, path } => What::Completed { completed, path: base(path) },
            Body::Flow(flow) => What::Flow(flow),
            Body::Dns { dns, payload } => What::Dns { dns, payload: payload.to_vec() },
            Body::Hello { hello, bytes } => What::Hello { flow_id: hello.flow_id, bytes: bytes.to_vec() },
            Body::Use { used, path } => What::Use { used, path: walked(path) },
            Body::Totals(totals) => What::Totals(totals),
            Body::Terminal { terminal, bytes } => What::Terminal { terminal, bytes: bytes.to_vec() },
            Body::Syscall(syscall) => What::Syscall(syscall),
            Body::Cgroup { cgroup, path } => What::Cgroup { cgroup, path: text(path) },
            Body::Attach(attach) => What::Attach(attach),
        };
        Event { header, kind, what }
    }
}
