//! What passes the filter, and what the views make of it: at once where all is in memory, else by scans.

use super::changes::{Deeds, FileHistory};
use super::filter::{Filter, Sieve};
use super::map::{Flows, History};
use super::marks::Marks;
use super::recording::Event;
use super::scan::{News, Outcome, Scan};
use super::timeline::{InMemory, Reader};
use super::visible::{Found, Visible};
use super::{State, View};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one frame may be kept waiting for rows; those that are not there by then come with the next.
const FRAME_PATIENCE: Duration = Duration::from_millis(15);

/// Rows before and after the selected one that are always there.
const ROWS_MIN: usize = 40;

/// The scans under way, and what the first of them found.
#[derive(Debug, Default)]
pub struct Scans {
    /// The look at everything, once.
    all: Option<Scan>,
    /// The look for what passes the filter.
    filter: Option<Scan>,
    /// Without a filter.
    unfiltered: Views,
    /// Rows of the screen are still to be read.
    rows_wait: bool,
}

/// What views show of the events that pass.
#[derive(Clone, Debug, Default)]
struct Views {
    marks: Arc<Marks>,
    flows: Option<Arc<Vec<History>>>,
    deeds: Option<Arc<FileHistory>>,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has been looked at, in percent.
    pub percent: u8,
    /// It looks for what passes the filter, else at everything for the first time.
    pub filter: bool,
}

impl State {
    /// Takes a new filter, and keeps the selected event where it still passes.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.scans.filter = None;
        if self.filter.is_off() {
            self.see_all();
        } else if let Some(reader) = self.background() {
            let near = self.timeline.cuts().page_at(self.at).unwrap_or(0);
            let (cuts, filter) = (self.timeline.cuts(), Some(self.filter.clone()));
            self.scans.filter = Some(Scan::begin(&self.recording, cuts, &reader, filter, self.asker.clone(), near));
            self.visible = Visible::none_yet(self.timeline.cuts());
            self.show_views(Views::default());
        } else {
            self.sift();
        }
        let (from, to) = self.bounds();
        self.at = self.at.clamp(from, to.max(from));
        self.settle_on_visible();
    }

    /// Who reads for a scan, where the filter needs one: for what is in memory only a condition does.
    fn background(&self) -> Option<Arc<dyn Reader>> {
        let in_memory = || Arc::new(InMemory(Arc::clone(&self.recording))) as Arc<dyn Reader>;
        let asks = self.filter.condition.is_some() && self.asker.is_some();
        self.timeline.reader().cloned().or_else(|| asks.then(in_memory))
    }

    /// Stands on an event that passes, where the one before does not.
    fn settle_on_visible(&mut self) {
        let page = self.timeline.cuts().page_at(self.at).unwrap_or(0);
        if self.position().is_some() || (!self.visible.is_known(page) && self.scans.filter.is_some()) {
            return;
        }
        match self.passed_here() {
            0 if self.scans.filter.is_some() => self.select(None),
            0 => {
                self.select(None);
                self.stand_on(0);
            }
            passed => self.stand_on(passed - 1),
        }
    }

    /// Everything passes.
    pub(super) fn see_all(&mut self) {
        self.visible = Visible::all(self.timeline.cuts());
        if self.timeline.reader().is_none() {
            let mut marks = Marks::default();
            self.recording
                .events
                .iter()
                .enumerate()
                .for_each(|(at, event)| marks.take(&self.recording, event, at as u32));
            self.scans.unfiltered.marks = Arc::new(marks);
        }
        self.show_views(self.scans.unfiltered.clone());
    }

    /// Looks for what passes in what is in memory.
    fn sift(&mut self) {
        let recording = Arc::clone(&self.recording);
        let mut sieve = Sieve::new(&self.filter, &recording);
        let mut marks = Marks::default();
        let mut these = Vec::new();
        for (number, event) in (0..).zip(&recording.events) {
            if sieve.lets(&recording, event, None) {
                these.push(number);
                marks.take(&recording, event, number);
            }
        }
        self.visible.put(0, vec![Found::These(these.into())]);
        self.show_views(Views { marks: Arc::new(marks), ..Views::default() });
    }

    fn show_views(&mut self, views: Views) {
        self.marks = views.marks;
        self.map.list.learn(views.flows);
        self.changes.list.learn(views.deeds);
    }

    /// Puts the map's history together, where all is in memory.
    pub(super) fn see_flows(&mut self) {
        if self.map.list.known().is_none() && self.is_there() {
            let flows = Flows::of(&self.recording, self.visible_events());
            self.map.list.learn(Some(flows));
        }
    }

    /// Puts the files' history together, where all is in memory.
    pub(super) fn see_deeds(&mut self) {
        if self.changes.list.known().is_none() && self.is_there() {
            let deeds = Deeds::of(&self.recording, self.visible_events());
            self.changes.list.learn(Some(deeds));
        }
    }

    /// Everything that passes is in memory.
    fn is_there(&self) -> bool {
        self.timeline.reader().is_none() && self.scans.filter.is_none()
    }

    fn visible_events(&self) -> impl Iterator<Item = &Event> {
        self.visible.iter().filter_map(|number| self.recording.events.get(number as usize))
    }

    /// Begins to look at everything.
    pub(super) fn survey(&mut self) {
        if let Some(reader) = self.timeline.reader().cloned() {
            self.scans.all = Some(Scan::begin(&self.recording, self.timeline.cuts(), &reader, None, None, 0));
        }
    }

    /// How far the scans are; `None` where nothing is being read.
    pub fn progress(&self) -> Option<Progress> {
        let pages = self.timeline.cuts().pages().max(1);
        let of = |scan: &Scan, filter| Progress { percent: (scan.pages * 100 / pages).min(100) as u8, filter };
        let filter = self.scans.filter.as_ref().map(|scan| of(scan, true));
        filter.or_else(|| self.scans.all.as_ref().map(|scan| of(scan, false)))
    }

    /// Something is still being read that the screen shows.
    pub fn is_reading(&self) -> bool {
        self.scans.all.is_some() || self.scans.filter.is_some()
    }

    /// Whether the next frame may differ though nobody does anything.
    pub fn waits(&self) -> bool {
        self.is_reading() || self.scans.rows_wait
    }

    /// Takes what the scans have found, and reads what the screen lacks. Never waits long.
    pub fn catch_up(&mut self) {
        while let Some(news) = self.scans.all.as_ref().and_then(Scan::news) {
            self.take_news(news, false);
        }
        while let Some(news) = self.scans.filter.as_ref().and_then(Scan::news) {
            self.take_news(news, true);
        }
        self.refresh();
    }

    /// Waits until nothing is being read any more.
    pub fn wait(&mut self) {
        self.refresh();
        while self.waits() {
            for filter in [false, true] {
                let scan = if filter { &self.scans.filter } else { &self.scans.all };
                if let Some(news) = scan.as_ref().and_then(|scan| scan.await_news(FRAME_PATIENCE)) {
                    self.take_news(news, filter);
                }
            }
            self.refresh();
        }
    }

    fn take_news(&mut self, news: News, filter: bool) {
        match news {
            News::Found(first, found) => {
                self.visible.put(first, found);
                self.settle_on_visible();
            }
            News::Marked(pages, marks, story) => {
                let scan = if filter { &mut self.scans.filter } else { &mut self.scans.all };
                if let Some(scan) = scan {
                    scan.pages = pages;
                }
                if filter {
                    Arc::make_mut(&mut self.marks).extend(marks);
                } else {
                    if self.filter.is_off() {
                        // One owner, so that nothing is copied.
                        self.marks = Arc::default();
                    }
                    Arc::make_mut(&mut self.scans.unfiltered.marks).extend(marks);
                    if self.filter.is_off() {
                        self.marks = Arc::clone(&self.scans.unfiltered.marks);
                    }
                }
                if let Some(story) = story {
                    self.story = story;
                }
            }
            News::Done(outcome) => self.take_outcome(*outcome, filter),
            News::Problem(problem) => {
                *(if filter { &mut self.scans.filter } else { &mut self.scans.all }) = None;
                self.notice = Some(problem);
            }
        }
    }

    fn take_outcome(&mut self, outcome: Outcome, filter: bool) {
        let (flows, deeds) = (Some(Arc::new(outcome.flows)), Some(Arc::new(outcome.deeds)));
        if let Some(survey) = outcome.survey {
            self.sessions = survey.sessions;
            Arc::make_mut(&mut self.recording).mark_fresh(&survey.fresh);
        }
        if filter {
            self.scans.filter = None;
            self.settle_on_visible();
        } else {
            self.scans.all = None;
            (self.scans.unfiltered.flows, self.scans.unfiltered.deeds) = (flows.clone(), deeds.clone());
        }
        if filter || self.filter.is_off() {
            self.map.list.learn(flows);
            self.changes.list.learn(deeds);
        }
    }

    /// Reads the pages of the rows that the screen shows: the selected event's first, the others as long as it does not
    /// take too long.
    pub(super) fn hold_rows(&mut self) {
        self.scans.rows_wait = false;
        if let Some(number) = self.selected {
            self.timeline.fetch(number);
        }
        if self.timeline.reader().is_none() || self.view != View::Timeline {
            return;
        }
        let began = Instant::now();
        let rows = usize::from(self.pages.events).max(ROWS_MIN);
        let here = self.position().unwrap_or_else(|| self.passed(self.at));
        let last = (here + rows).min(self.visible.len());
        let mut pages: Vec<usize> = (here.saturating_sub(rows)..last)
            .filter_map(|place| Some(self.timeline.cuts().page_of(self.visible.get(place)?)))
            .collect();
        pages.dedup();
        let own = self.selected.map_or(0, |number| self.timeline.cuts().page_of(number));
        pages.sort_by_key(|page| page.abs_diff(own));
        for page in pages {
            if began.elapsed() > FRAME_PATIENCE && self.timeline.page(page).is_none() {
                self.scans.rows_wait = true;
                return;
            }
            self.timeline.hold(page);
        }
    }
}
