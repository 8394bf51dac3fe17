//! `evt.*`: the event itself.

use super::{Field, Look, Missing, Takes, argument, flag, flags, number, text};
use crate::call;
use crate::value::Type;
use taffrail_trace::clock::rfc3339;
use taffrail_trace::event::{Abi, Body, Event, FileOp, FlowOp, Protocol};

/// What a TCP flow that was just begun has for a result, as a connect that does not wait.
const EINPROGRESS: i64 = -115;

const NS_PER_S: i64 = 1_000_000_000;

pub const FIELDS: &[Field] = &[
    // There are no numbers: the moment stands for one. It orders events, and is never 0.
    number("evt.num", |look| look.large(look.event().time_ns)),
    text("evt.time", |look| time(look, |utc| utc[11..].trim_end_matches('Z').to_owned())),
    text("evt.time.s", |look| time(look, |utc| utc[11..19].to_owned())),
    text("evt.time.iso8601", |look| time(look, str::to_owned)),
    text("evt.datetime", |look| time(look, |utc| utc.replace('T', " ").trim_end_matches('Z').to_owned())),
    text("evt.datetime.s", |look| time(look, |utc| utc[..19].replace('T', " "))),
    number("evt.rawtime", |look| look.number(utc(look))),
    number("evt.rawtime.s", |look| look.number(utc(look).div_euclid(NS_PER_S))),
    number("evt.rawtime.ns", |look| look.number(utc(look).rem_euclid(NS_PER_S))),
    text("evt.type", |look| look.text(&call::shown(look.event()))),
    text("syscall.type", |look| look.text(&call::shown(look.event()))),
    // One event tells of both, and a rule that asks for either is answered yes; it is shown as what has the result.
    text("evt.dir", |look| look.text("<")),
    // How the call was made: `x86_64`, `i386`, `x32` or `io_uring`. Falco has no such field.
    text("evt.abi", |look| abi(look.event()).is_some_and(|abi| look.text(abi.as_str()))),
    text("evt.source", |look| look.text("syscall")),
    number("evt.count", |look| look.number(1)),
    text("evt.hostname", |look| look.maybe_text(look.scene().hostname())),
    number("evt.rawres", |look| result(look.event()).is_some_and(|result| look.number(result))),
    text("evt.res", |look| match result(look.event()) {
        Some(result) if result < 0 => match flags::errno(result) {
            Some(name) => look.text(name),
            None => look.shown(result),
        },
        Some(_) => look.text("SUCCESS"),
        None => false,
    }),
    flag("evt.failed", |look| result(look.event()).is_some_and(|result| look.flag(result < 0))),
    number("evt.latency", |look| match &look.event().body {
        Body::Syscall(call) => call.duration_ns.is_some_and(|ns| look.large(ns)),
        _ => false,
    }),
    text("evt.args", |look| argument::all(look, " ")),
    text("evt.info", |look| argument::all(look, " ")),
    Field::new("evt.arg", Type::Text, Takes::Either, argument::one),
    Field::new("evt.rawarg", Type::Text, Takes::Either, argument::one),
    text("evt.buffer", |look| match &look.event().body {
        Body::Terminal(terminal) => look.text(&String::from_utf8_lossy(&terminal.data)),
        _ => false,
    }),
    number("evt.buflen", |look| match &look.event().body {
        Body::Terminal(terminal) => look.large(terminal.bytes),
        Body::Io(io) => look.large(io.bytes_read.saturating_add(io.bytes_written)),
        _ => false,
    }),
    flag("evt.is_open_read", |look| opened(look, |flags| flags & 3 != flags::O_WRONLY)),
    flag("evt.is_open_write", |look| opened(look, |flags| flags & 3 != flags::O_RDONLY)),
    flag("evt.is_open_create", |look| match &look.event().body {
        Body::File(file) => look.flag(file.op == FileOp::Create),
        _ => false,
    }),
    flag("evt.is_open_exec", |look| match &look.event().body {
        Body::File(file) if is_open(file.op) => {
            let makes = file.op == FileOp::Create || file.flags & flags::O_TMPFILE == flags::O_TMPFILE;
            look.flag(makes && file.mode.is_some_and(|mode| mode & 0o111 != 0))
        }
        _ => false,
    }),
    flag("evt.is_io", |look| look.flag(moved(look.event()).is_some())),
    flag("evt.is_io_read", |look| look.flag(moved(look.event()).is_some_and(|(read, _)| read))),
    flag("evt.is_io_write", |look| look.flag(moved(look.event()).is_some_and(|(_, written)| written))),
    text("evt.io_dir", |look| match moved(look.event()) {
        Some((_, true)) => look.text("write"),
        Some(_) => look.text("read"),
        None => false,
    }),
    text("evt.category", |look| look.maybe_text(category(look.event()))),
];

pub const MISSING: Missing = &[
    (&["evt.cpu"], "the CPU is not kept"),
    (
        &["evt.reltime", "evt.reltime.s", "evt.reltime.ns", "evt.deltatime", "evt.deltatime.s", "evt.deltatime.ns"],
        "it counts from the start of a capture, and there is none",
    ),
    (
        &[
            "evt.outputtime",
            "evt.latency.s",
            "evt.latency.ns",
            "evt.latency.quantized",
            "evt.latency.human",
            "evt.deltatime.human",
            "evt.wait_latency",
        ],
        "it is not worked out",
    ),
    (
        &[
            "evt.is_async",
            "evt.is_syslog",
            "evt.is_wait",
            "evt.is_sched",
            "evt.abspath",
            "evt.abspath.",
            "evt.type.is",
            "syscall.",
        ],
        "it is not worked out",
    ),
    (
        &[
            "evt.count.",
            "evt.around",
            "evt.system",
            "evt.pluginname",
            "evt.plugininfo",
            "evt.pluginsource",
            "evt.asynctype",
            "evt.field.",
            "jevt.",
            "ka.",
            "ct.",
        ],
        "it belongs to captures and plugins",
    ),
    (&["fdlist.", "span.", "evtin.", "syslog.", "mesos.", "marathon."], "this family is not recorded"),
];

fn utc(look: &Look<'_, '_>) -> i64 {
    look.scene().utc(look.event().time_ns)
}

/// `2026-01-31T12:00:00.123456789Z`, cut to what is wanted; as it is where the calendar has ended.
fn time(look: &mut Look<'_, '_>, cut: fn(&str) -> String) -> bool {
    let whole = rfc3339(utc(look));
    if whole.ends_with('Z') && whole.len() == 30 { look.text(&cut(&whole)) } else { look.text(&whole) }
}

/// What the call returned: a negative errno, 0, or what it defines. `None` where no call is behind the event, or it
/// never became known.
pub fn result(event: &Event) -> Option<i64> {
    match &event.body {
        Body::Image(image) => Some(match image.origin {
            // The parent's side of a fork returns the child.
            taffrail_trace::event::Origin::Fork => i64::from(image.pid),
            _ => 0,
        }),
        Body::File(file) => match (file.fd, file.result) {
            (Some(fd), _) => Some(i64::from(fd)),
            (None, result) => result.map(i64::from),
        },
        Body::Io(io) => i64::try_from(io.bytes_read.saturating_add(io.bytes_written)).ok(),
        Body::Flow(flow) if flow.op == FlowOp::Connect && flow.protocol == Protocol::Tcp => Some(EINPROGRESS),
        Body::Flow(flow) => Some(i64::from(flow.result)),
        Body::Socket(socket) => Some(i64::from(socket.result)),
        Body::Privilege(call) => Some(call.result),
        Body::Kernel(call) => Some(call.result),
        Body::Terminal(terminal) => i64::try_from(terminal.bytes).ok(),
        Body::Syscall(call) => Some(call.result),
        _ => None,
    }
}

/// How the call behind the event was made.
fn abi(event: &Event) -> Option<Abi> {
    match &event.body {
        Body::File(file) => Some(file.abi),
        Body::Socket(socket) => Some(socket.abi),
        Body::Privilege(call) => Some(call.abi),
        Body::Kernel(call) => Some(call.abi),
        Body::Syscall(call) => Some(call.abi),
        _ => None,
    }
}

pub fn is_open(op: FileOp) -> bool {
    matches!(op, FileOp::Open | FileOp::Create)
}

fn opened(look: &mut Look<'_, '_>, how: fn(u32) -> bool) -> bool {
    match &look.event().body {
        Body::File(file) if is_open(file.op) => look.flag(how(file.flags)),
        _ => false,
    }
}

/// Whether bytes were read, and whether any were written; `None` for what moves none.
fn moved(event: &Event) -> Option<(bool, bool)> {
    match &event.body {
        Body::Io(io) => Some((io.bytes_read > 0, io.bytes_written > 0)),
        Body::Terminal(terminal) => Some((terminal.typed, !terminal.typed)),
        _ => None,
    }
}

fn category(event: &Event) -> Option<&'static str> {
    Some(match &event.body {
        Body::Image(_) | Body::Exit(_) => "process",
        Body::File(_) => "file",
        Body::Io(io) if io.bytes_written > 0 => "IO write",
        Body::Io(_) => "IO read",
        Body::Flow(_) | Body::Socket(_) | Body::Dns(_) | Body::ServerName(_) => "net",
        Body::Privilege(_) => "user",
        Body::Kernel(_) => "system",
        Body::Terminal(terminal) if terminal.typed => "IO read",
        Body::Terminal(_) => "IO write",
        Body::Syscall(_) => "other",
        Body::Digest(_) | Body::Lifecycle(_) | Body::Finding(_) | Body::Gap(_) => return None,
    })
}
