//! Rows of `file`.

use super::columns::{Batch, CommonColumns};
use crate::error::TuiError;
use crate::state::draft::{Row, Rows};
use crate::state::recording::{File, Io};
use crate::state::words;

pub fn read(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, path, new_path) = (batch.text("op")?, batch.text("path")?, batch.text("new_path")?);
    let (source, flags, abi) = (batch.text("path_source")?, batch.text("flags")?, batch.text("abi")?);
    let (rewritten_from, other_mounts) = (batch.text("rewritten_from")?, batch.bool("other_mounts")?);
    let (mode, result) = (batch.u32("mode")?, batch.i32("result")?);
    let (fd, inode) = (batch.i32("fd")?, batch.u64("inode")?);
    let (uid, gid) = (batch.u32("owner_uid")?, batch.u32("owner_gid")?);
    let (attribute, size) = (batch.text("attribute")?, batch.u64("size_bytes")?);
    let (bytes_read, written) = (batch.u64("bytes_read")?, batch.u64("bytes_written")?);
    let closed = batch.bool("closed")?;
    for row in 0..batch.rows() {
        if op.get(row) == "io" {
            let io = Io {
                path: rows.sym(path.get(row)),
                fd: fd.get(row),
                inode: inode.get(row),
                read: bytes_read.get(row).unwrap_or(0),
                written: written.get(row).unwrap_or(0),
                closed: closed.get(row),
            };
            common.add(rows, row, Row::Io(io));
            continue;
        }
        let given = given(uid.get(row), gid.get(row), attribute.given(row), size.get(row));
        let file = File {
            op: rows.sym(op.get(row)),
            path: rows.sym(path.get(row)),
            new_path: new_path.given(row).map(|path| rows.sym(path)),
            source: rows.sym(source.get(row)),
            rewritten_from: rewritten_from.given(row).map(|path| rows.sym(path)),
            other_mounts: other_mounts.get(row),
            flags: rows.sym(flags.get(row)),
            mode: mode.get(row),
            given: given.map(|given| rows.sym(&given)),
            result: result.get(row),
            fd: fd.get(row),
            inode: inode.get(row),
            abi: abi.given(row).map(|abi| rows.sym(abi)),
        };
        common.add(rows, row, Row::File(file));
    }
    Ok(())
}

/// What a chown, setxattr or truncate was given, in words.
fn given(uid: Option<u32>, gid: Option<u32>, attribute: Option<&str>, size: Option<u64>) -> Option<String> {
    match (uid, gid, attribute, size) {
        (Some(uid), Some(gid), ..) => Some(format!("owner {uid}:{gid}")),
        (Some(uid), None, ..) => Some(format!("owner {uid}")),
        (None, Some(gid), ..) => Some(format!("group {gid}")),
        (None, None, Some(attribute), _) => Some(attribute.to_owned()),
        (None, None, None, Some(size)) => Some(format!("to {}", words::bytes(size))),
        (None, None, None, None) => None,
    }
}
