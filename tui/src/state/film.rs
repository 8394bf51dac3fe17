//! Terminal sessions, and one of them played back into a screen that exists in memory only.
//!
//! What a program printed goes through a parser of terminal sequences; what stands on the screen afterwards is text and
//! colours, and no byte of the trace goes anywhere else. What was typed is drawn too where nobody but the terminal
//! itself echoed it: a line that ends with a line feed was read as a whole line, which the kernel (or the other end of a
//! connection) echoes and no program prints. Keys that a program reads one by one it echoes itself.

use super::recording::{Body, ImageIx, Recording, Terminal, Time};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU16;
use vt100::{Color, Parser, Screen};

/// The screen's size. What a session's real one was is not recorded; this is what most programs assume.
const ROWS: NonZeroU16 = Parser::DEFAULT_ROWS;
const COLUMNS: NonZeroU16 = Parser::DEFAULT_COLS;

/// One terminal session.
#[derive(Clone, Debug)]
pub struct TerminalSession {
    /// Its number in the evidence; rows without one are together.
    pub id: Option<u64>,
    /// Its events, by time: indices into the recording's events.
    pub events: Vec<u32>,
    /// The image that used it first.
    pub image: Option<ImageIx>,
    /// Bytes typed.
    pub typed: u64,
    /// Bytes printed.
    pub printed: u64,
    /// A budget cut some of them.
    pub cut: bool,
}

/// The sessions of a recording, in the order in which they began.
pub fn sessions(recording: &Recording) -> Vec<TerminalSession> {
    let mut sessions: Vec<TerminalSession> = Vec::new();
    let mut known: HashMap<Option<u64>, usize> = HashMap::new();
    for (index, event) in recording.events.iter().enumerate() {
        let Body::Terminal(at) = event.body else { continue };
        let Some(row) = recording.terminal.get(at as usize) else { continue };
        let place = *known.entry(row.session).or_insert_with(|| {
            sessions.push(TerminalSession {
                id: row.session,
                events: Vec::new(),
                image: None,
                typed: 0,
                printed: 0,
                cut: false,
            });
            sessions.len() - 1
        });
        let session = &mut sessions[place];
        session.events.push(index as u32);
        session.image = session.image.or(recording.actor(event).image);
        session.cut |= row.cut;
        let count = if is_typed(recording, row) { &mut session.typed } else { &mut session.printed };
        *count = count.saturating_add(row.bytes);
    }
    sessions
}

/// Whether somebody typed it.
pub fn is_typed(recording: &Recording, row: &Terminal) -> bool {
    recording.text(row.direction) == "typed"
}

/// A session on its screen, as far as it has been played.
pub struct Film {
    session: usize,
    played: usize,
    parser: Parser,
    /// The colour that marks what was typed. Nobody who wrote the trace can know it.
    typed: (u8, u8, u8),
}

impl std::fmt::Debug for Film {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Film").field("session", &self.session).field("played", &self.played).finish_non_exhaustive()
    }
}

impl Film {
    /// The film of a session, at its beginning.
    pub fn new(session: usize) -> Self {
        let [red, green, blue, ..] = RandomState::new().hash_one(session).to_le_bytes();
        Self { session, played: 0, parser: Parser::new(ROWS, COLUMNS, 0), typed: (red, green, blue) }
    }

    /// The session it shows.
    pub fn session(&self) -> usize {
        self.session
    }

    /// How many of the session's events are on the screen.
    pub fn played(&self) -> usize {
        self.played
    }

    /// Plays on to `time`, or from the beginning where that is earlier.
    pub fn play(&mut self, recording: &Recording, session: &TerminalSession, time: Time) {
        let wanted = session
            .events
            .partition_point(|at| recording.events.get(*at as usize).is_some_and(|event| event.time <= time));
        if wanted < self.played {
            self.parser = Parser::new(ROWS, COLUMNS, 0);
            self.played = 0;
        }
        for event in &session.events[self.played..wanted] {
            let Some(Body::Terminal(at)) = recording.events.get(*event as usize).map(|event| event.body) else {
                continue;
            };
            let Some(row) = recording.terminal.get(at as usize) else { continue };
            let bytes = recording.bytes(row);
            if !is_typed(recording, row) {
                self.feed(bytes);
            } else if bytes.ends_with(b"\n") {
                let (red, green, blue) = self.typed;
                let before = self.parser.screen().attributes_formatted();
                self.parser.process(format!("\x1b[0;38;2;{red};{green};{blue}m").as_bytes());
                // Typed control characters are echoed as ^X, so none of them acts.
                let echo: Vec<u8> = bytes.iter().flat_map(|byte| echoed(*byte)).collect();
                self.feed(&echo);
                self.parser.process(before.as_bytes());
            }
        }
        self.played = wanted;
    }

    /// A terminal turns a line feed of a program into the beginning of the next line.
    fn feed(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    self.parser.process(line);
                    self.parser.process(b"\r\n");
                }
                None => self.parser.process(line),
            }
        }
    }

    /// What stands on the screen.
    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Whether a cell's colour says that it was typed.
    pub fn is_typed(&self, colour: Color) -> bool {
        let (red, green, blue) = self.typed;
        colour == Color::Rgb(red, green, blue)
    }
}

fn echoed(byte: u8) -> Vec<u8> {
    match byte {
        b'\n' | b'\t' => vec![byte],
        0..0x20 => vec![b'^', byte + 0x40],
        0x7f => b"^?".to_vec(),
        byte => vec![byte],
    }
}
