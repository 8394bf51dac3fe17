//! `/proc/PID`, held. Names and arguments need not be text, and no process decides how much of it is read.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use taffrail_trace::event::Namespaces;
use taffrail_trace::ids::{BootId, ProcessId};
use taffrail_trace::state::Process;
use taffrail_trace::text;

/// Bytes kept of the arguments, as many as of a program's that is run: a process can say that all of its memory is.
const ARGS_MAX_BYTES: u64 = taffrail_probes::abi::process::ARGS_MAX_BYTES as u64;
/// More than any of the small files of `/proc/PID` has.
const SMALL_MAX_BYTES: u64 = 16 << 10;
/// What the kernel puts behind the path of a file without a name.
const DELETED: &[u8] = b" (deleted)";

/// A process's directory, open: what is read through it is of this process, or fails when that is over.
#[derive(Debug)]
pub struct Proc {
    dir: File,
}

/// What the kernel's one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The scheduler's letter.
    pub state: String,
    /// The parent.
    pub ppid: u32,
    /// User and system time, ticks.
    pub cpu_ticks: u64,
    /// When it began, ticks after boot.
    pub start_ticks: u64,
    /// Address space, bytes.
    pub virtual_bytes: u64,
}

impl Stat {
    /// When it began, nanoseconds after boot, to the tick.
    pub fn start_ns(&self) -> u64 {
        self.start_ticks.saturating_mul(tick_ns())
    }
}

/// How long a tick of the kernel's counts is.
pub fn tick_ns() -> u64 {
    1_000_000_000 / procfs::ticks_per_second().max(1)
}

/// A file's first bytes, and whether there was more.
pub fn read_up_to(file: File, max_bytes: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > max_bytes;
    bytes.truncate(usize::try_from(max_bytes).unwrap_or(usize::MAX));
    Ok((bytes, cut))
}

impl Proc {
    /// Opens the directory of `pid`.
    pub fn open(pid: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(nix::libc::O_DIRECTORY);
        Ok(Self { dir: options.open(format!("/proc/{pid}"))? })
    }

    /// A path that leads into it.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.dir.as_raw_fd()))
    }

    /// A file in it, to be read.
    pub fn file(&self, name: &str) -> io::Result<File> {
        File::open(self.path(name))
    }

    /// A small file, and whether there was more.
    pub fn read(&self, name: &str, max_bytes: u64) -> io::Result<(Vec<u8>, bool)> {
        read_up_to(self.file(name)?, max_bytes)
    }

    /// Where a link leads.
    pub fn link(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(self.path(name))?.into_os_string().into_vec())
    }

    /// A large file, piece by piece as long as there is time, and whether there was more.
    pub fn read_long(&self, name: &str, max_bytes: usize, has_time: impl Fn() -> bool) -> io::Result<(Vec<u8>, bool)> {
        let mut file = self.file(name)?;
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 32 << 10]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok((bytes, false)),
                read => bytes.extend_from_slice(&piece[..read]),
            }
            if bytes.len() >= max_bytes || !has_time() {
                return Ok((bytes, true));
            }
        }
    }

    /// Its cgroup in the unified hierarchy.
    pub fn cgroup(&self) -> io::Result<String> {
        let (bytes, _) = self.read("cgroup", SMALL_MAX_BYTES)?;
        unified(&bytes).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The kernel's line about it.
    pub fn stat(&self) -> io::Result<Stat> {
        let (bytes, _) = self.read("stat", SMALL_MAX_BYTES)?;
        stat(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Everything of it but memory and descriptors.
    pub fn describe(&self, boot: &BootId, pid: u32, stat: Stat) -> Process {
        let start_ns = stat.start_ns();
        let exe = self.link("exe").ok().map(|path| named(&path));
        let (cmdline, args_cut) = self.read("cmdline", ARGS_MAX_BYTES).unwrap_or_default();
        let comm = self.read("comm", SMALL_MAX_BYTES).map(|(name, _)| name).unwrap_or_default();
        let link = |name| self.link(name).map(|path| text::from_bytes(&path)).unwrap_or_default();
        let status = self.read("status", SMALL_MAX_BYTES).map(|(text, _)| text).unwrap_or_default();
        let status = Status(&status);
        let label = self.read("attr/current", SMALL_MAX_BYTES).map(|(label, _)| label).unwrap_or_default();
        let label = text::from_bytes(label.trim_ascii().trim_ascii_end());
        let label = label.trim_end_matches('\0');
        Process {
            process_id: ProcessId::new(boot, pid, start_ns),
            pid,
            ppid: stat.ppid,
            ns_pid: status.words(b"NSpid:").last().and_then(|word| parsed(word)),
            start_ns,
            looked_ns: crate::host::boot_now(),
            comm: text::from_bytes(comm.strip_suffix(b"\n").unwrap_or(&comm)),
            exe_deleted: exe.as_ref().map(|(_, deleted)| *deleted),
            exe: exe.map(|(path, _)| path),
            args: arguments(&cmdline),
            args_cut,
            cwd: link("cwd"),
            root: link("root"),
            state: stat.state,
            uid: status.number(b"Uid:", 0),
            euid: status.number(b"Uid:", 1),
            gid: status.number(b"Gid:", 0),
            threads: status.number(b"Threads:", 0),
            cpu_ns: Some(stat.cpu_ticks.saturating_mul(tick_ns())),
            resident_bytes: status.number::<u64>(b"VmRSS:", 0).map(|kib| kib.saturating_mul(1024)),
            virtual_bytes: Some(stat.virtual_bytes),
            tracer_pid: status.number(b"TracerPid:", 0),
            cap_permitted: status.bits(b"CapPrm:"),
            cap_effective: status.bits(b"CapEff:"),
            cap_bounding: status.bits(b"CapBnd:"),
            no_new_privs: status.number::<u32>(b"NoNewPrivs:", 0).map(|is| is != 0),
            seccomp: status.number(b"Seccomp:", 0),
            security_label: (!label.is_empty()).then(|| label.to_owned()),
            namespaces: self.namespaces(),
            descriptors: None,
            files: Vec::new(),
            mappings: None,
            maps: Vec::new(),
        }
    }

    /// Inode numbers of its namespaces.
    pub fn namespaces(&self) -> Namespaces {
        let inode = |name: &str| self.link(&format!("ns/{name}")).ok().and_then(|link| bracketed(&link)).unwrap_or(0);
        Namespaces {
            mount: inode("mnt"),
            pid: inode("pid"),
            network: inode("net"),
            uts: inode("uts"),
            ipc: inode("ipc"),
            cgroup: inode("cgroup"),
            user: inode("user"),
        }
    }
}

/// The kernel's line: the name stands in parentheses and may hold anything, parentheses and line breaks too.
fn stat(bytes: &[u8]) -> Option<Stat> {
    let end = bytes.iter().rposition(|byte| *byte == b')')?;
    let mut fields = bytes[end + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let state = text::from_bytes(fields.next()?);
    let ppid = parsed(fields.next()?)?;
    let mut fields = fields.skip(9);
    let user: u64 = parsed(fields.next()?)?;
    let system: u64 = parsed(fields.next()?)?;
    let mut fields = fields.skip(6);
    let start_ticks = parsed(fields.next()?)?;
    let virtual_bytes = parsed(fields.next()?)?;
    Some(Stat { state, ppid, cpu_ticks: user.saturating_add(system), start_ticks, virtual_bytes })
}

/// The cgroup in the unified hierarchy, among the lines of all hierarchies.
fn unified(lines: &[u8]) -> Option<String> {
    let path = lines.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
    Some(text::from_bytes(path.strip_suffix(DELETED).unwrap_or(path)))
}

/// The lines of `status`. The name, which stands first, has no line break: the kernel writes `\n`.
struct Status<'a>(&'a [u8]);

impl<'a> Status<'a> {
    fn words(&self, name: &[u8]) -> Vec<&'a [u8]> {
        let line = self.0.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect()
    }

    /// The word at a place of a line, a decimal number.
    fn number<T: std::str::FromStr>(&self, name: &[u8], at: usize) -> Option<T> {
        parsed(self.words(name).get(at)?)
    }

    /// The only word of a line, a set of bits in hexadecimal.
    fn bits(&self, name: &[u8]) -> Option<u64> {
        u64::from_str_radix(std::str::from_utf8(self.words(name).first()?).ok()?, 16).ok()
    }
}

/// A decimal number.
pub fn parsed<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The number in `word:[number]`.
pub fn bracketed<T: std::str::FromStr>(link: &[u8]) -> Option<T> {
    let at = link.iter().position(|byte| *byte == b':')?;
    parsed(link[at + 1..].strip_prefix(b"[")?.strip_suffix(b"]")?)
}

/// A path, and whether the kernel says that it has no name any more.
pub fn named(path: &[u8]) -> (String, bool) {
    match path.strip_suffix(DELETED) {
        Some(path) => (text::from_bytes(path), true),
        None => (text::from_bytes(path), false),
    }
}

fn arguments(cmdline: &[u8]) -> Vec<String> {
    if cmdline.is_empty() {
        return Vec::new();
    }
    let whole = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    whole.split(|byte| *byte == 0).map(text::from_bytes).collect()
}

/// The numbers that a directory of `/proc` has as names.
pub fn numbers(entries: fs::ReadDir) -> impl Iterator<Item = u32> {
    entries.map_while(Result::ok).filter_map(|entry| parsed(OsStr::as_bytes(&entry.file_name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAIL: &[u8] = b" S 17 1 1 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 4711 2310144 128 18446744073709551615";

    #[test]
    fn a_name_full_of_parentheses_and_lines_moves_no_field() {
        for name in [&b"sh"[..], b"a) R 1 (b", b")", b"x\n) Z 0 0", b"\xff\x1b[2J", b""] {
            let line = [b"42 (", name, b")", TAIL].concat();
            let expected =
                Stat { state: "S".to_owned(), ppid: 17, cpu_ticks: 12, start_ticks: 4711, virtual_bytes: 2_310_144 };
            assert_eq!(stat(&line), Some(expected), "{name:?}");
        }
        assert_eq!(stat(b"42 (sh) S 17"), None);
    }

    #[test]
    fn a_name_cannot_pass_for_another_line_of_status() {
        let status = b"Name:\tx\\nUid:\\t0\nTgid:\t7\nNSpid:\t700\t12\t3\nUid:\t1000\t0\t1000\t1000\nCapEff:\t00000000a80425fb\n";
        let told = Status(status);
        assert_eq!((told.number(b"Uid:", 0), told.number(b"Uid:", 1)), (Some(1000), Some(0)));
        assert_eq!(told.words(b"NSpid:").last().and_then(|word| parsed(word)), Some(3));
        assert_eq!(told.bits(b"CapEff:"), Some(0xa804_25fb));
        assert_eq!(told.number::<u64>(b"VmRSS:", 0), None);
        let odd = Status(b"Name:\t\xff\xfe\nUid:\t5\t5\t5\t5\n");
        assert_eq!(odd.number(b"Uid:", 0), Some(5), "a name that is no text hides nobody");
    }

    #[test]
    fn the_unified_cgroup_is_found_among_the_others_whatever_they_are_called() {
        let lines = b"6:freezer:/\xff\n1:name=systemd:/b\n0::/system.slice/taffrail.service\n";
        assert_eq!(unified(lines).as_deref(), Some("/system.slice/taffrail.service"));
        assert_eq!(unified(b"6:freezer:/a\n"), None);
        assert_eq!(unified(b"0::/gone (deleted)\n").as_deref(), Some("/gone"));
    }

    #[test]
    fn arguments_are_told_apart_by_zero_bytes_alone() {
        assert_eq!(arguments(b"sh\0-c\0a b\n\0\0"), ["sh", "-c", "a b\n", ""]);
        assert_eq!(arguments(b"a title that was written over"), ["a title that was written over"]);
        assert!(arguments(b"").is_empty());
    }

    #[test]
    fn a_file_without_a_name_is_told_from_one_with() {
        assert_eq!(named(b"/tmp/x (deleted)"), ("/tmp/x".to_owned(), true));
        assert_eq!(named(b"/tmp/(deleted)"), ("/tmp/(deleted)".to_owned(), false));
        assert_eq!(bracketed::<u32>(b"net:[4026531840]"), Some(4_026_531_840));
        assert_eq!(bracketed::<u64>(b"socket:[7"), None);
    }

    #[test]
    fn this_process_is_described_as_it_is() {
        let proc = Proc::open(std::process::id()).expect("this process");
        let boot = BootId("b".to_owned());
        let own = proc.describe(&boot, std::process::id(), proc.stat().expect("its line"));
        assert_eq!(own.exe.as_deref(), std::env::current_exe().expect("its file").to_str());
        assert_eq!(own.args, std::env::args().collect::<Vec<_>>());
        assert_eq!(own.uid, Some(nix::unistd::getuid().as_raw()));
        assert!(own.resident_bytes.is_some_and(|bytes| bytes > 100_000) && own.namespaces.mount != 0);
        assert_eq!((own.exe_deleted, own.args_cut, own.root.as_str()), (Some(false), false, "/"));
        assert!(proc.cgroup().expect("its cgroup").starts_with('/'));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(bytes: Vec<u8>) {
            let _ = stat(&bytes);
            let _ = Status(&bytes).number::<u32>(b"Uid:", 1);
            let _ = Status(&bytes).bits(b"CapEff:");
            let _ = named(&bytes);
            let _ = bracketed::<u64>(&bytes);
            let _ = arguments(&bytes);
        }
    }
}
