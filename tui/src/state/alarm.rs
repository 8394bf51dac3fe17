//! What the rules said of the whole record: how many findings there are, and the first of the worst.

use super::recording::{Body, Event, Finding, Recording, Severity, Sym, Time};

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

/// A finding to worry about, and how serious it is: `critical` or `warning`.
pub fn worry<'a>(recording: &'a Recording, event: &Event) -> Option<(Severity, &'a Finding)> {
    let Body::Finding(at) = event.body else { return None };
    let finding = recording.findings.get(at as usize)?;
    let severity = match recording.text(finding.severity) {
        "critical" => Severity::Critical,
        "warning" => Severity::Warning,
        _ => return None,
    };
    Some((severity, finding))
}

impl Alarm {
    /// Of a recording's findings; `None` where none is more than information.
    pub fn of(recording: &Recording) -> Option<Self> {
        let mut alarm: Option<Self> = None;
        for event in &recording.events {
            let Some((severity, finding)) = worry(recording, event) else { continue };
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
