//! A recording in the making: rows in any order go in, a sorted and checked [`Recording`] comes out; of all the time, or
//! of a stretch of it.

use super::recording::{
    About, Actor, Body, Call, Dns, Event, File, Finding, Flow, Gap, Image, ImageIx, Io, Lifecycle, Origin, Recording,
    Span, Terminal, Time,
};
use super::strings::{Strings, Sym};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

mod gaps;

/// The images of a recording in the making.
#[derive(Debug)]
pub struct Draft {
    about: About,
    strings: Strings,
    images: Vec<NewImage>,
}

/// The most bytes of terminals that are kept as they were; beyond it their text stands for them.
const BLOB_MAX: usize = 64 << 20;

/// An image with its identities as the evidence has them; links are made at the end.
#[derive(Clone, Copy, Debug)]
pub struct NewImage {
    /// The image; `process`, `parent` and `before` are filled in later.
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
        Self { about, strings: Strings::default(), images: Vec::new() }
    }

    /// Keeps a text.
    pub fn sym(&mut self, text: &str) -> Sym {
        self.strings.add(text)
    }

    /// Adds an image. Its start and end become events where they lie in the window.
    pub fn image(&mut self, image: NewImage) {
        self.images.push(image);
    }

    /// [`Draft::ground`], and all rows are to come.
    pub fn link_images(self) -> Rows {
        Rows::on(Arc::new(self.ground()), Stretch::default())
    }

    /// Sorts the images and links each to its process and parent. Comes after the last image and before the first row.
    pub fn ground(mut self) -> Ground {
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
        let mut last = vec![None; processes.len()];
        for (at, new) in (0..).zip(std::mem::take(&mut self.images)) {
            let parent = new.parent_exec_id.and_then(|id| by_exec_id.get(&id).copied());
            let before =
                last.get_mut(new.image.process as usize).and_then(|last: &mut Option<ImageIx>| last.replace(at));
            images.push(Image { parent, before, ..new.image });
        }
        cut_circles(&mut images);
        let lives = lives(&self.about, &images);
        Ground {
            about: self.about,
            strings: Arc::new(self.strings),
            images: Arc::new(images),
            by_exec_id,
            processes: processes.len() as u32,
            lives,
        }
    }
}

/// What every stretch of a recording stands on: the images, and their texts.
#[derive(Debug)]
pub struct Ground {
    /// Who, when, where, why.
    pub about: About,
    strings: Arc<Strings>,
    images: Arc<Vec<Image>>,
    by_exec_id: HashMap<u64, ImageIx>,
    processes: u32,
    /// Starts and ends that are events, by time; the end where true.
    lives: Vec<(Time, ImageIx, bool)>,
}

impl Ground {
    /// The times of the images' starts and ends that are events, in order.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        self.lives.iter().map(|(time, ..)| *time)
    }
}

/// A stretch of time: from its first moment, which is in it, until its last, which is not; open where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The first moment.
    pub from: Option<Time>,
    /// The moment after the last.
    pub to: Option<Time>,
}

impl Stretch {
    fn has(self, time: Time) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// The events of a stretch of a recording in the making; those before and after it are passed over.
#[derive(Debug)]
pub struct Rows {
    ground: Arc<Ground>,
    stretch: Stretch,
    strings: Strings,
    actors: Vec<Actor>,
    known_actors: HashMap<Actor, u32>,
    events: Vec<Event>,
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

impl Rows {
    /// No rows yet. The images' starts and ends in the stretch are there.
    pub fn on(ground: Arc<Ground>, stretch: Stretch) -> Self {
        let mut rows = Self {
            strings: Strings::over(Arc::clone(&ground.strings)),
            ground,
            stretch,
            actors: vec![Actor::default()],
            known_actors: HashMap::from([(Actor::default(), 0)]),
            events: Vec::new(),
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
        };
        rows.image_events();
        rows
    }

    /// Keeps a text.
    pub fn sym(&mut self, text: &str) -> Sym {
        self.strings.add(text)
    }

    /// Keeps bytes; `None` where there are too many already.
    pub fn bytes(&mut self, bytes: &[u8]) -> Option<Span> {
        let to = self.blob.len().checked_add(bytes.len()).filter(|end| *end <= BLOB_MAX)?;
        let span = Span { from: u32::try_from(self.blob.len()).ok()?, to: u32::try_from(to).ok()? };
        self.blob.extend_from_slice(bytes);
        Some(span)
    }

    /// Adds an event. One without a time stands at the window's beginning.
    pub fn row(&mut self, time: Option<Time>, who: Who<'_>, row: Row) {
        let time = self.ground.about.placed(time, matches!(row, Row::Flow(_)));
        // A connect that failed is over where it began; its row says so.
        let end = match row {
            Row::Flow(flow) => flow.ended().filter(|end| self.stretch.has(*end)),
            _ => None,
        };
        let begins = self.stretch.has(time);
        if !begins && end.is_none() {
            return;
        }
        let actor = self.actor(who);
        let body = match row {
            Row::File(file) => Body::File(put(&mut self.files, file)),
            Row::Io(io) => Body::Io(put(&mut self.ios, io)),
            Row::Dns(message) => Body::Dns(put(&mut self.messages, message)),
            Row::Privilege(call) => Body::Privilege(put(&mut self.calls, call)),
            Row::Kernel(call) => Body::Kernel(put(&mut self.calls, call)),
            Row::Terminal(bytes) => Body::Terminal(put(&mut self.terminal, bytes)),
            Row::Lifecycle(moment) => Body::Lifecycle(put(&mut self.moments, moment)),
            Row::Finding(finding) => Body::Finding(put(&mut self.findings, finding)),
            Row::Flow(flow) => {
                let at = put(&mut self.flows, flow);
                self.events.extend(end.map(|time| Event { time, actor, body: Body::FlowEnd(at) }));
                Body::FlowBegin(at)
            }
        };
        if begins {
            self.events.push(Event { time, actor, body });
        }
    }

    /// Adds a stretch in which events are missing.
    pub fn gap(&mut self, gap: Gap) {
        let time = self.ground.about.placed_gap(gap.from);
        if self.stretch.has(time) {
            let body = Body::Gap(put(&mut self.gaps, gap));
            self.events.push(Event { time, actor: 0, body });
        }
    }

    /// The recording.
    pub fn finish(mut self) -> Recording {
        self.events.sort_by_key(|event| (event.time, rank(event.body)));
        self.strings.seal();
        // What lies outside the stated window is shown too: a window that lies must not hide anything.
        let mut about = self.ground.about.clone();
        let ends = self.events.first().zip(self.events.last());
        about.widen(ends.map(|(first, last)| (first.time, last.time)));
        let lost = gaps::add_up(&self.gaps);
        let missing = gaps::stretches(&self.gaps);
        Recording {
            about,
            strings: self.strings,
            events: self.events,
            actors: self.actors,
            images: Arc::clone(&self.ground.images),
            processes: self.ground.processes,
            files: self.files,
            ios: self.ios,
            flows: self.flows,
            messages: self.messages,
            calls: self.calls,
            terminal: self.terminal,
            moments: self.moments,
            findings: self.findings,
            gaps: self.gaps,
            blob: self.blob,
            lost,
            missing,
        }
    }

    fn actor(&mut self, who: Who<'_>) -> u32 {
        let actor = Actor {
            image: who.exec_id.and_then(|id| self.ground.by_exec_id.get(&id).copied()),
            comm: who.comm.map(|comm| self.strings.add(comm)),
            pid: who.pid,
            tid: who.tid,
            uid: who.uid,
            container: who.container.filter(|_| self.ground.about.containers > 1).map(|name| self.strings.add(name)),
        };
        self.intern(actor)
    }

    fn intern(&mut self, actor: Actor) -> u32 {
        let actors = &mut self.actors;
        *self.known_actors.entry(actor).or_insert_with(|| put(actors, actor))
    }

    fn image_events(&mut self) {
        let ground = Arc::clone(&self.ground);
        let first = self.stretch.from.map_or(0, |from| ground.lives.partition_point(|(time, ..)| *time < from));
        for (time, index, ends) in ground.lives.iter().skip(first).copied() {
            if !self.stretch.has(time) {
                break;
            }
            let Some(image) = ground.images.get(index as usize) else { continue };
            let (pid, uid) = (Some(image.pid), Some(image.uid));
            let (comm, container) = (Some(image.comm), image.more.container);
            let actor = self.intern(Actor { image: Some(index), comm, pid, tid: pid, uid, container });
            let body = if ends { Body::End(index) } else { Body::Start(index) };
            self.events.push(Event { time, actor, body });
        }
    }
}

impl About {
    /// Where a row of this time stands: one without a time at the window's beginning, and so does a flow that is older.
    pub fn placed(&self, time: Option<Time>, is_flow: bool) -> Time {
        let time = time.unwrap_or(self.from);
        if is_flow { time.max(self.from) } else { time }
    }

    /// Where a gap that begins at this time stands.
    pub fn placed_gap(&self, from: Time) -> Time {
        from.clamp(self.from, self.to.max(self.from))
    }

    /// Makes the window as wide as what lies in it, from the first event to the last.
    pub fn widen(&mut self, ends: Option<(Time, Time)>) {
        self.to = self.to.max(self.from);
        if let Some((first, last)) = ends {
            self.from = self.from.min(first);
            self.to = self.to.max(last);
        }
    }
}

/// Starts and ends that lie in the window, by time; what ran before it is the tree's business alone.
fn lives(about: &About, images: &[Image]) -> Vec<(Time, ImageIx, bool)> {
    let window = about.from..=about.to.max(about.from);
    let mut lives = Vec::new();
    for (index, image) in images.iter().enumerate().filter(|(_, image)| image.inside) {
        if image.origin != Origin::Scan && window.contains(&image.start) {
            lives.push((image.start, index as ImageIx, false));
        }
        let ended = image.exit_code.is_some() || image.exit_signal.is_some();
        if let Some(end) = image.end.filter(|end| ended && window.contains(end)) {
            lives.push((end, index as ImageIx, true));
        }
    }
    lives.sort_by_key(|(time, ..)| *time);
    lives
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
