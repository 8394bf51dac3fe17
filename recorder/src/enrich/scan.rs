//! What `/proc` tells of processes that are older than the recorder, or whose beginning was lost.

use super::processes::comm;
use procfs::process::Process;
use taffrail_probes::abi::Header;
use taffrail_trace::event::{Image, Namespaces, Origin, Stdio};
use taffrail_trace::ids::{BootId, ExecId, ProcessId};
use taffrail_trace::text;

/// One process as `/proc` shows it.
#[derive(Debug)]
pub struct Found {
    /// Its pid.
    pub pid: u32,
    /// Its parent's pid.
    pub ppid: u32,
    /// When it started, nanoseconds after boot, to the tick.
    pub start_ns: u64,
    /// Its cgroup in the unified hierarchy.
    pub cgroup_path: String,
    comm: String,
    exe: String,
    args: Vec<String>,
    cwd: String,
    uid: u32,
    gid: u32,
    namespaces: Option<Namespaces>,
}

/// Every process, kernel threads left out. One that ends meanwhile is passed over: its exit is an event.
pub fn all() -> Vec<Found> {
    let Ok(processes) = procfs::process::all_processes() else { return Vec::new() };
    processes.flatten().filter_map(|process| look(&process)).collect()
}

/// One process, if it is there.
pub fn one(pid: u32) -> Option<Found> {
    Process::new(i32::try_from(pid).ok()?).ok().and_then(|process| look(&process))
}

fn look(process: &Process) -> Option<Found> {
    let stat = process.stat().ok()?;
    let status = process.status().ok()?;
    let ticks = procfs::ticks_per_second().max(1);
    let cgroup_path = process
        .cgroups()
        .ok()
        .and_then(|groups| groups.into_iter().find(|group| group.hierarchy == 0))
        .map_or_else(String::new, |group| group.pathname);
    let bytes = |path: std::path::PathBuf| text::from_bytes(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    Some(Found {
        pid: u32::try_from(stat.pid).ok()?,
        ppid: u32::try_from(stat.ppid).unwrap_or(0),
        start_ns: stat.starttime.saturating_mul(1_000_000_000 / ticks),
        cgroup_path,
        comm: stat.comm,
        exe: process.exe().map(bytes).unwrap_or_default(),
        args: process.cmdline().unwrap_or_default(),
        cwd: process.cwd().map(bytes).unwrap_or_default(),
        uid: status.ruid,
        gid: status.rgid,
        namespaces: namespaces(process),
    })
}

fn namespaces(process: &Process) -> Option<Namespaces> {
    let all = process.namespaces().ok()?.0;
    let inode = |name: &str| {
        let found = all.get(std::ffi::OsStr::new(name));
        found.and_then(|namespace| u32::try_from(namespace.identifier).ok()).unwrap_or(0)
    };
    Some(Namespaces {
        mount: inode("mnt"),
        pid: inode("pid_for_children"),
        network: inode("net"),
        uts: inode("uts"),
        ipc: inode("ipc"),
        cgroup: inode("cgroup"),
        user: inode("user"),
    })
}

/// The mount namespace of this process, which is the host's: a recorder in a container of its own would not see the
/// others' cgroups.
pub fn own_mounts() -> u32 {
    Process::myself().ok().as_ref().and_then(namespaces).map_or(0, |own| own.mount)
}

impl Found {
    /// The image, in a container; the caller names it.
    pub fn image(self, boot: &BootId, parent: Option<ExecId>, container_id: String, container_name: String) -> Image {
        Image {
            exec_id: ExecId(0),
            process_id: ProcessId::new(boot, self.pid, self.start_ns),
            parent_exec_id: parent,
            origin: Origin::Scan,
            time_ns: self.start_ns,
            pid: self.pid,
            ppid: self.ppid,
            uid: self.uid,
            gid: self.gid,
            comm: self.comm,
            exe: self.exe.strip_suffix(" (deleted)").unwrap_or(&self.exe).to_owned(),
            credentials: None,
            namespaces: self.namespaces,
            login_uid: None,
            tty: None,
            exe_file: None,
            script: None,
            environment: Vec::new(),
            entered: None,
            args: self.args,
            args_cut: false,
            cwd: self.cwd,
            stdio: [Stdio::Unknown; 3],
            container_id,
            container_name,
        }
    }
}

/// An image of which nothing but its thread's name is known.
pub fn nobody(header: &Header, id: ProcessId, container_id: String, container_name: String) -> Image {
    Image {
        exec_id: ExecId(0),
        process_id: id,
        parent_exec_id: None,
        origin: Origin::Scan,
        time_ns: header.image.start_boottime_ns,
        pid: header.image.pid,
        ppid: 0,
        uid: header.uid,
        gid: header.gid,
        comm: comm(header),
        exe: String::new(),
        credentials: None,
        namespaces: None,
        login_uid: None,
        tty: None,
        exe_file: None,
        script: None,
        environment: Vec::new(),
        entered: None,
        args: Vec::new(),
        args_cut: false,
        cwd: String::new(),
        stdio: [Stdio::Unknown; 3],
        container_id,
        container_name,
    }
}
