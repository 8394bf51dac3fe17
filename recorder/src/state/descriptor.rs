//! `/proc/PID/fd` and `/proc/PID/fdinfo`: what a process has open.

use super::room::{Full, Room};
use crate::proc::{Proc, bracketed, named, numbers, parsed};
use std::fs;
use taffrail_trace::state::{File, FileKind};
use taffrail_trace::text;

/// Descriptors told of one process.
pub const DESCRIPTORS_MAX: u32 = 4096;
/// Descriptors of one process that are counted: counting takes time too.
const COUNTED_MAX: u32 = 65_536;
/// The lines that are the same for all descriptors come first.
const INFO_MAX_BYTES: u64 = 512;

/// What a process has open.
#[derive(Debug, Default)]
pub struct Open {
    /// How many there are; `None` where the process is over, or they were too many to be counted.
    pub count: Option<u32>,
    /// Whether there are more than are told.
    pub more: bool,
    /// Those that are told, by number.
    pub files: Vec<File>,
}

/// Looks at every descriptor, as far as there is room. One that is closed meanwhile is passed over.
pub fn open(proc: &Proc, room: &mut Room) -> (Open, Result<(), Full>) {
    let mut open = Open::default();
    let Ok(entries) = fs::read_dir(proc.path("fd")) else { return (open, Ok(())) };
    let mut count = 0;
    let mut full = Ok(());
    for fd in numbers(entries) {
        count += 1;
        if count > DESCRIPTORS_MAX || full.is_err() {
            open.more = true;
            if count > COUNTED_MAX || room.time().is_err() {
                return (open.sorted(), full);
            }
            continue;
        }
        let Ok(link) = proc.link(&format!("fd/{fd}")) else {
            count -= 1;
            continue;
        };
        full = room.take::<File>(link.len());
        if full.is_ok() {
            let info = proc.read(&format!("fdinfo/{fd}"), INFO_MAX_BYTES).map(|(info, _)| info);
            open.files.push(file(fd, &link, &info.unwrap_or_default()));
        } else {
            open.more = true;
        }
    }
    open.count = Some(count);
    (open.sorted(), full)
}

impl Open {
    fn sorted(mut self) -> Self {
        self.files.sort_unstable_by_key(|file| file.fd);
        self
    }
}

/// A descriptor by its link and its `fdinfo`. A path begins with `/`, so that no name passes for something else.
fn file(fd: u32, link: &[u8], info: &[u8]) -> File {
    let (path, deleted) = named(link);
    let told = Info::of(info);
    let word = link.iter().position(|byte| *byte == b':').map(|at| &link[..at]);
    let (kind, path, inode) = match word {
        _ if link.starts_with(b"/memfd:") && deleted => (FileKind::Memfd, Some(path), told.inode),
        _ if link.starts_with(b"/") => (FileKind::File, Some(path), told.inode),
        Some(b"socket") => (FileKind::Socket, None, bracketed(link)),
        Some(b"pipe") => (FileKind::Pipe, None, bracketed(link)),
        Some(b"anon_inode") => {
            let name = text::from_bytes(&link[b"anon_inode:".len()..]);
            (FileKind::AnonInode, Some(name.trim_matches(['[', ']']).to_owned()), told.inode)
        }
        Some(_) if bracketed::<u64>(link).is_some() => (FileKind::Namespace, Some(path), bracketed(link)),
        // `(unreachable)/...`, which lies in no mount that the recorder can see.
        _ => (FileKind::Other, Some(path), told.inode),
    };
    File { fd, kind, path, flags: told.flags, offset: told.offset, inode, mount_id: told.mount_id, deleted }
}

/// The lines that every descriptor has. Others may follow with the same names: the first ones count.
#[derive(Debug, Default)]
struct Info {
    offset: Option<u64>,
    flags: Option<u32>,
    mount_id: Option<u32>,
    inode: Option<u64>,
}

impl Info {
    fn of(bytes: &[u8]) -> Self {
        let mut info = Self::default();
        for line in bytes.split(|byte| *byte == b'\n').take(4) {
            let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
            let value = line[at + 1..].trim_ascii();
            match &line[..at] {
                b"pos" => info.offset = parsed(value),
                b"flags" => {
                    info.flags = std::str::from_utf8(value).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
                }
                b"mnt_id" => info.mount_id = parsed(value),
                b"ino" => info.inode = parsed(value),
                _ => {}
            }
        }
        info
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn kind(link: &str) -> (FileKind, Option<String>, Option<u64>, bool) {
        let file = file(3, link.as_bytes(), b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t77\n");
        (file.kind, file.path, file.inode, file.deleted)
    }

    #[test]
    fn what_a_descriptor_leads_to_is_told_by_its_link() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(kind("socket:[4711]"), (FileKind::Socket, None, Some(4711), false));
        assert_eq!(kind("pipe:[12]"), (FileKind::Pipe, None, Some(12), false));
        assert_eq!(kind("anon_inode:[eventpoll]"), (FileKind::AnonInode, some("eventpoll"), Some(77), false));
        assert_eq!(kind("anon_inode:inotify"), (FileKind::AnonInode, some("inotify"), Some(77), false));
        assert_eq!(
            kind("net:[4026531840]"),
            (FileKind::Namespace, some("net:[4026531840]"), Some(4_026_531_840), false)
        );
        assert_eq!(kind("/memfd:x (deleted)"), (FileKind::Memfd, some("/memfd:x"), Some(77), true));
        assert_eq!(kind("/memfd:x"), (FileKind::File, some("/memfd:x"), Some(77), false));
        assert_eq!(kind("/tmp/socket:[1]"), (FileKind::File, some("/tmp/socket:[1]"), Some(77), false));
        assert_eq!(kind("/tmp/a\n\u{1b}[2J (deleted)"), (FileKind::File, some("/tmp/a\n\u{1b}[2J"), Some(77), true));
        assert_eq!(kind("(unreachable)/x").0, FileKind::Other);
    }

    #[test]
    fn the_first_lines_of_fdinfo_count() {
        let info = Info::of(b"pos:\t12\nflags:\t0102002\nmnt_id:\t29\nino:\t5\nflags:\t0\nino:\t6\n");
        assert_eq!(
            (info.offset, info.flags, info.mount_id, info.inode),
            (Some(12), Some(0o102_002), Some(29), Some(5))
        );
        let old = Info::of(b"pos:\t0\nflags:\t02\nmnt_id:\t9\n");
        assert_eq!((old.mount_id, old.inode), (Some(9), None), "before Linux 5.14");
        assert_eq!(Info::of(b"").flags, None);
    }

    #[test]
    fn what_this_process_has_open_is_found_and_what_does_not_fit_is_counted() {
        let proc = Proc::open(std::process::id()).expect("this process");
        let held = tempfile::NamedTempFile::new().expect("a file");
        let path = held.path().to_string_lossy().into_owned();
        let (found, full) = open(&proc, &mut Room::default());
        assert_eq!(full, Ok(()));
        let own = found.files.iter().find(|file| file.path.as_ref() == Some(&path)).expect("it is open");
        assert_eq!((own.kind, own.flags.map(|flags| flags & 3)), (FileKind::File, Some(2)));
        assert!(found.count.is_some_and(|count| count as usize >= found.files.len()));
        let (none, full) = open(&proc, &mut Room::of(Duration::from_secs(1), 10));
        assert_eq!((full, none.files.len()), (Err(Full::Bytes), 0));
        assert!(none.count.is_some_and(|count| count > 2), "counted all the same");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(link: Vec<u8>, info: Vec<u8>) {
            let _ = file(0, &link, &info);
        }
    }
}
