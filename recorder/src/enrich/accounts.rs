//! Names of users and groups, as a container's own `/etc/passwd` and `/etc/group` have them.
//!
//! A container's files are a stranger's. They are looked for below the container's root and nowhere else, wherever links
//! lead (`openat2`, Linux 5.6); they have to be regular files, and bounded. All of it is done on a thread of its own, since a
//! file system of a container can hang: then names stay as they are, and nobody waits.

use super::cgroup::is_within;
use crate::proc::{Proc, read_up_to};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::mpsc;
use taffrail_trace::ids::ContainerKey;

/// Where they are, below the root.
const FILES: [&str; 2] = ["etc/passwd", "etc/group"];
/// A file is no longer than this; of a longer one there are no names.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// A longer name is none.
const NAME_MAX_BYTES: usize = 256;
/// How many names of each kind are kept.
const NAMES_MAX: usize = 4096;

/// Names by numbers.
pub type Names = BTreeMap<u32, String>;

/// A container whose names somebody wants.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom the answer is for.
    pub key: ContainerKey,
    /// The container's own cgroup; the host's is `/`.
    pub cgroup_path: String,
    /// A process that has the container's root.
    pub pid: u32,
}

/// A container's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Users.
    pub users: Names,
    /// Groups.
    pub groups: Names,
}

/// The asking side of the thread that reads.
#[derive(Debug)]
pub struct Clerk {
    questions: mpsc::SyncSender<Vec<Question>>,
}

impl Clerk {
    /// Starts the thread. `tell` is told of names that are new or changed; it says whether anybody listens still.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start(tell: impl Fn(ContainerKey, Accounts) -> bool + Send + 'static) -> io::Result<Self> {
        let (questions, asked) = mpsc::sync_channel::<Vec<Question>>(1);
        std::thread::Builder::new().name("accounts".to_owned()).spawn(move || {
            let mut seen = HashMap::new();
            while let Ok(round) = asked.recv() {
                let before = std::mem::take(&mut seen);
                for question in round {
                    let known = before.get(&question.key).copied().unwrap_or_default();
                    // A process that is gone is asked about no more, and the next round asks for another one.
                    let Ok((marks, accounts)) = look(&question, known) else { continue };
                    seen.insert(question.key, marks);
                    if accounts.is_some_and(|accounts| !tell(question.key, accounts)) {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { questions })
    }

    /// Has all containers that run looked at. What it is asked while it is at work is not answered: it is asked again.
    pub fn ask(&self, round: Vec<Question>) {
        let _ = self.questions.try_send(round);
    }
}

/// What tells that a file is as it was: device, inode, length, and when it was changed.
type Mark = Option<(u64, u64, u64, i64, i64)>;

/// The names, where any of the files is not as it was.
fn look(question: &Question, before: [Mark; 2]) -> io::Result<([Mark; 2], Option<Accounts>)> {
    let process = Proc::open(question.pid)?;
    let root = root(&process.path("root"))?;
    // The pid may be another's by now. What was opened is of whoever is still the one that is held.
    if !is_within(&process.cgroup()?, &question.cgroup_path) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(changed(&root, before))
}

fn changed(root: &File, before: [Mark; 2]) -> ([Mark; 2], Option<Accounts>) {
    let files = FILES.map(|name| open(root, name).ok());
    let marks = files.each_ref().map(|file| {
        let meta = file.as_ref()?.metadata().ok()?;
        Some((meta.dev(), meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec()))
    });
    if marks == before {
        return (marks, None);
    }
    let [users, groups] = files.map(|file| file.and_then(|file| names(&file).ok()).unwrap_or_default());
    (marks, Some(Accounts { users, groups }))
}

/// A root directory, to look below.
fn root(path: &Path) -> io::Result<File> {
    let flags = nix::libc::O_PATH | nix::libc::O_DIRECTORY;
    File::options().read(true).custom_flags(flags).open(path)
}

/// Holds a regular file below `root`. What it is is looked at before it is opened: to open a device can do something.
fn open(root: &File, name: &str) -> io::Result<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let held = File::from(openat2(root, name, how)?);
    if !held.metadata()?.is_file() {
        return Err(io::Error::other("this is no regular file"));
    }
    Ok(held)
}

fn names(held: &File) -> io::Result<Names> {
    let (bytes, is_longer) = read_up_to(File::open(format!("/proc/self/fd/{}", held.as_raw_fd()))?, FILE_MAX_BYTES)?;
    if is_longer {
        return Err(io::Error::other(format!("it is longer than {FILE_MAX_BYTES} bytes")));
    }
    Ok(parsed(&bytes))
}

/// `name:password:number:…`, a line each. Of several names of a number the first counts, as for the C library.
fn parsed(bytes: &[u8]) -> Names {
    let mut names = Names::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else { continue };
        let (Ok(name), Ok(number)) = (str::from_utf8(name), str::from_utf8(number)) else { continue };
        let is_name = !name.is_empty() && name.len() <= NAME_MAX_BYTES && !name.contains(char::is_control);
        if let (true, Ok(number)) = (is_name && names.len() < NAMES_MAX, number.parse()) {
            names.entry(number).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A container's root with these files.
    fn container(passwd: &str, group: &str) -> TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("etc")).expect("etc");
        fs::write(dir.path().join("etc/passwd"), passwd).expect("passwd");
        fs::write(dir.path().join("etc/group"), group).expect("group");
        dir
    }

    fn found(dir: &TempDir) -> Accounts {
        let root = root(dir.path()).expect("a root");
        changed(&root, [None; 2]).1.unwrap_or_default()
    }

    fn said(names: &Names) -> Vec<(u32, &str)> {
        names.iter().map(|(number, name)| (*number, name.as_str())).collect()
    }

    #[test]
    fn users_and_groups_have_the_names_that_their_files_give_them() {
        let dir = container(
            "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\ntoor:x:0:0:second:/:/bin/sh\n",
            "root:x:0:\nstaff:x:50:alice,bob\n",
        );
        let accounts = found(&dir);
        assert_eq!(said(&accounts.users), [(0, "root"), (33, "www-data")], "the first name of a number counts");
        assert_eq!(said(&accounts.groups), [(0, "root"), (50, "staff")]);
    }

    #[test]
    fn they_are_read_again_only_when_a_file_is_another() {
        let dir = container("a:x:1:1:::\n", "");
        let root = root(dir.path()).expect("a root");
        let (marks, accounts) = changed(&root, [None; 2]);
        assert!(accounts.is_some());
        assert_eq!(changed(&root, marks).1, None);
        fs::write(dir.path().join("etc/new"), "b:x:1:1:::\n").expect("write");
        fs::rename(dir.path().join("etc/new"), dir.path().join("etc/passwd")).expect("renamed");
        let (marks, accounts) = changed(&root, marks);
        assert_eq!(said(&accounts.expect("new ones").users), [(1, "b")]);
        fs::remove_file(dir.path().join("etc/passwd")).expect("removed");
        assert_eq!(changed(&root, marks).1, Some(Accounts::default()));
    }

    #[test]
    fn no_link_leads_out_of_the_container() {
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("passwd"), "stranger:x:7:7:::\n").expect("write");
        let dir = container("", "");
        let passwd = dir.path().join("etc/passwd");
        let linked = |to: &Path| {
            fs::remove_file(&passwd).expect("removed");
            symlink(to, &passwd).expect("a link");
            found(&dir).users
        };
        assert_eq!(linked(&outside.path().join("passwd")), Names::new());
        let up = Path::new("../../../../../../../../")
            .join(outside.path().join("passwd").strip_prefix("/").expect("absolute"));
        assert_eq!(linked(&up), Names::new());
        assert_eq!(linked(Path::new("/proc/self/root/etc/passwd")), Names::new());
        fs::write(dir.path().join("etc/own"), "keeper:x:7:7:::\n").expect("write");
        assert_eq!(
            said(&linked(Path::new("/etc/own"))),
            [(7, "keeper")],
            "a link of the container's is followed in it"
        );
    }

    #[test]
    fn what_is_no_regular_file_or_too_long_has_no_names() {
        let dir = container("", "");
        let passwd = dir.path().join("etc/passwd");
        fs::remove_file(&passwd).expect("removed");
        nix::unistd::mkfifo(&passwd, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert_eq!(found(&dir).users, Names::new(), "and nobody waits for its writer");
        fs::remove_file(&passwd).expect("removed");
        let line = "a:x:1:1:::\n";
        fs::write(&passwd, line.repeat(1 + (1 << 20) / line.len())).expect("write");
        assert_eq!(found(&dir).users, Names::new());
    }

    #[test]
    fn lines_that_are_none_are_passed_over_and_names_are_bounded() {
        let names =
            parsed(b"\n:::\nno colon\na:x\nb:x:many:\nc:x:-1:\nd:x:4294967296:\n\x1b[2J:x:5:\n\xff:x:6:\ne:x:7:");
        assert_eq!(said(&names), [(7, "e")]);
        assert_eq!(parsed(format!("{}:x:1:", "n".repeat(257)).as_bytes()), Names::new());
        let many: String = (0..5000).map(|number| format!("u{number}:x:{number}:\n")).collect();
        assert_eq!(parsed(many.as_bytes()).len(), NAMES_MAX);
    }

    #[test]
    fn a_pid_that_is_another_s_by_now_is_not_asked() {
        let own = Proc::open(std::process::id()).and_then(|own| own.cgroup()).expect("a cgroup");
        let question = |cgroup_path: &str| Question {
            key: ContainerKey(1),
            cgroup_path: cgroup_path.to_owned(),
            pid: std::process::id(),
        };
        assert!(look(&question(&own), [None; 2]).is_ok());
        assert!(look(&question("/"), [None; 2]).is_ok(), "the host's is above all");
        assert!(look(&question("/docker/another"), [None; 2]).is_err());
    }
}
