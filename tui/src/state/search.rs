//! Looking for a text among the visible events, page by page on a thread of its own: the next event that has it, or the
//! one before; behind the last the first is next. What is near is found before the next frame; what is far comes when it
//! comes, and Esc stops it. Of few enough events it is counted then which match of how many that is.

use super::State;
use super::errand::{Errand, Gone, Outbox};
use super::filter;
use super::recording::Recording;
use super::timeline::{Cuts, Reader};
use super::visible::Visible;
use super::words;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long a key waits for what may be near.
const PATIENCE: Duration = Duration::from_millis(15);
/// How many pages are read at once, where what is near had no match.
const RUN_MAX: usize = 32;
/// After so many events it is told how far it is.
const TOLD_EVERY: usize = 4_096;
/// Among no more events than these the matches are counted.
const COUNTED_MAX: usize = 50_000;

/// A search under way.
#[derive(Debug)]
pub struct Search {
    errand: Errand<News>,
    /// What is said of where the match is, once it is found.
    turned: &'static str,
    forward: bool,
    /// How much of the way has been searched, in percent.
    pub percent: u8,
}

#[derive(Debug)]
enum News {
    /// So much of the way has been searched, in percent.
    Percent(u8),
    /// This event has it; true where the search went on from the other end.
    Found(u32, bool),
    /// It is the match of this number, of so many.
    Counted(usize, usize),
    /// It is not counted which match that is.
    Done,
    /// None has it.
    Nowhere,
    /// A page could not be read.
    Problem(String),
}

/// The way of a search.
struct Way {
    reader: Arc<dyn Reader>,
    cuts: Arc<Cuts>,
    visible: Visible,
    needles: [String; 1],
    /// How many events are visible, and how many of them come before the search turns to the other end.
    all: usize,
    straight: usize,
    forward: bool,
}

/// The eye that reads on the way.
struct Eye<'a> {
    way: &'a Way,
    outbox: &'a Outbox<News>,
    stretch: Option<Stretch>,
    /// How many pages are read at once.
    run: usize,
    line: String,
}

/// Why the eye does not see.
enum Blind {
    Gone,
    Problem(String),
}

impl From<Gone> for Blind {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Pages that have been read.
struct Stretch {
    pages: Range<usize>,
    recording: Arc<Recording>,
}

impl State {
    /// To the next visible event that has the searched text, or the one before; `here_too` where the selected one may be
    /// it.
    pub(super) fn find_match(&mut self, direction: i8, here_too: bool) {
        if self.search.is_empty() {
            self.searching = None;
            self.step(i64::from(direction));
            return;
        }
        let (forward, passed) = (direction > 0, self.passed_here());
        let here = self.position().unwrap_or(passed.saturating_sub(1));
        let all = self.visible.len();
        let straight = if forward { all.saturating_sub(here + usize::from(!here_too)) } else { here.min(all) };
        let way = Way {
            reader: self.reader(),
            cuts: Arc::clone(self.timeline.cuts()),
            visible: self.visible.clone(),
            needles: [self.search.clone()],
            all,
            straight,
            forward,
        };
        let errand = Errand::begin("search", move |outbox| way.go(outbox));
        self.searching = Some(Search { errand, turned: "", forward, percent: 0 });
        self.follow_search(PATIENCE);
    }

    /// Takes what the search has found by now, or within `patience`.
    pub(super) fn follow_search(&mut self, patience: Duration) {
        let far = self.extent(super::View::Timeline);
        while let Some(search) = &mut self.searching {
            let forward = search.forward;
            match search.errand.news(patience) {
                Ok(None) => return,
                Ok(Some(News::Percent(percent))) => {
                    search.percent = percent;
                    continue;
                }
                Ok(Some(News::Found(number, turned))) => {
                    let end = if forward { "from the beginning again" } else { "from the end again" };
                    search.turned = if turned { end } else { "" };
                    // A move stops a search; this one counts yet.
                    let search = self.searching.take();
                    self.by_hand(|state| state.stand_on_number(number));
                    if turned {
                        self.notice = Some(end.to_owned());
                    }
                    self.searching = search;
                    continue;
                }
                Ok(Some(News::Counted(number, all))) => {
                    let [number, all] = [number, all].map(|count| words::count(count as u64));
                    let turned = if search.turned.is_empty() { "" } else { ", " };
                    let far = far.suffix();
                    self.notice = Some(format!("match {number} of {all}{far}{turned}{}", search.turned));
                }
                Ok(Some(News::Done)) => {}
                Ok(Some(News::Nowhere)) => {
                    self.notice = Some(format!("no match{}", far.suffix()));
                }
                Ok(Some(News::Problem(problem))) => self.notice = Some(problem),
                Err(_) => self.notice = Some("the search broke off".to_owned()),
            }
            self.searching = None;
        }
    }

    /// Stops the search; false where there is none.
    pub(super) fn stop_search(&mut self) -> bool {
        let stopped = self.searching.take().is_some();
        if stopped {
            self.notice = Some("the search is stopped".to_owned());
        }
        stopped
    }
}

impl Way {
    fn go(&self, outbox: &Outbox<News>) -> Result<(), Gone> {
        let mut eye = Eye { way: self, outbox, stretch: None, run: 1, line: String::new() };
        match eye.search() {
            Err(Blind::Problem(problem)) => outbox.say(News::Problem(problem)),
            Ok(()) | Err(Blind::Gone) => Ok(()),
        }
    }

    /// The place that is looked at after so many others.
    fn place(&self, done: usize) -> usize {
        let from = if self.forward { self.all - self.straight + done } else { self.straight + self.all - 1 - done };
        from % self.all
    }

    /// The pages that are read with a page: those that come next.
    fn run_at(&self, page: usize, run: usize) -> Range<usize> {
        if self.forward { page..(page + run).min(self.cuts.pages()) } else { (page + 1).saturating_sub(run)..page + 1 }
    }
}

impl Eye<'_> {
    fn search(&mut self) -> Result<(), Blind> {
        let Way { all, straight, .. } = *self.way;
        for done in 0..all {
            if done % TOLD_EVERY == 0 {
                self.outbox.say(News::Percent((done * 100 / all.max(1)) as u8))?;
            }
            let place = self.way.place(done);
            if let Some(number) = self.sees(place)? {
                self.outbox.say(News::Found(number, done >= straight))?;
                return if all <= COUNTED_MAX { self.count(place) } else { Ok(self.outbox.say(News::Done)?) };
            }
        }
        Ok(self.outbox.say(News::Nowhere)?)
    }

    /// Which match of how many the one at a place is.
    fn count(&mut self, found: usize) -> Result<(), Blind> {
        let (mut number, mut matches) = (0, 0);
        for done in 0..self.way.all {
            if done % TOLD_EVERY == 0 {
                self.outbox.go_on()?;
            }
            let place = self.way.place(done);
            if self.sees(place)?.is_some() {
                matches += 1;
                number += usize::from(place <= found);
            }
        }
        Ok(self.outbox.say(News::Counted(number, matches))?)
    }

    /// The number of the event at a place, where that has the text.
    fn sees(&mut self, place: usize) -> Result<Option<u32>, Blind> {
        let way = self.way;
        let Some(number) = way.visible.get(place) else { return Ok(None) };
        let page = way.cuts.page_of(number);
        if !self.stretch.as_ref().is_some_and(|read| read.pages.contains(&page)) {
            self.outbox.go_on()?;
            let pages = way.run_at(page, self.run);
            let recording = way.reader.read(pages.clone()).map_err(Blind::Problem)?;
            self.stretch = Some(Stretch { pages, recording });
            self.run = (2 * self.run).min(RUN_MAX);
        }
        let Some(Stretch { pages, recording }) = &self.stretch else { return Ok(None) };
        let at = number.saturating_sub(way.cuts.start(pages.start)) as usize;
        let found = |event| filter::finds(recording, event, &way.needles, &mut self.line);
        Ok(recording.events.get(at).is_some_and(found).then_some(number))
    }
}
