//! `fs.path.*`: the names that an operation on the file system was given, whichever call it was.

use super::{Field, Look, text};
use taffrail_trace::event::{Body, FileEvent, FileOp, KernelOp, PathSource};

pub const FIELDS: &[Field] = &[
    text("fs.path.name", |look| name(look, straight)),
    text("fs.path.nameraw", |look| name(look, raw)),
    text("fs.path.source", |look| source(look, straight)),
    text("fs.path.sourceraw", |look| source(look, raw)),
    text("fs.path.target", |look| target(look, straight)),
    text("fs.path.targetraw", |look| target(look, raw)),
];

type Show = fn(&mut Look<'_, '_>, &FileEvent, &str) -> bool;

/// The one name of an operation that has one.
fn name(look: &mut Look<'_, '_>, show: Show) -> bool {
    match &look.event().body {
        Body::File(file) if !has_two(file.op) => show(look, file, &file.path),
        Body::Kernel(call) if matches!(call.op, KernelOp::Umount) => look.maybe_text(call.path.as_deref()),
        _ => false,
    }
}

/// The name that is left, or pointed to.
fn source(look: &mut Look<'_, '_>, show: Show) -> bool {
    match &look.event().body {
        // A symlink's row has what it says as its second name.
        Body::File(file) if file.op == FileOp::Symlink => look.maybe_text(file.new_path.as_deref()),
        Body::File(file) if has_two(file.op) => show(look, file, &file.path),
        Body::Kernel(call) if call.op == KernelOp::Mount => look.maybe_text(call.path.as_deref()),
        _ => false,
    }
}

/// The name that is new.
fn target(look: &mut Look<'_, '_>, show: Show) -> bool {
    match &look.event().body {
        Body::File(file) if file.op == FileOp::Symlink => show(look, file, &file.path),
        Body::File(file) if has_two(file.op) => file.new_path.as_ref().is_some_and(|path| show(look, file, path)),
        Body::Kernel(call) if call.op == KernelOp::Mount => look.maybe_text(call.target.as_deref()),
        _ => false,
    }
}

fn has_two(op: FileOp) -> bool {
    matches!(op, FileOp::Rename | FileOp::Link | FileOp::Symlink)
}

fn straight(look: &mut Look<'_, '_>, file: &FileEvent, path: &str) -> bool {
    if file.path_source == PathSource::User && is_crooked(path) {
        look.composed(|out| straighten(path, out))
    } else {
        look.text(path)
    }
}

/// As the program wrote it; unset where the kernel's own name was kept in its place.
fn raw(look: &mut Look<'_, '_>, file: &FileEvent, path: &str) -> bool {
    file.path_source == PathSource::User && look.text(path)
}

/// Whether a path has parts that lead nowhere: `.`, `..`, nothing.
pub fn is_crooked(path: &str) -> bool {
    path.split('/').skip(1).any(|part| matches!(part, "" | "." | ".."))
}

/// Writes an absolute path without them, as it would be where no part is a link.
pub fn straighten(path: &str, out: &mut String) {
    out.clear();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            part => {
                out.push('/');
                out.push_str(part);
            }
        }
    }
    if out.is_empty() {
        out.push('/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_detours_is_told_where_it_leads() {
        let mut out = String::new();
        for (path, expected) in [
            ("/var/www/../../etc/shadow", "/etc/shadow"),
            ("/../../x", "/x"),
            ("/a/./b//c/", "/a/b/c"),
            ("/..", "/"),
            ("/", "/"),
        ] {
            assert!(is_crooked(path), "{path}");
            straighten(path, &mut out);
            assert_eq!(out, expected);
        }
        assert!(!is_crooked("/etc/shadow") && !is_crooked("/a/..b/.c"));
    }
}
