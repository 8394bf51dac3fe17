//! Rows of every other table back to events.

use super::RecallError;
use super::columns::{Columns, Texts};
use super::words::{Word, device, endpoint};
use crate::assemble::flags;
use crate::clock::{BootNs, Clock};
use crate::event::{
    Abi, Actor, Body, Credentials, DnsEvent, Event, FileEvent, FileOp, FlowEvent, FlowOp, FlowPhase, IoEvent,
    KernelEvent, KernelOp, Lifecycle, LifecycleOp, PathSource, PrivilegeEvent, PrivilegeOp, Protocol, SocketEvent,
    SocketOp, SyscallEvent, TerminalEvent,
};
use crate::ids::ExecId;
use crate::manifest::{Manifest, Window};
use crate::schema::{self, DNS, FILE, KERNEL, LIFECYCLE, NETWORK, PRIVILEGE, SYSCALL, TERMINAL};
use std::collections::VecDeque;

/// The tables whose rows are events.
pub const TABLES: [&schema::Table; 8] = [&LIFECYCLE, &PRIVILEGE, &KERNEL, &NETWORK, &DNS, &FILE, &TERMINAL, &SYSCALL];

/// What all rows stand on.
#[derive(Debug)]
pub struct Ground {
    pub clock: Clock,
    pub container_id: String,
    pub window: Window,
    pub passed_over: u64,
}

impl Ground {
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            clock: manifest.clock.clone(),
            container_id: manifest.container.id.clone(),
            window: manifest.window,
            passed_over: 0,
        }
    }
}

/// What a row is, beside when it was and who did it.
type Row<'a> = Box<dyn Fn(usize, BootNs) -> Option<Body> + 'a>;

/// The events of a batch.
pub fn read(columns: &Columns<'_>, ground: &mut Ground, into: &mut VecDeque<Event>) -> Result<(), RecallError> {
    let time = columns.time("time")?;
    let (exec_id, pid, tid) = (columns.u64("exec_id")?, columns.u32("pid")?, columns.u32("tid")?);
    let (uid, comm) = (columns.u32("uid")?, columns.text("comm")?);
    let body = match columns.table().name {
        "lifecycle" => lifecycle(columns)?,
        "privilege" => privilege(columns)?,
        "kernel" => kernel(columns)?,
        "network" => network(columns)?,
        "dns" => dns(columns)?,
        "file" => file(columns)?,
        "terminal" => terminal(columns)?,
        _ => syscall(columns)?,
    };
    for row in 0..columns.rows() {
        let time_ns = time.get(row).map(|utc_ns| ground.clock.boot(utc_ns));
        let Some((time_ns, body)) = time_ns.and_then(|time_ns| Some((time_ns, body(row, time_ns)?))) else {
            ground.passed_over += 1;
            continue;
        };
        let actor = exec_id.get(row).map(|id| Actor {
            exec_id: ExecId(id),
            pid: pid.get(row).unwrap_or_default(),
            tid: tid.get(row).unwrap_or_default(),
            uid: uid.get(row).unwrap_or_default(),
            comm: comm.text(row),
        });
        into.push_back(Event { time_ns, actor, body });
    }
    Ok(())
}

fn word<T: Word>(texts: &Texts<'_>, row: usize) -> Option<T> {
    texts.get(row).and_then(T::named)
}

fn lifecycle<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, path, detail) = (columns.text("op")?, columns.text("cgroup_path")?, columns.text("detail")?);
    Ok(Box::new(move |row, _| {
        let op = word::<LifecycleOp>(&op, row)?;
        Some(Body::Lifecycle(Lifecycle { op, cgroup_path: path.text(row), detail: detail.owned(row) }))
    }))
}

fn privilege<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, syscall, detail) = (columns.text("op")?, columns.text("syscall")?, columns.text("detail")?);
    let (result, abi, euid) = (columns.i64("result")?, columns.text("abi")?, columns.u32("euid")?);
    let (permitted, effective) = (columns.u64("cap_permitted")?, columns.u64("cap_effective")?);
    Ok(Box::new(move |row, _| {
        let after = |euid| {
            let (permitted, effective) = (permitted.get(row)?, effective.get(row)?);
            Some(Credentials { euid, permitted, effective, ..Credentials::default() })
        };
        Some(Body::Privilege(Box::new(PrivilegeEvent {
            op: word::<PrivilegeOp>(&op, row)?,
            syscall: syscall.text(row),
            detail: detail.text(row),
            result: result.get(row)?,
            credentials: euid.get(row).and_then(after),
            abi: word::<Abi>(&abi, row)?,
        })))
    }))
}

fn kernel<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, syscall, detail) = (columns.text("op")?, columns.text("syscall")?, columns.text("detail")?);
    let (path, target, source) = (columns.text("path")?, columns.text("target")?, columns.text("path_source")?);
    let (from, target_from) = (columns.text("rewritten_from")?, columns.text("target_rewritten_from")?);
    let (pid, result, abi) = (columns.i32("target_pid")?, columns.i64("result")?, columns.text("abi")?);
    Ok(Box::new(move |row, _| {
        Some(Body::Kernel(Box::new(KernelEvent {
            op: word::<KernelOp>(&op, row)?,
            syscall: syscall.text(row),
            detail: detail.text(row),
            path: path.owned(row),
            target: target.owned(row),
            path_source: word::<PathSource>(&source, row),
            rewritten_from: from.owned(row),
            target_rewritten_from: target_from.owned(row),
            target_pid: pid.get(row),
            result: result.get(row)?,
            abi: word::<Abi>(&abi, row)?,
        })))
    }))
}

fn network<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, protocol, path) = (columns.text("op")?, columns.text("protocol")?, columns.text("path")?);
    let (local_addr, local_port) = (columns.text("local_addr")?, columns.u16("local_port")?);
    let (remote_addr, remote_port) = (columns.text("remote_addr")?, columns.u16("remote_port")?);
    let (source, abi) = (columns.text("source")?, columns.text("abi")?);
    let (result, flow_id) = (columns.i32("result")?, columns.u64("flow_id")?);
    Ok(Box::new(move |row, time_ns| {
        let protocol = word::<Protocol>(&protocol, row)?;
        let remote = endpoint(remote_addr.get(row), remote_port.get(row));
        let Some(flow_id) = flow_id.get(row) else {
            return Some(Body::Socket(Box::new(SocketEvent {
                op: word::<SocketOp>(&op, row)?,
                protocol,
                path: path.owned(row),
                source: word::<PathSource>(&source, row)?,
                remote,
                result: result.get(row)?,
                abi: word::<Abi>(&abi, row)?,
            })));
        };
        Some(Body::Flow(Box::new(FlowEvent {
            flow_id,
            phase: FlowPhase::Begin,
            protocol,
            op: word::<FlowOp>(&op, row)?,
            start_ns: time_ns,
            local: endpoint(local_addr.get(row), local_port.get(row))?,
            remote,
            // What came later is no part of its beginning.
            bytes_sent: 0,
            bytes_received: 0,
            result: 0,
        })))
    }))
}

fn dns<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, sent, name, qtype) =
        (columns.text("op")?, columns.bool("sent")?, columns.text("name")?, columns.text("qtype")?);
    let (answers, rcode, id) = (columns.texts("answers")?, columns.text("rcode")?, columns.u16("id")?);
    let (local_addr, local_port) = (columns.text("local_addr")?, columns.u16("local_port")?);
    let (remote_addr, remote_port) = (columns.text("remote_addr")?, columns.u16("remote_port")?);
    let flow_id = columns.u64("flow_id")?;
    Ok(Box::new(move |row, _| {
        Some(Body::Dns(Box::new(DnsEvent {
            flow_id: flow_id.get(row)?,
            response: match op.get(row)? {
                "query" => false,
                "response" => true,
                _ => return None,
            },
            sent: sent.get(row),
            id: id.get(row)?,
            name: name.text(row),
            qtype: qtype.text(row),
            answers: answers.get(row),
            rcode: rcode.owned(row),
            local: endpoint(local_addr.get(row), local_port.get(row))?,
            remote: endpoint(remote_addr.get(row), remote_port.get(row))?,
        })))
    }))
}

fn file<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (op, path, new_path, source) =
        (columns.text("op")?, columns.text("path")?, columns.text("new_path")?, columns.text("path_source")?);
    let (from, new_from) = (columns.text("rewritten_from")?, columns.text("new_rewritten_from")?);
    let (other_mounts, flags, mode) = (columns.bool("other_mounts")?, columns.text("flags")?, columns.u32("mode")?);
    let (uid, gid) = (columns.u32("owner_uid")?, columns.u32("owner_gid")?);
    let (attribute, size) = (columns.text("attribute")?, columns.u64("size_bytes")?);
    let (result, fd, inode, dev) =
        (columns.i32("result")?, columns.i32("fd")?, columns.u64("inode")?, columns.text("dev")?);
    let (bytes_read, bytes_written, closed) =
        (columns.u64("bytes_read")?, columns.u64("bytes_written")?, columns.bool("closed")?);
    let abi = columns.text("abi")?;
    Ok(Box::new(move |row, _| {
        if op.get(row)? == "io" {
            return Some(Body::Io(Box::new(IoEvent {
                path: path.text(row),
                other_mounts: other_mounts.get(row),
                fd: fd.get(row)?,
                inode: inode.get(row),
                bytes_read: bytes_read.get(row)?,
                bytes_written: bytes_written.get(row)?,
                closed: closed.get(row),
            })));
        }
        let op = word::<FileOp>(&op, row)?;
        let (uid, gid) = (uid.get(row), gid.get(row));
        let owner = (op == FileOp::Chown).then(|| (uid.unwrap_or(u32::MAX), gid.unwrap_or(u32::MAX)));
        Some(Body::File(Box::new(FileEvent {
            op,
            path: path.text(row),
            new_path: new_path.owned(row),
            path_source: word::<PathSource>(&source, row)?,
            rewritten_from: from.owned(row),
            new_rewritten_from: new_from.owned(row),
            other_mounts: other_mounts.get(row),
            flags: flags::read(op, flags.get(row).unwrap_or_default())?,
            mode: mode.get(row),
            owner,
            attribute: attribute.owned(row),
            size_bytes: size.get(row),
            result: result.get(row),
            fd: fd.get(row),
            inode: inode.get(row),
            dev: dev.get(row).and_then(device),
            // Before there was more than one, it was this.
            abi: word::<Abi>(&abi, row).unwrap_or_default(),
        })))
    }))
}

fn terminal<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (session, direction, fd) = (columns.u64("session_id")?, columns.text("direction")?, columns.i32("fd")?);
    let (data, bytes) = (columns.bytes("data")?, columns.u64("bytes")?);
    Ok(Box::new(move |row, _| {
        Some(Body::Terminal(Box::new(TerminalEvent {
            session_id: session.get(row)?,
            typed: match direction.get(row)? {
                "typed" => true,
                "printed" => false,
                _ => return None,
            },
            fd: fd.get(row)?,
            data: data.get(row).to_vec(),
            bytes: bytes.get(row)?,
        })))
    }))
}

fn syscall<'a>(columns: &Columns<'a>) -> Result<Row<'a>, RecallError> {
    let (nr, abi) = (columns.u32("nr")?, columns.text("abi")?);
    let mut args = Vec::new();
    for name in ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"] {
        args.push(columns.u64(name)?);
    }
    let (result, duration) = (columns.i64("result")?, columns.u64("duration_ns")?);
    Ok(Box::new(move |row, _| {
        let mut values = [0; 6];
        for (value, column) in values.iter_mut().zip(&args) {
            *value = column.get(row)?;
        }
        Some(Body::Syscall(Box::new(SyscallEvent {
            nr: nr.get(row)?,
            abi: word::<Abi>(&abi, row)?,
            args: values,
            result: result.get(row)?,
            duration_ns: duration.get(row),
        })))
    }))
}
