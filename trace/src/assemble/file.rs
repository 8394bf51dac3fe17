//! Rows of `file`.

use super::{Rows, flags};
use crate::event::{Event, FileEvent, FileOp, IoEvent, PathSource};
use crate::schema::FILE;
use crate::table::{Cell, RowError};

/// The file type in a mode (`S_IFMT`), and that of a regular file.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
/// Anybody's execute permission.
const EXECUTE: u32 = 0o111;

impl Rows<'_> {
    pub(super) fn file(&mut self, event: &Event, file: &FileEvent) -> Result<(), RowError> {
        let flags = flags::shown(file.op, file.flags);
        let dev = file.dev.map(device);
        let owner = |id: Option<u32>| Cell::from(id.filter(|id| *id != u32::MAX));
        let cells = [
            Cell::Text(file.op.as_str()),
            Cell::Text(&file.path),
            file.new_path.as_deref().into(),
            Cell::Text(file.path_source.as_str()),
            file.rewritten_from.as_deref().into(),
            file.new_rewritten_from.as_deref().into(),
            Cell::Bool(file.other_mounts),
            Cell::Text(&flags),
            file.mode.into(),
            owner(file.owner.map(|(uid, _)| uid)),
            owner(file.owner.map(|(_, gid)| gid)),
            file.attribute.as_deref().into(),
            file.size_bytes.into(),
            Cell::Bool(made_executable(file)),
            file.result.into(),
            file.fd.into(),
            file.inode.into(),
            dev.as_deref().into(),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Text(file.abi.as_str()),
        ];
        self.push_event(&FILE, event, &cells)
    }

    pub(super) fn io(&mut self, event: &Event, io: &IoEvent) -> Result<(), RowError> {
        let cells = [
            Cell::Text("io"),
            Cell::Text(&io.path),
            Cell::Null,
            Cell::Text(PathSource::Kernel.as_str()),
            Cell::Null,
            Cell::Null,
            Cell::Bool(io.other_mounts),
            Cell::Text(""),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Bool(false),
            Cell::Null,
            Cell::I32(io.fd),
            io.inode.into(),
            Cell::Null,
            Cell::U64(io.bytes_read),
            Cell::U64(io.bytes_written),
            Cell::Bool(io.closed),
            Cell::Null,
        ];
        self.push_event(&FILE, event, &cells)
    }
}

/// Whether a file can be run since, as far as the bits given say: a creation's umask may have taken some.
fn made_executable(file: &FileEvent) -> bool {
    let regular = |mode: u32| matches!(mode & TYPE, 0 | REGULAR);
    matches!(file.op, FileOp::Create | FileOp::Chmod)
        && file.result == Some(0)
        && file.mode.is_some_and(|mode| regular(mode) && mode & EXECUTE != 0)
}

/// `major:minor` of a device in the kernel's encoding.
pub(super) fn device(dev: u32) -> String {
    format!("{}:{}", dev >> 20, dev & 0xf_ffff)
}
