//! Rows of `lifecycle`, `finding` and `gap`.

use super::columns::{Batch, CommonColumns};
use crate::error::TuiError;
use crate::state::draft::{Row, Rows};
use crate::state::recording::{Finding, Gap, Lifecycle};

pub fn moments(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, cgroup, detail) = (batch.text("op")?, batch.text("cgroup_path")?, batch.text("detail")?);
    for row in 0..batch.rows() {
        let moment = Lifecycle {
            op: rows.sym(op.get(row)),
            cgroup: rows.sym(cgroup.get(row)),
            detail: detail.given(row).map(|detail| rows.sym(detail)),
        };
        common.add(rows, row, Row::Lifecycle(moment));
    }
    Ok(())
}

pub fn findings(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (rule, severity, message) = (batch.text("rule")?, batch.text("severity")?, batch.text("message")?);
    let (source, techniques) = (batch.text("source")?, batch.texts("techniques")?);
    for row in 0..batch.rows() {
        let techniques = techniques.joined(row, ", ");
        let finding = Finding {
            rule: rows.sym(rule.get(row)),
            severity: rows.sym(severity.get(row)),
            message: rows.sym(message.get(row)),
            source: source.given(row).filter(|source| *source != "rule").map(|source| rows.sym(source)),
            techniques: (!techniques.is_empty()).then(|| rows.sym(&techniques)),
        };
        common.add(rows, row, Row::Finding(finding));
    }
    Ok(())
}

pub fn gaps(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
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
