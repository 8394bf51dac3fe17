//! Docker's events: containers that died, ran out of memory or are unhealthy.
//!
//! Where Docker hangs up it is asked again, from the last event on.

use super::{About, Alarm};
use crate::enrich::docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use taffrail_trace::clock::UtcNs;
use taffrail_trace::event::Severity;

/// How long it is left alone where it gave none.
const PAUSE: Duration = Duration::from_secs(5);
/// How many containers that somebody stops are remembered at once.
const STOPPED_MAX: usize = 4096;
/// Signals that people send to programs that are to go on (`SIGHUP`, `SIGUSR1`, `SIGUSR2`), as Docker tells them.
const NOT_TO_END: [&str; 3] = ["1", "10", "12"];

/// What Docker tells of a container that is an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DockerAlarm {
    /// It ended with a code other than 0, and nobody had stopped it.
    Died,
    /// It ran out of the memory that it may have.
    Oom,
    /// Its health check failed so often that it counts as unhealthy.
    Unhealthy,
}

/// Tells `raise` what Docker tells, for ever.
pub(crate) async fn watch(socket: PathBuf, wanted: Vec<DockerAlarm>, raise: impl Fn(Alarm)) {
    let mut ear = Ear { wanted, stopped: HashSet::new(), heard_ns: None };
    if ear.wanted.is_empty() {
        return;
    }
    loop {
        if socket.exists()
            && let Err(error) = listen(&socket, &mut ear, &raise).await
        {
            tracing::debug!(%error, "docker tells no events");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(socket: &Path, ear: &mut Ear, raise: &impl Fn(Alarm)) -> Result<(), bollard::errors::Error> {
    let docker = docker::connect(socket).await?;
    let kinds = vec!["die", "oom", "kill", "health_status"];
    let filters = HashMap::from([("type", vec!["container"]), ("event", kinds)]);
    let mut options = EventsOptionsBuilder::default().filters(&filters);
    if let Some(heard_ns) = ear.heard_ns {
        // The event that was heard last is told again, and known by its time.
        options = options.since(&format!("{}.{:09}", heard_ns / 1_000_000_000, heard_ns % 1_000_000_000));
    }
    let mut events = std::pin::pin!(docker.events(Some(options.build())));
    while let Some(event) = events.next().await {
        ear.hear(&event?).into_iter().for_each(raise);
    }
    Ok(())
}

/// What was heard so far.
struct Ear {
    wanted: Vec<DockerAlarm>,
    /// Ids of containers that somebody is stopping: how they end is no surprise.
    stopped: HashSet<String>,
    heard_ns: Option<UtcNs>,
}

impl Ear {
    fn hear(&mut self, event: &EventMessage) -> Option<Alarm> {
        let time_ns = event.time_nano?;
        if self.heard_ns.is_some_and(|heard_ns| time_ns <= heard_ns) {
            return None;
        }
        self.heard_ns = Some(time_ns);
        let actor = event.actor.as_ref()?;
        let id = actor.id.as_deref()?;
        let about = |key: &str| actor.attributes.as_ref()?.get(key).map(String::as_str);
        let name = about("name").unwrap_or(id);
        let (kind, severity, reason) = match event.action.as_deref()? {
            "kill" => {
                let ends = about("signal").is_some_and(|signal| !NOT_TO_END.contains(&signal));
                if ends && self.stopped.len() < STOPPED_MAX {
                    self.stopped.insert(id.to_owned());
                }
                return None;
            }
            "die" => {
                let code = about("exitCode").unwrap_or("unknown");
                if self.stopped.remove(id) || code == "0" {
                    return None;
                }
                (DockerAlarm::Died, Severity::Warning, format!("{name} ended with code {code}"))
            }
            "oom" => (DockerAlarm::Oom, Severity::Warning, format!("{name} ran out of memory")),
            "health_status: unhealthy" => (DockerAlarm::Unhealthy, Severity::Warning, format!("{name} is unhealthy")),
            _ => return None,
        };
        let rule = match kind {
            DockerAlarm::Died => "container died",
            DockerAlarm::Oom => "container out of memory",
            DockerAlarm::Unhealthy => "container unhealthy",
        };
        let about = About::Run { id: id.to_owned(), at_utc_ns: time_ns };
        self.wanted.contains(&kind).then(|| Alarm::new(rule, severity, &reason, "Docker", about))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::EventActor;

    fn event(time_ns: i64, action: &str, attributes: &[(&str, &str)]) -> EventMessage {
        let attributes = [&[("name", "web")], attributes].concat();
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        EventMessage {
            action: Some(action.to_owned()),
            actor: Some(EventActor { id: Some("ab".repeat(32)), attributes: Some(attributes) }),
            time_nano: Some(time_ns),
            ..EventMessage::default()
        }
    }

    fn heard(events: &[EventMessage]) -> Vec<String> {
        let wanted = vec![DockerAlarm::Died, DockerAlarm::Oom, DockerAlarm::Unhealthy];
        let mut ear = Ear { wanted, stopped: HashSet::new(), heard_ns: None };
        events.iter().filter_map(|event| ear.hear(event)).map(|alarm| alarm.reason).collect()
    }

    #[test]
    fn a_container_that_ends_badly_is_an_alarm_unless_somebody_stopped_it() {
        let died = |at| event(at, "die", &[("exitCode", "137")]);
        let kill = |at, signal| event(at, "kill", &[("signal", signal)]);
        let alarm = ["web ended with code 137 (Docker)".to_owned()];
        assert_eq!(heard(&[died(1)]), alarm);
        assert_eq!(heard(&[event(1, "die", &[("exitCode", "0")])]), [""; 0]);
        assert_eq!(heard(&[kill(1, "15"), kill(2, "9"), died(3)]), [""; 0]);
        assert_eq!(heard(&[kill(1, "15"), died(2), died(3)]), alarm, "the next run ends by itself");
        assert_eq!(heard(&[kill(1, "1"), died(2)]), alarm, "a signal that only asks for a reload");
    }

    #[test]
    fn memory_and_health_are_alarms_and_what_was_heard_is_not_heard_twice() {
        let events = [
            event(1, "oom", &[]),
            event(2, "health_status: healthy", &[]),
            event(3, "health_status: unhealthy", &[]),
            event(3, "health_status: unhealthy", &[]),
        ];
        assert_eq!(heard(&events), ["web ran out of memory (Docker)", "web is unhealthy (Docker)"]);
        assert_eq!(heard(&[EventMessage::default()]), [""; 0]);
    }

    #[test]
    fn only_what_is_wanted_is_an_alarm() {
        let mut ear = Ear { wanted: vec![DockerAlarm::Oom], stopped: HashSet::new(), heard_ns: None };
        assert_eq!(ear.hear(&event(1, "die", &[("exitCode", "1")])), None);
        assert!(ear.hear(&event(2, "oom", &[])).is_some());
    }
}
