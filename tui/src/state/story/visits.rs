//! Who comes into a container from outside again and again, and does the same each time, as a health check does.

use super::{Sentence, Teller, place};
use crate::state::recording::{Body, Event, ImageIx, Kind, Recording, Sym};
use std::collections::{HashMap, HashSet};

/// What an image is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Visit {
    #[default]
    None,
    /// The first that came in with this command.
    First,
    /// One more.
    Again,
}

/// The visits, and what is told of them.
#[derive(Debug, Default)]
pub struct Visits {
    by_image: Vec<Visit>,
    /// The commands that came in, with their containers.
    commands: HashSet<(Sym, Option<Sym>)>,
    /// Sentences without the numbers of processes to where they are told.
    known: HashMap<(Kind, String), usize>,
    /// Those that were told of later visits too.
    again: HashSet<usize>,
}

impl Visits {
    /// None yet.
    pub fn of(recording: &Recording) -> Self {
        Self { by_image: vec![Visit::None; recording.images.len()], ..Self::default() }
    }

    /// An image begins; it is of the visit of the one before it in its process, or of its parent.
    pub fn began(&mut self, recording: &Recording, at: ImageIx) {
        let Some(image) = recording.image(at) else { return };
        let of =
            |image: Option<ImageIx>| image.and_then(|at| self.by_image.get(at as usize)).copied().unwrap_or_default();
        let visit = match (image.more.entered, of(image.before)) {
            (Some(_), _) if self.commands.insert((image.cmdline, image.more.container)) => Visit::First,
            (Some(_), _) => Visit::Again,
            (None, Visit::None) => of(image.parent),
            (None, visit) => visit,
        };
        if let Some(slot) = self.by_image.get_mut(at as usize) {
            *slot = visit;
        }
    }

    /// Says of the sentences that came again that they did.
    pub fn add_to(&self, told: &mut [Sentence]) {
        for place in &self.again {
            super::programs::add(told, Some(*place), "; the same again later, by other processes");
        }
    }

    fn of_image(&self, image: Option<ImageIx>) -> Visit {
        image.and_then(|at| self.by_image.get(at as usize)).copied().unwrap_or_default()
    }
}

impl Teller {
    /// Whether the actor is of a visit that is not the first with its command.
    pub(super) fn is_again(&self, recording: &Recording, event: &Event) -> bool {
        self.visits.of_image(recording.actor(event).image) == Visit::Again
    }

    /// [`Teller::tell`], where it was not told of a visit before.
    pub(super) fn tell_of_visit(
        &mut self,
        recording: &Recording,
        index: u32,
        event: &Event,
        (text, view): (String, super::View),
    ) -> Option<usize> {
        let text = place(recording, event) + &text;
        let visit = match event.body {
            // It says which process came, and nothing of what that does.
            Body::Lifecycle(_) => Visit::Again,
            _ => self.visits.of_image(recording.actor(event).image),
        };
        if visit == Visit::None {
            return self.tell(index, event, text, view);
        }
        let key = (event.body.kind(), Self::without_pids(recording, event, &text));
        let known = self.visits.known.get(&key).copied().filter(|_| visit == Visit::Again);
        if let Some((at, sentence)) = known.and_then(|at| Some((at, self.told.get_mut(at)?))) {
            sentence.times = sentence.times.saturating_add(1);
            self.visits.again.insert(at);
            return None;
        }
        let at = self.tell(index, event, text, view)?;
        self.visits.known.entry(key).or_insert(at);
        Some(at)
    }

    /// The sentence without the numbers of the processes that it is about.
    fn without_pids(recording: &Recording, event: &Event, text: &str) -> String {
        if let Body::Lifecycle(_) = event.body {
            let mut parts = text.split("pid ");
            let first = parts.next().unwrap_or_default().to_owned();
            return parts.fold(first, |text, part| {
                text + "pid " + part.trim_start_matches(|digit: char| digit.is_ascii_digit())
            });
        }
        let own = recording.actor(event).pid;
        let runner = match event.body {
            Body::Start(at) => recording.runner(at).map(|(runner, _)| runner.pid),
            _ => None,
        };
        own.into_iter().chain(runner).fold(text.to_owned(), |text, pid| {
            text.replace(&format!("({pid})"), "()").replace(&format!("process {pid}"), "process")
        })
    }
}
