//! Alarms from outside: whom they mean, and the incidents that they open.

use super::Recording;
use crate::alarm::{About, Alarm, Became, Taken};
use crate::host;
use crate::record::incidents::Followed;
use crate::response::fits;
use crate::trigger::Order;
use taffrail_trace::clock::{Clock, UtcNs};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Finding, FindingSource, Severity};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::manifest::Trigger;
use taffrail_trace::text;
use wildmatch::WildMatch;

/// The alarm that a signal raises.
const SIGNAL: &str = "signal";

impl Recording {
    /// Takes alarms, and says what became of each.
    pub(super) fn alarms(&mut self, alarms: Vec<Alarm>) -> Vec<Taken> {
        let mut taken = Vec::new();
        for alarm in alarms {
            let keys = self.meant(&alarm.about);
            if keys.is_empty() {
                let container = alarm.about.said();
                let why = match container.as_str() {
                    "" => "the alarm names no container".to_owned(),
                    name => format!("no container {name} here"),
                };
                tracing::warn!(alarm = alarm.rule, why, "an alarm is about nobody");
                taken.push(Taken { container, outcome: Became::Unknown, bundle: None, why: Some(why) });
            }
            taken.extend(keys.into_iter().map(|key| self.alarm(key, &alarm)));
        }
        taken
    }

    /// Seals every running container that the configuration has sealed at a signal.
    pub(super) fn signalled(&mut self) {
        let patterns: Vec<WildMatch> = self.config.alarm_signal.iter().map(|pattern| WildMatch::new(pattern)).collect();
        let containers = &self.pipeline.containers;
        let is_meant = |container: &&Container| {
            container.runtime != Runtime::Host
                && !containers.is_removed(container.key)
                && patterns.iter().any(|pattern| fits(pattern, container))
        };
        let keys: Vec<ContainerKey> = containers.iter().filter(is_meant).map(|container| container.key).collect();
        tracing::info!(containers = keys.len(), "SIGUSR1: the histories of these are sealed");
        let about = About::Named(Vec::new());
        let alarm = Alarm::new(SIGNAL, Severity::Info, "somebody asked for every container", "SIGUSR1", about);
        for key in keys {
            self.alarm(key, &alarm);
        }
    }

    fn alarm(&mut self, key: ContainerKey, alarm: &Alarm) -> Taken {
        let now = host::anchor();
        let Alarm { rule, severity, reason, tags, before_ns, after_ns, .. } = alarm.clone();
        let finding = Finding { tags, ..Finding::new(&rule, FindingSource::Alarm, severity, reason.clone()) };
        self.pipeline.tell(key, now.boot_ns, finding);
        let order = Order {
            container: key,
            trigger: Trigger { rule, severity, reason, time_ns: now.boot_ns },
            before_ns: before_ns.unwrap_or_else(|| self.before_ns()),
            after_ns: after_ns.unwrap_or_else(|| self.after_ns()),
            out_dir: self.config.evidence_dir(),
            reply: None,
        };
        let name = self.pipeline.containers.get(key).map_or_else(|| key.to_string(), |known| known.name.clone());
        let (outcome, bundle, why) =
            match self.incidents.open_by_rule(alarm.rule.clone(), order, &mut self.pipeline, now) {
                Followed::Opened(bundle) => (Became::Opened, Some(bundle), None),
                Followed::Joined(bundle) => (Became::Joined, Some(bundle), None),
                Followed::HeldBack => {
                    let why = format!("the same alarm was sealed less than {} s ago", self.config.rule_pause_seconds);
                    (Became::HeldBack, None, Some(why))
                }
                Followed::Refused(why) => (Became::Refused, None, Some(why)),
            };
        Taken { container: text::shown(&name).into_owned(), outcome, bundle, why }
    }

    fn meant(&self, about: &About) -> Vec<ContainerKey> {
        let containers = &self.pipeline.containers;
        match about {
            About::Named(names) => names.iter().find_map(|name| containers.find(name)).into_iter().collect(),
            About::Pod { pod, namespace, container } => {
                let says = |known: &Container, label: &str, wanted: Option<&String>| {
                    wanted.is_none_or(|wanted| known.labels.get(label) == Some(wanted))
                };
                let is_meant = |known: &&Container| {
                    says(known, "io.kubernetes.pod.name", Some(pod))
                        && says(known, "io.kubernetes.pod.namespace", namespace.as_ref())
                        && says(known, "io.kubernetes.container.name", container.as_ref())
                        && !containers.is_removed(known.key)
                };
                containers.iter().filter(is_meant).map(|known| known.key).collect()
            }
            About::Run { id, at_utc_ns } => self.run_of(id, *at_utc_ns).into_iter().collect(),
        }
    }

    /// Of a container that was started several times, the run that an event at `at_utc_ns` was of.
    fn run_of(&self, id: &str, at_utc_ns: UtcNs) -> Option<ContainerKey> {
        let at_ns = Clock::new(vec![host::anchor()]).boot(at_utc_ns);
        let runs = self.pipeline.containers.iter().filter(|known| known.id == id);
        let begun = runs.filter(|known| known.created_ns.unwrap_or(0) <= at_ns);
        begun.max_by_key(|known| known.created_ns).map(|known| known.key)
    }
}
