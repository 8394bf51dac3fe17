//! What a bundle holds, as the screen needs it: events by time, images by their start, texts once.

use super::strings::Strings;
pub use super::strings::Sym;
pub use taffrail_trace::event::{Origin, Severity};

mod rows;

pub use rows::*;
use std::sync::Arc;

/// Nanoseconds since 1970, UTC. Bundles are hostile input, so arithmetic on it saturates.
pub type Time = i64;

/// Index of an image in [`Recording::images`].
pub type ImageIx = u32;

/// How many names of a process are told beside the one that it has.
const FORMER_MAX: usize = 3;
/// How many programs of one process are looked at for them: some run themselves again for ever.
const REPLACED_MAX: usize = 256;

/// Index of a process: images of one process share it.
pub type ProcessIx = u32;

/// The history of one bundle, or a stretch of it. Made by [`super::draft::Draft`], never changed afterwards.
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
    pub images: Arc<Vec<Image>>,
    /// How many processes the images belong to.
    pub processes: u32,
    /// Rows that [`Body::File`] names.
    pub files: Vec<File>,
    /// Rows that [`Body::Io`] names.
    pub ios: Vec<Io>,
    /// Rows that [`Body::FlowBegin`] and [`Body::FlowEnd`] name.
    pub flows: Vec<Flow>,
    /// Rows that [`Body::Dns`] names.
    pub messages: Vec<Dns>,
    /// Rows that [`Body::Privilege`] and [`Body::Kernel`] name.
    pub calls: Vec<Call>,
    /// Rows that [`Body::Terminal`] names.
    pub terminal: Vec<Terminal>,
    /// Rows that [`Body::Lifecycle`] names.
    pub moments: Vec<Lifecycle>,
    /// Rows that [`Body::Finding`] names.
    pub findings: Vec<Finding>,
    /// Rows that [`Body::Gap`] names.
    pub gaps: Vec<Gap>,
    /// The bytes that [`Terminal::data`] names.
    pub blob: Vec<u8>,
    /// What is missing, summed up.
    pub lost: Lost,
    /// The stretches in which something is missing: both ends included, sorted, apart from each other.
    pub missing: Vec<(Time, Time)>,
}

/// Who, when, where, why; from the manifest.
#[derive(Clone, Debug)]
pub struct About {
    /// The container's name; of several all of them.
    pub container: String,
    /// How many containers.
    pub containers: usize,
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
    /// Bytes went through a file.
    Io(u32),
    /// A flow began, or a socket without one was used.
    FlowBegin(u32),
    /// A flow ended.
    FlowEnd(u32),
    /// A name was asked for or answered.
    Dns(u32),
    /// Privileges were changed or asked for.
    Privilege(u32),
    /// The kernel itself was asked for something.
    Kernel(u32),
    /// Bytes went over a terminal.
    Terminal(u32),
    /// A moment of the container's life.
    Lifecycle(u32),
    /// A rule matched.
    Finding(u32),
    /// Events are missing from here on.
    Gap(u32),
}

/// What an event is about, as the list and the filter tell events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Programs run and ended.
    Process,
    /// Files.
    File,
    /// Flows and sockets.
    Network,
    /// Names.
    Dns,
    /// Privileges.
    Privilege,
    /// The kernel itself.
    Kernel,
    /// Terminals.
    Terminal,
    /// The container's own life.
    Lifecycle,
    /// Rule matches.
    Finding,
    /// Missing events.
    Gap,
}

impl Kind {
    /// Every one, in the order in which the help explains them.
    pub const ALL: [Self; 10] = [
        Self::Process,
        Self::File,
        Self::Network,
        Self::Dns,
        Self::Privilege,
        Self::Kernel,
        Self::Terminal,
        Self::Lifecycle,
        Self::Finding,
        Self::Gap,
    ];

    /// One sign, so that nothing depends on colour.
    pub fn letter(self) -> char {
        match self {
            Self::Process => 'P',
            Self::File => 'F',
            Self::Network => 'N',
            Self::Dns => 'D',
            Self::Privilege => '^',
            Self::Kernel => 'K',
            Self::Terminal => '$',
            Self::Lifecycle => 'C',
            Self::Finding => '!',
            Self::Gap => '?',
        }
    }

    /// The word that explains it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::File => "file",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Privilege => "privilege",
            Self::Kernel => "kernel",
            Self::Terminal => "terminal",
            Self::Lifecycle => "container",
            Self::Finding => "finding",
            Self::Gap => "missing",
        }
    }
}

impl Body {
    /// What it is about.
    pub fn kind(self) -> Kind {
        match self {
            Self::Start(_) | Self::End(_) => Kind::Process,
            Self::File(_) | Self::Io(_) => Kind::File,
            Self::FlowBegin(_) | Self::FlowEnd(_) => Kind::Network,
            Self::Dns(_) => Kind::Dns,
            Self::Privilege(_) => Kind::Privilege,
            Self::Kernel(_) => Kind::Kernel,
            Self::Terminal(_) => Kind::Terminal,
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
    /// The container, where the recording is of several.
    pub container: Option<Sym>,
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
    /// Marks images whose executables were made earlier in the record.
    pub fn mark_fresh(&mut self, fresh: &[ImageIx]) {
        if fresh.is_empty() {
            return;
        }
        let images = Arc::make_mut(&mut self.images);
        for at in fresh {
            if let Some(image) = images.get_mut(*at as usize) {
                image.more.fresh = true;
            }
        }
    }

    /// A text.
    pub fn text(&self, sym: Sym) -> &str {
        self.strings.get(sym)
    }

    /// A text, where there is one.
    pub fn text_of(&self, sym: Option<Sym>) -> Option<&str> {
        sym.map(|sym| self.text(sym))
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

    /// Who ran this image's program: the program in whose place it came, which is true then, else who made the process. A
    /// copy of its maker has run none, and what the runtime ran to get into the container is none of the container's.
    pub fn runner(&self, at: ImageIx) -> Option<(&Image, bool)> {
        let image = self.image(at)?;
        let replaced = self.replaced(image).map(|image| (image, true));
        replaced.or_else(|| Some((self.image(image.parent?)?, false)))
    }

    /// The program in whose place this one came.
    fn replaced(&self, image: &Image) -> Option<&Image> {
        let before = self.image(image.before?)?;
        (before.inside && before.origin != Origin::Fork && image.more.entered.is_none()).then_some(before)
    }

    /// What the process was called while it ran other programs than this one, the first before: `sh\u{2192}nc`; empty
    /// where it always had this name. What it did then is told by those names.
    pub fn former_names(&self, image: &Image) -> String {
        let mut names = vec![self.text(image.comm)];
        let way = std::iter::successors(self.replaced(image), |before| self.replaced(before));
        for name in way.take(REPLACED_MAX).map(|before| self.text(before.comm)) {
            match names.last() {
                Some(last) if *last == name => {}
                _ if names.len() <= FORMER_MAX => names.push(name),
                _ => {
                    names.push("\u{2026}");
                    break;
                }
            }
        }
        names.iter().skip(1).rev().map(|name| format!("{name}\u{2192}")).collect()
    }

    /// Whether an image is of outside the container, or of a process that came from there and has run nothing since: so the
    /// runtime prepares a container before the container's first program. A copy of a process that the container does not
    /// have came from outside too.
    pub fn is_from_outside(&self, image: ImageIx) -> bool {
        let mut way = self.ancestry(image).filter_map(|at| self.image(at));
        way.find(|image| !image.inside || image.origin != Origin::Fork).is_none_or(|image| !image.inside)
    }

    /// Whether something is missing in `[from, to)`.
    pub fn missing_within(&self, from: Time, to: Time) -> bool {
        let first = self.missing.partition_point(|(_, end)| *end < from);
        self.missing.get(first).is_some_and(|(begin, _)| *begin < to)
    }

    /// The bytes of a terminal's row as they were; its text where they are not there. They can act on a terminal.
    pub fn bytes(&self, row: &Terminal) -> &[u8] {
        let data = row.data.and_then(|span| self.blob.get(span.from as usize..span.to as usize));
        data.unwrap_or_else(|| self.text(row.text).as_bytes())
    }

    /// How long after the trigger; negative before it.
    pub fn since_trigger(&self, time: Time) -> i64 {
        time.saturating_sub(self.about.trigger)
    }
}
