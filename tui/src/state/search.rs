//! Looking for a text among the visible events, page by page on a thread of its own: the next event that has it, or the
//! one before. What is near is found before the next frame; what is far comes when it comes, and Esc stops it.

use super::State;
use super::errand::{Errand, Gone, Outbox};
use super::filter;
use super::recording::Recording;
use super::timeline::{Cuts, Reader};
use super::visible::Visible;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long a key waits for what may be near.
const PATIENCE: Duration = Duration::from_millis(15);
/// How many pages are read at once, where what is near had no match.
const RUN_MAX: usize = 32;
/// After so many events it is told how far it is.
const TOLD_EVERY: usize = 4_096;

/// A search under way.
#[derive(Debug)]
pub struct Search {
    errand: Errand<News>,
    forward: bool,
    /// How much of the way has been searched, in percent.
    pub percent: u8,
}

#[derive(Debug)]
enum News {
    /// So much of the way has been searched, in percent.
    Percent(u8),
    /// This event has it.
    Found(u32),
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
    /// Places among the visible events.
    places: Range<usize>,
    forward: bool,
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
        let places = if forward { here + usize::from(!here_too)..self.visible.len() } else { 0..here };
        let way = Way {
            reader: self.reader(),
            cuts: Arc::clone(self.timeline.cuts()),
            visible: self.visible.clone(),
            needles: [self.search.clone()],
            places,
            forward,
        };
        let errand = Errand::begin("search", move |outbox| way.go(outbox));
        self.searching = Some(Search { errand, forward, percent: 0 });
        self.follow_search(PATIENCE);
    }

    /// Takes what the search has found by now, or within `patience`.
    pub(super) fn follow_search(&mut self, patience: Duration) {
        while let Some(search) = &mut self.searching {
            let forward = search.forward;
            match search.errand.news(patience) {
                Ok(None) => return,
                Ok(Some(News::Percent(percent))) => {
                    search.percent = percent;
                    continue;
                }
                Ok(Some(News::Found(number))) => self.by_hand(|state| state.stand_on_number(number)),
                Ok(Some(News::Nowhere)) => {
                    let which = if forward { "further" } else { "earlier" };
                    self.notice = Some(format!("no {which} match{}", self.extent(super::View::Timeline).suffix()));
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
        let mut stretch: Option<Stretch> = None;
        let (mut run, mut line) = (1, String::new());
        let all = self.places.len();
        for done in 0..all {
            if done % TOLD_EVERY == 0 {
                outbox.say(News::Percent((done * 100 / all.max(1)) as u8))?;
            }
            let place = if self.forward { self.places.start + done } else { self.places.end - 1 - done };
            let Some(number) = self.visible.get(place) else { continue };
            let page = self.cuts.page_of(number);
            if !stretch.as_ref().is_some_and(|read| read.pages.contains(&page)) {
                outbox.go_on()?;
                match self.reader.read(self.run_at(page, run)) {
                    Ok(recording) => stretch = Some(Stretch { pages: self.run_at(page, run), recording }),
                    Err(problem) => return outbox.say(News::Problem(problem)),
                }
                run = (2 * run).min(RUN_MAX);
            }
            let Some(Stretch { pages, recording }) = &stretch else { continue };
            let at = number.saturating_sub(self.cuts.start(pages.start)) as usize;
            let found = |event| filter::finds(recording, event, &self.needles, &mut line);
            if recording.events.get(at).is_some_and(found) {
                return outbox.say(News::Found(number));
            }
        }
        outbox.say(News::Nowhere)
    }

    /// The pages that are read with a page: those that come next.
    fn run_at(&self, page: usize, run: usize) -> Range<usize> {
        if self.forward { page..(page + run).min(self.cuts.pages()) } else { (page + 1).saturating_sub(run)..page + 1 }
    }
}
