//! A look at every page of a recording that is not in memory, on a thread of its own: what passes a filter, and what the
//! views make of it. What is known comes page by page; a scan that nobody wants any more is stopped.

use super::changes::{Deeds, FileHistory};
use super::condition::{Answers, Asker, Meetings};
use super::film::{Sessions, TerminalSession};
use super::filter::{Filter, Sieve};
use super::map::{Flows, History};
use super::marks::Marks;
use super::recording::{ImageIx, Recording, Time};
use super::story::{Sentence, Teller};
use super::timeline::{Cuts, Reader};
use super::visible::Found;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

/// How many pages are read at once.
const RUN: usize = 32;
/// How many pages before and after the playhead are looked at first.
const NEAR: usize = 4;

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    inbox: Receiver<News>,
    stop: Arc<AtomicBool>,
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
    /// All pages have been looked at.
    Done(Box<Outcome>),
    /// A page could not be read: the scan ends here.
    Problem(String),
}

/// What the views make of all that passed.
#[derive(Debug)]
pub struct Outcome {
    /// Who talked to whom.
    pub flows: Vec<History>,
    /// What was changed on disk.
    pub deeds: FileHistory,
    /// What only a look at everything tells.
    pub survey: Option<Survey>,
}

/// What is told of the whole recording, whatever the filter.
#[derive(Debug)]
pub struct Survey {
    /// The terminal sessions.
    pub sessions: Vec<TerminalSession>,
    /// The images whose executables were made earlier in the record.
    pub fresh: Vec<ImageIx>,
}

impl Scan {
    /// Begins to look for what passes `filter`, near the page `near` first; without a filter at all that a view can show.
    pub fn begin(
        base: &Arc<Recording>,
        cuts: &Arc<Cuts>,
        reader: &Arc<dyn Reader>,
        filter: Option<Filter>,
        asker: Option<Arc<dyn Asker>>,
        near: usize,
    ) -> Self {
        let (outbox, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work {
            base: Arc::clone(base),
            cuts: Arc::clone(cuts),
            reader: Arc::clone(reader),
            asker,
            outbox,
            stop: Arc::clone(&stop),
        };
        let begun = std::thread::Builder::new().name("scan".to_owned()).spawn(move || {
            // Nobody listens any more where this fails.
            let _ = work.run(filter.as_ref(), near);
        });
        if begun.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        Self { inbox, stop, pages: 0 }
    }

    /// What came since the last look.
    pub fn news(&self) -> Option<News> {
        match self.inbox.try_recv() {
            Ok(news) => Some(news),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(News::Problem("the recording could not be read to its end".into())),
        }
    }

    /// What comes within `patience`.
    pub fn await_news(&self, patience: Duration) -> Option<News> {
        match self.inbox.recv_timeout(patience) {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(News::Problem("the recording could not be read to its end".into()))
            }
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Nobody listens any more.
struct Gone;

struct Work {
    base: Arc<Recording>,
    cuts: Arc<Cuts>,
    reader: Arc<dyn Reader>,
    asker: Option<Arc<dyn Asker>>,
    outbox: Sender<News>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(&mut self, filter: Option<&Filter>, near: usize) -> Result<(), Gone> {
        let off = Filter::default();
        let mut sieve = Sieve::new(filter.unwrap_or(&off), &self.base);
        let condition = filter.and_then(|filter| filter.condition.as_deref());
        let mut answers = condition.zip(self.asker.as_ref()).map(|(text, asker)| Answers::begin(asker, text));
        // A condition is asked about one event after the other, from the first.
        if filter.is_some() && answers.is_none() {
            let first = near.saturating_sub(NEAR);
            let run = first..(near + NEAR + 1).min(self.cuts.pages());
            let Some(recording) = self.read(run.clone())? else { return Ok(()) };
            let found = self.sifted(&recording, &run, &mut sieve, None);
            self.say(News::Found(first, found))?;
        }
        let (mut flows, mut deeds) = (Flows::default(), Deeds::new(&self.base.about));
        let mut survey = filter.is_none().then(|| (Teller::of(&self.base), Sessions::default()));
        let mut first = 0;
        while first < self.cuts.pages() {
            let run = first..(first + RUN).min(self.cuts.pages());
            first = run.end;
            let Some(recording) = self.read(run.clone())? else { return Ok(()) };
            let start = self.cuts.start(run.start);
            let mut marks = Marks::default();
            flows.enter(&recording);
            deeds.enter();
            let mut take = |at: u32| {
                let event = &recording.events[at as usize];
                marks.take(&recording, event, start + at);
                flows.take(&recording, event);
                deeds.take(&recording, event);
            };
            match &mut survey {
                None => {
                    let to = self.cuts.firsts.get(run.end).copied().unwrap_or(Time::MAX);
                    let met = match answers.as_mut().map(|answers| answers.until(to)).transpose() {
                        Ok(met) => met,
                        Err(problem) => return self.say(News::Problem(problem)),
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
                    self.say(News::Found(run.start, found))?;
                }
                Some((teller, sessions)) => {
                    for at in 0..recording.events.len() as u32 {
                        take(at);
                        let event = &recording.events[at as usize];
                        teller.take(&recording, start + at, event);
                        sessions.take(&recording, start + at, event);
                    }
                }
            }
            let story = survey.as_ref().map(|(teller, _)| teller.told());
            self.say(News::Marked(run.end, marks, story))?;
        }
        let survey = survey.map(|(teller, sessions)| Survey { sessions: sessions.finish(), fresh: teller.fresh() });
        self.say(News::Done(Box::new(Outcome { flows: flows.finish(), deeds: deeds.finish(), survey })))
    }

    /// Reads pages; `None` where they cannot be read, which has been told then.
    fn read(&self, run: Range<usize>) -> Result<Option<Arc<Recording>>, Gone> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Gone);
        }
        match self.reader.read(run) {
            Ok(recording) => Ok(Some(recording)),
            Err(problem) => self.say(News::Problem(problem)).map(|()| None),
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

    fn say(&self, news: News) -> Result<(), Gone> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Gone);
        }
        self.outbox.send(news).map_err(|_| Gone)
    }
}
