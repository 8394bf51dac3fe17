//! Terminal sessions, and one of them played back into a screen that exists in memory only.
//!
//! What a program printed goes through a parser of terminal sequences; what stands on the screen afterwards is text and
//! colours, and no byte of the trace goes anywhere else. What was typed is drawn too where nobody but the terminal
//! itself echoed it: a line that ends with a line feed was read as a whole line, which the kernel (or the other end of a
//! connection) echoes and no program prints. Keys that a program reads one by one it echoes itself; but where there is no
//! terminal, as with a script that comes over a pipe, nobody echoes what is read in one piece.

use super::recording::{Body, Event, Image, ImageIx, Recording, Time};
use super::{typed, words};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU16;
use std::sync::Arc;
use vt100::{Color, Parser, Screen};

/// The screen's size. What a session's real one was is not recorded; this is what most programs assume.
const ROWS: NonZeroU16 = Parser::DEFAULT_ROWS;
const COLUMNS: NonZeroU16 = Parser::DEFAULT_COLS;

/// How far up the program is looked for that a session is of.
const ANCESTORS_MAX: usize = 256;

/// One terminal session.
#[derive(Clone, Debug)]
pub struct TerminalSession {
    /// Its number in the evidence; rows without one are together.
    pub id: Option<u64>,
    /// What went over it, by time.
    pub stretches: Vec<TypedOrPrinted>,
    /// The image that used it first.
    pub image: Option<ImageIx>,
    /// Bytes typed.
    pub typed: u64,
    /// Bytes printed.
    pub printed: u64,
    /// Some of them are not here.
    pub cut: bool,
    /// How many of them are not in the record.
    pub unkept: u64,
    /// It goes over a terminal, not over a pipe or a connection.
    pub tty: bool,
}

/// Bytes that went over a terminal. They can act on one.
#[derive(Clone, Debug)]
pub struct TypedOrPrinted {
    /// The event's number.
    pub event: u32,
    /// When.
    pub time: Time,
    /// Somebody typed them.
    pub typed: bool,
    /// The bytes.
    pub data: Arc<[u8]>,
    /// How many more there were that are not in the record.
    pub unkept: u64,
}

impl TerminalSession {
    /// Who brought the session: the first program that used it, or the one above that it has its input and output from.
    pub fn program(&self, recording: &Recording) -> Option<ImageIx> {
        let first = self.image?;
        let own = recording.image(first)?;
        let ends = |image: &Image| (image.stdin, image.stdout, image.more.tty);
        let shares = |image: &Image| image.inside && ends(image) == ends(own);
        let way = recording.ancestry(first).take(ANCESTORS_MAX);
        way.take_while(|at| recording.image(*at).is_some_and(shares)).last()
    }

    /// How many stretches are not after `time`.
    pub fn passed(&self, time: Time) -> usize {
        self.stretches.partition_point(|stretch| stretch.time <= time)
    }

    /// The lines that were typed in the first `played` stretches, each with the time of what ended it; the last may not
    /// have ended. A line end alone is none.
    pub fn typed_lines(&self, played: usize) -> Vec<(Time, String)> {
        let (mut lines, mut line, mut last) = (Vec::new(), Vec::new(), 0);
        for stretch in self.stretches.iter().take(played).filter(|stretch| stretch.typed) {
            let time = stretch.time;
            typed::add(&mut line, &stretch.data, usize::MAX, |line| {
                if !line.is_empty() || stretch.data.len() > 2 {
                    lines.push((time, String::from_utf8_lossy(line).into_owned()));
                }
            });
            last = time;
        }
        lines.extend((!line.is_empty()).then(|| (last, String::from_utf8_lossy(&line).into_owned())));
        lines
    }
}

/// The most bytes of all sessions that are kept.
const KEPT_MAX_BYTES: usize = 64 << 20;

/// The sessions while events come by.
#[derive(Debug, Default)]
pub struct Sessions {
    sessions: Vec<TerminalSession>,
    known: HashMap<Option<u64>, usize>,
    kept: usize,
}

impl Sessions {
    /// Takes an event in, and its number; they come by time.
    pub fn take(&mut self, recording: &Recording, number: u32, event: &Event) {
        let Body::Terminal(at) = event.body else { return };
        let Some(row) = recording.terminal.get(at as usize) else { return };
        let next = self.sessions.len();
        let place = *self.known.entry(row.session).or_insert(next);
        if place == next {
            let (id, stretches) = (row.session, Vec::new());
            let (image, tty) = (None, false);
            let (typed, printed, cut, unkept) = (0, 0, false, 0);
            self.sessions.push(TerminalSession { id, stretches, image, typed, printed, cut, unkept, tty });
        }
        let session = &mut self.sessions[place];
        let typed = recording.text(row.direction) == "typed";
        let data = recording.bytes(row);
        self.kept = self.kept.saturating_add(data.len());
        let fits = self.kept <= KEPT_MAX_BYTES;
        session.image = session.image.or(recording.actor(event).image);
        let image = session.image.and_then(|image| recording.image(image));
        session.tty = image.is_some_and(|image| image.more.tty.is_some());
        session.cut |= row.cut || !fits;
        session.unkept = session.unkept.saturating_add(row.unkept);
        let count = if typed { &mut session.typed } else { &mut session.printed };
        *count = count.saturating_add(row.bytes);
        if fits {
            let (event, time) = (number, event.time);
            session.stretches.push(TypedOrPrinted { event, time, typed, data: data.into(), unkept: row.unkept });
        }
    }

    /// The sessions by now.
    pub fn so_far(&self) -> Vec<TerminalSession> {
        self.sessions.clone()
    }

    /// The sessions, in the order in which they began.
    pub fn finish(self) -> Vec<TerminalSession> {
        self.sessions
    }
}

/// A session on its screen, as far as it has been played.
pub struct Film {
    session: usize,
    played: usize,
    parser: Parser,
    /// The colours that mark what was typed, and what is missing. Nobody who wrote the trace can know them.
    typed: (u8, u8, u8),
    missing: (u8, u8, u8),
}

impl std::fmt::Debug for Film {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Film").field("session", &self.session).field("played", &self.played).finish_non_exhaustive()
    }
}

impl Film {
    /// The film of a session, at its beginning.
    pub fn new(session: usize) -> Self {
        let [red, green, blue, other, ..] = RandomState::new().hash_one(session).to_le_bytes();
        // They differ in the first part, whatever the numbers.
        let (typed, missing) = ((red, green, blue), (red ^ 0x80, green, other));
        Self { session, played: 0, parser: Parser::new(ROWS, COLUMNS, 0), typed, missing }
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
    pub fn play(&mut self, session: &TerminalSession, time: Time) {
        let wanted = session.passed(time);
        if wanted < self.played {
            self.parser = Parser::new(ROWS, COLUMNS, 0);
            self.played = 0;
        }
        for stretch in &session.stretches[self.played..wanted] {
            let bytes = &stretch.data;
            if !stretch.typed {
                self.feed(bytes);
            } else if bytes.ends_with(b"\n") || (!session.tty && bytes.len() > 1) {
                // Typed control characters are echoed as ^X, so none of them acts.
                let mut echo: Vec<u8> = bytes.iter().flat_map(|byte| echoed(*byte)).collect();
                echo.extend((!bytes.ends_with(b"\n")).then_some(b'\n'));
                self.mark(self.typed, &echo);
            }
            if stretch.unkept > 0 {
                // What began a line most likely ended it too.
                let (_, column) = self.parser.screen().cursor_position();
                let end = if column == 0 { "\n" } else { "" };
                let hole = format!("[{} not kept]{end}", words::bytes(stretch.unkept));
                self.mark(self.missing, hole.as_bytes());
            }
        }
        self.played = wanted;
    }

    /// Writes in a colour of ours, and goes on in that of the program.
    fn mark(&mut self, (red, green, blue): (u8, u8, u8), text: &[u8]) {
        let before = self.parser.screen().attributes_formatted();
        self.parser.process(format!("\x1b[0;38;2;{red};{green};{blue}m").as_bytes());
        self.feed(text);
        self.parser.process(before.as_bytes());
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
        is(colour, self.typed)
    }

    /// Whether a cell's colour says that bytes are missing there.
    pub fn is_missing(&self, colour: Color) -> bool {
        is(colour, self.missing)
    }
}

fn is(colour: Color, (red, green, blue): (u8, u8, u8)) -> bool {
    colour == Color::Rgb(red, green, blue)
}

fn echoed(byte: u8) -> Vec<u8> {
    match byte {
        b'\n' | b'\t' => vec![byte],
        0..0x20 => vec![b'^', byte + 0x40],
        0x7f => b"^?".to_vec(),
        byte => vec![byte],
    }
}
