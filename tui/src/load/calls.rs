//! Rows of `privilege`, `kernel` and `terminal`.

use super::columns::{Batch, CommonColumns};
use crate::error::TuiError;
use crate::state::draft::{Row, Rows};
use crate::state::recording::{Call, Terminal};

pub fn privileges(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (euid, capabilities) = (batch.u32("euid")?, batch.u64("cap_effective")?);
    for (row, call) in calls(rows, batch)?.into_iter().enumerate() {
        let call = Call { euid: euid.get(row), capabilities: capabilities.get(row), ..call };
        common.add(rows, row, Row::Privilege(call));
    }
    Ok(())
}

pub fn kernel(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (path, target) = (batch.text("path")?, batch.text("target")?);
    let (source, target_pid) = (batch.text("path_source")?, batch.i32("target_pid")?);
    for (row, call) in calls(rows, batch)?.into_iter().enumerate() {
        let call = Call {
            path: path.given(row).map(|path| rows.sym(path)),
            target: target.given(row).map(|path| rows.sym(path)),
            source: source.given(row).map(|source| rows.sym(source)),
            target_pid: target_pid.get(row),
            ..call
        };
        common.add(rows, row, Row::Kernel(call));
    }
    Ok(())
}

/// What both have, row by row.
fn calls(rows: &mut Rows, batch: &Batch<'_>) -> Result<Vec<Call>, TuiError> {
    let (op, syscall, detail) = (batch.text("op")?, batch.text("syscall")?, batch.text("detail")?);
    let (result, abi) = (batch.i64("result")?, batch.text("abi")?);
    let call = |row| Call {
        op: rows.sym(op.get(row)),
        syscall: rows.sym(syscall.get(row)),
        detail: rows.sym(detail.get(row)),
        path: None,
        target: None,
        source: None,
        target_pid: None,
        result: result.get(row).unwrap_or(0),
        euid: None,
        capabilities: None,
        abi: rows.sym(abi.get(row)),
    };
    Ok((0..batch.rows()).map(call).collect())
}

pub fn terminal(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (direction, text) = (batch.text("direction")?, batch.text("text")?);
    let (session, fd) = (batch.u64("session_id")?, batch.i32("fd")?);
    let (data, bytes, cut) = (batch.bytes("data")?, batch.u64("bytes")?, batch.bool("cut")?);
    for row in 0..batch.rows() {
        // Before the bytes themselves were kept their text was.
        let kept = data.get(row).map_or(text.get(row).len(), <[u8]>::len) as u64;
        let (moved, cut) = (bytes.get(row).unwrap_or(0), cut.get(row));
        let stretch = Terminal {
            direction: rows.sym(direction.get(row)),
            text: rows.sym(text.get(row)),
            data: data.get(row).and_then(|data| rows.bytes(data)),
            session: session.get(row),
            fd: fd.get(row),
            bytes: moved,
            cut,
            unkept: if cut { moved.saturating_sub(kept) } else { 0 },
        };
        common.add(rows, row, Row::Terminal(stretch));
    }
    Ok(())
}
