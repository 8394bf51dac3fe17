//! What the views make of events while they come by: the marks of the strip, the map, the files; of all events also the
//! story and the terminal sessions.

use super::changes::{Deeds, FileHistory};
use super::film::{Sessions, TerminalSession};
use super::map::{Flows, History};
use super::marks::Marks;
use super::recording::{Event, ImageIx, Recording};
use super::story::{Sentence, Teller};

/// A look at events, one after the other.
#[derive(Debug)]
pub struct Gathering {
    marks: Marks,
    flows: Flows,
    deeds: Deeds,
    survey: Option<(Teller, Sessions)>,
}

/// What was gathered.
#[derive(Debug)]
pub struct Gathered {
    /// Who talked to whom.
    pub flows: Vec<History>,
    /// What was changed on disk.
    pub deeds: FileHistory,
    /// What is told of the whole recording, whatever the filter.
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

impl Gathering {
    /// Begins; `base` has the images, findings and gaps. The survey is for who looks at all events.
    pub fn new(base: &Recording, survey: bool) -> Self {
        Self {
            marks: Marks::default(),
            flows: Flows::default(),
            deeds: Deeds::new(&base.about),
            survey: survey.then(|| (Teller::of(base), Sessions::default())),
        }
    }

    /// Looks at all events of a recording that is in memory, by their numbers, that `lets` lets through.
    pub fn over(recording: &Recording, survey: bool, mut lets: impl FnMut(u32, &Event) -> bool) -> Self {
        let mut gathering = Self::new(recording, survey);
        gathering.enter(recording);
        for (number, event) in (0..).zip(&recording.events) {
            if lets(number, event) {
                gathering.take(recording, number, event);
            }
        }
        gathering
    }

    /// Events of this recording, or of this page, come next.
    pub fn enter(&mut self, recording: &Recording) {
        self.flows.enter(recording);
        self.deeds.enter();
    }

    /// Takes an event in, and its number; they come by time.
    pub fn take(&mut self, recording: &Recording, number: u32, event: &Event) {
        self.marks.take(recording, event, number);
        self.flows.take(recording, event);
        self.deeds.take(recording, event);
        if let Some((teller, sessions)) = &mut self.survey {
            teller.take(recording, number, event);
            sessions.take(recording, number, event);
        }
    }

    /// The marks since they were taken last.
    pub fn take_marks(&mut self) -> Marks {
        std::mem::take(&mut self.marks)
    }

    /// The story until now.
    pub fn story(&self) -> Option<Vec<Sentence>> {
        self.survey.as_ref().map(|(teller, _)| teller.told())
    }

    /// What there is by now, while more comes.
    pub fn so_far(&self) -> Gathered {
        let survey = self.survey.as_ref();
        Gathered {
            flows: self.flows.clone().finish(),
            deeds: self.deeds.clone().finish(),
            survey: survey.map(|(_, sessions)| Survey { sessions: sessions.so_far(), fresh: Vec::new() }),
        }
    }

    /// All of it.
    pub fn finish(self) -> Gathered {
        let survey = self.survey;
        Gathered {
            flows: self.flows.finish(),
            deeds: self.deeds.finish(),
            survey: survey.map(|(teller, sessions)| Survey { sessions: sessions.finish(), fresh: teller.fresh() }),
        }
    }
}
