//! What is made of what programs send.

use super::form::{Read, read};
use super::raised::{About, Alarm, REASON_MAX_BYTES, RULE_MAX_BYTES};
use proptest::prelude::*;
use serde_json::{Value, json};
use taffrail_trace::event::Severity;

fn one(value: &Value) -> Alarm {
    let Read { mut alarms, resolved } = read(value.to_string().as_bytes(), "127.0.0.1:5").expect("an alarm");
    assert_eq!((alarms.len(), resolved), (1, 0));
    alarms.remove(0)
}

fn wrong(value: &Value) -> String {
    read(value.to_string().as_bytes(), "127.0.0.1:5").expect_err("no alarm")
}

fn named(names: &[&str]) -> About {
    About::Named(names.iter().map(|&name| name.to_owned()).collect())
}

fn alert(status: &str, labels: &Value) -> Value {
    json!({"version": "4", "alerts": [{"status": status, "labels": labels, "annotations": {"summary": "too slow"}}]})
}

#[test]
fn an_alert_of_alertmanager_is_an_alarm_about_the_container_that_its_labels_name() {
    let id = "ab".repeat(32);
    let full = format!("/system.slice/docker-{id}.scope");
    for (labels, about) in [
        (json!({"container": "web"}), named(&["web"])),
        (json!({"name": "/web", "id": full}), named(&[&id, "web"])),
        (json!({"container_id": format!("containerd://{id}"), "pod": "shop-1", "container": "web"}), named(&[&id])),
        (json!({"instance": "host:9100"}), named(&[])),
        (
            json!({"pod": "shop-1", "namespace": "shop", "container": "web"}),
            About::Pod {
                pod: "shop-1".to_owned(),
                namespace: Some("shop".to_owned()),
                container: Some("web".to_owned()),
            },
        ),
    ] {
        assert_eq!(one(&alert("firing", &labels)).about, about, "{labels}");
    }
    let alarm = one(&alert("firing", &json!({"alertname": "SlowShop", "severity": "critical", "container": "web"})));
    assert_eq!((alarm.rule.as_str(), alarm.severity), ("SlowShop", Severity::Critical));
    assert_eq!(alarm.reason, "SlowShop: too slow (Alertmanager, webhook from 127.0.0.1:5)");
}

#[test]
fn what_is_resolved_is_no_alarm() {
    let body = alert("resolved", &json!({"container": "web"})).to_string();
    assert_eq!(read(body.as_bytes(), ""), Ok(Read { alarms: Vec::new(), resolved: 1 }));
}

#[test]
fn an_alert_of_falco_is_an_alarm_with_its_rule_priority_and_tags() {
    let alarm = one(&json!({
        "hostname": "quay", "rule": "Terminal shell in container", "priority": "Notice", "time": "2026-01-01T00:00:00Z",
        "output": "A shell was spawned", "source": "syscall", "tags": ["container", "T1059"],
        "output_fields": {"container.id": "3f2a9c1b7d5e", "container.name": "web", "evt.time": 17, "fd.name": null},
    }));
    assert_eq!((alarm.rule.as_str(), alarm.severity), ("Terminal shell in container", Severity::Info));
    assert_eq!(alarm.about, named(&["3f2a9c1b7d5e", "web"]));
    assert_eq!(alarm.tags, ["container", "T1059"]);
    assert_eq!(alarm.reason, "Terminal shell in container: A shell was spawned (Falco, webhook from 127.0.0.1:5)");
    let nested =
        one(&json!({"rule": "r", "output": "o", "output_fields": {"container": {"id": "<NA>", "name": "web"}}}));
    assert_eq!(nested.about, named(&["web"]));
}

#[test]
fn a_plain_alarm_says_container_and_reason_and_how_much() {
    let alarm = one(&json!({"container": "web", "reason": "ticket 4711", "before": "5m", "after": "10s"}));
    assert_eq!((alarm.before_ns, alarm.after_ns), (Some(300_000_000_000), Some(10_000_000_000)));
    assert_eq!(alarm.reason, "ticket 4711 (webhook from 127.0.0.1:5)");
    assert_eq!(one(&json!({"container": "web", "reason": "r"})).before_ns, None);
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    for (value, expected) in [
        (json!([1]), "expected a JSON object"),
        (json!({"hello": 1}), "none of the forms"),
        (json!({"container": "web"}), "missing field `reason`"),
        (json!({"container": "web", "reason": " "}), "'reason' is 1 to 4096 bytes"),
        (json!({"container": " ", "reason": "r"}), "'container' is empty"),
        (json!({"container": 7, "reason": "r"}), "expected a string"),
        (json!({"container": "web", "reason": "r", "befor": "5m"}), "unknown field `befor`"),
        (json!({"container": "web", "reason": "r", "before": "soon"}), "'before' is a time such as"),
        (json!({"container": "web", "reason": "r", "after": "2d"}), "at most a day"),
        (json!({"version": "3", "alerts": []}), "version \"4\""),
        (json!({"version": "4", "alerts": {}}), "'alerts' is a list"),
        (json!({"version": "4", "alerts": [7]}), "alerts[0] is no object"),
        (json!({"version": "4", "alerts": [{"status": "maybe"}]}), "alerts[0].status"),
        (json!({"version": "4", "alerts": vec![json!({"status": "firing"}); 65]}), "at most 64 alerts"),
    ] {
        let said = wrong(&value);
        assert!(said.contains(expected), "{value}: {said}");
    }
    assert!(read(b"{", "").expect_err("no JSON").starts_with("this is no JSON"));
    assert!(read("[".repeat(60_000).as_bytes(), "").expect_err("too deep").contains("recursion limit"));
}

/// JSON in which the words of all forms are likely.
fn likely() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "alerts",
        "version",
        "4",
        "status",
        "firing",
        "resolved",
        "labels",
        "annotations",
        "alertname",
        "severity",
        "container",
        "container_id",
        "id",
        "name",
        "pod",
        "summary",
        "rule",
        "output",
        "output_fields",
        "priority",
        "tags",
        "container.id",
        "container.name",
        "reason",
        "before",
        "after",
        "5m",
        "9999999999999999999d",
        "docker-.scope",
        "//",
        "critical",
        "",
    ]);
    let text = prop_oneof![word.clone().prop_map(str::to_owned), ".{0,40}", "\u{e4}{0,3000}"];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().map(|(key, it)| (key.to_owned(), it)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_bytes_come_nothing_breaks(body in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&body, "peer");
    }

    #[test]
    fn whatever_json_comes_alarms_are_few_and_short(value in likely()) {
        if let Ok(read) = read(value.to_string().as_bytes(), "peer") {
            prop_assert!(read.alarms.len() <= 64);
            for alarm in read.alarms {
                prop_assert!(alarm.rule.len() <= RULE_MAX_BYTES && alarm.reason.len() <= REASON_MAX_BYTES);
                prop_assert!(alarm.tags.len() <= 16 && alarm.tags.iter().all(|tag| tag.len() <= 128));
                prop_assert!(alarm.reason.ends_with("webhook from peer)"));
            }
        }
    }
}
