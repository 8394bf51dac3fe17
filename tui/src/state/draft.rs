//! A recording in the making: rows in any order go in, a sorted and checked [`Recording`] comes out.

use super::recording::{
    About, Actor, Body, Call, Dns, Event, File, Finding, Flow, Gap, Image, ImageIx, Io, Lifecycle, Origin, Recording,
    Span, Terminal, Time,
};
use super::strings::{Strings, Sym};
use std::collections::{HashMap, HashSet};

mod gaps;

/// A recording in the making.
#[derive(Debug)]
pub struct Draft {
    about: About,
    strings: Strings,
    actors: Vec<Actor>,
    known_actors: HashMap<Actor, u32>,
    events: Vec<Event>,
    images: Vec<NewImage>,
    files: Vec<File>,
    ios: Vec<Io>,
    flows: Vec<Flow>,
    messages: Vec<Dns>,
    calls: Vec<Call>,
    terminal: Vec<Terminal>,
    moments: Vec<Lifecycle>,
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
    blob: Vec<u8>,
}

/// The most bytes of terminals that are kept as they were; beyond it their text stands for them.
const BLOB_MAX: usize = 64 << 20;

/// An image with its identities as the evidence has them; links are made at the end.
#[derive(Clone, Copy, Debug)]
pub struct NewImage {
    /// The image; `process` and `parent` are filled in later.
    pub image: Image,
    /// Its process.
    pub process_id: u64,
    /// Its parent's image.
    pub parent_exec_id: Option<u64>,
}

/// Who did something, as rows have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Who<'a> {
    /// The image.
    pub exec_id: Option<u64>,
    /// Process id.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: Option<u32>,
    /// Thread name.
    pub comm: Option<&'a str>,
    /// User id.
    pub uid: Option<u32>,
    /// The container's name.
    pub container: Option<&'a str>,
}

/// What an event of a draft is.
#[derive(Clone, Copy, Debug)]
pub enum Row {
    /// A file operation.
    File(File),
    /// Bytes went through a file.
    Io(Io),
    /// A name was asked for or answered.
    Dns(Dns),
    /// Privileges were changed or asked for.
    Privilege(Call),
    /// The kernel itself was asked for something.
    Kernel(Call),
    /// Bytes went over a terminal.
    Terminal(Terminal),
    /// A flow, which becomes a beginning and, where it ended, an end.
    Flow(Flow),
    /// A moment of the container's life.
    Lifecycle(Lifecycle),
    /// A rule matched.
    Finding(Finding),
}

impl Draft {
    /// An empty draft.
    pub fn new(about: About) -> Self {
        Self {
            about,
            strings: Strings::default(),
            actors: vec![Actor::default()],
            known_actors: HashMap::from([(Actor::default(), 0)]),
            events: Vec::new(),
            images: Vec::new(),
            files: Vec::new(),
            ios: Vec::new(),
            flows: Vec::new(),
            messages: Vec::new(),
            calls: Vec::new(),
            terminal: Vec::new(),
            moments: Vec::new(),
            findings: Vec::new(),
            gaps: Vec::new(),
            blob: Vec::new(),
        }
    }

    /// Keeps a text.
    pub fn sym(&mut self, text: &str) -> Sym {
        self.strings.add(text)
    }

    /// Adds an image. Its start and end become events where they lie in the window.
    pub fn image(&mut self, image: NewImage) {
        self.images.push(image);
    }

    /// Sorts the images and links each to its process and parent. Comes after the last image and before the first row.
    pub fn link_images(mut self) -> Rows {
        self.images.sort_by_key(|new| (new.image.start, new.image.exec_id));
        if self.about.containers > 1 {
            // Bundles of neighbours have the same ancestors on the host.
            let mut seen = HashSet::new();
            self.images.retain(|new| new.image.inside || seen.insert(new.image.exec_id));
        }
        let mut by_exec_id: HashMap<u64, ImageIx> = HashMap::with_capacity(self.images.len());
        let mut processes: HashMap<u64, u32> = HashMap::new();
        for (index, new) in self.images.iter_mut().enumerate() {
            by_exec_id.entry(new.image.exec_id).or_insert(index as ImageIx);
            let next = processes.len() as u32;
            new.image.process = *processes.entry(new.process_id).or_insert(next);
        }
        let mut images: Vec<Image> = Vec::with_capacity(self.images.len());
        for new in std::mem::take(&mut self.images) {
            let parent = new.parent_exec_id.and_then(|id| by_exec_id.get(&id).copied());
            images.push(Image { parent, ..new.image });
        }
        cut_circles(&mut images);
        let mut rows = Rows { draft: self, images, by_exec_id, processes: processes.len() as u32 };
        rows.image_events();
        rows
    }
}

/// A draft whose images are known.
#[derive(Debug)]
pub struct Rows {
    draft: Draft,
    images: Vec<Image>,
    by_exec_id: HashMap<u64, ImageIx>,
    processes: u32,
}

impl Rows {
    /// Keeps a text.
    pub fn sym(&mut self, text: &str) -> Sym {
        self.draft.sym(text)
    }

    /// Keeps bytes; `None` where there are too many already.
    pub fn bytes(&mut self, bytes: &[u8]) -> Option<Span> {
        let blob = &mut self.draft.blob;
        let to = blob.len().checked_add(bytes.len()).filter(|end| *end <= BLOB_MAX)?;
        let span = Span { from: u32::try_from(blob.len()).ok()?, to: u32::try_from(to).ok()? };
        blob.extend_from_slice(bytes);
        Some(span)
    }

    /// Adds an event. One without a time stands at the window's beginning.
    pub fn row(&mut self, time: Option<Time>, who: Who<'_>, row: Row) {
        let actor = self.actor(who);
        let time = time.unwrap_or(self.draft.about.from);
        let draft = &mut self.draft;
        let body = match row {
            Row::File(file) => Body::File(put(&mut draft.files, file)),
            Row::Io(io) => Body::Io(put(&mut draft.ios, io)),
            Row::Dns(message) => Body::Dns(put(&mut draft.messages, message)),
            Row::Privilege(call) => Body::Privilege(put(&mut draft.calls, call)),
            Row::Kernel(call) => Body::Kernel(put(&mut draft.calls, call)),
            Row::Terminal(bytes) => Body::Terminal(put(&mut draft.terminal, bytes)),
            Row::Lifecycle(moment) => Body::Lifecycle(put(&mut draft.moments, moment)),
            Row::Finding(finding) => Body::Finding(put(&mut draft.findings, finding)),
            Row::Flow(flow) => {
                let at = put(&mut draft.flows, flow);
                // A connect that failed is over where it began; its row says so.
                if let Some(end) = flow.end.filter(|_| flow.result == 0) {
                    draft.events.push(Event { time: end, actor, body: Body::FlowEnd(at) });
                }
                // A flow older than the window is shown where the window begins, and says that it is older.
                let time = time.max(draft.about.from);
                draft.events.push(Event { time, actor, body: Body::FlowBegin(at) });
                return;
            }
        };
        self.draft.events.push(Event { time, actor, body });
    }

    /// Adds a stretch in which events are missing.
    pub fn gap(&mut self, gap: Gap) {
        let body = Body::Gap(put(&mut self.draft.gaps, gap));
        let about = &self.draft.about;
        let time = gap.from.clamp(about.from, about.to.max(about.from));
        self.draft.events.push(Event { time, actor: 0, body });
    }

    /// The recording.
    pub fn finish(self) -> Recording {
        let Self { mut draft, mut images, processes, .. } = self;
        draft.events.sort_by_key(|event| (event.time, rank(event.body)));
        mark_fresh(&draft, &mut images);
        draft.strings.seal();
        // What lies outside the stated window is shown too: a window that lies must not hide anything.
        let about = &mut draft.about;
        about.to = about.to.max(about.from);
        if let (Some(first), Some(last)) = (draft.events.first(), draft.events.last()) {
            about.from = about.from.min(first.time);
            about.to = about.to.max(last.time);
        }
        let lost = gaps::add_up(&draft.gaps);
        let missing = gaps::stretches(&draft.gaps);
        Recording {
            about: draft.about,
            strings: draft.strings,
            events: draft.events,
            actors: draft.actors,
            images,
            processes,
            files: draft.files,
            ios: draft.ios,
            flows: draft.flows,
            messages: draft.messages,
            calls: draft.calls,
            terminal: draft.terminal,
            moments: draft.moments,
            findings: draft.findings,
            gaps: draft.gaps,
            blob: draft.blob,
            lost,
            missing,
        }
    }

    fn actor(&mut self, who: Who<'_>) -> u32 {
        let actor = Actor {
            image: who.exec_id.and_then(|id| self.by_exec_id.get(&id).copied()),
            comm: who.comm.map(|comm| self.draft.strings.add(comm)),
            pid: who.pid,
            tid: who.tid,
            uid: who.uid,
            container: who
                .container
                .filter(|_| self.draft.about.containers > 1)
                .map(|name| self.draft.strings.add(name)),
        };
        self.intern(actor)
    }

    fn intern(&mut self, actor: Actor) -> u32 {
        let draft = &mut self.draft;
        *draft.known_actors.entry(actor).or_insert_with(|| put(&mut draft.actors, actor))
    }

    /// Starts and ends that lie in the window; what ran before it is the tree's business alone.
    fn image_events(&mut self) {
        let window = self.draft.about.from..=self.draft.about.to.max(self.draft.about.from);
        for index in 0..self.images.len() {
            let image = self.images[index];
            if !image.inside {
                continue;
            }
            let (pid, uid) = (Some(image.pid), Some(image.uid));
            let (comm, container) = (Some(image.comm), image.more.container);
            let actor = self.intern(Actor { image: Some(index as ImageIx), comm, pid, tid: pid, uid, container });
            if image.origin != Origin::Scan && window.contains(&image.start) {
                self.draft.events.push(Event { time: image.start, actor, body: Body::Start(index as ImageIx) });
            }
            let ended = image.exit_code.is_some() || image.exit_signal.is_some();
            if let Some(end) = image.end.filter(|end| ended && window.contains(end)) {
                self.draft.events.push(Event { time: end, actor, body: Body::End(index as ImageIx) });
            }
        }
    }
}

fn put<T>(rows: &mut Vec<T>, row: T) -> u32 {
    rows.push(row);
    (rows.len() - 1) as u32
}

/// Order of events at one moment: causes before what was made of them.
fn rank(body: Body) -> u8 {
    match body {
        Body::Lifecycle(_) => 0,
        Body::Gap(_) => 1,
        Body::Start(_) => 2,
        Body::End(_) => 4,
        Body::Finding(_) => 5,
        _ => 3,
    }
}

/// Marks the images whose executables were made, or got their names, earlier in the record.
fn mark_fresh(draft: &Draft, images: &mut [Image]) {
    let mut made: HashSet<Sym> = HashSet::new();
    for event in &draft.events {
        match event.body {
            Body::File(at) => {
                let Some(file) = draft.files.get(at as usize).filter(|file| file.result == Some(0)) else { continue };
                match draft.strings.get(file.op) {
                    "create" => _ = made.insert(file.path),
                    "rename" | "link" => made.extend(file.new_path),
                    _ => {}
                }
            }
            Body::Start(at) => {
                if let Some(image) = images.get_mut(at as usize) {
                    image.more.fresh = image.exe.is_some_and(|exe| made.contains(&exe));
                }
            }
            _ => {}
        }
    }
}

/// Takes one link out of every circle of parents. No recorder writes one; an attacker's file may have it.
fn cut_circles(images: &mut [Image]) {
    // 0: not looked at; else the number of the walk that came by.
    let mut seen = vec![0_u32; images.len()];
    for start in 0..images.len() {
        let walk = start as u32 + 1;
        let mut at = start;
        while seen[at] == 0 {
            seen[at] = walk;
            let Some(parent) = images[at].parent else { break };
            if seen[parent as usize] == walk {
                images[at].parent = None;
                break;
            }
            at = parent as usize;
        }
    }
}
