//! `evt.arg.*`: what the system call behind an event was given.
//!
//! By name or by place: the places are those of the names below, which for most calls are those of Falco's exit events.

use super::{Argument, Look, descriptor, event, flags};
use std::fmt::Write as _;
use taffrail_trace::event::{
    Body, Event, FileEvent, FileOp, Image, KernelEvent, KernelOp, PrivilegeEvent, PrivilegeOp, Protocol, SocketOp,
};

/// The argument that follows `evt.arg`.
pub fn one(look: &mut Look<'_, '_>) -> bool {
    match look.argument {
        Argument::Name(name) => show(look, name),
        Argument::Number(place) => match names(look.event()).get(*place) {
            Some(name) => show(look, name),
            None => false,
        },
        Argument::None => all(look, " "),
    }
}

/// All of them, `name=value`, unset ones left out.
pub fn all(look: &mut Look<'_, '_>, between: &str) -> bool {
    let mut whole = String::new();
    for name in names(look.event()) {
        let mut part = String::new();
        let mut eye = |value: crate::value::Value<'_>| {
            // Writing into a String cannot fail.
            let _ = write!(part, "{value}");
            true
        };
        let argument = Argument::Name((*name).to_owned());
        let mut inner = Look { view: look.view, argument: &argument, scratch: look.scratch, eye: &mut eye };
        if show(&mut inner, name) {
            if !whole.is_empty() {
                whole.push_str(between);
            }
            whole.push_str(name);
            whole.push('=');
            whole.push_str(&part);
        }
    }
    look.text(&whole)
}

/// What the call's arguments are called, in their order.
fn names(event: &Event) -> &'static [&'static str] {
    match &event.body {
        Body::Image(_) => &[
            "res",
            "exe",
            "args",
            "tid",
            "pid",
            "ptid",
            "cwd",
            "comm",
            "env",
            "tty",
            "loginuid",
            "flags",
            "exe_ino",
            "uid",
            "trusted_exepath",
        ],
        Body::Exit(_) => &["status", "ret", "sig"],
        Body::File(file) => match file.op {
            FileOp::Open | FileOp::Create => &["fd", "name", "flags", "mode", "dev", "ino"],
            FileOp::Unlink | FileOp::Rmdir => &["res", "path", "flags"],
            FileOp::Rename => &["res", "oldpath", "newpath", "flags"],
            FileOp::Link => &["res", "oldpath", "newpath"],
            FileOp::Symlink => &["res", "target", "linkpath"],
            FileOp::Mkdir | FileOp::Mknod => &["res", "path", "mode"],
            FileOp::Chmod => &["res", "filename", "mode"],
            FileOp::Chown => &["res", "path", "uid", "gid"],
            FileOp::Setxattr | FileOp::Removexattr => &["res", "path", "name"],
            FileOp::Truncate => &["res", "path", "length"],
        },
        Body::Io(_) => &["res", "fd"],
        Body::Flow(_) => &["res", "tuple"],
        Body::Socket(socket) => match socket.op {
            SocketOp::Connect => &["res", "tuple"],
            SocketOp::Socket => &["domain", "type", "res"],
        },
        Body::Dns(_) => &["name", "qtype", "rcode", "answers"],
        Body::ServerName(_) => &["name"],
        Body::Privilege(call) => match call.op {
            PrivilegeOp::Setuid => &["res", "uid", "ruid", "euid", "suid", "fsuid"],
            PrivilegeOp::Setgid => &["res", "gid", "rgid", "egid", "sgid", "fsgid"],
            PrivilegeOp::Capset => &["res", "cap_permitted", "cap_effective"],
            PrivilegeOp::Prctl => &["res", "option", "arg2_str"],
            PrivilegeOp::Setns => &["res", "nstype", "fd"],
            PrivilegeOp::Unshare => &["res", "flags"],
            PrivilegeOp::Chroot => &["res", "path"],
            PrivilegeOp::Setgroups | PrivilegeOp::Keyctl | PrivilegeOp::Seccomp => &["res", "detail"],
        },
        Body::Kernel(call) => match call.op {
            KernelOp::Mount => &["res", "dev", "dir", "type", "flags"],
            KernelOp::Umount => &["res", "name", "flags"],
            KernelOp::Ptrace => &["res", "request", "pid"],
            KernelOp::Bpf => &["fd", "cmd"],
            KernelOp::ModuleLoad | KernelOp::ModuleUnload => &["res", "uargs", "path"],
            KernelOp::Memfd => &["fd", "name"],
            _ => &["res", "detail", "path", "target", "pid"],
        },
        Body::Syscall(_) => &["res", "a0", "a1", "a2", "a3", "a4", "a5"],
        Body::Terminal(_) => &["res", "fd", "data"],
        Body::Digest(_) | Body::Lifecycle(_) | Body::Finding(_) | Body::Gap(_) => &[],
    }
}

fn show(look: &mut Look<'_, '_>, name: &str) -> bool {
    if name == "res" {
        return event::result(look.event()).is_some_and(|result| match flags::errno(result) {
            Some(name) => look.text(name),
            None => look.shown(result),
        });
    }
    match &look.event().body {
        Body::Image(image) => of_image(look, image, name),
        Body::Exit(exit) => match name {
            "ret" | "status" => exit.code.is_some_and(|code| look.shown(code)),
            "sig" => exit.signal.is_some_and(|signal| look.shown(signal)),
            _ => false,
        },
        Body::File(file) => of_file(look, file, name),
        Body::Io(io) => match name {
            "fd" => look.shown(io.fd),
            "name" => look.text(&io.path),
            _ => false,
        },
        Body::Flow(_) => match name {
            "tuple" | "addr" => descriptor::name(look),
            _ => false,
        },
        Body::Socket(socket) => match (name, socket.op, socket.protocol) {
            ("domain", SocketOp::Socket, Protocol::Packet) => look.text("AF_PACKET"),
            ("domain", SocketOp::Socket, _) => look.text("AF_INET"),
            ("type", SocketOp::Socket, _) => look.text("SOCK_RAW"),
            ("tuple" | "addr", SocketOp::Connect, _) => descriptor::name(look),
            _ => false,
        },
        Body::Dns(message) => match name {
            "name" => look.text(&message.name),
            "qtype" => look.text(&message.qtype),
            "rcode" => look.maybe_text(message.rcode.as_deref()),
            "answers" => message.answers.iter().any(|answer| look.text(answer)),
            _ => false,
        },
        Body::ServerName(hello) => name == "name" && look.text(&hello.name),
        Body::Privilege(call) => of_privilege(look, call, name),
        Body::Kernel(call) => of_kernel(look, call, name),
        Body::Terminal(terminal) => match name {
            "fd" => look.shown(terminal.fd),
            "data" => look.text(&String::from_utf8_lossy(&terminal.data)),
            _ => false,
        },
        Body::Syscall(call) => {
            let place = name.strip_prefix('a').and_then(|place| place.parse::<usize>().ok());
            place.and_then(|place| call.args.get(place)).is_some_and(|value| look.shown(value))
        }
        Body::Digest(_) | Body::Lifecycle(_) | Body::Finding(_) | Body::Gap(_) => false,
    }
}

fn of_image(look: &mut Look<'_, '_>, image: &Image, name: &str) -> bool {
    match name {
        "exe" => look.maybe_text(image.args.first().map(String::as_str)),
        "args" => look.composed(|out| super::process::push_args(out, image)),
        "tid" | "pid" => look.shown(image.pid),
        "ptid" => look.shown(image.ppid),
        "cwd" => look.text(&image.cwd),
        "comm" => look.text(&image.comm),
        "env" => look.composed(|out| super::process::push_joined(out, &image.environment)),
        "tty" => look.maybe_text(image.tty.as_deref()),
        "loginuid" => look.shown(image.login_uid.map_or(-1, i64::from)),
        "uid" => look.shown(image.credentials.map_or(image.uid, |who| who.euid)),
        "exe_ino" => image.exe_file.is_some_and(|file| look.shown(file.inode)),
        "trusted_exepath" | "filename" | "pathname" => look.text(&image.exe),
        "flags" => image.exe_file.is_some_and(|file| {
            look.composed(|out| {
                let set = [
                    (file.upper, "EXE_UPPER_LAYER"),
                    (file.memfd, "EXE_FROM_MEMFD"),
                    (!file.upper && !file.memfd, "EXE_LOWER_LAYER"),
                ];
                for (_, name) in set.iter().filter(|(is, _)| *is) {
                    if !out.is_empty() {
                        out.push('|');
                    }
                    out.push_str(name);
                }
            })
        }),
        _ => false,
    }
}

fn of_file(look: &mut Look<'_, '_>, file: &FileEvent, name: &str) -> bool {
    let first = match file.op {
        FileOp::Symlink => name == "linkpath",
        FileOp::Rename | FileOp::Link => name == "oldpath",
        FileOp::Setxattr | FileOp::Removexattr => name == "path",
        _ => matches!(name, "name" | "path" | "pathname" | "filename"),
    };
    if first {
        return look.text(&file.path);
    }
    match (name, file.op) {
        ("fd", _) => file.fd.is_some_and(|fd| look.shown(fd)),
        ("target", FileOp::Symlink) | ("newpath", FileOp::Rename | FileOp::Link) => {
            look.maybe_text(file.new_path.as_deref())
        }
        ("name", FileOp::Setxattr | FileOp::Removexattr) => look.maybe_text(file.attribute.as_deref()),
        ("flags", _) => look.composed(|out| flags::of_file(out, file.op, file.flags)),
        // chmod's mode is shown as its bits, as a person types them.
        ("mode", _) => file.mode.is_some_and(|mode| look.composed(|out| push_mode(out, mode))),
        ("dev", _) => file.dev.is_some_and(|dev| look.shown(dev)),
        ("ino", _) => file.inode.is_some_and(|inode| look.shown(inode)),
        ("uid", _) => file.owner.is_some_and(|(user, _)| look.shown(user)),
        ("gid", _) => file.owner.is_some_and(|(_, group)| look.shown(group)),
        ("length", _) => file.size_bytes.is_some_and(|bytes| look.shown(bytes)),
        _ => false,
    }
}

/// `0755`, and by name the bits that rules ask for: `S_ISUID`, `S_IXUSR`.
fn push_mode(out: &mut String, mode: u32) {
    const NAMES: &[(u32, &str)] = &[
        (0o4000, "S_ISUID"),
        (0o2000, "S_ISGID"),
        (0o1000, "S_ISVTX"),
        (0o400, "S_IRUSR"),
        (0o200, "S_IWUSR"),
        (0o100, "S_IXUSR"),
        (0o040, "S_IRGRP"),
        (0o020, "S_IWGRP"),
        (0o010, "S_IXGRP"),
        (0o004, "S_IROTH"),
        (0o002, "S_IWOTH"),
        (0o001, "S_IXOTH"),
    ];
    let _ = write!(out, "0{mode:o}");
    for (_, name) in NAMES.iter().filter(|(bit, _)| mode & bit != 0) {
        out.push('|');
        out.push_str(name);
    }
}

/// The word after `key` in words that say a call's arguments: `uid 0`, `ruid 0, euid 7`.
fn after<'a>(detail: &'a str, key: &str) -> Option<&'a str> {
    detail.split(", ").find_map(|part| part.strip_prefix(key)?.strip_prefix(' '))
}

fn of_privilege(look: &mut Look<'_, '_>, call: &PrivilegeEvent, name: &str) -> bool {
    let detail = call.detail.as_str();
    match (name, call.op) {
        ("option", PrivilegeOp::Prctl) => look.maybe_text(detail.split(' ').next()),
        ("arg2_str" | "arg2_int", PrivilegeOp::Prctl) => look.maybe_text(detail.split_once(' ').map(|(_, rest)| rest)),
        ("nstype", PrivilegeOp::Setns) => look.maybe_text(detail.split(" of fd ").next()),
        ("fd", PrivilegeOp::Setns) => look.maybe_text(detail.split(" of fd ").nth(1)),
        ("cap_effective", _) => {
            call.credentials.is_some_and(|who| look.composed(|out| flags::capabilities(out, who.effective)))
        }
        ("cap_permitted", _) => {
            call.credentials.is_some_and(|who| look.composed(|out| flags::capabilities(out, who.permitted)))
        }
        ("path" | "name", PrivilegeOp::Chroot) | ("flags" | "cmd" | "op" | "detail", _) => look.text(detail),
        _ => look.maybe_text(after(detail, name)),
    }
}

fn of_kernel(look: &mut Look<'_, '_>, call: &KernelEvent, name: &str) -> bool {
    let detail = call.detail.as_str();
    match (name, call.op) {
        ("dev" | "source", KernelOp::Mount) | ("path" | "pathname", _) => look.maybe_text(call.path.as_deref()),
        ("dir", KernelOp::Mount) | ("target", _) => look.maybe_text(call.target.as_deref()),
        ("type", KernelOp::Mount) => look.maybe_text(after(detail, "type")),
        ("flags", KernelOp::Mount) => {
            let flags = detail.split(", ").find(|part| !part.starts_with("type ") && !part.is_empty());
            look.text(flags.unwrap_or("0"))
        }
        ("name", _) if call.path.is_some() => look.maybe_text(call.path.as_deref()),
        ("request" | "cmd" | "uargs" | "name" | "flags" | "detail", _) => look.text(detail),
        ("pid", _) => call.target_pid.is_some_and(|pid| look.shown(pid)),
        ("fd", _) => look.shown(call.result),
        ("prot", KernelOp::MapExecutable | KernelOp::ProtectExecutable) => look.maybe_text(detail.rsplit(", ").next()),
        _ => false,
    }
}
