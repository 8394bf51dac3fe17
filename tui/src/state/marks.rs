//! The moments that stand out on the strip, so that drawing a column is two searches however many events there are.

use super::recording::{Body, Recording, Time};

/// Times of visible events that stand out, sorted.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    vital: Vec<Time>,
    findings: Vec<Time>,
}

impl Marks {
    /// The marks of these events, which come by time.
    pub fn of(recording: &Recording, visible: &[u32]) -> Self {
        let mut marks = Self::default();
        for event in visible.iter().filter_map(|at| recording.events.get(*at as usize)) {
            match event.body {
                Body::Finding(_) => marks.findings.push(event.time),
                // The recorder's own line between vital and bulk (taffrail_trace::event::Body::class).
                Body::Gap(_) | Body::Io(_) | Body::Dns(_) => {}
                Body::File(at) => {
                    let op = recording.files.get(at as usize).map_or("", |file| recording.text(file.op));
                    if !matches!(op, "open" | "create") {
                        marks.vital.push(event.time);
                    }
                }
                _ => marks.vital.push(event.time),
            }
        }
        marks
    }

    /// Something vital happened in `[from, to)`.
    pub fn vital_within(&self, from: Time, to: Time) -> bool {
        any_within(&self.vital, from, to)
    }

    /// A rule matched in `[from, to)`.
    pub fn finding_within(&self, from: Time, to: Time) -> bool {
        any_within(&self.findings, from, to)
    }
}

fn any_within(times: &[Time], from: Time, to: Time) -> bool {
    times.get(times.partition_point(|time| *time < from)).is_some_and(|time| *time < to)
}
