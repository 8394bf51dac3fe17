//! What `/proc` tells of processes that are older than the recorder, or whose beginning was lost.

use super::processes::comm;
use crate::proc::{self, Proc, Stat};
use std::fs;
use taffrail_probes::abi::Header;
use taffrail_trace::event::{Image, Namespaces, Origin, Stdio};
use taffrail_trace::ids::{BootId, ExecId, ProcessId};
use taffrail_trace::state;

/// One process as `/proc` shows it.
#[derive(Debug)]
pub struct Found {
    /// Its cgroup in the unified hierarchy.
    pub cgroup_path: String,
    /// What it says.
    pub told: state::Process,
}

/// Every process. One that ends meanwhile is passed over: its exit is an event.
pub fn all(boot: &BootId) -> Vec<Found> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    proc::numbers(entries).filter_map(|pid| one(boot, pid, |_| true)).collect()
}

/// The process that has a pid now, if `is_it` knows it by the kernel's line.
pub fn one(boot: &BootId, pid: u32, is_it: impl Fn(&Stat) -> bool) -> Option<Found> {
    let proc = Proc::open(pid).ok()?;
    let stat = proc.stat().ok().filter(is_it)?;
    let cgroup_path = proc.cgroup().unwrap_or_default();
    Some(Found { cgroup_path, told: proc.describe(boot, pid, stat) })
}

/// The mount namespace of this process, which is the host's: a recorder in a container of its own would not see the
/// others' cgroups.
pub fn own_mounts() -> u32 {
    Proc::open(std::process::id()).map_or(0, |own| own.namespaces().mount)
}

impl Found {
    /// The image, in a container; the caller names it.
    pub fn image(self, parent: Option<ExecId>, container_id: String, container_name: String) -> Image {
        let told = self.told;
        Image {
            exec_id: ExecId(0),
            process_id: told.process_id,
            parent_exec_id: parent,
            origin: Origin::Scan,
            time_ns: told.start_ns,
            pid: told.pid,
            ppid: told.ppid,
            uid: told.uid.unwrap_or(u32::MAX),
            gid: told.gid.unwrap_or(u32::MAX),
            comm: told.comm,
            exe: told.exe.unwrap_or_default(),
            credentials: None,
            namespaces: (told.namespaces != Namespaces::default()).then_some(told.namespaces),
            login_uid: None,
            tty: None,
            exe_file: None,
            script: None,
            environment: Vec::new(),
            entered: None,
            args: told.args,
            args_cut: told.args_cut,
            cwd: told.cwd,
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::io::Read as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::{Command, Stdio};

    #[test]
    fn an_older_process_is_found_however_long_and_odd_its_arguments_are() {
        let boot = BootId("b".to_owned());
        let long = "x".repeat(100_000);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo there; read line"]).arg(OsStr::from_bytes(b"\xff\xfe")).arg(long);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        // Its program has begun when it speaks, not when it is spawned.
        let mut spoken = [0; 6];
        child.stdout.take().expect("what it says").read_exact(&mut spoken).expect("a line");
        let found = one(&boot, child.id(), |_| true);
        drop(child.stdin.take());
        child.wait().expect("its end");
        let image = found.expect("it is there").image(None, String::new(), String::new());
        assert_eq!(image.args[..3], ["/bin/sh", "-c", "echo there; read line"].map(str::to_owned));
        assert!(!image.args[3].is_empty() && image.args_cut, "{:?}", image.args[3]);
        let bytes: usize = image.args.iter().map(String::len).sum();
        assert!(bytes <= taffrail_probes::abi::process::ARGS_MAX_BYTES + 16, "{bytes} bytes of arguments");
        assert_eq!((image.pid, image.comm.as_str()), (child.id(), "sh"));
        assert_eq!(image.namespaces.map(|of| of.mount), Some(own_mounts()));
    }
}
