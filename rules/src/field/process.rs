//! `proc.*` and `thread.*`: the program that acted, and those it comes from.
//!
//! A parent is the image that made the process, as our lineage has it, and not who the kernel handed an orphan to.

use super::{Argument, Field, Look, Missing, Takes, flag, flags, number, text};
use crate::value::Type;
use taffrail_trace::container::HOST;
use taffrail_trace::event::{Body, ExeFile, Image, Stdio};

pub const FIELDS: &[Field] = &[
    // What the exec named it; a thread can call itself otherwise later.
    text("proc.name", |look| match look.image(0) {
        Some(image) => look.text(&image.comm),
        None => look.maybe_text(look.event().actor.as_ref().map(|actor| actor.comm.as_str())),
    }),
    text("proc.exe", |look| of(look, 0, |look, image| look.maybe_text(exe(image)))),
    text("proc.exepath", |look| of(look, 0, |look, image| known(look, &image.exe))),
    text("proc.args", |look| of(look, 0, |look, image| look.composed(|out| push_args(out, image)))),
    text("proc.cmdline", |look| of(look, 0, cmdline)),
    text("proc.exeline", |look| of(look, 0, exeline)),
    // Not one of Falco's: the whole command line, or one of its words by number, 0 for the program.
    Field::new("proc.argv", Type::Text, Takes::Number, argv),
    text("proc.cwd", |look| of(look, 0, |look, image| look.composed(|out| push_directory(out, &image.cwd)))),
    Field::new("proc.env", Type::Text, Takes::Name, environment),
    number("proc.cmdnargs", |look| of(look, 0, |look, image| look.large(image.args.len().saturating_sub(1) as u64))),
    number("proc.cmdlenargs", |look| {
        of(look, 0, |look, image| look.large(image.args.iter().skip(1).map(|arg| arg.len() as u64).sum()))
    }),
    number("proc.pid", |look| look.event().actor.as_ref().is_some_and(|actor| look.number(actor.pid))),
    // 1 for the program that began its container, the pid on the host; unset for all others, whose are not kept.
    number("proc.vpid", |look| of(look, 0, inner_pid)),
    number("thread.tid", |look| look.event().actor.as_ref().is_some_and(|actor| look.number(actor.tid))),
    flag("thread.ismain", |look| look.event().actor.as_ref().is_some_and(|actor| look.flag(actor.tid == actor.pid))),
    number("proc.ppid", |look| match (look.image(1), look.image(0)) {
        (Some(parent), _) => look.number(parent.pid),
        (None, Some(image)) if image.ppid != 0 => look.number(image.ppid),
        _ => false,
    }),
    // The device number of the terminal, 0 where there is none: `proc.tty != 0` asks for an interactive program.
    number("proc.tty", |look| of(look, 0, |look, image| look.number(terminal(image.tty.as_deref())))),
    text("proc.tty.name", |look| of(look, 0, |look, image| look.maybe_text(image.tty.as_deref()))),
    number("proc.duration", |look| of(look, 0, duration)),
    number("proc.ppid.duration", |look| of(look, 1, duration)),
    number("proc.pid.ts", |look| of(look, 0, began)),
    number("proc.ppid.ts", |look| of(look, 1, began)),
    text("proc.pname", |look| of(look, 1, |look, image| look.text(&image.comm))),
    text("proc.pexe", |look| of(look, 1, |look, image| look.maybe_text(exe(image)))),
    text("proc.pexepath", |look| of(look, 1, |look, image| known(look, &image.exe))),
    text("proc.pcmdline", |look| of(look, 1, cmdline)),
    // Not one of Falco's.
    text("proc.pexeline", |look| of(look, 1, exeline)),
    Field::new("proc.aname", Type::Text, Takes::Number, |look| lineage(look, |look, image| look.text(&image.comm))),
    Field::new("proc.aexe", Type::Text, Takes::Number, |look| lineage(look, |look, image| look.maybe_text(exe(image)))),
    Field::new("proc.aexepath", Type::Text, Takes::Number, |look| lineage(look, |look, image| known(look, &image.exe))),
    Field::new("proc.acmdline", Type::Text, Takes::Number, |look| lineage(look, cmdline)),
    Field::new("proc.aargs", Type::Text, Takes::Number, |look| {
        lineage(look, |look, image| look.composed(|out| push_args(out, image)))
    }),
    Field::new("proc.apid", Type::Number, Takes::Number, |look| lineage(look, |look, image| look.number(image.pid))),
    Field::new("proc.aenv", Type::Text, Takes::Number, |look| {
        lineage(look, |look, image| look.composed(|out| push_joined(out, &image.environment)))
    }),
    flag("proc.is_exe_upper_layer", |look| file(look, |look, file| look.flag(file.upper))),
    flag("proc.is_exe_lower_layer", |look| {
        let contained = look.view.container.id != HOST;
        file(look, |look, file| look.flag(contained && !file.upper && !file.memfd))
    }),
    flag("proc.is_exe_from_memfd", |look| file(look, |look, file| look.flag(file.memfd))),
    flag("proc.is_exe_deleted", |look| file(look, |look, file| look.flag(file.deleted))),
    number("proc.exe_ino", |look| file(look, |look, file| look.large(file.inode))),
    number("proc.exe_ino.ctime", |look| file(look, |look, file| look.large(file.ctime_ns))),
    number("proc.exe_ino.ctime_duration_proc_start", |look| {
        file(look, |look, file| {
            let Some(image) = look.image(0) else { return false };
            let start = look.scene().utc(image.time_ns);
            look.number(start.saturating_sub(i64::try_from(file.ctime_ns).unwrap_or(i64::MAX)))
        })
    }),
    text("proc.stdin.type", |look| of(look, 0, |look, image| stdio_type(look, image.stdio[0]))),
    text("proc.stdout.type", |look| of(look, 0, |look, image| stdio_type(look, image.stdio[1]))),
    text("proc.stderr.type", |look| of(look, 0, |look, image| stdio_type(look, image.stdio[2]))),
    text("proc.stdin.name", |look| of(look, 0, |look, image| stdio_name(look, image.stdio[0]))),
    text("proc.stdout.name", |look| of(look, 0, |look, image| stdio_name(look, image.stdio[1]))),
    text("proc.stderr.name", |look| of(look, 0, |look, image| stdio_name(look, image.stdio[2]))),
    text("proc.script", |look| of(look, 0, |look, image| look.maybe_text(image.script.as_deref()))),
    text("proc.entered", |look| {
        of(look, 0, |look, image| look.maybe_text(image.entered.map(|entered| entered.way.as_str())))
    }),
    // After the call for events of privileges, else at exec.
    text("thread.cap_permitted", |look| capabilities(look, |who| who.permitted)),
    text("thread.cap_effective", |look| capabilities(look, |who| who.effective)),
    text("thread.cap_bounding", |look| capabilities(look, |who| who.bounding)),
];

pub const MISSING: Missing = &[
    (&["thread.cap_inheritable"], "inheritable capabilities are not kept"),
    (&["proc.pvpid", "thread.vtid"], "ids inside the container's pid namespace are not kept"),
    (
        &[
            "proc.sid",
            "proc.sid.",
            "proc.sname",
            "proc.vpgid",
            "proc.vpgid.",
            "proc.pgid",
            "proc.pgid.",
            "proc.is_sid_leader",
            "proc.is_vpgid_leader",
            "proc.is_pgid_leader",
        ],
        "sessions and process groups are not kept",
    ),
    (&["proc.loginshellid"], "which shell is a login shell is not kept"),
    (&["proc.is_exe_writable"], "who owns the executable's file is not kept"),
    (&["proc.exe_ino.mtime"], "when the executable was modified is not kept; exe_ino.ctime is"),
    (&["proc.exe_ino.ctime_duration_pidns_start"], "when the pid namespace began is not kept"),
    (
        &[
            "proc.nchilds",
            "proc.nthreads",
            "proc.fdopencount",
            "proc.fdlimit",
            "proc.fdusage",
            "proc.vmsize",
            "proc.vmrss",
            "proc.vmswap",
            "proc.cpu",
            "thread.cpu",
            "thread.cpu.",
            "thread.vmsize",
            "thread.vmrss",
            "thread.vmsize.",
            "thread.vmrss.",
            "thread.pfmajor",
            "thread.pfminor",
            "thread.exectime",
            "thread.totexectime",
            "thread.nametid",
            "thread.cgroups",
            "thread.cgroup",
            "thread.cgroup.",
            "thread.pgid",
            "thread.pgid.",
        ],
        "what a process uses of the machine is not kept",
    ),
    (
        &["proc.is_container_healthcheck", "proc.is_container_liveness_probe", "proc.is_container_readiness_probe"],
        "a runtime's probes are not told apart",
    ),
    (&["proc.pid.cts", "proc.ppid.cts", "proc.pid.clone_ts", "proc.ppid.clone_ts"], "use proc.pid.ts"),
];

fn of(look: &mut Look<'_, '_>, generation: usize, read: fn(&mut Look<'_, '_>, &Image) -> bool) -> bool {
    look.image(generation).is_some_and(|image| read(look, image))
}

/// The ancestor that the argument names, or each of them in turn.
fn lineage(look: &mut Look<'_, '_>, read: fn(&mut Look<'_, '_>, &Image) -> bool) -> bool {
    match look.argument {
        Argument::Number(generation) => look.image(*generation).is_some_and(|image| read(look, image)),
        Argument::None | Argument::Name(_) => look.scene().ancestors(&mut |image| read(look, image)),
    }
}

fn file(look: &mut Look<'_, '_>, read: impl Fn(&mut Look<'_, '_>, ExeFile) -> bool) -> bool {
    look.image(0).and_then(|image| image.exe_file).is_some_and(|file| read(look, file))
}

/// What the program was called as.
fn exe(image: &Image) -> Option<&str> {
    image.args.first().map(String::as_str)
}

/// A text that is empty where it is not known.
fn known(look: &mut Look<'_, '_>, text: &str) -> bool {
    !text.is_empty() && look.text(text)
}

/// Writes the arguments after the program's name, a space between.
pub fn push_args(out: &mut String, image: &Image) {
    push_joined(out, image.args.get(1..).unwrap_or_default());
}

/// Writes texts, a space between.
pub fn push_joined(out: &mut String, texts: &[String]) {
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(text);
    }
}

fn push_rest(out: &mut String, image: &Image) {
    if image.args.len() > 1 {
        out.push(' ');
        push_args(out, image);
    }
}

/// Name and arguments, a space between and nothing quoted.
fn cmdline(look: &mut Look<'_, '_>, image: &Image) -> bool {
    look.composed(|out| {
        out.push_str(&image.comm);
        push_rest(out, image);
    })
}

/// All arguments with a space between, the program as it was called first.
fn exeline(look: &mut Look<'_, '_>, image: &Image) -> bool {
    look.composed(|out| push_joined(out, &image.args))
}

fn argv(look: &mut Look<'_, '_>) -> bool {
    let Some(image) = look.image(0) else { return false };
    match look.argument {
        Argument::Number(number) => look.maybe_text(image.args.get(*number).map(String::as_str)),
        _ => exeline(look, image),
    }
}

/// A directory ends in a slash, so that `proc.cwd startswith /tmp/` holds in `/tmp` as well.
fn push_directory(out: &mut String, path: &str) {
    out.push_str(path);
    if !path.ends_with('/') {
        out.push('/');
    }
}

/// All variables that are kept, or the value of the one that the argument names.
fn environment(look: &mut Look<'_, '_>) -> bool {
    let Some(image) = look.image(0) else { return false };
    match look.argument {
        Argument::Name(name) => {
            let mut variables = image.environment.iter();
            look.maybe_text(variables.find_map(|variable| variable.strip_prefix(name.as_str())?.strip_prefix('=')))
        }
        _ => look.composed(|out| push_joined(out, &image.environment)),
    }
}

fn inner_pid(look: &mut Look<'_, '_>, image: &Image) -> bool {
    if image.container_id == HOST {
        return look.number(image.pid);
    }
    let born_outside = look.image(1).is_some_and(|parent| parent.container_id != image.container_id);
    image.entered.is_none() && born_outside && look.number(1)
}

fn duration(look: &mut Look<'_, '_>, image: &Image) -> bool {
    let now = look.event().time_ns;
    look.large(now.saturating_sub(image.time_ns))
}

fn began(look: &mut Look<'_, '_>, image: &Image) -> bool {
    let utc = look.scene().utc(image.time_ns);
    look.number(utc)
}

/// The device number of a terminal by its name, as `/proc/PID/stat` has it; 0 for none, 1 for one of another kind.
fn terminal(name: Option<&str>) -> i64 {
    let Some(name) = name else { return 0 };
    let numbered = |prefix: &str| name.strip_prefix(prefix)?.trim_start_matches('/').parse::<u16>().ok().map(i64::from);
    if let Some(number) = numbered("pts") {
        // Each of the majors from 136 on has 256 terminals.
        return ((136 + number / 256) << 8) | (number % 256);
    }
    if let Some(number) = numbered("ttyS") {
        return (4 << 8) | (64 + number);
    }
    numbered("tty").map_or(1, |number| (4 << 8) | number)
}

pub fn stdio_type(look: &mut Look<'_, '_>, stdio: Stdio) -> bool {
    let name = match stdio {
        Stdio::Unknown | Stdio::Closed => return false,
        Stdio::File | Stdio::CharDevice | Stdio::BlockDevice => "file",
        Stdio::Directory => "directory",
        Stdio::Pipe => "pipe",
        Stdio::Socket => "unix",
        Stdio::Inet { local, .. } if local.addr.is_ipv4() => "ipv4",
        Stdio::Inet { .. } => "ipv6",
    };
    look.text(name)
}

fn stdio_name(look: &mut Look<'_, '_>, stdio: Stdio) -> bool {
    match stdio {
        Stdio::Inet { local, remote } => look.composed(|out| {
            use std::fmt::Write as _;
            // Writing into a String cannot fail.
            let _ = write!(out, "{local}->{remote}");
        }),
        _ => false,
    }
}

fn capabilities(look: &mut Look<'_, '_>, which: fn(taffrail_trace::event::Credentials) -> u64) -> bool {
    let who = match &look.event().body {
        Body::Privilege(call) => call.credentials,
        _ => None,
    };
    let who = who.or_else(|| look.image(0).and_then(|image| image.credentials));
    who.is_some_and(|who| look.composed(|out| flags::capabilities(out, which(who))))
}
