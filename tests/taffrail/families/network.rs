//! Flows, sockets without flows, names.

use crate::support::stage::{Evidence, Said, Stage, assert_rows};
use serde_json::{Value, json};

/// The rows of one operation that an act left.
fn rows(evidence: &Evidence, act: &str, op: &str) -> Vec<Value> {
    evidence.of(act, "network").into_iter().filter(|row| row["op"] == op).collect()
}

/// Both ends of an echo: what one sent the other received, and the same the other way.
fn echo(evidence: &Evidence, act: &str, said: &Said, protocol: &str, addr: &str) {
    let (server, client, bytes) = (said.number("server"), said.number("client"), said.number("bytes"));
    let end = |op: &str, direction: &str, local: i64, remote: i64| {
        json!({
            "op": op, "protocol": protocol, "direction": direction, "result": 0, "source": "kernel", "path": null,
            "local_addr": addr, "local_port": local, "remote_addr": addr, "remote_port": remote,
            "bytes_sent": bytes, "bytes_received": bytes,
        })
    };
    let one = |op: &str, expected: Value| {
        assert_rows(&format!("{op} of {act}"), &rows(evidence, act, op), &[expected]);
    };
    one("connect", end("connect", "outbound", client, server));
    one("accept", end("accept", "inbound", server, client));
    if protocol == "tcp" {
        one("listen", json!({ "protocol": "tcp", "local_addr": addr, "local_port": server, "remote_addr": null }));
    }
    // A UDP flow has no end but silence.
    let open = evidence.of(act, "network").iter().filter(|row| row["end_time"].is_null()).count();
    assert!(open == 0 || protocol == "udp", "{act} closed every socket");
}

#[test]
fn every_flow_is_a_row_with_both_ends_and_every_byte() {
    let stage = Stage::new("flows", &["--sysctl=net.ipv6.conf.lo.disable_ipv6=0"]);
    let acts = [
        ("tcp-echo", "5000", "tcp", "127.0.0.1"),
        ("tcp6", "777", "tcp", "::1"),
        ("udp-echo", "1000", "udp", "127.0.0.1"),
        ("udp6", "900", "udp", "::1"),
    ];
    let said = acts.map(|(act, bytes, ..)| stage.act(&[act, bytes]));
    let refused = stage.act(&["connect-refused"]);
    let tls = stage.act(&["tls-hello", "44443"]);
    let evidence = stage.evidence();
    for ((act, _, protocol, addr), said) in acts.iter().zip(&said) {
        echo(&evidence, act, said, protocol, addr);
    }
    let expected = json!({ "op": "connect", "protocol": "tcp", "remote_addr": "127.0.0.1", "remote_port": refused.number("port"), "result": -111, "bytes_sent": 0 });
    let connects = rows(&evidence, "connect-refused", "connect");
    assert_rows("the refused connect", &connects, &[expected]);
    let expected = json!({ "remote_port": 44443, "server_name": "c2.example.com", "bytes_sent": tls.number("bytes"), "result": 0 });
    assert_rows("the TLS client", &rows(&evidence, "tls-hello", "connect"), &[expected]);
}

#[test]
fn sockets_without_a_flow_are_rows_too() {
    let stage = Stage::new("sockets", &[]);
    let unreachable = stage.act(&["connect-unreachable"]);
    stage.act(&["unix-connect", "/data/socket"]);
    stage.act(&["unix-abstract", "taffrail-abstract"]);
    assert_eq!(stage.act(&["unix-missing", "/data/nobody"]).number("result"), -2);
    let (raw, packet) = (stage.act(&["raw-socket"]), stage.act(&["packet-socket"]));
    assert!(raw.number("result") >= 0 && packet.number("result") >= 0, "docker's own default allows both");
    let evidence = stage.evidence();

    assert_eq!(unreachable.number("result"), -101, "the container has loopback alone");
    let failed = json!({ "op": "connect", "protocol": "tcp", "remote_addr": "192.0.2.1", "remote_port": 9, "result": -101, "source": "user", "abi": "x86_64", "flow_id": null });
    evidence.expect("connect-unreachable", "network", &[failed]);
    let unix = |path: &str, result: i64, source: &str| json!({ "op": "connect", "protocol": "unix", "path": path, "result": result, "source": source, "remote_addr": null, "flow_id": null });
    evidence.expect("unix-connect", "network", &[unix("/data/socket", 0, "kernel")]);
    evidence.expect("unix-abstract", "network", &[unix("@taffrail-abstract", 0, "kernel")]);
    evidence.expect("unix-missing", "network", &[unix("/data/nobody", -2, "user")]);
    evidence.expect("raw-socket", "network", &[json!({ "op": "socket", "protocol": "raw", "result": 0 })]);
    evidence.expect("packet-socket", "network", &[json!({ "op": "socket", "protocol": "packet", "result": 0 })]);
}

#[test]
fn a_question_for_a_name_and_its_answer_are_seen_at_both_ends() {
    let stage = Stage::new("dns", &[]);
    let said = stage.act(&["dns"]);
    let evidence = stage.evidence();
    let answers = json!(["203.0.113.7", "203.0.113.8"]);
    let client = said.number("client");
    let message = |op: &str, sent: bool, at_client: bool| {
        let (local, remote) = if at_client { (client, 53) } else { (53, client) };
        json!({
            "op": op, "sent": sent, "name": "evil.example.com", "qtype": "A", "id": said.number("id"),
            "answers": if op == "query" { json!([]) } else { answers.clone() },
            "rcode": if op == "query" { Value::Null } else { json!("NOERROR") },
            "local_addr": "127.0.0.1", "local_port": local, "remote_addr": "127.0.0.1", "remote_port": remote,
        })
    };
    let expected = [
        message("query", true, true),
        message("query", false, false),
        message("response", true, false),
        message("response", false, true),
    ];
    evidence.expect("dns", "dns", &expected);
    let flows = evidence.number(
        "SELECT count(DISTINCT n.flow_id) AS n FROM network n JOIN dns d ON n.flow_id = d.flow_id WHERE n.protocol = 'udp'",
    );
    assert_eq!(flows, 2, "each message joins the flow of its end");
}
