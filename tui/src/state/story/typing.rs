//! What somebody typed, by lines.

use super::{SENTENCES_MAX, Sentence, Teller, View, one_line, place, who, words};
use crate::state::recording::{Event, Kind, Recording, Time};

/// The most characters of a line that somebody typed.
const TYPED_MAX: usize = 400;

/// A terminal session.
#[derive(Debug, Default)]
pub struct Typing {
    /// What was typed of a line that has not ended, and the event of its last letters.
    line: Vec<u8>,
    event: u32,
    time: Time,
    place: String,
    /// Who used it first.
    who: String,
    /// The bytes that were typed and printed and are not in the record, and where that is told.
    unkept: (u64, u64),
    hole: Option<usize>,
}

impl Typing {
    /// Adds what is known by now to what is told: the line that has no end, and how much is missing.
    pub fn add_to(&self, told: &mut Vec<Sentence>) {
        if let Some(sentence) = self.hole.and_then(|place| told.get_mut(place)) {
            let all =
                [(self.unkept.0, "typed"), (self.unkept.1, "printed")].into_iter().filter(|(bytes, _)| *bytes > 0);
            let all: Vec<String> =
                all.map(|(bytes, done)| format!("{} that were {done}", words::bytes(bytes))).collect();
            sentence.text = format!(
                "{}From here on {} at the terminal of {} are missing (cut by a budget, or passed on inside the kernel).",
                self.place,
                all.join(" and "),
                self.who
            );
        }
        if let Some(text) = typed_text(&[readable(&self.line)]) {
            let text = format!("{}{text} (the line has no end).", self.place);
            let (kind, view) = (Kind::Terminal, View::Terminal);
            told.push(Sentence { event: self.event, time: self.time, kind, text, times: 1, view });
        }
    }
}

impl Teller {
    /// The lines that somebody typed, once they have ended.
    pub(super) fn typed(
        &mut self,
        recording: &Recording,
        index: u32,
        event: &Event,
        at: u32,
    ) -> Option<(String, View)> {
        let row = recording.terminal.get(at as usize)?;
        let is_typed = recording.text(row.direction) == "typed";
        let next = self.told.len();
        let first = || Typing { who: who(recording, event), place: place(recording, event), ..Typing::default() };
        let typing = self.lines.entry(row.session).or_insert_with(first);
        if row.unkept > 0 {
            let sum = if is_typed { &mut typing.unkept.0 } else { &mut typing.unkept.1 };
            *sum = sum.saturating_add(row.unkept);
            if typing.hole.is_none() && next < SENTENCES_MAX {
                typing.hole = Some(next);
                let (kind, view, text) = (Kind::Gap, View::Terminal, String::new());
                self.told.push(Sentence { event: index, time: event.time, kind, text, times: 1, view });
            }
        }
        if !is_typed {
            return None;
        }
        (typing.event, typing.time) = (index, event.time);
        let mut lines = Vec::new();
        for byte in recording.bytes(row) {
            match byte {
                b'\n' | b'\r' => {
                    lines.push(readable(&typing.line));
                    typing.line.clear();
                }
                0x7f | 0x08 => _ = typing.line.pop(),
                byte if typing.line.len() < 4 * TYPED_MAX => typing.line.push(*byte),
                _ => {}
            }
        }
        let end = if lines.iter().filter(|line| !line.is_empty()).count() > 1 { "" } else { "." };
        typed_text(&lines).map(|text| (text + end, View::Terminal))
    }
}

/// A typed line: without the spaces that a script is indented by, an ellipsis where it is longer than a sentence.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let line = one_line(&text);
    match line.char_indices().nth(TYPED_MAX) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}

/// ``Somebody typed `ls` ``; of several lines each on one of its own.
fn typed_text(lines: &[String]) -> Option<String> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => None,
        [only] => Some(format!("Somebody typed `{only}`")),
        lines => Some(format!("Somebody typed {} lines:\n{}", lines.len(), lines.join("\n"))),
    }
}
