//! What an event says of its image: facts.
//!
//! ```text
//! an exec                             the program that made the process runs it;  run as root, a privilege
//! a flow that listens or took a call  listens            tcp 80
//! a flow that calls, a unix socket    connects           tcp 198.51.100.0/24 443
//! a DNS question, a TLS server name   names              deb.debian.org
//! a file made, changed, removed       writes             /var/log/nginx
//! a call on privileges or the kernel  privileges         setns any;  raw socket
//! ```
//!
//! A program is the path of its executable, generalised; a script's own path where one was run; with the applet where
//! one file is many programs (`/bin/busybox sh`). A copy of the runtime that a container began with is no program of
//! it: what made it is [`OUTSIDE`].
//!
//! Not facts: what only failed to be opened or changed, names of threads, UDP answered at a port that the kernel gave
//! out (a late answer looks so), and what a process outside did.

use super::{Kind, general, peer};
use crate::field::path::{is_crooked, straighten};
use crate::scene::Scene;
use std::net::IpAddr;
use taffrail_trace::event::{
    Body, FileEvent, FileOp, FlowEvent, FlowOp, FlowPhase, Image, Origin, PrivilegeEvent, PrivilegeOp, Protocol,
    SocketEvent, SocketOp,
};

/// The program of whoever starts programs in a container from outside: its runtime, `docker exec`, `nsenter`.
pub const OUTSIDE: &str = "outside";

/// Files that are many programs, told apart by the name they are called.
const MANY_PROGRAMS: [&str; 3] = ["busybox", "toybox", "coreutils"];
/// How many forks of one program are followed to where it was run.
const FORKS: usize = 16;
/// The bits of an open's flags that say whether it is for reading only (0).
const ACCESS_MODE: u32 = 3;
/// The longest text of a privilege.
const PRIVILEGE_BYTES: usize = 80;

/// A fact, while it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The program that did it.
    pub program: &'a str,
    /// What sort of fact.
    pub kind: Kind,
    /// What, generalised.
    pub fact: &'a str,
    /// The address that was called.
    pub called: Option<IpAddr>,
}

/// Reads facts of scenes, with texts that are used again.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    program: String,
    fact: String,
    scratch: String,
}

impl Reader {
    /// Shows `eye` every fact of a scene until it says `true`. Gives what it said last.
    pub(super) fn read(&mut self, scene: &dyn Scene, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        let event = scene.event();
        match &event.body {
            Body::Image(image) => self.ran(scene, image, eye),
            Body::File(file) if changes(file) => self.wrote(scene, file, eye),
            Body::Flow(flow) if flow.phase == FlowPhase::Begin => self.flowed(scene, flow, eye),
            Body::Socket(socket) => self.socket(scene, socket, eye),
            Body::Dns(dns) if dns.sent && !dns.response => self.named(scene, &dns.name, eye),
            Body::ServerName(server) => self.named(scene, &server.name, eye),
            Body::Privilege(used) if !is_name(used) => {
                // Why a namespace was joined is in the kinds; descriptors and numbers change from run to run.
                let take = if used.op == PrivilegeOp::Prctl && used.detail.contains(" CAP_") { 2 } else { 1 };
                let says_more = matches!(used.op, PrivilegeOp::Prctl | PrivilegeOp::Setns | PrivilegeOp::Unshare);
                self.privileged(scene, used.op.as_str(), if says_more { &used.detail } else { "" }, take, eye)
            }
            Body::Kernel(asked) => {
                use taffrail_trace::event::KernelOp as Op;
                let says_more = matches!(asked.op, Op::Bpf | Op::Ptrace | Op::Syslog);
                self.privileged(scene, asked.op.as_str(), if says_more { &asked.detail } else { "" }, 1, eye)
            }
            _ => false,
        }
    }

    /// The program of the image that acted; `false` where it has none here.
    fn actor(&mut self, scene: &dyn Scene) -> bool {
        program(scene, 0, &mut self.program) && self.program != OUTSIDE
    }

    fn ran(&mut self, scene: &dyn Scene, image: &Image, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        // A fork runs what its parent does.
        if image.origin == Origin::Fork || !program(scene, 0, &mut self.fact) || self.fact == OUTSIDE {
            return false;
        }
        if scene.image(1).is_none() || !program(scene, 1, &mut self.program) {
            self.program.clear();
            self.program.push_str(OUTSIDE);
        }
        let said = Said { program: &self.program, kind: Kind::Runs, fact: &self.fact, called: None };
        if eye(said) {
            return true;
        }
        let as_root = image.credentials.is_some_and(|ids| ids.euid == 0);
        as_root && eye(Said { program: &self.fact, kind: Kind::Privileges, fact: "root", called: None })
    }

    fn wrote(&mut self, scene: &dyn Scene, file: &FileEvent, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        if !self.actor(scene) {
            return false;
        }
        // What a symlink says need not be there, and is not changed by it.
        let second = file.new_path.as_deref().filter(|_| file.op != FileOp::Symlink);
        for path in std::iter::once(file.path.as_str()).chain(second) {
            if !path.starts_with('/') {
                continue;
            }
            let path = if is_crooked(path) {
                straighten(path, &mut self.scratch);
                self.scratch.as_str()
            } else {
                path
            };
            general::path(path.rsplit_once('/').map_or("/", |(dir, _)| dir), &mut self.fact);
            if eye(self.said(Kind::Writes, None)) {
                return true;
            }
        }
        false
    }

    fn flowed(&mut self, scene: &dyn Scene, flow: &FlowEvent, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        if !self.actor(scene) {
            return false;
        }
        if let (FlowOp::Connect, Some(remote)) = (flow.op, flow.remote) {
            peer::write(flow.protocol, remote, &mut self.fact);
            return eye(self.said(Kind::Connects, Some(remote.addr)));
        }
        let is_late_answer = flow.protocol == Protocol::Udp && flow.local.port >= general::EPHEMERAL_FROM;
        if flow.op == FlowOp::Connect || is_late_answer {
            return false;
        }
        self.fact.clear();
        self.fact.push_str(flow.protocol.as_str());
        self.fact.push(' ');
        general::port(flow.local.port, &mut self.fact);
        eye(self.said(Kind::Listens, None))
    }

    fn socket(&mut self, scene: &dyn Scene, socket: &SocketEvent, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        if !self.actor(scene) {
            return false;
        }
        match (socket.op, &socket.path, socket.remote) {
            (SocketOp::Connect, Some(path), _) if socket.protocol == Protocol::Unix && !path.is_empty() => {
                peer::write_unix(path, &mut self.fact, &mut self.scratch);
                eye(self.said(Kind::Connects, None))
            }
            (SocketOp::Connect, _, Some(remote)) => {
                peer::write(socket.protocol, remote, &mut self.fact);
                eye(self.said(Kind::Connects, Some(remote.addr)))
            }
            (SocketOp::Connect, ..) => false,
            (SocketOp::Socket, ..) => {
                self.fact.clear();
                self.fact.push_str(socket.protocol.as_str());
                self.fact.push_str(" socket");
                eye(self.said(Kind::Privileges, None))
            }
        }
    }

    fn named(&mut self, scene: &dyn Scene, name: &str, eye: &mut dyn FnMut(Said<'_>) -> bool) -> bool {
        if !self.actor(scene) {
            return false;
        }
        general::name(name, &mut self.fact);
        eye(self.said(Kind::Names, None))
    }

    fn privileged(
        &mut self,
        scene: &dyn Scene,
        op: &str,
        detail: &str,
        words: usize,
        eye: &mut dyn FnMut(Said<'_>) -> bool,
    ) -> bool {
        if !self.actor(scene) {
            return false;
        }
        self.fact.clear();
        self.fact.push_str(op);
        for word in detail.split(' ').filter(|word| !word.is_empty()).take(words) {
            self.fact.push(' ');
            self.fact.push_str(word);
        }
        self.fact.truncate(self.fact.floor_char_boundary(PRIVILEGE_BYTES));
        eye(self.said(Kind::Privileges, None))
    }

    fn said(&self, kind: Kind, called: Option<IpAddr>) -> Said<'_> {
        Said { program: &self.program, kind, fact: &self.fact, called }
    }
}

/// Whether a file operation changed something.
fn changes(file: &FileEvent) -> bool {
    let is_done = file.result.is_none_or(|result| result >= 0);
    is_done && (file.op != FileOp::Open || file.flags & ACCESS_MODE != 0)
}

/// A thread that names itself uses no privilege.
fn is_name(used: &PrivilegeEvent) -> bool {
    used.op == PrivilegeOp::Prctl && used.detail.starts_with("PR_SET_NAME")
}

/// Writes the program of the image of a generation; `false` where it is not known.
fn program(scene: &dyn Scene, generation: usize, out: &mut String) -> bool {
    out.clear();
    let Some(image) = scene.image(generation) else { return false };
    if image.exe.is_empty() && image.script.is_none() {
        return false;
    }
    if is_outside(scene, generation, image) {
        out.push_str(OUTSIDE);
        return true;
    }
    if let Some(script) = image.script.as_deref().filter(|script| script.starts_with('/')) {
        general::path(script, out);
        return true;
    }
    general::path(image.exe.strip_suffix(" (deleted)").unwrap_or(&image.exe), out);
    if MANY_PROGRAMS.contains(&base(&image.exe)) {
        // Its thread name at exec is what the file was called by; what calls it by its own name says the applet next.
        let called = Some(image.comm.as_str()).filter(|called| !called.is_empty() && *called != "exe");
        let called = called.or_else(|| image.args.first().map(|first| base(first)));
        let is_own = |called: &str| MANY_PROGRAMS.contains(&called);
        let applet = called.filter(|called| !is_own(called)).or_else(|| image.args.get(1).map(String::as_str));
        if let Some(applet) = applet {
            out.push(' ');
            out.push_str(&applet[..applet.floor_char_boundary(32)]);
        }
    }
    true
}

/// Whether an image lives outside the container, or is a fork of one that did: a runtime's copy on its way to the
/// program that it starts.
fn is_outside(scene: &dyn Scene, generation: usize, image: &Image) -> bool {
    let own = scene.container().id.as_str();
    if image.container_id != own {
        return true;
    }
    let mut last = image;
    for made_by in (generation + 1..).take(FORKS) {
        if last.origin != Origin::Fork {
            return false;
        }
        match scene.image(made_by) {
            Some(maker) if maker.exe == image.exe => last = maker,
            _ => return false,
        }
        if last.container_id != own {
            return true;
        }
    }
    false
}

/// What people call a program: the last part of its path, or its applet.
pub(super) fn called(program: &str) -> &str {
    let name = base(program);
    let applet = name.split_once(' ').filter(|(file, _)| MANY_PROGRAMS.contains(file));
    applet.map_or(name, |(_, applet)| applet)
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
