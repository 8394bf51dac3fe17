//! What somebody typed, or programs were given through a pipe or a connection, by lines.

use super::unkept::Unkept;
use super::{SENTENCES_MAX, Sentence, Teller, View, one_line, place, who};
use crate::state::recording::{Event, Kind, Origin, Recording, Terminal, Time};
use crate::state::typed;

/// The most characters of a line that somebody typed.
const TYPED_MAX: usize = 400;

/// The most copies of copies that are gone back: a made-up bundle can have any number.
const COPIES_MAX: usize = 256;

/// How a program gets what it reads.
#[derive(Clone, Copy, Debug, Default)]
enum Way {
    #[default]
    Terminal,
    Pipe,
    Connection,
    Unknown,
}

/// A terminal session.
#[derive(Debug, Default)]
pub struct Typing {
    /// What was typed of a line that has not ended, the event of its last letters, and who reads it how.
    line: Vec<u8>,
    event: u32,
    time: Time,
    reader: Reader,
    place: String,
    /// The lines that are to be told, and those that were told last, and where.
    new: Vec<String>,
    block: Option<(usize, Vec<String>)>,
    /// What is not in the record, and where that is told.
    unkept: Unkept,
    hole: Option<usize>,
}

/// Who reads lines, and how they come.
#[derive(Clone, Debug, Default)]
struct Reader {
    who: String,
    way: Way,
}

impl Typing {
    /// Adds what is known by now to what is told: the line that has no end, and how much is missing.
    pub fn add_to(&self, told: &mut Vec<Sentence>) {
        if let Some(sentence) = self.hole.and_then(|place| told.get_mut(place)) {
            sentence.text = format!(
                "{}From here on {} are not in the record (cut by a budget, or passed on inside the kernel)",
                self.place,
                self.unkept.text()
            );
        }
        let rest = readable(&self.line);
        if rest.is_empty() {
            return;
        }
        // What came with the lines before it is told with them.
        let block = self.block.as_ref().and_then(|(place, lines)| Some((told.get_mut(*place)?, lines)));
        if let Some((sentence, lines)) = block.filter(|(told, _)| told.event == self.event && told.times == 1) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).chain([rest.as_str()]).collect();
            let what = format!("{} lines", lines.len());
            let given = self.reader.given(&what);
            sentence.text = format!("{}{given}, the last without an end:\n{}", self.place, lines.join("\n"));
            return;
        }
        let text = format!("{}{} (the line has no end)", self.place, self.reader.given(&format!("`{rest}`")));
        let (kind, view) = (Kind::Terminal, View::Terminal);
        told.push(Sentence { event: self.event, time: self.time, kind, text, times: 1, view });
    }
}

impl Reader {
    /// Who did this event, and how that one gets what goes through the row's descriptor.
    fn of(recording: &Recording, event: &Event, row: &Terminal) -> Self {
        let image = recording.actor(event).image.and_then(|at| Some((at, recording.image(at)?)));
        let has_tty = image.is_some_and(|(_, image)| image.more.tty.is_some());
        // A copy has the input of the program that it is a copy of.
        let program = image.and_then(|(at, _)| {
            let mut above = recording.ancestry(at).take(COPIES_MAX).filter_map(|at| recording.image(at));
            above.find(|image| image.origin != Origin::Fork)
        });
        let stdin = program.map(|program| recording.text(program.stdin));
        let way = match stdin {
            None | Some("char device") => Way::Terminal,
            _ if has_tty && row.fd != Some(0) => Way::Terminal,
            Some("pipe") => Way::Pipe,
            Some(stdin) if stdin == "socket" || stdin.starts_with("inet ") => Way::Connection,
            Some(_) if has_tty => Way::Terminal,
            Some(_) => Way::Unknown,
        };
        Self { who: who(recording, event), way }
    }

    /// ``Somebody typed `ls` ``, ``sh (9109) was given `ls` through a pipe``.
    fn given(&self, what: &str) -> String {
        match self.way {
            Way::Terminal => format!("Somebody typed {what}"),
            Way::Pipe => format!("{} was given {what} through a pipe", self.who),
            Way::Connection => format!("{} was given {what} over a connection", self.who),
            Way::Unknown => format!("{} was given {what}", self.who),
        }
    }
}

impl Teller {
    /// The lines that somebody typed, or a program was given, once they have ended.
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
        let first = || Typing { place: place(recording, event), ..Typing::default() };
        let typing = self.lines.entry(row.session).or_insert_with(first);
        if row.unkept > 0 {
            typing.unkept.add(who(recording, event), !is_typed, row.unkept);
            if typing.hole.is_none() && next < SENTENCES_MAX {
                typing.hole = Some(next);
                let (kind, view, text) = (Kind::Gap, View::Terminal, String::new());
                self.told.push(Sentence { event: index, time: event.time, kind, text, times: 1, view });
            }
        }
        if !is_typed {
            return None;
        }
        (typing.event, typing.time, typing.reader) = (index, event.time, Reader::of(recording, event, row));
        let mut lines = Vec::new();
        typed::add(&mut typing.line, recording.bytes(row), 4 * TYPED_MAX, |line| lines.push(readable(line)));
        lines.retain(|line: &String| !line.is_empty());
        let text = match lines.as_slice() {
            [] => return None,
            [only] => typing.reader.given(&format!("`{only}`")),
            all => format!("{}:\n{}", typing.reader.given(&format!("{} lines", all.len())), all.join("\n")),
        };
        typing.new = lines;
        Some((text, View::Terminal))
    }

    /// Keeps where the lines of an event are told.
    pub(super) fn lines_told(&mut self, recording: &Recording, at: u32, place: usize) {
        let session = recording.terminal.get(at as usize).map(|row| row.session);
        if let Some(typing) = session.and_then(|session| self.lines.get_mut(&session)) {
            typing.block = Some((place, std::mem::take(&mut typing.new)));
        }
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
