//! Case notes: what a person marks and writes down. They belong beside a bundle, never in it.

use super::recording::Time;
use super::{State, summary};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use taffrail_trace::clock::rfc3339;
use taffrail_trace::text::shown;

/// One note, on one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The event's time: nanoseconds since 1970, UTC.
    pub time_ns: Time,
    /// The same for people.
    pub time: String,
    /// The event in one line, safe to show.
    pub event: String,
    /// What the person wrote.
    #[serde(default)]
    pub text: String,
    /// The words of it that began with `#`.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// The notes of a case.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// The container that they are about.
    #[serde(default)]
    pub container: String,
    /// The notes, by time.
    pub notes: Vec<Note>,
    #[serde(skip)]
    changed: bool,
    #[serde(skip)]
    export: bool,
}

impl Notes {
    /// Whether they have to be written down; asking takes the answer back.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the person wants them as documents; asking takes the answer back.
    pub fn take_export(&mut self) -> bool {
        std::mem::take(&mut self.export)
    }

    pub(super) fn ask_export(&mut self) {
        self.export = true;
    }

    /// The note on an event of this time with this line.
    fn place(&self, time: Time, line: &str) -> Option<usize> {
        self.notes.iter().position(|note| note.time_ns == time && note.event == line)
    }

    /// Whether there is a note on any event of this moment: a mark for lists, cheaper than comparing lines.
    pub fn has(&self, time: Time) -> bool {
        self.notes.binary_search_by_key(&time, |note| note.time_ns).is_ok()
    }

    pub(super) fn text_at(&self, state: &State) -> Option<String> {
        let (time, line) = state.noted()?;
        Some(self.notes[self.place(time, &line)?].text.clone())
    }

    /// As a document.
    pub fn markdown(&self) -> String {
        let mut out = format!("# Case notes: {}\n", plain(&self.container));
        for note in &self.notes {
            // Writing into a String cannot fail.
            let _ = write!(out, "\n## {}\n\n`{}`\n", note.time, note.event.replace('`', "'"));
            if !note.text.is_empty() {
                let _ = write!(out, "\n{}\n", plain(&note.text));
            }
        }
        out
    }
}

/// Text that Markdown takes as text: its own signs are escaped, and nothing of it is HTML.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in shown(text).chars() {
        match ch {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' => out.extend(['\\', ch]),
            ch => out.push(ch),
        }
    }
    out
}

impl State {
    /// The selected event's time and line, as a note keeps them.
    fn noted(&self) -> Option<(Time, String)> {
        let event = self.current()?;
        let line = summary::of(&event.recording, &event);
        Some((event.time, shown(&line).into_owned()))
    }

    /// Marks the selected event, or takes its note off.
    pub(super) fn mark(&mut self) {
        let Some((time, line)) = self.noted() else { return };
        if let Some(at) = self.notes.place(time, &line) {
            if !self.notes.notes[at].text.is_empty() {
                self.notice = Some("there is a note on it; empty the note first".to_owned());
                return;
            }
            self.notes.notes.remove(at);
            self.notice = Some("the mark is off".to_owned());
        } else {
            self.put_note(time, line, "");
            self.notice = Some("marked in the case notes".to_owned());
        }
        self.notes.changed = true;
    }

    /// Writes a note on the selected event; an empty one leaves the mark.
    pub(super) fn note(&mut self, text: &str) {
        let Some((time, line)) = self.noted() else { return };
        match self.notes.place(time, &line) {
            Some(at) => {
                self.notes.notes[at].text = text.trim().to_owned();
                self.notes.notes[at].tags = tags(text);
            }
            None => self.put_note(time, line, text),
        }
        self.notes.changed = true;
    }

    fn put_note(&mut self, time: Time, line: String, text: &str) {
        let note =
            Note { time_ns: time, time: rfc3339(time), event: line, text: text.trim().to_owned(), tags: tags(text) };
        self.notes.container.clone_from(&self.recording.about.container);
        let place = self.notes.notes.partition_point(|other| other.time_ns <= time);
        self.notes.notes.insert(place, note);
    }
}

fn tags(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter_map(|word| word.strip_prefix('#'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
