//! A look at every page of a recording that is not in memory, on a thread of its own: what passes a filter, and what the
//! views make of it. What is known comes page by page; a scan that nobody wants any more is stopped.

use super::condition::{Answers, Asker, Meetings};
use super::errand::{Errand, Gone, Outbox};
use super::filter::{Filter, Sieve};
use super::gathering::{Gathered, Gathering};
use super::marks::Marks;
use super::recording::{Recording, Time};
use super::story::Sentence;
use super::timeline::{Cuts, Reader};
use super::visible::Found;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many pages are read at once.
const RUN: usize = 32;
/// How many pages before and after the playhead are looked at first.
const NEAR: usize = 4;

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    errand: Errand<News>,
    is_watched: Arc<AtomicBool>,
    /// How many pages have been looked at.
    pub pages: usize,
}

/// What a scan tells.
#[derive(Debug)]
pub enum News {
    /// What passes of the pages from this one on.
    Found(usize, Vec<Found>),
    /// What stands out in the pages that follow those before, and the story as far as it is known.
    Marked(usize, Marks, Option<Vec<Sentence>>),
    /// What has been gathered by now, for who watches.
    SoFar(Box<Gathered>),
    /// All pages have been looked at.
    Done(Box<Gathered>),
    /// A page could not be read: the scan ends here.
    Problem(String),
}

impl Scan {
    /// Begins to look for what passes `filter`, near the page `near` first; without a filter at all that a view can show.
    pub fn begin(
        base: &Arc<Recording>,
        cuts: &Arc<Cuts>,
        reader: Arc<dyn Reader>,
        filter: Option<Filter>,
        asker: Option<Arc<dyn Asker>>,
        near: usize,
    ) -> Self {
        let is_watched = Arc::new(AtomicBool::new(false));
        let (base, cuts) = (Arc::clone(base), Arc::clone(cuts));
        let mut work = Work { base, cuts, reader, asker, is_watched: Arc::clone(&is_watched) };
        let errand = Errand::begin("scan", move |outbox| work.run(outbox, filter.as_ref(), near));
        Self { errand, is_watched, pages: 0 }
    }

    /// What came since the last look, or comes within `patience`.
    pub fn news(&self, patience: Duration) -> Option<News> {
        let ended = |_| Some(News::Problem("the recording could not be read to its end".into()));
        self.errand.news(patience).unwrap_or_else(ended)
    }

    /// Asks for what has been gathered, as soon as there is more.
    pub fn watch(&self) {
        self.is_watched.store(true, Ordering::Relaxed);
    }
}

struct Work {
    base: Arc<Recording>,
    cuts: Arc<Cuts>,
    reader: Arc<dyn Reader>,
    asker: Option<Arc<dyn Asker>>,
    is_watched: Arc<AtomicBool>,
}

impl Work {
    fn run(&mut self, outbox: &Outbox<News>, filter: Option<&Filter>, near: usize) -> Result<(), Gone> {
        let off = Filter::default();
        let mut sieve = Sieve::new(filter.unwrap_or(&off), &self.base);
        let condition = filter.and_then(Filter::condition);
        let mut answers = condition.zip(self.asker.as_ref()).map(|(text, asker)| Answers::begin(asker, &text));
        // A condition is asked about one event after the other, from the first.
        if filter.is_some() && answers.is_none() {
            let first = near.saturating_sub(NEAR);
            let run = first..(near + NEAR + 1).min(self.cuts.pages());
            let Some(recording) = self.read(outbox, run.clone())? else { return Ok(()) };
            let found = self.sifted(&recording, &run, &mut sieve, None);
            outbox.say(News::Found(first, found))?;
        }
        let mut gathering = Gathering::new(&self.base, filter.is_none());
        let mut first = 0;
        while first < self.cuts.pages() {
            let run = first..(first + RUN).min(self.cuts.pages());
            first = run.end;
            let Some(recording) = self.read(outbox, run.clone())? else { return Ok(()) };
            let start = self.cuts.start(run.start);
            gathering.enter(&recording);
            let mut take = |at: u32| {
                if let Some(event) = recording.events.get(at as usize) {
                    gathering.take(&recording, start + at, event);
                }
            };
            if filter.is_none() {
                (0..recording.events.len() as u32).for_each(&mut take);
            } else {
                let to = self.cuts.firsts.get(run.end).copied().unwrap_or(Time::MAX);
                let met = match answers.as_mut().map(|answers| answers.until(to)).transpose() {
                    Ok(met) => met,
                    Err(problem) => return outbox.say(News::Problem(problem)),
                };
                let found = self.sifted(&recording, &run, &mut sieve, met);
                if let Some(answers) = &mut answers {
                    answers.forget(to);
                }
                for (page, found) in run.clone().zip(&found) {
                    let before = self.cuts.start(page) - start;
                    if let Found::These(these) = found {
                        these.iter().for_each(|at| take(before + at));
                    }
                }
                outbox.say(News::Found(run.start, found))?;
            }
            outbox.say(News::Marked(run.end, gathering.take_marks(), gathering.story()))?;
            if self.is_watched.swap(false, Ordering::Relaxed) {
                outbox.say(News::SoFar(Box::new(gathering.so_far())))?;
            }
        }
        outbox.say(News::Done(Box::new(gathering.finish())))
    }

    /// Reads pages; `None` where they cannot be read, which has been told then.
    fn read(&self, outbox: &Outbox<News>, run: Range<usize>) -> Result<Option<Arc<Recording>>, Gone> {
        outbox.go_on()?;
        match self.reader.read(run) {
            Ok(recording) => Ok(Some(recording)),
            Err(problem) => outbox.say(News::Problem(problem)).map(|()| None),
        }
    }

    /// What passes, page by page.
    fn sifted(
        &self,
        recording: &Recording,
        run: &Range<usize>,
        sieve: &mut Sieve,
        met: Option<&Meetings>,
    ) -> Vec<Found> {
        let start = self.cuts.start(run.start);
        let of_page = |page: usize| {
            let (from, to) = (self.cuts.start(page) - start, self.cuts.start(page + 1) - start);
            let passes =
                |at: &u32| recording.events.get(*at as usize).is_some_and(|event| sieve.lets(recording, event, met));
            Found::These((from..to).filter(passes).map(|at| at - from).collect())
        };
        run.clone().map(of_page).collect()
    }
}
