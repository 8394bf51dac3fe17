//! Rows of `process`.

use super::columns::{Batch, CommonColumns};
use crate::error::TuiError;
use crate::state::draft::{Draft, NewImage};
use crate::state::recording::{Image, ImageMore, Origin};

pub fn read(draft: &mut Draft, batch: &Batch<'_>, containers: &[&str]) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (container, origin) = (batch.text("container_id")?, batch.text("origin")?);
    let (process_id, parent, ppid) = (batch.u64("process_id")?, batch.u64("parent_exec_id")?, batch.u32("ppid")?);
    let (cmdline, cwd, gid) = (batch.text("cmdline")?, batch.text("cwd")?, batch.u32("gid")?);
    let (stdin, stdout) = (batch.text("stdin")?, batch.text("stdout")?);
    let (start, end) = (batch.time("start_time")?, batch.time("end_time")?);
    let (code, signal) = (batch.i32("exit_code")?, batch.i32("exit_signal")?);
    let (args_cut, deleted) = (batch.bool("args_cut")?, batch.bool("exe_deleted")?);
    let name = batch.text("container_name")?;
    for (row, mut more) in more(draft, batch)?.into_iter().enumerate() {
        more.container = (containers.len() > 1).then(|| draft.sym(name.get(row)));
        let image = Image {
            exec_id: common.exec_id.get(row).unwrap_or(0),
            process: 0,
            parent: None,
            before: None,
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
            inside: containers.contains(&container.get(row)),
            more,
        };
        // A row without a process is one of its own.
        let process_id = process_id.get(row).unwrap_or(image.exec_id);
        draft.image(NewImage { image, process_id, parent_exec_id: parent.get(row) });
    }
    Ok(())
}

/// What is not known of every image, row by row.
fn more(draft: &mut Draft, batch: &Batch<'_>) -> Result<Vec<ImageMore>, TuiError> {
    let (stderr, script, sha256) = (batch.text("stderr")?, batch.text("script")?, batch.text("exe_sha256")?);
    let (upper, memfd) = (batch.bool("exe_upper")?, batch.bool("exe_memfd")?);
    let (environment, tty) = (batch.texts("environment")?, batch.text("tty")?);
    let (euid, login_uid, threads) = (batch.u32("euid")?, batch.u32("login_uid")?, batch.u32("threads")?);
    let capabilities = batch.u64("cap_effective")?;
    let (entered, entered_by) = (batch.text("entered")?, batch.u64("entered_by")?);
    let one = |row| {
        let kept = environment.joined(row, " ");
        ImageMore {
            stderr: stderr.given(row).map(|text| draft.sym(text)),
            script: script.given(row).map(|text| draft.sym(text)),
            sha256: sha256.given(row).map(|text| draft.sym(text)),
            upper: upper.get(row),
            fresh: false,
            memfd: memfd.get(row),
            environment: (!kept.is_empty()).then(|| draft.sym(&kept)),
            euid: euid.get(row),
            capabilities: capabilities.get(row),
            login_uid: login_uid.get(row),
            tty: tty.given(row).map(|text| draft.sym(text)),
            entered: entered.given(row).map(|text| draft.sym(text)),
            entered_by: entered_by.get(row),
            threads: threads.get(row),
            container: None,
        }
    };
    Ok((0..batch.rows()).map(one).collect())
}
