//! The moments that stand out on the strip, so that drawing a column is two searches however many events there are; and
//! how much of terminals is missing.

use super::recording::{Body, Event, Recording, Time};

/// Times of visible events that stand out, sorted.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    vital: Vec<Time>,
    /// With the event's number.
    findings: Vec<(Time, u32)>,
    /// Bytes of terminals that are not in the record.
    unkept: u64,
}

impl Marks {
    /// Takes an event in, and its number; they come by time.
    pub fn take(&mut self, recording: &Recording, event: &Event, number: u32) {
        if let Body::Terminal(at) = event.body {
            let unkept = recording.terminal.get(at as usize).map_or(0, |row| row.unkept);
            self.unkept = self.unkept.saturating_add(unkept);
        }
        match event.body {
            Body::Finding(_) => self.findings.push((event.time, number)),
            // The recorder's own line between vital and bulk (taffrail_trace::event::Body::class).
            Body::Gap(_) | Body::Io(_) | Body::Dns(_) => {}
            Body::File(at) => {
                let op = recording.files.get(at as usize).map_or("", |file| recording.text(file.op));
                if !matches!(op, "open" | "create") {
                    self.vital.push(event.time);
                }
            }
            _ => self.vital.push(event.time),
        }
    }

    /// Takes marks in that come after all that are here.
    pub fn extend(&mut self, later: Self) {
        self.vital.extend(later.vital);
        self.findings.extend(later.findings);
        self.unkept = self.unkept.saturating_add(later.unkept);
    }

    /// How many bytes of terminals are not in the record.
    pub fn unkept(&self) -> u64 {
        self.unkept
    }

    /// Something vital happened in `[from, to)`.
    pub fn vital_within(&self, from: Time, to: Time) -> bool {
        self.vital.get(self.vital.partition_point(|time| *time < from)).is_some_and(|time| *time < to)
    }

    /// A rule matched in `[from, to)`.
    pub fn finding_within(&self, from: Time, to: Time) -> bool {
        let first = self.findings.partition_point(|(time, _)| *time < from);
        self.findings.get(first).is_some_and(|(time, _)| *time < to)
    }

    /// The first finding.
    pub fn first_finding(&self) -> Option<u32> {
        self.findings.first().map(|(_, finding)| *finding)
    }

    /// The finding nearest to an event on one side of it: after it where true.
    pub fn finding_beside(&self, number: u32, after: bool) -> Option<u32> {
        let at = if after {
            self.findings.partition_point(|(_, finding)| *finding <= number)
        } else {
            self.findings.partition_point(|(_, finding)| *finding < number).checked_sub(1)?
        };
        self.findings.get(at).map(|(_, finding)| *finding)
    }
}
