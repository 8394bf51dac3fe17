//! Programs that were run, in sentences; and what their input and output were, as far as that comes to be known.
//!
//! At its start of a file only this is known, that it is one. Which it was is told by what was read from it, or written,
//! later: the sentences of the start and of the program's connections get it then.

use super::{Sentence, Teller, View, one_line, words};
use crate::state::recording::{Event, Image, ImageIx, Io, Recording};
use crate::state::story::suspicion::remote_input;
use std::collections::HashMap;

/// What [`Image::stdin`] and [`Image::stdout`] say of a regular file.
const FILE: &str = "file";

/// The files that programs had as input and output, and the sentences that should name them.
#[derive(Debug, Default)]
pub struct Ends {
    by_image: HashMap<ImageIx, Files>,
}

/// Those of one program. A place is one in [`Teller::told`].
#[derive(Debug, Default)]
struct Files {
    /// Its input, and how much was read from it.
    input: Option<(String, u64)>,
    output: Option<String>,
    start: Option<usize>,
    sent: Vec<usize>,
}

impl Ends {
    /// The start of a program is told at this place.
    pub fn started(&mut self, recording: &Recording, at: ImageIx, place: usize) {
        let has_file = |image: &Image| [image.stdin, image.stdout].iter().any(|end| recording.text(*end) == FILE);
        if recording.image(at).is_some_and(has_file) {
            self.by_image.entry(at).or_default().start = Some(place);
        }
    }

    /// A connection of a program is told at this place.
    pub fn connected(&mut self, at: ImageIx, place: usize) {
        if let Some(files) = self.by_image.get_mut(&at)
            && !files.sent.contains(&place)
        {
            files.sent.push(place);
        }
    }

    /// A program read or wrote.
    pub fn moved(&mut self, recording: &Recording, at: ImageIx, io: &Io) {
        let (Some(files), Some(image)) = (self.by_image.get_mut(&at), recording.image(at)) else { return };
        let path = recording.text(io.path);
        if !path.starts_with('/') || path.starts_with("/dev/") {
            return;
        }
        match io.fd {
            Some(0) if io.read > 0 && recording.text(image.stdin) == FILE => {
                let (known, read) = files.input.get_or_insert_with(|| (path.to_owned(), 0));
                if known.as_str() == path {
                    *read = read.saturating_add(io.read);
                }
            }
            Some(1) if io.written > 0 && recording.text(image.stdout) == FILE => {
                files.output.get_or_insert_with(|| path.to_owned());
            }
            _ => {}
        }
    }

    /// Adds to the sentences what is known by now.
    pub fn add_to(&self, told: &mut [Sentence]) {
        for files in self.by_image.values() {
            let ends = [("input", files.input.as_ref().map(|(path, _)| path)), ("output", files.output.as_ref())];
            let ends = ends.into_iter().filter_map(|(end, path)| Some(format!(", its {end} the file {}", path?)));
            add(told, files.start, &ends.collect::<String>());
            let Some((path, read)) = &files.input else { continue };
            let input = format!("; its input was the file {path}, of which it read {}", words::bytes(*read));
            files.sent.iter().for_each(|place| add(told, Some(*place), &input));
        }
    }
}

/// Adds words to a sentence.
pub fn add(told: &mut [Sentence], place: Option<usize>, words: &str) {
    if let Some(sentence) = place.and_then(|place| told.get_mut(place)) {
        sentence.text.push_str(words);
    }
}

impl Teller {
    /// A program that somebody suspected ran, or that led to one.
    pub(super) fn start(&self, recording: &Recording, at: ImageIx, image: &Image) -> (String, View) {
        let line = one_line(recording.text(image.cmdline));
        let named = |image: &Image| format!("{} ({})", recording.text(image.comm), image.pid);
        let mut text = match recording.runner(at) {
            Some((runner, true)) => format!("{} ran `{line}` in its own place", named(runner)),
            Some((runner, false)) => format!("{} ran `{line}` as process {}", named(runner), image.pid),
            None => format!("Somebody ran `{line}` as process {}", image.pid),
        };
        if let Some(ends) = remote_input(recording, image) {
            let remote = ends.split_once("-> ").map_or(ends, |(_, remote)| remote);
            text.push_str(&format!(", its input and output a connection to {remote}"));
        }
        if let Some(way) = image.more.entered {
            text.push_str(&format!(", from outside the container (by its {})", recording.text(way)));
        }
        for (is, words) in [
            (image.more.memfd, ", a program that exists in memory only"),
            (image.exe_deleted && !image.more.memfd, ", a program whose file was deleted"),
            (image.more.upper, ", a program that is not from the image"),
            (
                self.fresh.last() == Some(&at) && !image.more.upper,
                ", a program whose file was made while this was recorded",
            ),
        ] {
            if is {
                text.push_str(words);
            }
        }
        (text, View::Processes)
    }

    /// Keeps which sentence a program's start, its connection, or lines that it was given became.
    pub(super) fn keep_place(&mut self, recording: &Recording, event: &Event, place: Option<usize>) {
        use crate::state::recording::Body;
        let Some(place) = place else { return };
        match event.body {
            Body::Start(at) => self.ends.started(recording, at, place),
            Body::FlowBegin(at) => {
                let op = recording.flows.get(at as usize).map_or("", |flow| recording.text(flow.op));
                if let Some(image) = recording.actor(event).image.filter(|_| op == "connect") {
                    self.ends.connected(image, place);
                }
            }
            Body::Terminal(at) => self.lines_told(recording, at, place),
            _ => {}
        }
    }
}
