//! One look at a container.
//!
//! What changes fastest and says most comes first: the processes, then what they have open, the sockets, the mounts, and
//! the memory last. Each of these has its share of the room, and of the two that any process can make long each process
//! has one. Where there is no room for more, what is left out is counted where it can be, and said in any case.

use super::descriptor::{self, DESCRIPTORS_MAX};
use super::map::maps;
use super::mount::mounts;
use super::room::{Full, Room};
use super::socket::{self, FILES};
use crate::enrich::cgroup;
use crate::host;
use crate::proc::{Proc, Stat};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use taffrail_trace::event::Namespaces;
use taffrail_trace::ids::{BootId, ContainerKey, ProcessId};
use taffrail_trace::manifest::LeftOut;
use taffrail_trace::schema::{STATE_FILE, STATE_MAP, STATE_MOUNT, STATE_PROCESS, STATE_SOCKET, Table};
use taffrail_trace::state::{Map, Mount, Process, Socket, State};

/// Processes told of a container.
const PROCESSES_MAX: usize = 1024;
/// Mappings told of one process.
const MAPPINGS_MAX: u32 = 4096;
/// Bytes read of one process's maps, of a namespace's mounts, and of one of its lists of sockets.
const LIST_MAX_BYTES: usize = 4 << 20;
/// How deep a container's own cgroups are walked.
const DEPTH_MAX: usize = 16;
/// One process's descriptors, and its mappings, may take this part of everything that a look holds.
const SHARE_OF_ONE: usize = 16;

/// Whom to look at.
#[derive(Debug)]
pub struct Wanted {
    /// Which container.
    pub container: ContainerKey,
    /// Where its cgroup is.
    pub cgroup_dir: PathBuf,
    /// That cgroup's path below the hierarchy's root.
    pub cgroup_path: String,
    /// This boot.
    pub boot: BootId,
    /// Processes that the recorder knows to be the container's, by pid: those that joined it are in other cgroups.
    pub known: HashMap<u32, ProcessId>,
    /// Namespaces of everybody else, each with the processes that came into it.
    pub foreign: HashMap<u32, Vec<u32>>,
}

impl Wanted {
    /// Whether somebody else is in the namespace, so that what is in it is not the container's alone. The kernel gives a
    /// number again when nobody is left: what was known of a process is asked again.
    fn is_shared(&self, inode: u32) -> bool {
        let has = |now: Namespaces| now.network == inode || now.mount == inode;
        let is_there = |pid: &u32| Proc::open(*pid).is_ok_and(|process| has(process.namespaces()));
        let mut others = self.foreign.get(&inode).into_iter().flatten().filter(|pid| !self.known.contains_key(*pid));
        others.any(is_there)
    }
}

/// A process that is looked at.
struct Held {
    proc: Proc,
    process: Process,
}

/// What is left out so far, by table.
#[derive(Default)]
struct Omissions(Vec<LeftOut>);

impl Omissions {
    /// Rows of a table, where they were counted. What is said twice is said once.
    fn add(&mut self, table: &Table, rows: Option<u64>, reason: String) {
        match self.0.iter_mut().find(|known| known.table == table.name && known.reason == reason) {
            Some(known) => known.rows = known.rows.zip(rows).map(|(one, other)| one + other),
            None => self.0.push(LeftOut { table: table.name.to_owned(), rows, reason }),
        }
    }
}

/// Looks at a container as it is now.
pub fn look(wanted: &Wanted, room: &mut Room) -> State {
    let from_ns = host::boot_now();
    let mut left_out = Omissions::default();
    let mut held = room.share(4, |room| processes(wanted, room, &mut left_out));
    room.share(4, |room| descriptors(&mut held, room, &mut left_out));
    let sockets = room.share(8, |room| sockets(wanted, &held, room, &mut left_out));
    let mounts = room.share(8, |room| all_mounts(wanted, &held, room, &mut left_out));
    memory(&mut held, room, &mut left_out);
    let processes: Vec<Process> = held.into_iter().map(|held| held.process).collect();
    let oldest = (0..).zip(&processes).min_by_key(|(_, process)| (process.start_ns, process.pid));
    State {
        from_ns,
        to_ns: host::boot_now(),
        init: oldest.map(|(at, _)| at),
        host: Proc::open(std::process::id()).map_or_else(|_| Namespaces::default(), |own| own.namespaces()),
        processes,
        sockets,
        mounts,
        left_out: left_out.0,
    }
}

/// The container's processes, by pid. One that ends meanwhile is none of them.
fn processes(wanted: &Wanted, room: &mut Room, left_out: &mut Omissions) -> Vec<Held> {
    let mut pids = BTreeSet::new();
    if let Err(full) = pids_below(wanted, &wanted.cgroup_dir, &wanted.cgroup_path, 0, room, &mut pids) {
        left_out.add(&STATE_PROCESS, None, full.reason());
    }
    pids.extend(wanted.known.keys());
    let mut held: Vec<Held> = Vec::new();
    let (mut more, mut full) = (0, Ok(()));
    for pid in pids {
        if held.len() >= PROCESSES_MAX || full.is_err() {
            more += 1;
            continue;
        }
        let Some((proc, stat)) = of_container(wanted, pid) else { continue };
        let process = proc.describe(&wanted.boot, pid, stat);
        let text_bytes = process.args.iter().map(String::len).sum::<usize>() + process.cwd.len();
        full = room.take::<Process>(text_bytes);
        held.push(Held { proc, process });
    }
    if more > 0 {
        let many = || format!("there are more than the {PROCESSES_MAX} that are kept");
        left_out.add(&STATE_PROCESS, Some(more), full.map_or_else(Full::reason, |()| many()));
    }
    held
}

/// The processes in a cgroup and those below it that are no other container's.
fn pids_below(
    wanted: &Wanted,
    dir: &Path,
    path: &str,
    depth: usize,
    room: &Room,
    pids: &mut BTreeSet<u32>,
) -> Result<(), Full> {
    // One that vanishes is a cgroup that was removed.
    let listed = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    pids.extend(listed.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid != 0));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        room.time()?;
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let below = format!("{}/{}", path.trim_end_matches('/'), entry.file_name().to_string_lossy());
        if is_dir && depth < DEPTH_MAX && is_own(wanted, &below) {
            pids_below(wanted, &entry.path(), &below, depth + 1, room, pids)?;
        }
    }
    Ok(())
}

/// Whether a cgroup is the container's own, and not that of one inside it.
fn is_own(wanted: &Wanted, path: &str) -> bool {
    // Which of them is runc's does not matter below a container: its own names count there.
    cgroup::is_within(path, &wanted.cgroup_path)
        && cgroup::place(path, &|_| false).is_none_or(|place| place.path.len() <= wanted.cgroup_path.len())
}

/// A process, held, where it is the container's: by its cgroup, which may have changed since it was listed, or by what
/// the recorder knows of it.
fn of_container(wanted: &Wanted, pid: u32) -> Option<(Proc, Stat)> {
    let proc = Proc::open(pid).ok()?;
    let stat = proc.stat().ok()?;
    let id = ProcessId::new(&wanted.boot, pid, stat.start_ns());
    let is_known = wanted.known.get(&pid) == Some(&id);
    let is_inside = || proc.cgroup().is_ok_and(|path| is_own(wanted, &path));
    (is_known || is_inside()).then_some((proc, stat))
}

fn descriptors(held: &mut [Held], room: &mut Room, left_out: &mut Omissions) {
    for one in held {
        let (open, full) = room.share(SHARE_OF_ONE, |room| descriptor::open(&one.proc, room));
        if open.more {
            let rows = open.count.map(|count| u64::from(count).saturating_sub(open.files.len() as u64));
            let many = || format!("a process has more than the {DESCRIPTORS_MAX} that are kept of one");
            left_out.add(&STATE_FILE, rows, full.map_or_else(Full::reason, |()| many()));
        }
        (one.process.descriptors, one.process.files) = (open.count, open.files);
    }
}

/// The namespaces of one kind, each with the processes in it: any of them can show what is there, while it lives.
fn seen_by(held: &[Held], namespace: fn(Namespaces) -> u32) -> Vec<(u32, Vec<usize>)> {
    let mut found: Vec<(u32, Vec<usize>)> = Vec::new();
    for (at, one) in held.iter().enumerate() {
        let inode = namespace(one.process.namespaces);
        match found.iter_mut().find(|(known, _)| *known == inode) {
            _ if inode == 0 => {}
            Some((_, all)) => all.push(at),
            None => found.push((inode, vec![at])),
        }
    }
    found
}

/// A list as the first of some processes shows it that is still there, that process, and whether there was more.
fn shown(held: &[Held], by: &[usize], name: &str, room: &Room) -> Option<(Vec<u8>, bool, usize)> {
    by.iter().find_map(|at| {
        let (bytes, cut) = held[*at].proc.read_long(name, LIST_MAX_BYTES, || room.time().is_ok()).ok()?;
        Some((bytes, cut, *at))
    })
}

/// Why a namespace is left out of which no process was there any more.
fn over(inode: u32) -> String {
    format!("whoever was in namespace {inode} ended before it was looked at")
}

fn sockets(wanted: &Wanted, held: &[Held], room: &mut Room, left_out: &mut Omissions) -> Vec<Socket> {
    let owners = socket::owners(held.iter().map(|one| &one.process));
    let mut found = Vec::new();
    for (network_ns, by) in seen_by(held, |namespaces| namespaces.network) {
        let is_shared = wanted.is_shared(network_ns);
        // A kernel without a protocol has no list of it; every one has this directory.
        if !by.iter().any(|at| held[*at].proc.link("ns/net").is_ok()) {
            left_out.add(&STATE_SOCKET, None, over(network_ns));
            continue;
        }
        for (file, protocol) in FILES {
            let Some((bytes, cut, _)) = shown(held, &by, &format!("net/{file}"), room) else { continue };
            let mut full = if cut { Err(room.time().err().unwrap_or(Full::Bytes)) } else { Ok(()) };
            let mut more = 0;
            for mut socket in socket::sockets(protocol, whole_lines(&bytes)) {
                socket.network_ns = network_ns;
                socket::own(&mut socket, &owners);
                if is_shared && socket.owners == 0 {
                    continue;
                }
                match room.take::<Socket>(socket.path.as_ref().map_or(0, String::len)) {
                    Ok(()) => found.push(socket),
                    Err(reason) => (more, full) = (more + 1, Err(reason)),
                }
            }
            if let Err(reason) = full {
                left_out.add(&STATE_SOCKET, (!cut).then_some(more), reason.reason());
            }
        }
        if is_shared {
            let reason = format!("network namespace {network_ns} is shared: only sockets that a process here has open");
            left_out.add(&STATE_SOCKET, None, reason);
        }
    }
    found
}

/// A list that was cut short ends in the middle of a line.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[], |end| &bytes[..=end])
}

fn all_mounts(wanted: &Wanted, held: &[Held], room: &mut Room, left_out: &mut Omissions) -> Vec<Mount> {
    let mut found = Vec::new();
    for (mount_ns, by) in seen_by(held, |namespaces| namespaces.mount) {
        if wanted.is_shared(mount_ns) {
            let pid = by.first().map_or(0, |at| held[*at].process.pid);
            let reason = format!("pid {pid} is in mount namespace {mount_ns}, which is not the container's alone");
            left_out.add(&STATE_MOUNT, None, reason);
            continue;
        }
        let Some((bytes, cut, at)) = shown(held, &by, "mountinfo", room) else {
            left_out.add(&STATE_MOUNT, None, over(mount_ns));
            continue;
        };
        let mut full = if cut { Err(room.time().err().unwrap_or(Full::Bytes)) } else { Ok(()) };
        let mut more = 0;
        for mount in mounts(whole_lines(&bytes)) {
            let text_bytes = mount.path.len() + mount.source.len() + mount.super_options.len();
            match room.take::<Mount>(text_bytes) {
                Ok(()) => found.push(Mount { of: at as u32, mount_ns, ..mount }),
                Err(reason) => (more, full) = (more + 1, Err(reason)),
            }
        }
        if let Err(reason) = full {
            left_out.add(&STATE_MOUNT, (!cut).then_some(more), reason.reason());
        }
    }
    found
}

fn memory(held: &mut [Held], room: &mut Room, left_out: &mut Omissions) {
    for one in held {
        if let Err(full) = room.time() {
            left_out.add(&STATE_MAP, None, full.reason());
            return;
        }
        let Ok((bytes, cut)) = one.proc.read_long("maps", LIST_MAX_BYTES, || room.time().is_ok()) else { continue };
        let mut full = if cut { Err(room.time().err().unwrap_or(Full::Bytes)) } else { Ok(()) };
        let (mut count, mut more) = (0_u32, 0);
        room.share(SHARE_OF_ONE, |room| {
            for map in maps(whole_lines(&bytes)) {
                count += 1;
                if count > MAPPINGS_MAX || full.is_err() {
                    more += 1;
                    continue;
                }
                match room.take::<Map>(map.path.as_ref().map_or(0, String::len)) {
                    Ok(()) => one.process.maps.push(map),
                    Err(reason) => (more, full) = (more + 1, Err(reason)),
                }
            }
        });
        one.process.mappings = Some(count);
        if more > 0 || full.is_err() {
            let many = || format!("a process has more than the {MAPPINGS_MAX} that are kept of one");
            left_out.add(&STATE_MAP, (!cut).then_some(more), full.map_or_else(Full::reason, |()| many()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::time::Duration;

    fn wanted(path: &str) -> Wanted {
        Wanted {
            container: ContainerKey(1),
            cgroup_dir: PathBuf::from("/nowhere"),
            cgroup_path: path.to_owned(),
            boot: BootId("b".to_owned()),
            known: HashMap::new(),
            foreign: HashMap::new(),
        }
    }

    /// This process alone, as one that joined a container.
    fn this() -> Wanted {
        let proc = Proc::open(std::process::id()).expect("this process");
        let stat = proc.stat().expect("its line");
        let own = proc.describe(&BootId("b".to_owned()), std::process::id(), stat);
        Wanted { known: HashMap::from([(own.pid, own.process_id)]), ..wanted("/docker/x") }
    }

    #[test]
    fn a_container_inside_a_container_is_somebody_else() {
        let (outer, inner) = ("ab".repeat(32), "cd".repeat(32));
        let wanted = wanted(&format!("/docker/{outer}"));
        for (path, own) in [
            (format!("/docker/{outer}"), true),
            (format!("/docker/{outer}/init.scope"), true),
            (format!("/docker/{outer}/docker/{inner}"), false),
            (format!("/docker/{outer}x"), false),
            (format!("/docker/{inner}"), false),
            ("/".to_owned(), false),
        ] {
            assert_eq!(is_own(&wanted, &path), own, "{path}");
        }
    }

    #[test]
    fn a_process_of_another_container_is_not_read_even_where_its_pid_is_listed() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("cgroup.procs"), format!("{}\n1\n0\n4194304000\nx\n", std::process::id()))
            .expect("a list");
        let elsewhere = Wanted { cgroup_dir: dir.path().to_owned(), ..wanted("/docker/elsewhere") };
        let state = look(&elsewhere, &mut Room::default());
        assert_eq!((state.processes.len(), state.sockets.len(), state.mounts.len()), (0, 0, 0));
        assert_eq!((state.init, state.left_out), (None, Vec::new()));
        let reused = Wanted { known: HashMap::from([(std::process::id(), ProcessId(9))]), ..wanted("/docker/x") };
        assert!(look(&reused, &mut Room::default()).processes.is_empty(), "the pid is another process's now");
    }

    #[test]
    fn this_process_is_found_with_everything_that_it_has() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its end").port();
        let state = look(&this(), &mut Room::default());
        assert_eq!((state.processes.len(), state.init), (1, Some(0)));
        let own = &state.processes[0];
        assert!(own.maps.iter().any(|map| map.path == own.exe && map.permissions.starts_with("r-x")));
        let socket =
            state.sockets.iter().find(|it| it.state == "LISTEN" && it.local.is_some_and(|end| end.port == port));
        let socket = socket.expect("the listener");
        assert_eq!((socket.owner, socket.owners), (Some(0), 1));
        assert!(own.files.iter().any(|file| Some(file.fd) == socket.fd && file.inode == Some(socket.inode)));
        assert!(state.mounts.iter().any(|mount| mount.path == "/"));
        assert_eq!(state.left_out, []);
        assert!(state.from_ns <= own.looked_ns && own.looked_ns <= state.to_ns);
        let init = state.describe_init().expect("it is the oldest");
        assert!(init.shares_with_host.iter().any(|name| name == "mount"), "{init:?}");
    }

    #[test]
    fn what_is_shared_with_others_is_told_only_as_far_as_it_is_the_containers() {
        let own = this();
        let by = |pid: u32| {
            let theirs = Proc::open(std::process::id()).expect("this process").namespaces();
            HashMap::from([theirs.network, theirs.mount].map(|inode| (inode, vec![pid])))
        };
        let mut neighbour = std::process::Command::new("sleep").arg("60").spawn().expect("a neighbour");
        let shared = Wanted { foreign: by(neighbour.id()), ..own };
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let state = look(&shared, &mut Room::default());
        assert!(!state.sockets.is_empty() && state.sockets.iter().all(|socket| socket.owners > 0));
        assert!(state.mounts.is_empty());
        let tables: Vec<&str> = state.left_out.iter().map(|left| left.table.as_str()).collect();
        assert_eq!(tables, ["state_socket", "state_mount"]);
        // Who was there once is there no more, and the number could be another's.
        neighbour.kill().and_then(|()| neighbour.wait()).expect("it ended");
        let state = look(&shared, &mut Room::default());
        assert!(!state.mounts.is_empty() && state.left_out.is_empty(), "{:?}", state.left_out);
    }

    #[test]
    fn a_look_ends_in_time_and_within_its_bytes_and_says_what_it_lacks() {
        for (room, reason) in [
            (Room::of(Duration::ZERO, 1 << 20), Full::Time.reason()),
            (Room::of(Duration::from_mins(1), 6_000), Full::Bytes.reason()),
        ] {
            let mut room = room;
            let state = look(&this(), &mut room);
            assert_eq!(state.processes.len(), 1);
            let told: HashSet<&str> = state.left_out.iter().map(|left| left.table.as_str()).collect();
            assert!(told.contains("state_map"), "{:?}", state.left_out);
            assert!(state.left_out.iter().all(|left| left.reason == reason), "{:?}", state.left_out);
        }
    }

    #[test]
    fn a_namespace_whose_first_process_ended_is_shown_by_another_and_one_without_any_is_said() {
        let held = |pid| {
            let proc = Proc::open(pid).expect("it is there");
            let stat = proc.stat().expect("its line");
            let process = proc.describe(&BootId("b".to_owned()), pid, stat);
            Held { proc, process }
        };
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("a child");
        let mut all = vec![held(child.id())];
        child.kill().expect("its end");
        child.wait().expect("its end");
        let mut left_out = Omissions::default();
        assert!(sockets(&this(), &all, &mut Room::default(), &mut left_out).is_empty());
        assert!(all_mounts(&this(), &all, &mut Room::default(), &mut left_out).is_empty());
        assert!(left_out.0.len() == 2 && left_out.0.iter().all(|left| left.reason.contains("ended before")));
        all.push(held(std::process::id()));
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut left_out = Omissions::default();
        assert!(!sockets(&this(), &all, &mut Room::default(), &mut left_out).is_empty());
        assert!(all_mounts(&this(), &all, &mut Room::default(), &mut left_out).iter().all(|mount| mount.of == 1));
        assert_eq!(left_out.0, []);
    }
}
