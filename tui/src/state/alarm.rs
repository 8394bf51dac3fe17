//! What the rules said of the whole record: how many findings there are, and the first of the worst.

use super::recording::{Body, Recording, Severity, Sym, Time};
use super::{State, Unsettled};

/// The findings of a recording, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// How serious the worst is: `critical` or `warning`.
    pub severity: Severity,
    /// How many are critical.
    pub critical: u32,
    /// How many are warnings.
    pub warning: u32,
    /// The rule of the first of the worst.
    pub rule: Sym,
    /// What it says.
    pub message: Sym,
    /// When it was.
    pub time: Time,
    /// The container, where there are several.
    pub container: Option<Sym>,
}

impl Alarm {
    /// Of a recording's findings; `None` where none is more than information.
    pub fn of(recording: &Recording) -> Option<Self> {
        let mut alarm: Option<Self> = None;
        for event in &recording.events {
            let Body::Finding(at) = event.body else { continue };
            let Some(finding) = recording.findings.get(at as usize) else { continue };
            let severity = match recording.text(finding.severity) {
                "critical" => Severity::Critical,
                "warning" => Severity::Warning,
                _ => continue,
            };
            let (rule, message, container) = (finding.rule, finding.message, recording.actor(event).container);
            let this = Self { severity, critical: 0, warning: 0, rule, message, time: event.time, container };
            let known = alarm.get_or_insert(this);
            if severity == Severity::Critical && known.severity == Severity::Warning {
                *known = Self { critical: known.critical, warning: known.warning, ..this };
            }
            *(if severity == Severity::Critical { &mut known.critical } else { &mut known.warning }) += 1;
        }
        alarm
    }
}

impl State {
    /// The first finding of the worst, else the trigger.
    pub(super) fn to_start(&mut self) {
        match self.alarm {
            Some(alarm) => {
                let rule = self.recording.text(alarm.rule).to_owned();
                self.to_finding_at(alarm.time, &rule, Unsettled::Start);
            }
            None => self.to_trigger(),
        }
    }

    /// The finding at the trigger's moment, else whatever came last before it.
    pub(super) fn to_trigger(&mut self) {
        let rule = self.recording.about.rule.clone();
        self.to_finding_at(self.recording.about.trigger, &rule, Unsettled::Trigger);
    }

    /// The finding of this moment, the rule's where there are several; else whatever came last before it. `again` says
    /// what to do once a page that it takes has been read.
    fn to_finding_at(&mut self, time: Time, rule: &str, again: Unsettled) {
        self.move_to(time);
        if self.unsettled.is_some() {
            self.unsettled = Some(again);
            return;
        }
        let mut first = None;
        for position in (0..self.passed_here()).rev() {
            let Some(number) = self.visible.get(position) else { break };
            let Some(event) = self.timeline.fetch(number) else {
                let page = self.timeline.cuts().page_of(number);
                self.unsettled = self.timeline.is_coming(page).then_some(again);
                return;
            };
            if event.time != time {
                break;
            }
            let Body::Finding(at) = event.body else { continue };
            first = first.or(Some(position));
            let name = event.recording.findings.get(at as usize).map(|finding| event.recording.text(finding.rule));
            if name == Some(rule) {
                first = Some(position);
                break;
            }
        }
        if let Some(position) = first {
            self.stand_on(position);
        }
    }
}
