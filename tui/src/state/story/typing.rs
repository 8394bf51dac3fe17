//! What somebody typed, by lines.

use super::{Teller, View, one_line, place};
use crate::state::recording::{Event, Recording, Time};

/// The most characters of a line that somebody typed.
const TYPED_MAX: usize = 400;

/// A line that is being typed.
#[derive(Debug, Default)]
pub struct Typing {
    pub line: Vec<u8>,
    pub event: u32,
    pub time: Time,
    pub place: String,
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
        if recording.text(row.direction) != "typed" {
            return None;
        }
        let typing = self.lines.entry(row.session).or_default();
        (typing.event, typing.time, typing.place) = (index, event.time, place(recording, event));
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
pub fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let line = one_line(&text);
    match line.char_indices().nth(TYPED_MAX) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}

/// ``Somebody typed `ls` ``; of several lines each on one of its own.
pub fn typed_text(lines: &[String]) -> Option<String> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => None,
        [only] => Some(format!("Somebody typed `{only}`")),
        lines => Some(format!("Somebody typed {} lines:\n{}", lines.len(), lines.join("\n"))),
    }
}
