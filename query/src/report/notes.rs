//! What people wrote down beside a bundle, at the end of its report.

use super::foreign::Foreign;
use super::units;
use maud::{Markup, html};
use std::fmt::Write as _;

/// A case note, as it is beside a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The moment that it is about, UTC nanoseconds.
    pub time_ns: i64,
    /// What happened then, in one line.
    pub event: String,
    /// What was written down; empty where the event was only marked.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// The notes as a part of the page; nothing where there are none.
pub fn html(notes: &[Note]) -> Markup {
    html! {
        @if !notes.is_empty() {
            section class="notes" {
                h2 { "Case notes" }
                p class="more" { "Written down by people beside the evidence; no part of it." }
                ol class="story" {
                    @for note in notes {
                        li {
                            span class="time" { (units::moment(note.time_ns)) } " " code { (Foreign::new(&note.event)) }
                            @for line in note.text.lines() { br; (Foreign::new(line)) }
                            @for tag in &note.tags { " " span class="tag" { (Foreign::new(tag)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The same in Markdown.
pub fn markdown(notes: &[Note], out: &mut String) -> std::fmt::Result {
    if notes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Case notes\n\nWritten down by people beside the evidence; no part of it.\n")?;
    for note in notes {
        writeln!(out, "- {}: {}", units::moment(note.time_ns), Foreign::new(&note.event).markdown())?;
        for line in note.text.lines() {
            writeln!(out, "  {}", Foreign::new(line).markdown())?;
        }
    }
    Ok(())
}
