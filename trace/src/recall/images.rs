//! Rows of `process` back to images, and the moments at which they began and ended.

use super::RecallError;
use super::columns::Columns;
use super::rows::Ground;
use super::words::{Word as _, device, stdio};
use crate::event::{Actor, Body, Credentials, Entered, EnteredBy, Event, ExeFile, Exit, Image, Namespaces, Origin};
use crate::ids::{ExecId, ProcessId};
use std::collections::HashMap;

/// The images of a batch, and what befell those of the container within the window.
pub fn read(
    columns: &Columns<'_>,
    ground: &Ground,
    images: &mut HashMap<ExecId, Image>,
    lives: &mut Vec<Event>,
) -> Result<(), RecallError> {
    let (exec_id, process_id, parent) =
        (columns.u64("exec_id")?, columns.u64("process_id")?, columns.u64("parent_exec_id")?);
    let (start, end) = (columns.time("start_time")?, columns.time("end_time")?);
    let (pid, ppid, uid, gid) = (columns.u32("pid")?, columns.u32("ppid")?, columns.u32("uid")?, columns.u32("gid")?);
    let (container_id, container_name) = (columns.text("container_id")?, columns.text("container_name")?);
    let (comm, exe, cwd, origin) =
        (columns.text("comm")?, columns.text("exe")?, columns.text("cwd")?, columns.text("origin")?);
    let (args, args_cut, environment) =
        (columns.texts("args")?, columns.bool("args_cut")?, columns.texts("environment")?);
    let (tty, login_uid, script) = (columns.text("tty")?, columns.u32("login_uid")?, columns.text("script")?);
    let (code, signal, threads) = (columns.i32("exit_code")?, columns.i32("exit_signal")?, columns.u32("threads")?);
    let (way, by) = (columns.text("entered")?, columns.u64("entered_by")?);
    let stdios = [columns.text("stdin")?, columns.text("stdout")?, columns.text("stderr")?];
    let file = exe_file(columns)?;
    let credentials = credentials(columns)?;
    let namespaces = namespaces(columns)?;
    for row in 0..columns.rows() {
        let (Some(id), Some(start)) = (exec_id.get(row).map(ExecId), start.get(row)) else { continue };
        let image = Image {
            exec_id: id,
            process_id: ProcessId(process_id.get(row).unwrap_or_default()),
            parent_exec_id: parent.get(row).map(ExecId),
            origin: origin.get(row).and_then(Origin::named).unwrap_or(Origin::Scan),
            time_ns: ground.clock.boot(start),
            pid: pid.get(row).unwrap_or_default(),
            ppid: ppid.get(row).unwrap_or_default(),
            uid: uid.get(row).unwrap_or_default(),
            gid: gid.get(row).unwrap_or_default(),
            credentials: credentials(row, uid.get(row).unwrap_or_default(), gid.get(row).unwrap_or_default()),
            namespaces: namespaces(row),
            login_uid: login_uid.get(row),
            tty: tty.owned(row),
            comm: comm.text(row),
            exe: exe.text(row),
            exe_file: file(row),
            script: script.owned(row),
            environment: environment.get(row),
            entered: way.get(row).and_then(EnteredBy::named).map(|way| Entered { way, by: by.get(row).map(ExecId) }),
            args: args.get(row),
            args_cut: args_cut.get(row),
            cwd: cwd.text(row),
            stdio: [0, 1, 2].map(|fd: usize| stdios[fd].get(row).map_or(crate::event::Stdio::Unknown, stdio)),
            container_id: container_id.text(row),
            container_name: container_name.text(row),
        };
        let actor = Actor { exec_id: id, pid: image.pid, tid: image.pid, uid: image.uid, comm: image.comm.clone() };
        let is_ours = image.container_id == ground.container_id;
        if is_ours && let Some(end) = end.get(row) {
            let (code, signal) = (code.get(row), signal.get(row));
            // Without either its process ran another image.
            if code.is_some() || signal.is_some() {
                let exit = Exit { code, signal, threads: threads.get(row).unwrap_or_default() };
                let time_ns = ground.clock.boot(end);
                lives.push(Event { time_ns, actor: Some(actor.clone()), body: Body::Exit(exit) });
            }
        }
        if is_ours && image.time_ns >= ground.window.from_ns {
            let body = Body::Image(Box::new(image.clone()));
            lives.push(Event { time_ns: image.time_ns, actor: Some(actor), body });
        }
        images.insert(id, image);
    }
    Ok(())
}

fn exe_file<'a>(columns: &Columns<'a>) -> Result<impl Fn(usize) -> Option<ExeFile> + 'a, RecallError> {
    let (inode, dev, mode) = (columns.u64("exe_inode")?, columns.text("exe_dev")?, columns.u32("exe_mode")?);
    let (deleted, memfd, upper) =
        (columns.bool("exe_deleted")?, columns.bool("exe_memfd")?, columns.bool("exe_upper")?);
    Ok(move |row| {
        Some(ExeFile {
            inode: inode.get(row)?,
            dev: dev.get(row).and_then(device).unwrap_or_default(),
            mode: mode.get(row).and_then(|mode| u16::try_from(mode).ok()).unwrap_or_default(),
            bytes: 0,
            ctime_ns: 0,
            deleted: deleted.get(row),
            memfd: memfd.get(row),
            upper: upper.get(row),
        })
    })
}

fn credentials<'a>(columns: &Columns<'a>) -> Result<impl Fn(usize, u32, u32) -> Option<Credentials> + 'a, RecallError> {
    let (euid, suid, fsuid) = (columns.u32("euid")?, columns.u32("suid")?, columns.u32("fsuid")?);
    let (egid, sgid, fsgid) = (columns.u32("egid")?, columns.u32("sgid")?, columns.u32("fsgid")?);
    let (permitted, effective, bounding) =
        (columns.u64("cap_permitted")?, columns.u64("cap_effective")?, columns.u64("cap_bounding")?);
    Ok(move |row, uid, gid| {
        Some(Credentials {
            uid,
            gid,
            suid: suid.get(row)?,
            sgid: sgid.get(row)?,
            euid: euid.get(row)?,
            egid: egid.get(row)?,
            fsuid: fsuid.get(row)?,
            fsgid: fsgid.get(row)?,
            permitted: permitted.get(row)?,
            effective: effective.get(row)?,
            bounding: bounding.get(row)?,
        })
    })
}

fn namespaces<'a>(columns: &Columns<'a>) -> Result<impl Fn(usize) -> Option<Namespaces> + 'a, RecallError> {
    let names = ["mount_ns", "pid_ns", "network_ns", "uts_ns", "ipc_ns", "cgroup_ns", "user_ns"];
    let mut all = Vec::new();
    for name in names {
        all.push(columns.u32(name)?);
    }
    Ok(move |row| {
        let mut ids = all.iter().map(|ids| ids.get(row));
        if !ids.clone().any(|id| id.is_some()) {
            return None;
        }
        let mut next = || ids.next().flatten().unwrap_or_default();
        Some(Namespaces {
            mount: next(),
            pid: next(),
            network: next(),
            uts: next(),
            ipc: next(),
            cgroup: next(),
            user: next(),
        })
    })
}
