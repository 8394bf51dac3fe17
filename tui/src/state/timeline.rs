//! All events in pages, of which those that are looked at are in memory. A recording that is small enough is one page.

use super::errand::Errand;
use super::recording::{Event, Recording, Time};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// How many pages are held at once: more than the rows of any screen, each of which may be on its own page.
const HELD_MAX: usize = 96;
/// How long all pages together may keep one key or one frame waiting. A page takes a quarter of it; what is not there by
/// then, because a hostile bundle makes it slow to read, comes with a later frame.
const TURN: Duration = Duration::from_millis(20);

/// Reads pages of a recording that is not in memory.
pub trait Reader: Debug + Send + Sync {
    /// The events of these pages, which follow each other. Their number is what the [`Cuts`] say.
    ///
    /// # Errors
    /// One line for a person, where the evidence cannot be read.
    fn read(&self, pages: Range<usize>) -> Result<Arc<Recording>, String>;
}

/// Reads a recording that is in memory.
#[derive(Debug)]
pub struct InMemory(pub Arc<Recording>);

impl Reader for InMemory {
    fn read(&self, _pages: Range<usize>) -> Result<Arc<Recording>, String> {
        Ok(Arc::clone(&self.0))
    }
}

/// Where a recording is cut into pages. No moment is on two of them.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// The time of each page's first event.
    pub firsts: Vec<Time>,
    /// The number of events before each page, and at last of all.
    pub starts: Vec<u32>,
    /// The times of the first and the last event, but for lonely ones; `None` where there is none.
    pub ends: Option<(Time, Time)>,
}

impl Cuts {
    /// Takes the times of all events in, which are sorted.
    pub fn see(&mut self, times: &[Time]) {
        self.ends = super::stretch::ends(times);
    }

    /// How many pages.
    pub fn pages(&self) -> usize {
        self.firsts.len()
    }

    /// How many events.
    pub fn events(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The page of an event.
    pub fn page_of(&self, event: u32) -> usize {
        self.starts.partition_point(|start| *start <= event).saturating_sub(1)
    }

    /// The last page that begins at `time` or before it.
    pub fn page_at(&self, time: Time) -> Option<usize> {
        self.firsts.partition_point(|first| *first <= time).checked_sub(1)
    }

    /// The number of events before a page.
    pub fn start(&self, page: usize) -> u32 {
        self.starts.get(page).copied().unwrap_or_else(|| self.events())
    }

    /// How much of a page has passed at `time`, from 0 to 1, as if its events were spread evenly.
    pub fn passed_of(&self, page: usize, time: Time) -> f64 {
        let Some(first) = self.firsts.get(page).copied() else { return 0.0 };
        let Some(next) = self.firsts.get(page + 1).copied() else { return if time > first { 1.0 } else { 0.0 } };
        (time.saturating_sub(first) as f64 / (next.saturating_sub(first) as f64).max(1.0)).clamp(0.0, 1.0)
    }
}

/// The pages.
#[derive(Debug)]
pub struct Timeline {
    cuts: Arc<Cuts>,
    reader: Option<Arc<dyn Reader>>,
    fetcher: Option<Fetcher>,
    held: Vec<Held>,
    uses: u64,
    /// Those that could not be read; nobody tries again.
    failed: BTreeSet<usize>,
    problem: Option<String>,
    /// How long pages may still be waited for in this turn.
    patience: Duration,
    /// A page was wanted in this turn that is not there yet.
    is_waited_for: bool,
}

/// Reads pages on a thread of its own, one after the other: what is wanted most is asked for first, in each frame anew.
#[derive(Debug)]
struct Fetcher {
    wanted: Sender<usize>,
    read: Errand<(usize, Result<Arc<Recording>, String>)>,
    reading: Option<usize>,
}

impl Fetcher {
    fn new(reader: Arc<dyn Reader>) -> Self {
        let (wanted, pages) = channel::<usize>();
        let read = Errand::begin("pages", move |outbox| {
            pages.into_iter().try_for_each(|page| outbox.say((page, reader.read(page..page + 1))))
        });
        Self { wanted, read, reading: None }
    }
}

#[derive(Debug)]
struct Held {
    page: usize,
    recording: Arc<Recording>,
    used: u64,
}

/// An event with the recording that it is of.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The recording, or the page of it, that has the event's rows.
    pub recording: Arc<Recording>,
    at: usize,
}

impl Deref for Shown {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.recording.events[self.at]
    }
}

impl Timeline {
    /// All of it is in memory.
    pub fn whole(recording: &Arc<Recording>) -> Self {
        let first = recording.events.first().map_or(recording.about.from, |event| event.time);
        let mut cuts = Cuts { firsts: vec![first], starts: vec![0, recording.events.len() as u32], ends: None };
        cuts.see(&recording.events.iter().map(|event| event.time).collect::<Vec<_>>());
        let held = vec![Held { page: 0, recording: Arc::clone(recording), used: 0 }];
        Self { held, ..Self::new(Arc::new(cuts), None) }
    }

    /// Pages are read when they are looked at.
    pub fn paged(cuts: Arc<Cuts>, reader: Arc<dyn Reader>) -> Self {
        Self::new(cuts, Some(reader))
    }

    fn new(cuts: Arc<Cuts>, reader: Option<Arc<dyn Reader>>) -> Self {
        Self {
            cuts,
            fetcher: reader.clone().map(Fetcher::new),
            reader,
            held: Vec::new(),
            uses: 0,
            failed: BTreeSet::new(),
            problem: None,
            patience: TURN,
            is_waited_for: false,
        }
    }

    /// A key or a frame comes: pages may be waited for again.
    pub fn begin_turn(&mut self) {
        self.patience = TURN;
        self.is_waited_for = false;
    }

    /// Whether a page is on its way that was wanted.
    pub fn is_waited_for(&self) -> bool {
        self.is_waited_for
    }

    /// Where the pages are.
    pub fn cuts(&self) -> &Arc<Cuts> {
        &self.cuts
    }

    /// Who reads pages; nobody where all is in memory.
    pub fn reader(&self) -> Option<&Arc<dyn Reader>> {
        self.reader.as_ref()
    }

    /// How many events.
    pub fn len(&self) -> usize {
        self.cuts.events() as usize
    }

    /// Nothing happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An event, where its page is held.
    pub fn get(&self, event: u32) -> Option<Shown> {
        let page = self.cuts.page_of(event);
        let recording = self.page(page)?;
        let at = event.checked_sub(self.cuts.start(page))? as usize;
        (at < recording.events.len()).then(|| Shown { recording: Arc::clone(recording), at })
    }

    /// A page, where it is held.
    pub fn page(&self, page: usize) -> Option<&Arc<Recording>> {
        self.held.iter().find(|held| held.page == page).map(|held| &held.recording)
    }

    /// Whether a page is still to come: it is not held, and nobody failed to read it.
    pub fn is_coming(&self, page: usize) -> bool {
        self.reader.is_some() && page < self.cuts.pages() && !self.failed.contains(&page) && self.page(page).is_none()
    }

    /// Has a page read where it is not held, and waits for it as long as this turn allows.
    pub fn hold(&mut self, page: usize) {
        self.uses += 1;
        if let Some(held) = self.held.iter_mut().find(|held| held.page == page) {
            held.used = self.uses;
        }
        while self.is_coming(page) {
            let Some(fetcher) = &mut self.fetcher else { return };
            if fetcher.reading.is_none() {
                // Where nobody reads any more the errand says so.
                let _ = fetcher.wanted.send(page);
                fetcher.reading = Some(page);
            }
            let began = Instant::now();
            let news = fetcher.read.news(self.patience);
            self.patience = self.patience.saturating_sub(began.elapsed());
            match news {
                Ok(None) => {
                    self.is_waited_for = true;
                    return;
                }
                Ok(Some((read, recording))) => {
                    fetcher.reading = None;
                    self.keep(read, recording);
                }
                Err(_) => self.keep(page, Err("the recording could not be read on".to_owned())),
            }
        }
    }

    /// Keeps a page that was read; what was not used for the longest time goes.
    fn keep(&mut self, page: usize, recording: Result<Arc<Recording>, String>) {
        let recording = match recording {
            Ok(recording) => recording,
            Err(problem) => {
                self.failed.insert(page);
                self.problem = Some(problem);
                return;
            }
        };
        if self.held.len() >= HELD_MAX
            && let Some(oldest) = (0..self.held.len()).min_by_key(|at| self.held[*at].used)
        {
            self.held.swap_remove(oldest);
        }
        self.held.push(Held { page, recording, used: self.uses });
    }

    /// An event, its page read where it has to be.
    pub fn fetch(&mut self, event: u32) -> Option<Shown> {
        self.hold(self.cuts.page_of(event));
        self.get(event)
    }

    /// How many events are before `time`, and at it too where `inclusive`: their page, and how many of it. By the page's
    /// events where it is held, else as if they were spread evenly.
    pub fn before(&self, time: Time, inclusive: bool) -> Option<(usize, u32)> {
        let page = self.cuts.firsts.partition_point(|first| *first < time || (inclusive && *first == time));
        let page = page.checked_sub(1)?;
        let offset = match self.page(page) {
            Some(held) => held.events.partition_point(|event| event.time < time || (inclusive && event.time == time)),
            None => {
                let events = self.cuts.start(page + 1) - self.cuts.start(page);
                (f64::from(events) * self.cuts.passed_of(page, time)) as usize
            }
        };
        Some((page, offset as u32))
    }

    /// What could not be read, once.
    pub fn take_problem(&mut self) -> Option<String> {
        self.problem.take()
    }
}
