//! The whole window at a glance: how much happened when, what mattered, what is missing, and where we are.

use super::theme::{Role, Theme};
use crate::state::State;
use crate::state::recording::{Kind, Time};
use crate::state::words;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Heights of a bar within one cell, in eighths.
const EIGHTHS: [&str; 9] =
    [" ", "\u{2581}", "\u{2582}", "\u{2583}", "\u{2584}", "\u{2585}", "\u{2586}", "\u{2587}", "\u{2588}"];
/// Events are missing here.
pub const GAP: &str = "\u{2591}";
/// A vital event: a program, a connection, a removal.
pub const VITAL: &str = "\u{2022}";
/// The playhead.
pub const PLAYHEAD: &str = "\u{25b2}";
/// The trigger.
pub const TRIGGER: &str = "T";
/// A rule matched.
pub const FINDING: &str = "!";

/// Bars on top, the axis with its marks below them, the ends of the window at the bottom where there are three rows.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let strip = Strip { state, theme, area, range: state.strip_range() };
    let labels = u16::from(area.height >= 3);
    let bars = area.height.saturating_sub(1 + labels);
    let buckets: Vec<Bucket> = (0..area.width).map(|column| strip.bucket(column)).collect();
    let most = buckets.iter().map(|bucket| bucket.events).max().unwrap_or(0);
    let buffer = frame.buffer_mut();
    for (column, bucket) in (area.x..area.right()).zip(&buckets) {
        strip.bar(buffer, column, bars, bucket, most);
        let (mark, style) = strip.mark(bucket);
        buffer.set_string(column, area.y + bars, mark, style);
    }
    if labels > 0 {
        strip.labels(buffer, area.y + bars + 1);
    }
}

struct Strip<'a> {
    state: &'a State,
    theme: Theme,
    area: Rect,
    /// What is shown of the window, both ends included.
    range: (Time, Time),
}

/// What lies in one column.
struct Bucket {
    events: usize,
    vital: bool,
    finding: bool,
    gap: bool,
    playhead: bool,
    /// A person wrote something down here.
    noted: bool,
}

impl Strip<'_> {
    /// The moment at which a column begins.
    fn begin(&self, column: u16) -> Time {
        let (from, to) = self.range;
        let span = i128::from(to) - i128::from(from) + 1;
        let at = i128::from(from) + span * i128::from(column) / i128::from(self.area.width.max(1));
        at.clamp(i128::from(Time::MIN), i128::from(Time::MAX)) as Time
    }

    fn bucket(&self, column: u16) -> Bucket {
        let state = self.state;
        let (from, to) = (self.begin(column), self.begin(column + 1));
        // The last column's end would lie beyond the largest time where the window reaches it.
        let last = column + 1 == self.area.width && self.range.1 == Time::MAX;
        let here = |time: Time| time >= from && (time < to || last);
        let until = if last { Time::MAX } else { to };
        Bucket {
            events: state.visible_within(from, until),
            vital: state.marks().vital_within(from, until),
            finding: state.marks().finding_within(from, until),
            gap: state.recording.missing_within(from, until),
            playhead: here(state.at),
            noted: state.notes.notes.iter().any(|note| here(note.time_ns)),
        }
    }

    fn bar(&self, buffer: &mut Buffer, column: u16, bars: u16, bucket: &Bucket, most: usize) {
        let full = usize::from(bars) * 8;
        // Logarithmic: a flood must not flatten everything else.
        let share = ((bucket.events + 1) as f64).ln() / ((most + 1) as f64).ln().max(f64::MIN_POSITIVE);
        let least = usize::from(bucket.events > 0);
        let height = ((share * full as f64).round() as usize).clamp(least, full.max(least));
        for row in 0..bars {
            let below = usize::from(bars - 1 - row) * 8;
            let filled = height.saturating_sub(below).min(8);
            let (symbol, style) = match filled {
                0 if bucket.playhead => ("\u{2502}", self.theme.style(Role::Playhead)),
                0 if bucket.gap => (GAP, self.theme.style(Role::Kind(Kind::Gap))),
                filled => (EIGHTHS[filled], self.bar_style(bucket)),
            };
            buffer.set_string(column, self.area.y + row, symbol, style);
        }
    }

    fn bar_style(&self, bucket: &Bucket) -> Style {
        self.theme.style(match bucket {
            Bucket { finding: true, .. } => Role::Kind(Kind::Finding),
            Bucket { vital: true, .. } => Role::Kind(Kind::Process),
            _ => Role::Quiet,
        })
    }

    /// The mark on the axis: of several, the one that must not be missed.
    fn mark(&self, bucket: &Bucket) -> (&'static str, Style) {
        let (mark, role) = match bucket {
            Bucket { playhead: true, .. } => (PLAYHEAD, Role::Playhead),
            Bucket { finding: true, .. } => (FINDING, Role::Kind(Kind::Finding)),
            Bucket { gap: true, .. } => (GAP, Role::Kind(Kind::Gap)),
            Bucket { noted: true, .. } => ("*", Role::Typed),
            Bucket { vital: true, .. } => (VITAL, Role::Kind(Kind::Process)),
            _ => ("\u{2500}", Role::Quiet),
        };
        (mark, self.theme.style(role))
    }

    /// Both ends of the window, and the trigger under its column.
    fn labels(&self, buffer: &mut Buffer, y: u16) {
        let (area, recording) = (self.area, &self.state.recording);
        let width = usize::from(area.width);
        let quiet = self.theme.style(Role::Quiet);
        let [left, right] =
            [self.range.0, self.range.1].map(|at| format!("{} s", words::relative(recording.since_trigger(at))));
        let left = match self.state.zoom {
            0 if self.state.is_fitted() => {
                let key = self.state.keymap.names_of("farther").next();
                key.map_or_else(|| left.clone(), |key| format!("{left}  ({key} whole window)"))
            }
            0 => left,
            zoom => format!("{left}  ({}x)", 1_u64 << (3 * zoom)),
        };
        // Beside the trigger's sign a time alone would be taken for the trigger's.
        let right = format!("to {right}");
        let trigger = (0..area.width).find(|column| {
            let last = column + 1 == area.width && self.range.1 == Time::MAX;
            recording.about.trigger >= self.begin(*column) && (last || recording.about.trigger < self.begin(column + 1))
        });
        let at = trigger.map_or(usize::MAX, usize::from);
        if at > left.len() && left.len() < width {
            buffer.set_string(area.x, y, &left, quiet);
        }
        if (at == usize::MAX || at + 1 < width.saturating_sub(right.len())) && left.len() + right.len() + 2 < width {
            buffer.set_string(area.right() - right.len() as u16, y, &right, quiet);
        }
        if let Some(column) = trigger {
            let style = self.theme.style(Role::Severity(recording.about.severity));
            buffer.set_string(area.x + column, y, TRIGGER, style);
            let word = " trigger";
            if at + 1 + word.len() + right.len() + 2 < width {
                buffer.set_string(area.x + column + 1, y, word, quiet);
            } else if at > left.len() + word.len() + 2 {
                buffer.set_string(area.x + column - word.len() as u16, y, "trigger ", quiet);
            }
        }
    }
}
