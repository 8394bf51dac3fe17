//! What happened, in plain sentences: findings and the moments that an investigator looks for first.
//!
//! A moment is told when it is a finding, a hole in the record, or an act of somebody suspected: of a process that a
//! finding names, that has the network as its input, or that came in from outside, with all who descend from it. The
//! way that led to such a process is told too. What repeats is told once, with its number.

use super::View;
use super::recording::{Body, Event, Image, ImageIx, Kind, Origin, Recording, Sym, Time};
use super::words;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// The most sentences of one story; the last one says that there is more.
const SENTENCES_MAX: usize = 2_000;
/// The most addresses whose names are remembered.
const NAMES_MAX: usize = 100_000;
/// The most characters of a line that somebody typed.
const TYPED_MAX: usize = 200;

/// Files whose reading is worth a sentence.
const SECRETS: [&str; 9] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/root/.ssh/",
    "/.ssh/id_",
    "/.aws/credentials",
    "/.docker/config.json",
    "/var/run/secrets/",
    "/docker.sock",
];

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

/// For every image: whether what it does is told.
fn suspects(recording: &Recording) -> Vec<bool> {
    let mut suspects = vec![false; recording.images.len()];
    for event in &recording.events {
        if let (Body::Finding(_), Some(image)) = (event.body, recording.actor(event).image) {
            suspects[image as usize] = true;
        }
    }
    // Images come by start, and a parent starts before its child: one pass is enough for what a kernel writes.
    for (index, image) in recording.images.iter().enumerate() {
        let inherited = image.parent.is_some_and(|parent| suspects.get(parent as usize).copied().unwrap_or(false));
        let own = image.inside && (remote_input(recording, image).is_some() || image.more.entered.is_some());
        suspects[index] |= own || inherited;
    }
    suspects
}

/// For every image: whether it is an ancestor of a suspect.
fn causes(recording: &Recording, suspects: &[bool]) -> Vec<bool> {
    let mut causes = vec![false; recording.images.len()];
    for start in (0..recording.images.len()).filter(|at| suspects[*at]) {
        for at in recording.ancestry(start as ImageIx).skip(1) {
            if std::mem::replace(&mut causes[at as usize], true) {
                break;
            }
        }
    }
    // The other images of a suspected process are how it became what it is.
    let mut suspected = vec![false; recording.processes as usize];
    for (image, _) in recording.images.iter().zip(suspects).filter(|(_, suspect)| **suspect) {
        suspected[image.process as usize] = true;
    }
    for (image, cause) in recording.images.iter().zip(&mut causes) {
        *cause |= suspected[image.process as usize];
    }
    causes
}

/// `127.0.0.1:5 -> 127.0.0.1:6` for a shell whose input is a connection.
pub fn remote_input<'a>(recording: &'a Recording, image: &Image) -> Option<&'a str> {
    recording.text(image.stdin).strip_prefix("inet ")
}

/// Tells a story while events come by.
#[derive(Debug)]
pub struct Teller {
    suspects: Vec<bool>,
    causes: Vec<bool>,
    /// Addresses to the names that answers gave for them.
    names: HashMap<String, String>,
    told: Vec<Sentence>,
    known: HashMap<(Kind, String), usize>,
    /// What was typed of a line that has not ended, by session.
    lines: HashMap<Option<u64>, Vec<u8>>,
    /// The executables of images, and those of them whose files were made, or got their names, by now.
    exes: HashSet<Sym>,
    made: HashSet<Sym>,
    fresh: Vec<ImageIx>,
    full: bool,
}

impl Teller {
    /// A story that has not begun, of the images of a recording and its findings.
    pub fn of(recording: &Recording) -> Self {
        let suspects = suspects(recording);
        Self {
            causes: causes(recording, &suspects),
            suspects,
            names: HashMap::new(),
            told: Vec::new(),
            known: HashMap::new(),
            lines: HashMap::new(),
            exes: recording.images.iter().filter_map(|image| image.exe).collect(),
            made: HashSet::new(),
            fresh: Vec::new(),
            full: false,
        }
    }

    /// The sentences until now.
    pub fn told(&self) -> &[Sentence] {
        &self.told
    }

    /// The images whose executables were made, or got their names, earlier in the record.
    pub fn fresh(self) -> Vec<ImageIx> {
        self.fresh
    }

    /// Takes an event in; they come by time.
    pub fn take(&mut self, recording: &Recording, index: u32, event: &Event) {
        self.learn(recording, event);
        if self.full {
            return;
        }
        if self.told.len() >= SENTENCES_MAX {
            self.full = true;
            self.told.push(Sentence {
                event: index,
                time: event.time,
                kind: Kind::Lifecycle,
                text: "More happened than a story can tell; the timeline has all of it.".to_owned(),
                times: 1,
                view: View::Timeline,
            });
            return;
        }
        if let Some((text, view)) = self.sentence(recording, event) {
            self.tell(index, event, text, view);
        }
    }

    /// Keeps what later sentences need.
    fn learn(&mut self, recording: &Recording, event: &Event) {
        match event.body {
            Body::File(at) => {
                let Some(file) = recording.files.get(at as usize).filter(|file| file.result == Some(0)) else { return };
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

    fn sentence(&mut self, recording: &Recording, event: &Event) -> Option<(String, View)> {
        let image = recording.actor(event).image;
        let of = |list: &[bool]| image.is_some_and(|image| list.get(image as usize).copied().unwrap_or(false));
        let suspect = of(&self.suspects);
        match event.body {
            Body::Finding(at) => recording.findings.get(at as usize).map(|finding| {
                let (rule, severity) = (recording.text(finding.rule), recording.text(finding.severity));
                let known = finding.techniques.map_or_else(String::new, |known| format!(", {}", recording.text(known)));
                (format!("{} ({severity}, rule {rule}{known})", recording.text(finding.message)), View::Timeline)
            }),
            Body::Gap(at) => recording.gaps.get(at as usize).map(|gap| {
                let number = gap.lost.map_or_else(|| "an unknown number of".to_owned(), words::count);
                let span = words::duration(gap.to.saturating_sub(gap.from));
                let (class, cause) = (recording.text(gap.class), recording.text(gap.cause));
                let whose = if gap.own { "" } else { ", perhaps of other containers" };
                (
                    format!("From here on {number} {class} events are missing, within {span} ({cause}{whose})."),
                    View::Timeline,
                )
            }),
            Body::Start(at) => {
                let told = suspect || of(&self.causes);
                recording
                    .image(at)
                    .filter(|image| told && image.origin == Origin::Exec)
                    .map(|image| self.start(recording, at, image))
            }
            Body::End(at) => recording.image(at).filter(|image| suspect && image.exit_signal.is_some()).map(|image| {
                let number = image.exit_signal.unwrap_or(0);
                let name = words::signal(number).map_or_else(|| format!("signal {number}"), str::to_owned);
                (format!("{} was killed by {name}.", who(recording, event)), View::Processes)
            }),
            Body::FlowBegin(at) => self.flow(recording, event, at, suspect),
            Body::Dns(at) => {
                recording.messages.get(at as usize).filter(|message| suspect && message.sent).map(|message| {
                    (
                        format!("{} asked for the address of {}.", who(recording, event), recording.text(message.name)),
                        View::Network,
                    )
                })
            }
            Body::File(at) => file(recording, event, at, suspect),
            Body::Io(at) => recording.ios.get(at as usize).filter(|io| suspect && io.written > 0).and_then(|io| {
                let path = Some(recording.text(io.path)).filter(|path| path.starts_with('/'))?;
                let written = words::bytes(io.written);
                (!path.starts_with("/dev/"))
                    .then(|| (format!("{} wrote {written} to {path}.", who(recording, event)), View::Files))
            }),
            Body::Privilege(at) | Body::Kernel(at) => {
                recording.calls.get(at as usize).filter(|_| suspect).map(|call| {
                    let done = if call.result < 0 { "tried" } else { "called" };
                    let mut what = recording.text(call.syscall).to_owned();
                    for sym in [Some(call.detail), call.path, call.target].into_iter().flatten() {
                        what.push(' ');
                        what.push_str(recording.text(sym));
                    }
                    let mut text = format!("{} {done} {}", who(recording, event), what.trim_end());
                    words::push_failure(&mut text, call.result);
                    text.push('.');
                    (text, View::Timeline)
                })
            }
            Body::Terminal(at) => self.typed(recording, at),
            Body::Lifecycle(at) => recording.moments.get(at as usize).map(|moment| {
                let mut text = format!("The container was {}", recording.text(moment.op));
                if let Some(detail) = moment.detail {
                    text.push_str(": ");
                    text.push_str(recording.text(detail));
                }
                text.push('.');
                (text, View::Processes)
            }),
            Body::FlowEnd(_) => None,
        }
    }

    fn tell(&mut self, index: u32, event: &Event, text: String, view: View) {
        let kind = event.body.kind();
        // Findings and gaps are each one of their own.
        let alone = matches!(kind, Kind::Finding | Kind::Gap);
        match self.known.entry((kind, text.clone())) {
            Entry::Occupied(at) if !alone => {
                if let Some(sentence) = self.told.get_mut(*at.get()) {
                    sentence.times = sentence.times.saturating_add(1);
                }
                return;
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(free) => _ = free.insert(self.told.len()),
        }
        self.told.push(Sentence { event: index, time: event.time, kind, text, times: 1, view });
    }

    fn start(&self, recording: &Recording, index: ImageIx, image: &Image) -> (String, View) {
        let parent = image.parent.and_then(|at| recording.image(at));
        let line = recording.text(image.cmdline);
        let by = match parent {
            Some(parent) => format!("{} ({})", recording.text(parent.comm), parent.pid),
            None => "Somebody".to_owned(),
        };
        let mut text = format!("{by} ran `{line}` as process {}", image.pid);
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
                self.fresh.last() == Some(&index) && !image.more.upper,
                ", a program whose file was made while this was recorded",
            ),
        ] {
            if is {
                text.push_str(words);
            }
        }
        text.push('.');
        (text, View::Processes)
    }

    fn flow(&self, recording: &Recording, event: &Event, at: u32, suspect: bool) -> Option<(String, View)> {
        let flow = recording.flows.get(at as usize)?;
        let who = who(recording, event);
        let remote = flow.remote.map_or("", |remote| recording.text(remote));
        let host = remote.rsplit_once(':').map_or(remote, |(host, _)| host).trim_matches(['[', ']']);
        let name =
            flow.server_name.map(|name| recording.text(name)).or_else(|| self.names.get(host).map(String::as_str));
        let named = name.map_or_else(String::new, |name| format!(" ({name})"));
        let protocol = recording.text(flow.protocol);
        let moved = match (flow.sent, flow.received) {
            (Some(sent), Some(received)) if sent + received > 0 => {
                format!(", sent {} and received {}", words::bytes(sent), words::bytes(received))
            }
            _ => String::new(),
        };
        let text = match recording.text(flow.op) {
            "connect" if flow.result < 0 && flow.result != -115 && suspect => {
                let mut text = format!("{who} could not connect to {remote}{named}");
                words::push_failure(&mut text, i64::from(flow.result));
                text + "."
            }
            // Names are asked for over UDP; the question itself is told.
            "connect" if suspect && !(protocol == "udp" && remote.ends_with(":53")) => {
                let way = if protocol == "tcp" { String::new() } else { format!(" over {protocol}") };
                format!("{who} connected to {remote}{named}{way}{moved}.")
            }
            "listen" if suspect => format!("{who} listens on {}.", recording.text(flow.local)),
            "accept" if suspect => format!("{who} accepted a connection from {remote}{named}{moved}."),
            "socket" if suspect => format!("{who} made a {protocol} socket."),
            _ => return None,
        };
        Some((text, View::Network))
    }

    /// A line that somebody typed, once it has ended.
    fn typed(&mut self, recording: &Recording, at: u32) -> Option<(String, View)> {
        let row = recording.terminal.get(at as usize)?;
        if recording.text(row.direction) != "typed" {
            return None;
        }
        let line = self.lines.entry(row.session).or_default();
        let mut whole = String::new();
        for byte in recording.bytes(row) {
            match byte {
                b'\n' | b'\r' => {
                    let text = String::from_utf8_lossy(line);
                    let text: String = text.trim().chars().take(TYPED_MAX).collect();
                    if !text.is_empty() {
                        whole.push_str(if whole.is_empty() { "" } else { "; " });
                        whole.push_str(&text);
                    }
                    line.clear();
                }
                0x7f | 0x08 => _ = line.pop(),
                byte if line.len() < 4 * TYPED_MAX => line.push(*byte),
                _ => {}
            }
        }
        (!whole.is_empty()).then(|| (format!("Somebody typed `{whole}`."), View::Terminal))
    }
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

fn file(recording: &Recording, event: &Event, at: u32, suspect: bool) -> Option<(String, View)> {
    let file = recording.files.get(at as usize)?;
    let (op, path) = (recording.text(file.op), recording.text(file.path));
    let failed = file.result.unwrap_or(0) < 0;
    let secret = SECRETS.iter().any(|secret| path.contains(secret));
    let done = |word: &str, tried: &str| if failed { format!("tried to {tried}") } else { word.to_owned() };
    let new_path = file.new_path.map_or("", |path| recording.text(path));
    let what = match op {
        "open" if secret && (suspect || !failed) => format!("{} {path}", done("opened", "open")),
        _ if !suspect => return None,
        "create" if !path.starts_with("/dev/") => format!("{} {path}", done("made", "make")),
        "chmod" if file.mode.is_some_and(|mode| mode & 0o111 != 0) => {
            format!("{} {path} executable", done("made", "make"))
        }
        "chmod" => format!("{} the mode of {path}", done("changed", "change")),
        "unlink" | "rmdir" => format!("{} {path}", done("removed", "remove")),
        "rename" => format!("{} {path} to {new_path}", done("moved", "move")),
        "link" | "symlink" => format!("{} {path} to {new_path}", done("linked", "link")),
        "mkdir" => format!("{} the directory {path}", done("made", "make")),
        "chown" | "setxattr" | "removexattr" | "truncate" | "mknod" => {
            format!("{} of {path}", done(&format!("did a {op}"), &format!("do a {op}")))
        }
        _ => return None,
    };
    let mut text = format!("{} {what}", who(recording, event));
    if let Some(before) = file.rewritten_from {
        text.push_str(&format!(" (its memory said {} first)", recording.text(before)));
    }
    words::push_failure(&mut text, i64::from(file.result.unwrap_or(0)));
    text.push('.');
    Some((text, View::Files))
}
