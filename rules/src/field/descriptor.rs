//! `fd.*`: the file or the connection that an event is about.
//!
//! Of a connection the client is who called, the server who was called, whichever of them is ours.

use super::{Argument, Field, Look, Missing, Takes, address, event, flag, number, path, process, text};
use crate::call;
use crate::scene::Descriptor;
use crate::value::Type;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use taffrail_trace::event::{Body, Endpoint, FileEvent, FileOp, FlowOp, PathSource, Protocol, SocketOp};

pub const FIELDS: &[Field] = &[
    number("fd.num", |look| descriptor(look).is_some_and(|fd| look.number(fd))),
    text("fd.type", |look| thing(look).is_some_and(|thing| look.text(words(&thing).0))),
    text("fd.typechar", |look| thing(look).is_some_and(|thing| look.text(words(&thing).1))),
    Field::new("fd.types", Type::Text, Takes::Number, types),
    text("fd.name", name),
    // The name as the program wrote it, where the path was read from the program's memory.
    text("fd.nameraw", |look| match file(look) {
        Some(file) if file.path_source == PathSource::User => look.text(&file.path),
        Some(_) => false,
        None => name(look),
    }),
    text("fd.directory", |look| {
        path(look, |path| path.rsplit_once('/').map(|(dir, _)| if dir.is_empty() { "/" } else { dir }))
    }),
    text("fd.filename", |look| path(look, |path| path.rsplit_once('/').map(|(_, name)| name))),
    number("fd.ino", |look| match &look.event().body {
        Body::Io(io) => io.inode.is_some_and(|inode| look.large(inode)),
        _ => file(look).and_then(|file| file.inode).is_some_and(|inode| look.large(inode)),
    }),
    number("fd.dev", |look| device(look, |dev| dev)),
    number("fd.dev.major", |look| device(look, |dev| dev >> 20)),
    number("fd.dev.minor", |look| device(look, |dev| dev & 0xf_ffff)),
    text("fd.sockfamily", |look| match thing(look) {
        Some(Descriptor::Inet { .. }) => look.text("ip"),
        Some(Descriptor::Unix { .. }) => look.text("unix"),
        _ => false,
    }),
    text("fd.l4proto", |look| match thing(look) {
        Some(Descriptor::Inet { protocol, .. }) => look.text(protocol.as_str()),
        _ => false,
    }),
    flag("fd.is_server", |look| match thing(look) {
        Some(Descriptor::Inet { serves, .. }) => look.flag(serves),
        _ => false,
    }),
    flag("fd.connected", |look| match thing(look) {
        Some(Descriptor::Inet { protocol, remote, .. }) => look.flag(protocol == Protocol::Tcp && remote.is_some()),
        _ => false,
    }),
    // An event of a flow is its first: the name is always new.
    flag("fd.name_changed", |look| match &look.event().body {
        Body::Flow(_) => look.flag(true),
        _ => false,
    }),
    address("fd.ip", |look| ends(look, |ends| [ends.client, ends.server])),
    address("fd.net", |look| ends(look, |ends| [ends.client, ends.server])),
    address("fd.cip", |look| ends(look, |ends| [ends.client])),
    address("fd.cnet", |look| ends(look, |ends| [ends.client])),
    address("fd.sip", |look| ends(look, |ends| [ends.server])),
    address("fd.snet", |look| ends(look, |ends| [ends.server])),
    address("fd.lip", |look| ends(look, |ends| [ends.local])),
    address("fd.lnet", |look| ends(look, |ends| [ends.local])),
    address("fd.rip", |look| ends(look, |ends| [ends.remote])),
    address("fd.rnet", |look| ends(look, |ends| [ends.remote])),
    number("fd.port", |look| ports(look, |ends| [ends.client, ends.server])),
    number("fd.cport", |look| ports(look, |ends| [ends.client])),
    number("fd.sport", |look| ports(look, |ends| [ends.server])),
    number("fd.lport", |look| ports(look, |ends| [ends.local])),
    number("fd.rport", |look| ports(look, |ends| [ends.remote])),
    // Names that the container itself was told an address has.
    text("fd.cip.name", |look| names(look, |ends| ends.client)),
    text("fd.sip.name", |look| names(look, |ends| ends.server)),
    text("fd.lip.name", |look| names(look, |ends| ends.local)),
    text("fd.rip.name", |look| names(look, |ends| ends.remote)),
];

pub const MISSING: Missing = &[
    (
        &["fd.proto", "fd.cproto", "fd.sproto", "fd.lproto", "fd.rproto"],
        "ports are not named; compare the port's number",
    ),
    (&["fd.dirname", "fd.containername", "fd.containerdirectory", "fd.uid"], "it is not worked out; fd.name is"),
    (&["fd.is_upper_layer", "fd.is_lower_layer"], "the overlay's layer is kept of executables only"),
    (&["fd.names"], "the open files of a process are not listed"),
];

/// The ends of a connection, by each of their names.
#[derive(Clone, Copy)]
struct Ends {
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
    client: Option<Endpoint>,
    server: Option<Endpoint>,
}

fn file<'a>(look: &Look<'a, '_>) -> Option<&'a FileEvent> {
    match &look.event().body {
        Body::File(file) if has_descriptor(file.op) => Some(file),
        _ => None,
    }
}

/// Whether an operation is about one file that is there, and not about names of a directory.
fn has_descriptor(op: FileOp) -> bool {
    matches!(
        op,
        FileOp::Open
            | FileOp::Create
            | FileOp::Chmod
            | FileOp::Chown
            | FileOp::Setxattr
            | FileOp::Removexattr
            | FileOp::Truncate
    )
}

/// The descriptor's number; -1 for an open that failed.
fn descriptor(look: &Look<'_, '_>) -> Option<i32> {
    match &look.event().body {
        Body::File(file) if event::is_open(file.op) => file.fd.or(file.result.map(|_| -1)),
        Body::Io(io) => Some(io.fd),
        Body::Terminal(terminal) => Some(terminal.fd),
        Body::Syscall(call) if takes_descriptor(&call::shown(look.event())) => i32::try_from(call.args[0]).ok(),
        _ => None,
    }
}

/// Whether a call's first argument is a descriptor, of those that rules ask for.
fn takes_descriptor(call: &str) -> bool {
    let names = ["fcntl", "fstat", "ioctl", "getdents", "getdents64", "lseek", "fsync", "shutdown", "setsockopt"];
    call.starts_with("dup") || call.starts_with("send") || call.starts_with("recv") || names.contains(&call)
}

/// What the event is about.
fn thing<'a>(look: &Look<'a, '_>) -> Option<Descriptor<'a>> {
    match &look.event().body {
        Body::File(file) if !has_descriptor(file.op) => None,
        Body::File(file) if event::is_open(file.op) && file.flags & super::flags::O_DIRECTORY != 0 => {
            Some(Descriptor::Directory { path: &file.path })
        }
        Body::File(file) => Some(Descriptor::File { path: &file.path }),
        Body::Io(io) => Some(Descriptor::File { path: &io.path }),
        Body::Flow(flow) => Some(Descriptor::Inet {
            protocol: flow.protocol,
            local: flow.local,
            remote: flow.remote,
            serves: flow.op != FlowOp::Connect,
        }),
        Body::Socket(socket) if socket.op == SocketOp::Connect => match (&socket.path, socket.remote) {
            (Some(path), _) => Some(Descriptor::Unix { path }),
            (None, Some(remote)) => {
                let nowhere = match remote.addr {
                    IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                };
                let local = Endpoint { addr: nowhere, port: 0 };
                Some(Descriptor::Inet { protocol: socket.protocol, local, remote: Some(remote), serves: false })
            }
            (None, None) => None,
        },
        Body::Dns(message) => Some(Descriptor::Inet {
            protocol: Protocol::Udp,
            local: message.local,
            remote: Some(message.remote),
            serves: message.sent == message.response,
        }),
        Body::Syscall(_) | Body::Terminal(_) => look.scene().descriptor(descriptor(look)?),
        _ => None,
    }
}

/// Its type as a word and as a letter.
fn words(thing: &Descriptor<'_>) -> (&'static str, &'static str) {
    match thing {
        Descriptor::File { .. } => ("file", "f"),
        Descriptor::Directory { .. } => ("directory", "d"),
        Descriptor::Unix { .. } => ("unix", "u"),
        Descriptor::Pipe => ("pipe", "p"),
        Descriptor::Inet { local, .. } if local.addr.is_ipv4() => ("ipv4", "4"),
        Descriptor::Inet { .. } => ("ipv6", "6"),
    }
}

/// Full path of a file, both ends of a connection.
pub fn name(look: &mut Look<'_, '_>) -> bool {
    let Some(thing) = thing(look) else { return false };
    match thing {
        Descriptor::File { .. } | Descriptor::Directory { .. } => path(look, |path| Some(path)),
        Descriptor::Unix { path } => look.text(path),
        Descriptor::Pipe => false,
        Descriptor::Inet { .. } => {
            let Some(ends) = ends_of(look) else { return false };
            look.composed(|out| {
                // Writing into a String cannot fail.
                let _ = match (ends.client, ends.server) {
                    // Who only begins to connect has no port yet.
                    (Some(client), Some(server)) if client.port == 0 => {
                        write!(out, "{}->{}:{}", client.addr, server.addr, server.port)
                    }
                    (Some(client), Some(server)) => {
                        write!(out, "{}:{}->{}:{}", client.addr, client.port, server.addr, server.port)
                    }
                    (Some(end), None) | (None, Some(end)) => write!(out, "{}:{}", end.addr, end.port),
                    (None, None) => Ok(()),
                };
            })
        }
    }
}

/// A part of the file's path, which is resolved where it is what the program wrote.
fn path(look: &mut Look<'_, '_>, part: fn(&str) -> Option<&str>) -> bool {
    match thing(look) {
        Some(Descriptor::File { path } | Descriptor::Directory { path }) if !path.is_empty() => {
            if file(look).is_some_and(|file| file.path_source == PathSource::User) && path::is_crooked(path) {
                path::straighten(path, look.scratch);
                return part(look.scratch).is_some_and(|part| (look.eye)(crate::value::Value::Text(part)));
            }
            look.maybe_text(part(path))
        }
        Some(Descriptor::Unix { path }) => look.maybe_text(part(path)),
        _ => false,
    }
}

fn device(look: &mut Look<'_, '_>, part: fn(u32) -> u32) -> bool {
    file(look).and_then(|file| file.dev).is_some_and(|dev| look.number(part(dev)))
}

/// The types of standard input, output and error, or of the one that the argument numbers.
fn types(look: &mut Look<'_, '_>) -> bool {
    let Some(image) = look.image(0) else { return false };
    match look.argument {
        Argument::Number(fd) => image.stdio.get(*fd).is_some_and(|stdio| process::stdio_type(look, *stdio)),
        _ => image.stdio.iter().any(|stdio| process::stdio_type(look, *stdio)),
    }
}

fn ends_of(look: &Look<'_, '_>) -> Option<Ends> {
    let Some(Descriptor::Inet { local, remote, serves, .. }) = thing(look) else { return None };
    let local = Some(local);
    let (client, server) = if serves { (remote, local) } else { (local, remote) };
    Some(Ends { local, remote, client, server })
}

fn ends<const N: usize>(look: &mut Look<'_, '_>, which: fn(Ends) -> [Option<Endpoint>; N]) -> bool {
    let Some(ends) = ends_of(look) else { return false };
    which(ends).into_iter().flatten().any(|end| look.address(end.addr))
}

fn ports<const N: usize>(look: &mut Look<'_, '_>, which: fn(Ends) -> [Option<Endpoint>; N]) -> bool {
    let Some(ends) = ends_of(look) else { return false };
    which(ends).into_iter().flatten().any(|end| look.number(end.port))
}

fn names(look: &mut Look<'_, '_>, which: fn(Ends) -> Option<Endpoint>) -> bool {
    let Some(end) = ends_of(look).and_then(which) else { return false };
    let scene = look.scene();
    scene.names_of(end.addr, &mut |name| look.text(name.trim_end_matches('.')))
}
