//! What is known while a bundle is on the screen, and how actions change it. Nothing here draws.
//!
//! ```text
//! strings, recording    the history or a stretch of it: events, images, texts; never changes
//! draft                 rows of the evidence -> Recording, sorted, linked, checked
//! timeline, visible     all events in pages; which of them pass the filter
//! gathering             what the views make of events while they come by
//! scan, search          a look at every page that is not in memory; the next event with a text
//! survey, errand        what the scans have found by now; work on a thread of its own
//! extent                how much of the recording that is
//! summary, words        one line of an event; numbers to words
//! filter                which events the list shows
//! marks, stretch        where on the strip something vital happened; what the strip shows
//! alarm                 what the rules said of all of it: where the replay begins
//! playhead              where one stands, and the move that waits for a page
//! moment                the process tree at the playhead
//! action                what a key asks for
//! play, clock           the passing of time; a time that is typed
//! condition             Falco's conditions in the filter bar
//! place                 the seven views, and the trail of places one came by
//! story                 findings and key moments as sentences
//! film                  terminal sessions, played back into a screen in memory
//! map                   who talked to whom
//! changes               what was changed on disk
//! folds                 what map and changes have in common
//! sql                   a question being written, and its answer
//! notes                 what a person marks and writes down
//! ```

mod action;
mod alarm;
mod changes;
mod clock;
mod condition;
pub mod draft;
mod errand;
mod extent;
mod film;
mod filter;
mod folds;
mod gathering;
mod map;
mod marks;
mod moment;
mod notes;
mod palette;
mod place;
mod play;
mod playhead;
mod prompt;
pub mod recording;
mod rows;
mod scan;
mod search;
mod sql;
mod steps;
mod story;
mod stretch;
pub mod strings;
pub mod summary;
mod survey;
pub mod timeline;
mod typed;
mod visible;
pub mod words;

pub use action::{Action, Move, Only};
pub use alarm::Alarm;
pub use changes::{Change, ChangeRow, Changes, Deed};
pub use condition::{Asker, Told};
pub use extent::{Extent, Looking, Progress};
pub use film::{Film, TerminalSession, TypedOrPrinted};
pub use filter::{Chip, Filter, KindFilter, Lineage, address_of, file_of, finds, host};
pub use folds::Folds;
pub use map::{Direction, Edge, Map, MapRow};
pub use marks::Marks;
pub use moment::{Life, Moment, TreeRow};
pub use notes::{Evidence, Note, Notes};
pub use palette::Palette;
pub use place::{Place, View};
pub use play::{SPEEDS, Skip, Speed};
pub use prompt::{Prompt, Prompting, Turn, commands};
pub use sql::{Answer, Ask, Completion, ROWS_MAX, Relation, Sql};
pub use story::{Sentence, remote_input};
pub use timeline::{Cuts, Reader, Shown, Timeline};
pub use visible::{Found, Visible};

use crate::keys::Keymap;
use gathering::Gathering;
use playhead::Unsettled;
use recording::{ProcessIx, Recording, Time};
use search::Search;
use std::collections::BTreeSet;
use std::sync::Arc;
use survey::Scans;
use taffrail_trace::bundle::Verdict;

/// How long after its start or end a process is marked in the tree.
const FADE_NS: i64 = words::SECOND;
/// How long after its end a process stays in the view of processes: what a shell ran just before is still to be seen.
const KEPT_NS: i64 = 60 * words::SECOND;

/// Everything that the screen shows.
#[derive(Debug)]
pub struct State {
    /// The history; of one that is read page by page the images, the findings and the gaps.
    pub recording: Arc<Recording>,
    /// All events.
    pub timeline: Timeline,
    /// Who reads what is not in memory.
    scans: Scans,
    /// What checking the bundle against its own checksums gave; `None` where nobody checked.
    pub verdict: Option<Verdict>,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// Who is asked about conditions; where nobody is, the filter bar takes texts only.
    pub asker: Option<Arc<dyn Asker>>,
    /// The colours.
    pub palette: Palette,
    /// The mouse is listened to.
    pub mouse: bool,
    /// How the moment is looked at.
    pub view: View,
    /// The places that led here, oldest first.
    pub trail: Vec<Place>,
    /// The playhead.
    pub at: Time,
    /// The event it stands on or has last passed: index into the recording's events. `None` before the first one.
    pub selected: Option<u32>,
    /// What is to be done once the page at the playhead is there.
    unsettled: Option<Unsettled>,
    /// The events that pass the filter.
    pub visible: Visible,
    /// The filter.
    pub filter: Filter,
    /// The text being typed, while it is.
    pub prompt: Option<Prompt>,
    /// The text that was searched last, in lower case.
    pub search: String,
    /// The search under way.
    searching: Option<Search>,
    /// Where a range began that has not ended.
    pub range_from: Option<Time>,
    /// What the last key came to, until the next.
    pub notice: Option<String>,
    /// A text on its way to the person's clipboard.
    pub copied: Option<String>,
    /// The pane that the arrow keys move in.
    pub focus: Focus,
    /// The findings, summed up; `None` where there are none to worry about.
    pub alarm: Option<Alarm>,
    /// How closely the strip looks: 0 is the whole stretch, each step an eighth of the one before.
    pub zoom: u8,
    /// Where in the window something happened, where that is clearly less than all of it.
    busy: Option<(Time, Time)>,
    /// The strip shows the window also where nothing happened.
    whole_window: bool,
    /// How far the help is scrolled, while it is open.
    pub help: Option<u16>,
    /// Time passes.
    pub playing: bool,
    /// How fast.
    pub speed: Speed,
    /// Long quiet stretches are jumped over while playing.
    pub skip_idle: bool,
    /// The jump that was just made.
    pub skipped: Option<Skip>,
    /// The process chosen in the tree; `None` follows the selected event.
    pub tree_choice: Option<ProcessIx>,
    /// How far the detail is scrolled.
    pub detail_scroll: u16,
    /// The view of processes has those of the whole record, not only those of the moment.
    pub all_processes: bool,
    /// The processes whose descendants are folded away.
    pub folds: BTreeSet<ProcessIx>,
    /// The tree at the playhead.
    pub moment: Moment,
    /// The story's sentences, by event.
    pub story: Vec<Sentence>,
    /// The terminal sessions.
    pub sessions: Vec<TerminalSession>,
    /// The session chosen; `None` follows the playhead.
    pub session_choice: Option<usize>,
    /// What was typed in the session is shown in place of its screen, from this line on.
    pub typed_from: Option<u16>,
    /// The session that is played back.
    pub film: Option<Film>,
    /// Who talked to whom.
    pub map: Map,
    /// What was changed on disk.
    pub changes: Changes,
    /// The question in SQL.
    pub sql: Sql,
    /// What the person wrote down.
    pub notes: Notes,
    /// How much the screen shows at once, told by whoever draws.
    pub pages: Pages,
    /// The person wants to leave.
    pub quit: bool,
}

/// A pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The process tree.
    Tree,
    /// The event list.
    Events,
    /// The selected event's detail.
    Detail,
}

/// How many rows fit each pane; and how far detail and help can be scrolled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pages {
    /// Rows of the tree.
    pub tree: u16,
    /// Rows of the event list.
    pub events: u16,
    /// Rows of a view that is one list.
    pub body: u16,
    /// Rows of the detail.
    pub detail: u16,
    /// The detail's largest scroll.
    pub detail_end: u16,
    /// The help's largest scroll.
    pub help_end: u16,
    /// The largest scroll of what was typed in a terminal.
    pub typed_end: u16,
}

impl State {
    /// Opens a recording at the first of its worst findings, or at its trigger, paused.
    pub fn new(mut recording: Recording) -> Self {
        let mut gathering = Gathering::over(&recording, true, |_, _| true);
        let (marks, story, gathered) = (gathering.take_marks(), gathering.story(), gathering.finish());
        recording.mark_fresh(gathered.survey.as_ref().map_or(&[], |survey| &survey.fresh));
        let recording = Arc::new(recording);
        let timeline = Timeline::whole(&recording);
        let mut state = Self::opened(recording, timeline);
        state.story = story.unwrap_or_default();
        state.see_all(marks, gathered);
        state.to_start();
        state.refresh();
        state
    }

    /// Opens a recording that stays where it is, as [`Self::new`]. `base` has its images, findings and gaps; the
    /// rest of it is read where it is looked at, and all of it in the background.
    pub fn paged(base: Recording, cuts: Arc<Cuts>, reader: Arc<dyn Reader>) -> Self {
        let mut state = Self::opened(Arc::new(base), Timeline::paged(cuts, reader));
        state.survey();
        state.to_start();
        state.refresh();
        state
    }

    fn opened(recording: Arc<Recording>, timeline: Timeline) -> Self {
        let (alarm, busy) = (Alarm::of(&recording), stretch::busy(&recording, timeline.cuts().ends));
        Self {
            visible: Visible::all(timeline.cuts()),
            at: recording.about.trigger,
            timeline,
            scans: Scans::default(),
            recording,
            verdict: None,
            keymap: Arc::default(),
            asker: None,
            palette: Palette::default(),
            mouse: false,
            view: View::default(),
            trail: Vec::new(),
            selected: None,
            unsettled: None,
            filter: Filter::default(),
            prompt: None,
            search: String::new(),
            searching: None,
            range_from: None,
            notice: None,
            copied: None,
            focus: Focus::Events,
            alarm,
            zoom: 0,
            busy,
            whole_window: false,
            help: None,
            playing: false,
            speed: Speed::default(),
            skip_idle: true,
            skipped: None,
            tree_choice: None,
            detail_scroll: 0,
            all_processes: false,
            folds: BTreeSet::new(),
            moment: Moment::default(),
            story: Vec::new(),
            sessions: Vec::new(),
            session_choice: None,
            typed_from: None,
            film: None,
            map: Map::default(),
            changes: Changes::default(),
            sql: Sql::default(),
            notes: Notes::default(),
            pages: Pages { tree: 10, events: 10, body: 10, detail: 5, ..Pages::default() },
            quit: false,
        }
    }

    /// Says what checking the bundle against its own SHA256SUMS gave, for the header.
    #[must_use]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// The ends of what is looked at: the chosen range, else the window.
    pub fn bounds(&self) -> (Time, Time) {
        let about = &self.recording.about;
        self.filter.range.unwrap_or((about.from, about.to))
    }

    /// The selected event.
    pub fn current(&self) -> Option<Shown> {
        self.timeline.get(self.selected?)
    }

    /// Where the selected event is among the visible ones.
    pub fn position(&self) -> Option<usize> {
        self.visible.place(self.selected?).ok()
    }

    /// The process that the tree marks: the chosen one while it is there, else the selected event's.
    pub fn tree_process(&self) -> Option<ProcessIx> {
        let there = |process: &ProcessIx| self.moment.rows.iter().any(|row| row.process == *process);
        self.tree_choice.filter(there).or_else(|| {
            let event = self.current()?;
            let image = event.recording.actor(&event).image?;
            Some(self.recording.image(image)?.process)
        })
    }

    /// How many visible events are not after `time`.
    pub fn passed(&self, time: Time) -> usize {
        self.timeline.before(time, true).map_or(0, |(page, offset)| self.visible.before(page, offset))
    }

    /// How many visible events there are in `[from, to)`; about so many where they are not in memory.
    pub fn visible_within(&self, from: Time, to: Time) -> usize {
        let cuts = self.timeline.cuts();
        let before = |time: Time| match self.timeline.before(time, false) {
            None => 0,
            Some((page, _)) if self.timeline.page(page).is_none() => {
                self.visible.about_before(page, cuts.passed_of(page, time))
            }
            Some((page, offset)) => self.visible.before(page, offset),
        };
        before(to).saturating_sub(before(from))
    }

    /// Brings everything that depends on the moment in step with it; what is not on the screen waits.
    fn refresh(&mut self) {
        // At 64x a second is over in a frame; the mark stays for a second of the viewer's time.
        let fade = if self.playing { self.speed.of(FADE_NS).max(FADE_NS) } else { FADE_NS };
        let kept = match self.view {
            View::Processes if self.all_processes => moment::ALL,
            View::Processes => KEPT_NS.max(fade),
            _ => fade,
        };
        if !self.moment.holds_at(self.at, fade, kept) {
            self.moment = Moment::at(&self.recording, self.at, fade, kept);
        }
        match self.view {
            View::Terminal => {
                self.watch();
                self.refresh_film();
            }
            View::Network => {
                self.watch();
                self.map.refresh(self.at);
            }
            View::Files => {
                self.watch();
                self.changes.refresh(self.at);
            }
            _ => {}
        }
        self.hold_rows();
        if let Some(problem) = self.timeline.take_problem() {
            self.notice = Some(problem);
        }
    }

    /// The session on the screen: the chosen one, else the one that last said something, else the first.
    pub fn session(&self) -> Option<usize> {
        let last = || {
            let said = |session: &TerminalSession| {
                session.stretches[..session.passed(self.at)].last().map(|stretch| stretch.event)
            };
            let by_last = self.sessions.iter().enumerate().filter_map(|(index, session)| Some((said(session)?, index)));
            by_last.max().map(|(_, index)| index)
        };
        let first = || (!self.sessions.is_empty()).then_some(0);
        self.session_choice.filter(|index| *index < self.sessions.len()).or_else(last).or_else(first)
    }

    fn refresh_film(&mut self) {
        let Some(index) = self.session() else { return };
        let film = self.film.take().filter(|film| film.session() == index);
        let mut film = film.unwrap_or_else(|| Film::new(index));
        film.play(&self.sessions[index], self.at);
        self.film = Some(film);
    }
}
