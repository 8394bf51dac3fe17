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
    /// Whose it was, by name and number, and who they descend from; safe to show. Notes of older programs have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub process: String,
    /// The same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lineage: String,
    /// The image in the evidence: `exec_id` of every table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec_id: Option<u64>,
    /// What the person wrote.
    #[serde(default)]
    pub text: String,
    /// The words of it that began with `#`.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Which bundle it is, so that a note can be told from one on another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The file's name, safe to show.
    pub file: String,
    /// The bundle's id.
    pub id: String,
    /// SHA-256 of its SHA256SUMS, which is of everything in it.
    pub sums_sha256: String,
}

/// The notes of a case.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// The container that they are about.
    #[serde(default)]
    pub container: String,
    /// The bundle that they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
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
        // Writing into a String cannot fail.
        if let Some(evidence) = &self.evidence {
            let (file, id) = (plain(&evidence.file), plain(&evidence.id));
            let _ = write!(out, "\n- bundle {id}: {file}\n- SHA-256 of its SHA256SUMS: `{}`\n", evidence.sums_sha256);
        }
        for note in &self.notes {
            let _ = write!(out, "\n## {}\n\n`{}`\n", note.time, note.event.replace('`', "'"));
            if !note.process.is_empty() {
                let id = note.exec_id.map_or_else(String::new, |id| format!(" (exec\\_id {id})"));
                let _ = write!(out, "\n- by {}{id}\n- lineage: {}\n", plain(&note.process), plain(&note.lineage));
            }
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

    /// Whose the selected event is, as a note keeps it: name and number, lineage, image.
    fn doer(&self) -> (String, String, Option<u64>) {
        let Some(event) = self.current() else { return Default::default() };
        let (recording, actor) = (&event.recording, event.recording.actor(&event));
        let comm = recording.text_of(actor.comm).unwrap_or("");
        let process = format!("{comm} {}", actor.pid.map_or_else(String::new, |pid| pid.to_string()));
        let lineage = summary::lineage(recording, &actor);
        let exec_id = actor.image.and_then(|image| recording.image(image)).map(|image| image.exec_id);
        (shown(process.trim()).into_owned(), shown(&lineage).into_owned(), exec_id)
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
        let (process, lineage, exec_id) = self.doer();
        let text = text.trim().to_owned();
        let tags = tags(&text);
        let note = Note { time_ns: time, time: rfc3339(time), event: line, process, lineage, exec_id, text, tags };
        self.notes.container.clone_from(&self.recording.about.container);
        let place = self.notes.notes.partition_point(|other| other.time_ns <= time);
        self.notes.notes.insert(place, note);
    }
}

fn tags(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter_map(|word| word.strip_prefix('#'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
