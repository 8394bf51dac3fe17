//! A bundle's tables to a [`State`], once.
//!
//! Read from the tables, not from the view `timeline`, because the detail shows every column. Any value of a hostile
//! bundle may be NULL: texts are empty then, numbers 0, and a row without a time stands at the window's beginning.

mod columns;

use crate::error::TuiError;
use crate::state::State;
use crate::state::draft::{Draft, NewImage, Row, Rows};
use crate::state::recording::{About, File, Finding, Flow, Gap, Image, Lifecycle, Origin};
use columns::{Batch, CommonColumns};
use taffrail_query::Session;
use taffrail_query::arrow::array::RecordBatch;
use taffrail_trace::manifest::Manifest;

/// The most rows of one table: about half a gigabyte, and hours of the busiest container.
const ROWS_MAX: u64 = 4 << 20;

/// Reads the one bundle of the session.
///
/// # Errors
/// [`TuiError`] where there is not exactly one, it is too large, or its tables cannot be read.
pub async fn load(session: &Session) -> Result<State, TuiError> {
    let [bundle] = session.bundles() else {
        return Err(TuiError::OneBundle(session.bundles().len()));
    };
    let manifest = bundle.manifest();
    let mut draft = Draft::new(about(manifest));
    for batch in read(session, "process").await? {
        images(&mut draft, &Batch::new("process", &batch), &manifest.container.id)?;
    }
    let mut rows = draft.link_images();
    for batch in read(session, "file").await? {
        files(&mut rows, &Batch::new("file", &batch))?;
    }
    for batch in read(session, "network").await? {
        flows(&mut rows, &Batch::new("network", &batch))?;
    }
    for batch in read(session, "lifecycle").await? {
        moments(&mut rows, &Batch::new("lifecycle", &batch))?;
    }
    for batch in read(session, "finding").await? {
        findings(&mut rows, &Batch::new("finding", &batch))?;
    }
    for batch in read(session, "gap").await? {
        gaps(&mut rows, &Batch::new("gap", &batch))?;
    }
    Ok(State::new(rows.finish()))
}

/// All rows of a table. They are sorted here later, so the engine need not.
async fn read(session: &Session, table: &'static str) -> Result<Vec<RecordBatch>, TuiError> {
    let count = session.sql(&format!("SELECT count(*) AS rows FROM {table}")).await?;
    let rows = match count.first() {
        Some(batch) => Batch::new(table, batch).u64("rows")?.get(0).unwrap_or(0),
        None => 0,
    };
    if rows > ROWS_MAX {
        return Err(TuiError::TooLarge { table, rows, max: ROWS_MAX });
    }
    Ok(session.sql(&format!("SELECT * FROM {table}")).await?)
}

fn about(manifest: &Manifest) -> About {
    let clock = &manifest.clock;
    let container = &manifest.container;
    About {
        container: container.name.clone(),
        image: container.image.clone(),
        runtime: container.runtime.as_str().to_owned(),
        host: manifest.host.hostname.clone(),
        rule: manifest.trigger.rule.clone(),
        severity: manifest.trigger.severity,
        reason: manifest.trigger.reason.clone(),
        trigger: clock.utc(manifest.trigger.time_ns),
        from: clock.utc(manifest.window.from_ns),
        to: clock.utc(manifest.window.to_ns),
    }
}

fn images(draft: &mut Draft, batch: &Batch<'_>, container_id: &str) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (container, origin) = (batch.text("container_id")?, batch.text("origin")?);
    let (process_id, parent, ppid) = (batch.u64("process_id")?, batch.u64("parent_exec_id")?, batch.u32("ppid")?);
    let (cmdline, cwd, gid) = (batch.text("cmdline")?, batch.text("cwd")?, batch.u32("gid")?);
    let (stdin, stdout) = (batch.text("stdin")?, batch.text("stdout")?);
    let (start, end) = (batch.time("start_time")?, batch.time("end_time")?);
    let (code, signal) = (batch.i32("exit_code")?, batch.i32("exit_signal")?);
    let (args_cut, deleted) = (batch.bool("args_cut")?, batch.bool("exe_deleted")?);
    for row in 0..batch.rows() {
        let image = Image {
            exec_id: common.exec_id.get(row).unwrap_or(0),
            process: 0,
            parent: None,
            pid: common.pid.get(row).unwrap_or(0),
            ppid: ppid.get(row),
            uid: common.uid.get(row).unwrap_or(0),
            gid: gid.get(row).unwrap_or(0),
            comm: draft.sym(common.comm.get(row)),
            exe: common.exe.given(row).map(|exe| draft.sym(exe)),
            cmdline: draft.sym(cmdline.get(row)),
            cwd: draft.sym(cwd.get(row)),
            stdin: draft.sym(stdin.get(row)),
            stdout: draft.sym(stdout.get(row)),
            origin: match origin.get(row) {
                "exec" => Origin::Exec,
                "fork" => Origin::Fork,
                _ => Origin::Scan,
            },
            start: start.get(row).or(common.time.get(row)).unwrap_or(i64::MIN),
            end: end.get(row),
            exit_code: code.get(row),
            exit_signal: signal.get(row),
            args_cut: args_cut.get(row),
            exe_deleted: deleted.get(row),
            inside: container.get(row) == container_id,
        };
        // A row without a process is one of its own.
        let process_id = process_id.get(row).unwrap_or(image.exec_id);
        draft.image(NewImage { image, process_id, parent_exec_id: parent.get(row) });
    }
    Ok(())
}

fn files(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, path, new_path) = (batch.text("op")?, batch.text("path")?, batch.text("new_path")?);
    let (source, flags) = (batch.text("path_source")?, batch.text("flags")?);
    let (mode, result) = (batch.u32("mode")?, batch.i32("result")?);
    let (fd, inode) = (batch.i32("fd")?, batch.u64("inode")?);
    for row in 0..batch.rows() {
        let file = File {
            op: rows.sym(op.get(row)),
            path: rows.sym(path.get(row)),
            new_path: new_path.given(row).map(|path| rows.sym(path)),
            source: rows.sym(source.get(row)),
            flags: rows.sym(flags.get(row)),
            mode: mode.get(row),
            result: result.get(row).unwrap_or(0),
            fd: fd.get(row),
            inode: inode.get(row),
        };
        common.add(rows, row, Row::File(file));
    }
    Ok(())
}

fn flows(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, protocol) = (batch.text("op")?, batch.text("protocol")?);
    let (local_addr, local_port) = (batch.text("local_addr")?, batch.u16("local_port")?);
    let (remote_addr, remote_port) = (batch.text("remote_addr")?, batch.u16("remote_port")?);
    let (sent, received) = (batch.u64("bytes_sent")?, batch.u64("bytes_received")?);
    let (end, result, flow_id) = (batch.time("end_time")?, batch.i32("result")?, batch.u64("flow_id")?);
    for row in 0..batch.rows() {
        let flow = Flow {
            op: rows.sym(op.get(row)),
            protocol: rows.sym(protocol.get(row)),
            local: rows.sym(&endpoint(local_addr.get(row), local_port.get(row))),
            remote: remote_addr.given(row).map(|addr| rows.sym(&endpoint(addr, remote_port.get(row)))),
            start: common.time.get(row).unwrap_or(i64::MIN),
            end: end.get(row),
            sent: sent.get(row),
            received: received.get(row),
            result: result.get(row).unwrap_or(0),
            flow_id: flow_id.get(row).unwrap_or(0),
        };
        common.add(rows, row, Row::Flow(flow));
    }
    Ok(())
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, or the address alone.
fn endpoint(addr: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if addr.contains(':') => format!("[{addr}]:{port}"),
        Some(port) => format!("{addr}:{port}"),
        None => addr.to_owned(),
    }
}

fn moments(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, cgroup) = (batch.text("op")?, batch.text("cgroup_path")?);
    for row in 0..batch.rows() {
        let moment = Lifecycle { op: rows.sym(op.get(row)), cgroup: rows.sym(cgroup.get(row)) };
        common.add(rows, row, Row::Lifecycle(moment));
    }
    Ok(())
}

fn findings(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (rule, severity, message) = (batch.text("rule")?, batch.text("severity")?, batch.text("message")?);
    for row in 0..batch.rows() {
        let finding = Finding {
            rule: rows.sym(rule.get(row)),
            severity: rows.sym(severity.get(row)),
            message: rows.sym(message.get(row)),
        };
        common.add(rows, row, Row::Finding(finding));
    }
    Ok(())
}

fn gaps(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let (class, cause) = (batch.text("class")?, batch.text("cause")?);
    let (lost, own) = (batch.u64("lost")?, batch.bool("own")?);
    let (from, to) = (batch.time("from_time")?, batch.time("to_time")?);
    for row in 0..batch.rows() {
        let begin = from.get(row).unwrap_or(i64::MIN);
        let gap = Gap {
            class: rows.sym(class.get(row)),
            cause: rows.sym(cause.get(row)),
            lost: lost.get(row),
            from: begin,
            to: to.get(row).unwrap_or(begin),
            own: own.get(row),
        };
        rows.gap(gap);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn an_end_of_a_flow_reads_as_one_writes_it() {
        assert_eq!(endpoint("192.0.2.1", Some(80)), "192.0.2.1:80");
        assert_eq!(endpoint("2001:db8::1", Some(443)), "[2001:db8::1]:443");
        assert_eq!(endpoint("192.0.2.1", None), "192.0.2.1");
    }
}
