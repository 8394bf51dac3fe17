//! What was done to files, in sentences.

use super::crowd::{Crowd, Deed};
use super::{Teller, View, who, words};
use crate::state::recording::{Event, Io, Recording};

/// What every program opens to begin at all, or asks the kernel through: no sentence names it.
///
/// Of a file in memory, the call that makes it and the closing that says what was written to it have theirs.
const ORDINARY: [&str; 14] = [
    "/memfd:",
    "/lib/",
    "/lib64/",
    "/usr/lib/",
    "/usr/lib64/",
    "/usr/local/lib/",
    "/usr/share/locale/",
    "/usr/share/zoneinfo/",
    "/etc/ld.so.",
    "/etc/ld-musl-",
    "/dev/",
    "/proc/self/",
    "/sys/kernel/mm/",
    "/sys/devices/system/cpu",
];

/// Files whose reading is worth a sentence.
const SECRETS: [&str; 9] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/root/.ssh/",
    "/.ssh/id_",
    "/.aws/credentials",
    "/.docker/config.json",
    "/var/run/secrets/",
    "/docker.sock",
];

impl Teller {
    /// The files that a suspect opened and that have no sentence of their own: one for all of them.
    pub(super) fn opened(&mut self, recording: &Recording, index: u32, event: &Event, at: u32, suspect: bool) {
        let Some(file) = recording.files.get(at as usize).filter(|file| suspect && file.result == Some(0)) else {
            return;
        };
        let path = recording.text(file.path);
        if recording.text(file.op) != "open" || is_secret(path) || ORDINARY.iter().any(|dull| path.starts_with(dull)) {
            return;
        }
        let mut who = who(recording, event);
        if self.is_again(recording, event)
            && let Some(comm) = recording.text_of(recording.actor(event).comm)
        {
            comm.clone_into(&mut who);
        }
        let crowd = Crowd::new(Deed::Opened, who.clone(), "", format!("{who} opened {path}"));
        self.join(recording, index, event, &who, crowd, (path, None, (0, 0)));
    }

    /// What was done to a file: everything by a suspect, secrets that were opened by anybody.
    pub(super) fn file(&self, recording: &Recording, event: &Event, at: u32, suspect: bool) -> Option<(String, View)> {
        let file = recording.files.get(at as usize)?;
        let (op, path) = (recording.text(file.op), recording.text(file.path));
        let failed = file.result.unwrap_or(0) < 0;
        // A runtime reads what it prepares.
        let is_outside = || recording.actor(event).image.is_some_and(|image| recording.is_from_outside(image));
        let done = |word: &str, tried: &str| if failed { format!("tried to {tried}") } else { word.to_owned() };
        let new_path = file.new_path.map_or("", |path| recording.text(path));
        let what = match op {
            "open" if (suspect || !failed) && is_secret(path) && (suspect || !is_outside()) => {
                format!("{} {path}", done("opened", "open"))
            }
            _ if !suspect => return None,
            "create" if !path.starts_with("/dev/") => format!("{} {path}", done("made", "make")),
            "chmod" if self.is_program(path, file.mode) => {
                format!("{} {path} executable", done("made", "make"))
            }
            "chmod" => format!("{} the mode of {path}", done("changed", "change")),
            "unlink" | "rmdir" => format!("{} {path}", done("removed", "remove")),
            "rename" => format!("{} {path} to {new_path}", done("moved", "move")),
            "link" | "symlink" => format!("{} {path} to {new_path}", done("linked", "link")),
            // As `mkdir -p` does on its way.
            "mkdir" if file.result == Some(-17) => return None,
            "mkdir" => format!("{} the directory {path}", done("made", "make")),
            "chown" => format!("{} the owner of {path}", done("changed", "change")),
            "setxattr" => format!("{} an attribute of {path}", done("set", "set")),
            "removexattr" => format!("{} an attribute of {path}", done("removed", "remove")),
            "truncate" if !path.starts_with("/dev/") => {
                let size = file.given.map_or("", |size| recording.text(size));
                format!("{} the length of {path} {size}", done("set", "set")).trim_end().to_owned()
            }
            "mknod" => format!("{} the device or pipe {path}", done("made", "make")),
            _ => return None,
        };
        let mut text = format!("{} {what}", who(recording, event));
        if let Some(before) = file.rewritten_from {
            text.push_str(&format!(" (its memory said {} first)", recording.text(before)));
        }
        if recording.text_of(file.abi) == Some("io_uring") {
            text.push_str(" through io_uring");
        }
        words::push_failure(&mut text, i64::from(file.result.unwrap_or(0)));
        Some((text, View::Files))
    }

    /// Whether a file of this path can be run with this mode.
    fn is_program(&self, path: &str, mode: Option<u32>) -> bool {
        let is_directory = path.ends_with('/') || path.ends_with("/.");
        mode.is_some_and(|mode| mode & 0o111 != 0) && !is_directory && !self.directories.contains(path)
    }
}

fn is_secret(path: &str) -> bool {
    SECRETS.iter().any(|secret| path.contains(secret))
}

/// What was written to a file, which is told when it is closed or after a while: by then its name can be another's or nobody's.
pub fn written(who: &str, path: &str, io: &Io) -> String {
    let bytes = words::bytes(io.written);
    if io.closed {
        format!("{who} closed {path}, to which it had written {bytes}")
    } else {
        format!("{who} wrote {bytes} to {path}, and has it open")
    }
}
