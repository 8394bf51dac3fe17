//! What programs send, told apart by what is in it.
//!
//! ```text
//! Alertmanager   a webhook's body, version 4: {"version": "4", "alerts": [{"status", "labels", "annotations"}]}
//!                https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
//! Falco          one alert of its JSON output: {"rule", "priority", "output", "output_fields", "tags"}
//!                https://falco.org/docs/outputs/formatting/
//! plain          {"container": "web", "reason": "ticket 4711", "before": "5m", "after": "10s"}
//! ```
//!
//! Everything in it is somebody else's text: bounded here, escaped where it is shown.

use super::raised::{About, Alarm, REASON_MAX_BYTES};
use crate::enrich::cgroup::prefixed;
use serde::Deserialize;
use serde_json::{Map, Value};
use taffrail_rules::rule::Priority;
use taffrail_rules::value::duration;
use taffrail_trace::event::Severity;
use taffrail_trace::text::cut;

/// How many alerts one request of Alertmanager may have.
const ALERTS_MAX: usize = 64;
/// How many tags of an alarm are kept, and how long each may be.
const TAGS_MAX: usize = 16;
const TAG_MAX_BYTES: usize = 128;
/// The longest window that can be asked for: a year before, a day after.
const BEFORE_MAX_NS: u64 = 365 * 86_400 * 1_000_000_000;
const AFTER_MAX_NS: u64 = 86_400 * 1_000_000_000;
/// The name of an alarm that has none.
const RULE: &str = "alarm";

/// What a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// What is wrong somewhere.
    pub alarms: Vec<Alarm>,
    /// How many alerts say that something is well again.
    pub resolved: usize,
}

/// Reads a request that `peer` sent.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn read(body: &[u8], peer: &str) -> Result<Read, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("this is no JSON: {error}"))?;
    let Value::Object(object) = value else {
        return Err(format!("expected a JSON object: {FORMS}"));
    };
    if object.contains_key("alerts") {
        return alertmanager(&object, peer);
    }
    if object.contains_key("rule") && (object.contains_key("output") || object.contains_key("output_fields")) {
        return Ok(Read { alarms: vec![falco(&object, peer)], resolved: 0 });
    }
    if object.contains_key("container") {
        return Ok(Read { alarms: vec![plain(object, peer)?], resolved: 0 });
    }
    Err(format!("this is none of the forms that are taken: {FORMS}"))
}

const FORMS: &str = "Alertmanager's webhook ('alerts'), Falco's JSON output ('rule', 'output') or {\"container\": \"web\", \"reason\": \"why\"}";

fn alertmanager(object: &Map<String, Value>, peer: &str) -> Result<Read, String> {
    let version = object.get("version").and_then(Value::as_str).unwrap_or_default();
    if version != "4" {
        return Err(format!("Alertmanager's webhook is taken in version \"4\", this says {version:?}"));
    }
    let alerts = object.get("alerts").and_then(Value::as_array).ok_or("'alerts' is a list")?;
    if alerts.len() > ALERTS_MAX {
        return Err(format!("at most {ALERTS_MAX} alerts a request, here are {}; set 'max_alerts'", alerts.len()));
    }
    let mut read = Read::default();
    for (at, alert) in alerts.iter().enumerate() {
        let alert = alert.as_object().ok_or_else(|| format!("alerts[{at}] is no object"))?;
        match alert.get("status").and_then(Value::as_str) {
            Some("firing") => read.alarms.push(alert_alarm(alert, peer)),
            Some("resolved") => read.resolved += 1,
            _ => return Err(format!("alerts[{at}].status is neither 'firing' nor 'resolved'")),
        }
    }
    Ok(read)
}

fn alert_alarm(alert: &Map<String, Value>, peer: &str) -> Alarm {
    let text = |of: &str, key: &str| {
        let found = alert.get(of).and_then(|it| it.get(key)).and_then(Value::as_str);
        found.map(str::trim).filter(|text| !text.is_empty())
    };
    let label = |key: &str| text("labels", key);
    let name = label("alertname").unwrap_or(RULE);
    let words = ["summary", "description", "message"].into_iter().find_map(|key| text("annotations", key));
    let reason = words.map_or_else(|| name.to_owned(), |words| format!("{name}: {words}"));
    let severity = match label("severity").map(str::to_ascii_lowercase).as_deref() {
        Some("critical" | "error" | "page" | "emergency") => Severity::Critical,
        Some("info" | "none" | "notice") => Severity::Info,
        _ => Severity::Warning,
    };
    let ids = ["container_id", "id"].into_iter().filter_map(label).filter_map(id);
    let names = ["container", "container_name", "name"].into_iter().filter_map(label);
    let pod = label("pod").or_else(|| label("pod_name"));
    let ids: Vec<String> = ids.collect();
    let about = match pod {
        // A pod's container is not called so by itself.
        Some(pod) if ids.is_empty() => About::Pod {
            pod: pod.to_owned(),
            namespace: label("namespace").map(str::to_owned),
            container: label("container").or_else(|| label("container_name")).map(str::to_owned),
        },
        Some(_) => About::Named(ids),
        None => About::Named(ids.into_iter().chain(names.filter_map(id)).collect()),
    };
    Alarm::new(name, severity, &reason, &format!("Alertmanager, webhook from {peer}"), about)
}

fn falco(object: &Map<String, Value>, peer: &str) -> Alarm {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let field = |name: &str| {
        let fields = object.get("output_fields")?;
        let nested = || name.split('.').try_fold(fields, |value, key| value.get(key));
        let found = fields.get(name).or_else(nested)?.as_str()?.trim();
        Some(found).filter(|text| !text.is_empty() && *text != "<NA>")
    };
    let name = text("rule").unwrap_or(RULE);
    let reason = text("output").map_or_else(|| name.to_owned(), |output| format!("{name}: {output}"));
    let severity = text("priority").and_then(Priority::named).map_or(Severity::Warning, Priority::severity);
    let names: Vec<String> =
        ["container.full_id", "container.id", "container.name"].into_iter().filter_map(field).filter_map(id).collect();
    let about = match field("k8s.pod.name") {
        Some(pod) if names.is_empty() => {
            About::Pod { pod: pod.to_owned(), namespace: field("k8s.ns.name").map(str::to_owned), container: None }
        }
        _ => About::Named(names),
    };
    let mut alarm = Alarm::new(name, severity, &reason, &format!("Falco, webhook from {peer}"), about);
    let tags = object.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    alarm.tags = tags.take(TAGS_MAX).map(|tag| cut(tag, TAG_MAX_BYTES).into_owned()).collect();
    alarm
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    container: String,
    reason: String,
    before: Option<String>,
    after: Option<String>,
}

fn plain(object: Map<String, Value>, peer: &str) -> Result<Alarm, String> {
    let plain: Plain = serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())?;
    if plain.container.trim().is_empty() {
        return Err("'container' is empty: a name, an id, or the beginning of an id".to_owned());
    }
    if plain.reason.trim().is_empty() || plain.reason.len() > REASON_MAX_BYTES {
        return Err(format!("'reason' is 1 to {REASON_MAX_BYTES} bytes long"));
    }
    let time = |key: &str, text: Option<String>, most_ns: u64, most: &str| {
        let Some(text) = text else { return Ok(None) };
        let length_ns = duration(text.trim()).filter(|length_ns| *length_ns <= most_ns);
        length_ns.map(Some).ok_or_else(|| format!("'{key}' is a time such as 500ms, 90s, 5m or 1h, at most {most}"))
    };
    let about = About::Named(vec![plain.container.trim().to_owned()]);
    Ok(Alarm {
        before_ns: time("before", plain.before, BEFORE_MAX_NS, "a year")?,
        after_ns: time("after", plain.after, AFTER_MAX_NS, "a day")?,
        ..Alarm::new(RULE, Severity::Warning, &plain.reason, &format!("webhook from {peer}"), about)
    })
}

/// A container's name or id, out of the forms in which labels have them: `containerd://ID`, `/docker/ID`,
/// `/system.slice/docker-ID.scope`, `/name`.
fn id(text: &str) -> Option<String> {
    let last = text.trim().rsplit('/').next().unwrap_or_default();
    let last = last.strip_suffix(".scope").unwrap_or(last);
    let bare = prefixed(last).map_or(last, |(id, _)| id);
    (!bare.is_empty() && bare.len() <= 256).then(|| bare.to_owned())
}
