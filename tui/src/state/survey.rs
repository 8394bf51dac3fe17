//! What passes the filter, and what the views make of it: at once where all is in memory, else by scans.

use super::changes::FileHistory;
use super::extent::{Extent, Looking, Progress};
use super::filter::{Filter, Sieve};
use super::gathering::{Gathered, Gathering};
use super::map::History;
use super::marks::Marks;
use super::playhead::Unsettled;
use super::scan::{News, Scan};
use super::timeline::{InMemory, Reader};
use super::visible::{Found, Visible};
use super::{State, View};
use std::sync::Arc;
use std::time::Duration;

/// Rows before and after the selected one that are always there.
const ROWS_MIN: usize = 40;
/// How long one look waits for what is being read, where nothing else is to be done.
const LOOK: Duration = Duration::from_millis(15);

/// The look at everything, and the look for what passes the filter.
#[derive(Debug, Default)]
pub struct Scans {
    all: Pass,
    filter: Pass,
}

/// A look at events, while it lasts, and what came of it.
#[derive(Debug, Default)]
struct Pass {
    scan: Option<Scan>,
    /// It broke off: a page could not be read.
    is_cut: bool,
    marks: Marks,
    flows: Option<Arc<Vec<History>>>,
    deeds: Option<Arc<FileHistory>>,
}

impl Scans {
    fn of(&mut self, filter: bool) -> &mut Pass {
        if filter { &mut self.filter } else { &mut self.all }
    }
}

impl Pass {
    fn extent(&self) -> Extent {
        match (&self.scan, self.is_cut) {
            (Some(_), _) => Extent::SoFar,
            (None, true) => Extent::Cut,
            (None, false) => Extent::All,
        }
    }

    fn learn(&mut self, flows: Vec<History>, deeds: FileHistory) {
        (self.flows, self.deeds) = (Some(Arc::new(flows)), Some(Arc::new(deeds)));
    }
}

impl State {
    /// The moments that stand out, of those that pass the filter.
    pub fn marks(&self) -> &Marks {
        &self.pass().marks
    }

    /// How many bytes of terminals are not in the record, whatever the filter; as far as it has been read.
    pub fn unkept(&self) -> u64 {
        self.scans.all.marks.unkept()
    }

    /// The look whose results the views show.
    fn pass(&self) -> &Pass {
        if self.filter.is_off() { &self.scans.all } else { &self.scans.filter }
    }

    /// How much of the recording is known of what passes.
    pub(super) fn pass_extent(&self) -> Extent {
        self.pass().extent()
    }

    /// How much of the recording a view shows.
    pub fn extent(&self, view: View) -> Extent {
        let (all, shown) = (self.scans.all.extent(), self.pass().extent());
        match view {
            View::Processes | View::Sql => Extent::All,
            // Every event is there from the beginning; which of them pass a filter is not.
            View::Timeline => self.scans.filter.extent(),
            View::Network | View::Files => shown,
            View::Terminal => all,
            View::Story => all.max(shown),
        }
    }

    /// Takes a new filter, and keeps the selected event where it still passes.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.scans.filter = Pass::default();
        self.searching = None;
        if self.filter.is_off() {
            self.visible = Visible::all(self.timeline.cuts());
        } else if let Some(reader) = self.background() {
            let near = self.timeline.cuts().page_at(self.at).unwrap_or(0);
            let (cuts, filter) = (self.timeline.cuts(), Some(self.filter.clone()));
            let scan = Scan::begin(&self.recording, cuts, reader, filter, self.asker.clone(), near);
            self.scans.filter.scan = Some(scan);
            self.visible = Visible::none_yet(self.timeline.cuts());
        } else {
            self.sift();
        }
        self.show_views();
        let (from, to) = self.bounds();
        self.at = self.at.clamp(from, to.max(from));
        self.settle_on_visible();
    }

    /// Who reads events for work in the background.
    pub(super) fn reader(&self) -> Arc<dyn Reader> {
        let in_memory = || Arc::new(InMemory(Arc::clone(&self.recording))) as Arc<dyn Reader>;
        self.timeline.reader().cloned().unwrap_or_else(in_memory)
    }

    /// Who reads for a scan, where the filter needs one: for what is in memory only a condition does.
    fn background(&self) -> Option<Arc<dyn Reader>> {
        let asks = !self.filter.conditions.is_empty() && self.asker.is_some();
        (asks || self.timeline.reader().is_some()).then(|| self.reader())
    }

    /// Stands on an event that passes, where the one before does not.
    pub(super) fn settle_on_visible(&mut self) {
        let page = self.timeline.cuts().page_at(self.at).unwrap_or(0);
        let is_scanned = self.scans.filter.scan.is_some();
        if self.position().is_some() || (!self.visible.is_known(page) && is_scanned) {
            return;
        }
        let passed = self.passed_here();
        if self.is_unread(self.at) {
            self.select(passed.checked_sub(1).and_then(|place| self.visible.get(place)));
            self.unsettled = Some(Unsettled::Filter);
            return;
        }
        match passed {
            0 if is_scanned => self.select(None),
            0 => {
                self.select(None);
                self.stand_on(0);
            }
            passed => self.stand_on(passed - 1),
        }
    }

    /// Takes what was gathered of a recording that is in memory.
    pub(super) fn see_all(&mut self, marks: Marks, gathered: Gathered) {
        self.scans.all.marks = marks;
        self.take_gathered(gathered, false);
    }

    /// Looks for what passes in what is in memory.
    fn sift(&mut self) {
        let recording = Arc::clone(&self.recording);
        let mut sieve = Sieve::new(&self.filter, &recording);
        let mut these = Vec::new();
        let mut gathering = Gathering::over(&recording, false, |number, event| {
            let passes = sieve.lets(&recording, event, None);
            these.extend(passes.then_some(number));
            passes
        });
        self.visible.put(0, vec![Found::These(these.into())]);
        self.scans.filter.marks = gathering.take_marks();
        let gathered = gathering.finish();
        self.scans.filter.learn(gathered.flows, gathered.deeds);
    }

    fn show_views(&mut self) {
        let (flows, deeds) = (self.pass().flows.clone(), self.pass().deeds.clone());
        self.map.list.learn(flows);
        self.changes.list.learn(deeds);
    }

    /// Asks for what has been gathered for the view, where that is still growing.
    pub(super) fn watch(&self) {
        let pass = if self.view == View::Terminal { &self.scans.all } else { self.pass() };
        if let Some(scan) = &pass.scan {
            scan.watch();
        }
    }

    /// Begins to look at everything.
    pub(super) fn survey(&mut self) {
        let (cuts, reader) = (self.timeline.cuts(), self.reader());
        self.scans.all.scan = Some(Scan::begin(&self.recording, cuts, reader, None, None, 0));
    }

    /// How far the background is; `None` where nothing is being done.
    pub fn progress(&self) -> Option<Progress> {
        let pages = self.timeline.cuts().pages().max(1);
        let of = |pass: &Pass, what| {
            let scan = pass.scan.as_ref()?;
            Some(Progress { percent: (scan.pages * 100 / pages).min(100) as u8, what })
        };
        let search = self.searching.as_ref();
        let search = search.map(|search| Progress { percent: search.percent, what: Looking::Search });
        search.or_else(|| of(&self.scans.filter, Looking::Filter)).or_else(|| of(&self.scans.all, Looking::All))
    }

    /// Whether the next frame may differ though nobody does anything.
    pub fn waits(&self) -> bool {
        self.progress().is_some() || self.timeline.is_waited_for()
    }

    /// Takes what the background has found, and reads what the screen lacks. Never waits long.
    pub fn catch_up(&mut self) {
        self.look(Duration::ZERO);
    }

    /// Waits until nothing is being read any more.
    pub fn wait(&mut self) {
        self.look(Duration::ZERO);
        while self.waits() {
            self.look(LOOK);
        }
    }

    fn look(&mut self, patience: Duration) {
        self.timeline.begin_turn();
        for filter in [false, true] {
            while let Some(news) = self.scans.of(filter).scan.as_ref().and_then(|scan| scan.news(patience)) {
                self.take_news(news, filter);
            }
        }
        self.follow_search(patience);
        self.settle();
        self.refresh();
    }

    fn take_news(&mut self, news: News, filter: bool) {
        match news {
            News::Found(first, found) => {
                self.visible.put(first, found);
                self.settle_on_visible();
            }
            News::Marked(pages, marks, story) => {
                let pass = self.scans.of(filter);
                pass.marks.extend(marks);
                if let Some(scan) = &mut pass.scan {
                    scan.pages = pages;
                }
                if let Some(story) = story {
                    self.story = story;
                }
            }
            News::SoFar(gathered) => self.take_gathered(*gathered, filter),
            News::Done(gathered) => {
                self.scans.of(filter).scan = None;
                self.take_gathered(*gathered, filter);
                if filter {
                    self.settle_on_visible();
                }
            }
            News::Problem(problem) => {
                let pass = self.scans.of(filter);
                (pass.scan, pass.is_cut) = (None, true);
                self.notice = Some(problem);
            }
        }
    }

    fn take_gathered(&mut self, gathered: Gathered, filter: bool) {
        if let Some(survey) = gathered.survey {
            self.sessions = survey.sessions;
            // What is in memory is marked before it is shown.
            if !survey.fresh.is_empty() && self.timeline.reader().is_some() {
                Arc::make_mut(&mut self.recording).mark_fresh(&survey.fresh);
            }
        }
        self.scans.of(filter).learn(gathered.flows, gathered.deeds);
        if filter != self.filter.is_off() {
            self.show_views();
        }
    }

    /// Reads the pages of the rows that the screen shows, the selected event's first.
    pub(super) fn hold_rows(&mut self) {
        if let Some(number) = self.selected {
            self.timeline.fetch(number);
        }
        if self.timeline.reader().is_none() || self.view != View::Timeline {
            return;
        }
        let rows = usize::from(self.pages.events).max(ROWS_MIN);
        let here = self.position().unwrap_or_else(|| self.passed(self.at));
        let last = (here + rows).min(self.visible.len());
        let mut pages: Vec<usize> = (here.saturating_sub(rows)..last)
            .filter_map(|place| Some(self.timeline.cuts().page_of(self.visible.get(place)?)))
            .collect();
        pages.dedup();
        let own = self.selected.map_or(0, |number| self.timeline.cuts().page_of(number));
        pages.sort_by_key(|page| page.abs_diff(own));
        pages.into_iter().for_each(|page| self.timeline.hold(page));
    }
}
