//! What a bundle holds, as the screen needs it: events by time, images by their start, texts once.

use super::strings::{Strings, Sym};
pub use taffrail_trace::event::Severity;

/// Nanoseconds since 1970, UTC. Bundles are hostile input, so arithmetic on it saturates.
pub type Time = i64;

/// Index of an image in [`Recording::images`].
pub type ImageIx = u32;

/// Index of a process: images of one process share it.
pub type ProcessIx = u32;

/// The whole history of one bundle. Made by [`super::draft::Draft`], never changed afterwards.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Who, when, where, why.
    pub about: About,
    /// All texts.
    pub strings: Strings,
    /// Events, sorted by time.
    pub events: Vec<Event>,
    /// Every distinct actor that an event names; 0 is nobody.
    pub actors: Vec<Actor>,
    /// Program images, sorted by start. Parent links have no circles.
    pub images: Vec<Image>,
    /// How many processes the images belong to.
    pub processes: u32,
    /// Rows that [`Body::File`] names.
    pub files: Vec<File>,
    /// Rows that [`Body::FlowBegin`] and [`Body::FlowEnd`] name.
    pub flows: Vec<Flow>,
    /// Rows that [`Body::Lifecycle`] names.
    pub moments: Vec<Lifecycle>,
    /// Rows that [`Body::Finding`] names.
    pub findings: Vec<Finding>,
    /// Rows that [`Body::Gap`] names.
    pub gaps: Vec<Gap>,
    /// What is missing, summed up.
    pub lost: Lost,
    /// The stretches in which something is missing: both ends included, sorted, apart from each other.
    pub missing: Vec<(Time, Time)>,
}

/// Who, when, where, why; from the manifest.
#[derive(Clone, Debug)]
pub struct About {
    /// The container's name.
    pub container: String,
    /// Its image, where the runtime told.
    pub image: Option<String>,
    /// The runtime.
    pub runtime: String,
    /// The machine.
    pub host: String,
    /// The rule that sealed it.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// One sentence.
    pub reason: String,
    /// The moment of the trigger: zero on the screen.
    pub trigger: Time,
    /// The window's beginning.
    pub from: Time,
    /// The window's end.
    pub to: Time,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When.
    pub time: Time,
    /// Who: index into [`Recording::actors`].
    pub actor: u32,
    /// What.
    pub body: Body,
}

/// What happened: a row of one of the recording's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// An image came to be.
    Start(ImageIx),
    /// Its process ended.
    End(ImageIx),
    /// A file operation.
    File(u32),
    /// A flow began.
    FlowBegin(u32),
    /// A flow ended.
    FlowEnd(u32),
    /// A moment of the container's life.
    Lifecycle(u32),
    /// A rule matched.
    Finding(u32),
    /// Events are missing from here on.
    Gap(u32),
}

/// What an event is about, as the list and the filter tell events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Programs run and ended.
    Process,
    /// Files.
    File,
    /// Flows.
    Network,
    /// The container's own life.
    Lifecycle,
    /// Rule matches.
    Finding,
    /// Missing events.
    Gap,
}

impl Kind {
    /// One letter, so that nothing depends on colour.
    pub fn letter(self) -> char {
        match self {
            Self::Process => 'P',
            Self::File => 'F',
            Self::Network => 'N',
            Self::Lifecycle => 'C',
            Self::Finding => '!',
            Self::Gap => '?',
        }
    }
}

impl Body {
    /// What it is about.
    pub fn kind(self) -> Kind {
        match self {
            Self::Start(_) | Self::End(_) => Kind::Process,
            Self::File(_) => Kind::File,
            Self::FlowBegin(_) | Self::FlowEnd(_) => Kind::Network,
            Self::Lifecycle(_) => Kind::Lifecycle,
            Self::Finding(_) => Kind::Finding,
            Self::Gap(_) => Kind::Gap,
        }
    }
}

/// Who did something, at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actor {
    /// The image, where the recording has it.
    pub image: Option<ImageIx>,
    /// The thread's name.
    pub comm: Option<Sym>,
    /// Process id.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: Option<u32>,
    /// User id.
    pub uid: Option<u32>,
}

/// One program image.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its identity in the evidence.
    pub exec_id: u64,
    /// Its process.
    pub process: ProcessIx,
    /// The parent's image.
    pub parent: Option<ImageIx>,
    /// Process id.
    pub pid: u32,
    /// The parent's process id.
    pub ppid: Option<u32>,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Thread name.
    pub comm: Sym,
    /// Executable.
    pub exe: Option<Sym>,
    /// Arguments as one line.
    pub cmdline: Sym,
    /// Working directory.
    pub cwd: Sym,
    /// What fd 0 led to.
    pub stdin: Sym,
    /// What fd 1 led to.
    pub stdout: Sym,
    /// `exec`, `fork` or `scan`.
    pub origin: Origin,
    /// When it came to be.
    pub start: Time,
    /// When it ended or was replaced; `None` while it ran at the window's end.
    pub end: Option<Time>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub exit_signal: Option<i32>,
    /// Arguments were longer than what is kept.
    pub args_cut: bool,
    /// The executable had no name.
    pub exe_deleted: bool,
    /// It ran in the container this is the history of.
    pub inside: bool,
}

pub use taffrail_trace::event::Origin;

/// One file operation.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// What was asked for.
    pub op: Sym,
    /// The file.
    pub path: Sym,
    /// The new name of a rename.
    pub new_path: Option<Sym>,
    /// `kernel` or `user`.
    pub source: Sym,
    /// Flags by name.
    pub flags: Sym,
    /// Permission bits.
    pub mode: Option<u32>,
    /// 0 or a negative errno.
    pub result: i32,
    /// The descriptor returned.
    pub fd: Option<i32>,
    /// Inode number.
    pub inode: Option<u64>,
}

/// One flow.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// `connect`, `accept`, `listen`.
    pub op: Sym,
    /// `tcp`.
    pub protocol: Sym,
    /// Local address and port, joined.
    pub local: Sym,
    /// Remote address and port, joined.
    pub remote: Option<Sym>,
    /// When it really began, which may be before the window.
    pub start: Time,
    /// When it ended.
    pub end: Option<Time>,
    /// Bytes sent.
    pub sent: Option<u64>,
    /// Bytes received.
    pub received: Option<u64>,
    /// 0 or a negative errno.
    pub result: i32,
    /// Its number.
    pub flow_id: u64,
}

/// A moment of the container's life.
#[derive(Clone, Copy, Debug)]
pub struct Lifecycle {
    /// `found`, `created`, `removed`.
    pub op: Sym,
    /// Its cgroup.
    pub cgroup: Sym,
}

/// A rule that matched.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Sym,
    /// `info`, `warning`, `critical`.
    pub severity: Sym,
    /// One sentence.
    pub message: Sym,
}

/// Missing events.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// `vital` or `bulk`.
    pub class: Sym,
    /// Why.
    pub cause: Sym,
    /// How many, where known.
    pub lost: Option<u64>,
    /// Not before.
    pub from: Time,
    /// Not after.
    pub to: Time,
    /// Surely this container's.
    pub own: bool,
}

/// What is missing, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Events surely of this container.
    pub own: u64,
    /// Events that could have been any container's.
    pub maybe: u64,
    /// Some gap's size cannot be known.
    pub unknown: bool,
}

impl Recording {
    /// A text.
    pub fn text(&self, sym: Sym) -> &str {
        self.strings.get(sym)
    }

    /// The actor of an event.
    pub fn actor(&self, event: &Event) -> Actor {
        self.actors.get(event.actor as usize).copied().unwrap_or_default()
    }

    /// An image.
    pub fn image(&self, image: ImageIx) -> Option<&Image> {
        self.images.get(image as usize)
    }

    /// The image and its ancestors, nearest first. Ends, as parent links have no circles.
    pub fn ancestry(&self, image: ImageIx) -> impl Iterator<Item = ImageIx> {
        std::iter::successors(Some(image), |at| self.image(*at)?.parent)
    }

    /// Whether something is missing in `[from, to)`.
    pub fn missing_within(&self, from: Time, to: Time) -> bool {
        let first = self.missing.partition_point(|(_, end)| *end < from);
        self.missing.get(first).is_some_and(|(begin, _)| *begin < to)
    }

    /// How long after the trigger; negative before it.
    pub fn since_trigger(&self, time: Time) -> i64 {
        time.saturating_sub(self.about.trigger)
    }
}
