//! Rows of `network` and `dns`.

use super::columns::{Batch, CommonColumns};
use crate::error::TuiError;
use crate::state::draft::{Row, Rows};
use crate::state::recording::{Dns, Flow};

pub fn flows(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, protocol, source) = (batch.text("op")?, batch.text("protocol")?, batch.text("source")?);
    let (local_addr, local_port) = (batch.text("local_addr")?, batch.u16("local_port")?);
    let (remote_addr, remote_port) = (batch.text("remote_addr")?, batch.u16("remote_port")?);
    let (path, server_name) = (batch.text("path")?, batch.text("server_name")?);
    let (sent, received) = (batch.u64("bytes_sent")?, batch.u64("bytes_received")?);
    let (end, result, flow_id) = (batch.time("end_time")?, batch.i32("result")?, batch.u64("flow_id")?);
    for row in 0..batch.rows() {
        let remote = remote_addr.given(row).map(|addr| endpoint(addr, remote_port.get(row)));
        let remote = remote.or_else(|| path.given(row).map(str::to_owned));
        let flow = Flow {
            op: rows.sym(op.get(row)),
            protocol: rows.sym(protocol.get(row)),
            local: rows.sym(&endpoint(local_addr.get(row), local_port.get(row))),
            remote: remote.map(|remote| rows.sym(&remote)),
            server_name: server_name.given(row).map(|name| rows.sym(name)),
            source: rows.sym(source.get(row)),
            start: common.time.get(row).unwrap_or(i64::MIN),
            end: end.get(row),
            sent: sent.get(row),
            received: received.get(row),
            result: result.get(row).unwrap_or(0),
            flow_id: flow_id.get(row),
        };
        common.add(rows, row, Row::Flow(flow));
    }
    Ok(())
}

pub fn messages(rows: &mut Rows, batch: &Batch<'_>) -> Result<(), TuiError> {
    let common = CommonColumns::new(batch)?;
    let (op, sent) = (batch.text("op")?, batch.bool("sent")?);
    let (name, qtype, id) = (batch.text("name")?, batch.text("qtype")?, batch.u16("id")?);
    let (answers, rcode) = (batch.texts("answers")?, batch.text("rcode")?);
    let (local_addr, local_port) = (batch.text("local_addr")?, batch.u16("local_port")?);
    let (remote_addr, remote_port) = (batch.text("remote_addr")?, batch.u16("remote_port")?);
    let flow_id = batch.u64("flow_id")?;
    for row in 0..batch.rows() {
        let message = Dns {
            op: rows.sym(op.get(row)),
            sent: sent.get(row),
            name: rows.sym(name.get(row)),
            qtype: rows.sym(qtype.get(row)),
            answers: rows.sym(&answers.joined(row, ", ")),
            rcode: rcode.given(row).map(|rcode| rows.sym(rcode)),
            id: id.get(row),
            local: rows.sym(&endpoint(local_addr.get(row), local_port.get(row))),
            remote: rows.sym(&endpoint(remote_addr.get(row), remote_port.get(row))),
            flow_id: flow_id.get(row),
        };
        common.add(rows, row, Row::Dns(message));
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
