//! What happened, in plain sentences: findings and the moments that an investigator looks for first.
//!
//! A moment is told when it is a finding, a hole in the record, or an act of somebody suspected (see `suspicion`). The
//! way that led to such a process is told too: the programs, and the connection that the service accepted last. Of all
//! others it is told what they ran and whom they talked to. What repeats is told once, with its number (see `crowd`). What
//! was done to files, who talked to whom and what was typed have rooms of their own.

mod crowd;
mod files;
mod network;
mod programs;
mod suspicion;
mod telling;
mod typing;
mod unkept;
mod visits;

use super::View;
use super::filter::host;
use super::recording::{Body, Event, ImageIx, Kind, Origin, ProcessIx, Recording, Sym, Time};
use super::words;
use crowd::{Crowd, Deed};
use files::written;
use network::Accepted;
use programs::Ends;
use std::collections::{HashMap, HashSet};
use suspicion::Suspicion;
use typing::Typing;
use visits::Visits;

pub use suspicion::remote_input;

/// The most sentences of one story; the last one says that there is more.
const SENTENCES_MAX: usize = 2_000;
/// The most addresses whose names are remembered.
const NAMES_MAX: usize = 100_000;
/// The most bytes of a command or a finding's text.
const LINE_MAX_BYTES: usize = 2_048;

/// One sentence.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// The event that it is about.
    pub event: u32,
    /// When that was.
    pub time: Time,
    /// What kind of moment.
    pub kind: Kind,
    /// The sentence, raw.
    pub text: String,
    /// How often it happened.
    pub times: u32,
    /// The view that shows it best.
    pub view: View,
}

/// Tells a story while events come by.
#[derive(Debug)]
pub struct Teller {
    suspicion: Suspicion,
    /// Addresses to the names that answers gave for them.
    names: HashMap<String, String>,
    told: Vec<Sentence>,
    known: HashMap<(Kind, String), usize>,
    /// Those that are told together, by what they have in common, with the place of their sentence.
    crowds: HashMap<(Deed, String), (usize, Crowd)>,
    /// The connection that a process accepted last.
    accepted: HashMap<ProcessIx, Accepted>,
    /// The terminal sessions, with what was typed of a line that has not ended.
    lines: HashMap<Option<u64>, Typing>,
    /// The files that programs have as input and output.
    ends: Ends,
    /// Who came in from outside.
    visits: Visits,
    /// What somebody made, or tried to, as a directory: permission to enter one makes no program of it.
    directories: HashSet<String>,
    /// The executables of images, and those of them whose files were made, or got their names, by now.
    exes: HashSet<Sym>,
    made: HashSet<Sym>,
    fresh: Vec<ImageIx>,
    full: bool,
}

impl Teller {
    /// A story that has not begun, of the images of a recording and its findings.
    pub fn of(recording: &Recording) -> Self {
        Self {
            suspicion: Suspicion::of(recording),
            names: HashMap::new(),
            told: Vec::new(),
            known: HashMap::new(),
            crowds: HashMap::new(),
            accepted: HashMap::new(),
            lines: HashMap::new(),
            ends: Ends::default(),
            visits: Visits::of(recording),
            directories: HashSet::new(),
            exes: recording.images.iter().filter_map(|image| image.exe).collect(),
            made: HashSet::new(),
            fresh: Vec::new(),
            full: false,
        }
    }

    /// The sentences until now, by time.
    pub fn told(&self) -> Vec<Sentence> {
        let mut told = self.told.clone();
        for (place, crowd) in self.crowds.values() {
            if let Some(sentence) = told.get_mut(*place) {
                sentence.text = crowd.text();
            }
        }
        self.ends.add_to(&mut told);
        self.lines.values().for_each(|typing| typing.add_to(&mut told));
        self.visits.add_to(&mut told);
        // Only what was typed is several lines; in a path a line end is a trick.
        for sentence in told.iter_mut().filter(|told| told.kind != Kind::Terminal && told.text.contains('\n')) {
            sentence.text = sentence.text.replace('\n', "\\n");
        }
        told.sort_by_key(|sentence| sentence.event);
        told
    }

    /// The images whose executables were made, or got their names, earlier in the record.
    pub fn fresh(self) -> Vec<ImageIx> {
        self.fresh
    }

    /// Takes an event in; they come by time.
    pub fn take(&mut self, recording: &Recording, index: u32, event: &Event) {
        self.learn(recording, event);
        if let Body::Start(at) = event.body {
            self.way_in(recording, at);
            self.visits.began(recording, at);
        }
        if let Some(sentence) = self.sentence(recording, index, event) {
            let place = self.tell_of_visit(recording, index, event, sentence);
            self.keep_place(recording, event, place);
        }
        // Only now: that it begins to listen is an act of its own.
        if let (Body::FlowBegin(at), Some(image)) = (event.body, recording.actor(event).image)
            && let Some(flow) = recording.flows.get(at as usize)
            && matches!(recording.text(flow.op), "accept" | "listen")
        {
            self.suspicion.serves(recording, image);
        }
    }

    /// Keeps what later sentences need.
    fn learn(&mut self, recording: &Recording, event: &Event) {
        match event.body {
            Body::File(at) => {
                let Some(file) = recording.files.get(at as usize) else { return };
                // One that is there already is told by EEXIST.
                let is_directory = recording.text(file.op) == "mkdir" && matches!(file.result, Some(0 | -17));
                if is_directory && self.directories.len() < NAMES_MAX {
                    self.directories.insert(recording.text(file.path).to_owned());
                }
                if file.result != Some(0) {
                    return;
                }
                let made = match recording.text(file.op) {
                    "create" => Some(file.path),
                    "rename" | "link" => file.new_path,
                    _ => None,
                };
                // The symbols of images are the same in all pages.
                self.made.extend(made.filter(|path| self.exes.contains(path)));
            }
            Body::Start(at) => {
                let exe = recording.image(at).and_then(|image| image.exe);
                if exe.is_some_and(|exe| self.made.contains(&exe)) {
                    self.fresh.push(at);
                }
            }
            Body::Dns(at) => {
                let Some(message) = recording.messages.get(at as usize) else { return };
                for answer in recording.text(message.answers).split(", ").filter(|answer| !answer.is_empty()) {
                    if self.names.len() < NAMES_MAX {
                        self.names.insert(answer.to_owned(), recording.text(message.name).to_owned());
                    }
                }
            }
            _ => {}
        }
    }

    fn sentence(&mut self, recording: &Recording, index: u32, event: &Event) -> Option<(String, View)> {
        let image = recording.actor(event).image;
        let suspect = image.is_some_and(|image| self.suspicion.is_suspect(recording, image));
        match event.body {
            Body::Finding(at) => recording.findings.get(at as usize).map(|finding| {
                let (rule, severity) = (recording.text(finding.rule), recording.text(finding.severity));
                let known = finding.techniques.map_or_else(String::new, |known| format!(", {}", recording.text(known)));
                let message = recording.text(finding.message);
                let message = words::after_rule(message, rule).unwrap_or(message);
                let says = if message.is_empty() { String::new() } else { format!(": {}", one_line(message)) };
                (format!("{rule} ({severity}{known}){says}"), View::Timeline)
            }),
            Body::Gap(at) => recording.gaps.get(at as usize).map(|gap| {
                let number = gap.lost.map_or_else(|| "an unknown number of".to_owned(), words::count);
                let span = words::duration(gap.to.saturating_sub(gap.from));
                let (class, cause) = (recording.text(gap.class), recording.text(gap.cause));
                let whose = if gap.own { "" } else { ", perhaps of other containers" };
                (
                    format!("From here on {number} {class} events are missing, within {span} ({cause}{whose})"),
                    View::Timeline,
                )
            }),
            Body::Start(at) => {
                let image = recording.image(at).filter(|image| image.origin == Origin::Exec)?;
                if suspect || self.suspicion.led(at) {
                    return Some(self.start(recording, at, image));
                }
                if !image.inside {
                    return None;
                }
                let by = recording.runner(at).map_or("Somebody", |(runner, _)| recording.text(runner.comm));
                let text = format!("{by} ran `{}`", one_line(recording.text(image.cmdline)));
                let crowd = Crowd::new(Deed::Ran, String::new(), "", text.clone());
                self.join(recording, index, event, &text, crowd, ("", None, (0, 0)));
                None
            }
            Body::End(at) => recording.image(at).filter(|image| suspect && image.exit_signal.is_some()).map(|image| {
                let number = image.exit_signal.unwrap_or(0);
                let name = words::signal(number).map_or_else(|| format!("signal {number}"), str::to_owned);
                (format!("{} was killed by {name}", who(recording, event)), View::Processes)
            }),
            Body::FlowBegin(at) => self.flow(recording, index, event, at, suspect),
            Body::Dns(at) => {
                recording.messages.get(at as usize).filter(|message| suspect && message.sent).map(|message| {
                    (
                        format!("{} asked for the address of {}", who(recording, event), recording.text(message.name)),
                        View::Network,
                    )
                })
            }
            Body::File(at) => {
                self.opened(recording, index, event, at, suspect);
                self.file(recording, event, at, suspect)
            }
            Body::Io(at) => recording.ios.get(at as usize).and_then(|io| {
                if let Some(image) = image {
                    self.ends.moved(recording, image, io);
                }
                if !suspect || io.written == 0 {
                    return None;
                }
                let path = Some(recording.text(io.path)).filter(|path| path.starts_with('/'))?;
                (!path.starts_with("/dev/")).then(|| (written(&who(recording, event), path, io), View::Files))
            }),
            Body::Privilege(at) | Body::Kernel(at) => {
                recording.calls.get(at as usize).filter(|_| suspect).map(|call| {
                    let done = if call.result < 0 { "tried" } else { "called" };
                    let mut what = recording.text(call.syscall).to_owned();
                    let words = [Some(call.detail), call.path, call.target].into_iter().flatten();
                    for word in words.map(|sym| recording.text(sym)).filter(|word| !word.is_empty()) {
                        what.push(' ');
                        what.push_str(word);
                    }
                    let mut text = format!("{} {done} {what}", who(recording, event));
                    if call.result < 0 {
                        text.push_str(", and failed");
                    }
                    words::push_failure(&mut text, call.result);
                    (text, View::Timeline)
                })
            }
            Body::Terminal(at) => self.typed(recording, index, event, at),
            Body::Lifecycle(at) => recording.moments.get(at as usize).map(|moment| {
                let mut text = format!("The container was {}", recording.text(moment.op));
                if let Some(detail) = moment.detail {
                    text.push_str(": ");
                    text.push_str(recording.text(detail));
                }
                (text, View::Processes)
            }),
            Body::FlowEnd(_) => None,
        }
    }
}

/// A text on one line, without the spaces that a script is indented by: a sign stands where a line ends that another
/// follows. An ellipsis where it is longer than anybody reads: a bundle can have lines of megabytes, each as often as it
/// likes.
fn one_line(text: &str) -> String {
    let (text, rest) = text.split_at(text.floor_char_boundary(LINE_MAX_BYTES));
    let lines = text.split(['\n', '\r']).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" \u{23ce} ");
    if !rest.is_empty() {
        line.push('\u{2026}');
    }
    line
}

/// `web: ` where there are several containers.
fn place(recording: &Recording, event: &Event) -> String {
    recording.text_of(recording.actor(event).container).map_or_else(String::new, |name| format!("{name}: "))
}

/// `curl (9108)`
fn who(recording: &Recording, event: &Event) -> String {
    let actor = recording.actor(event);
    match (recording.text_of(actor.comm), actor.pid) {
        (Some(comm), Some(pid)) => format!("{comm} ({pid})"),
        (Some(comm), None) => comm.to_owned(),
        (None, Some(pid)) => format!("Process {pid}"),
        (None, None) => "Somebody".to_owned(),
    }
}
