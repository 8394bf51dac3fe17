//! Falco's conditions in the filter bar: what they are told from, who asks them, how they are completed.

use super::prompt::Turn;
use super::recording::{Body, Event, Recording, Time};
use super::{Prompting, State};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use taffrail_query::{Met, Sort, condition_calls, condition_fields};

/// What fields of conditions begin with.
const FAMILIES: [&str; 9] = ["evt.", "proc.", "thread.", "user.", "group.", "fd.", "fs.", "container.", "k8s."];
/// The words between which tests stand.
const JOINS: [&str; 3] = ["and", "or", "not"];
/// The words that compare a field.
const COMPARED_BY: [&str; 11] = [
    "in",
    "intersects",
    "pmatch",
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "glob",
    "regex",
];
/// The most completions that are offered.
const OFFERED_MAX: usize = 32;
/// How far an asking thread may be ahead of who reads.
const AHEAD_MAX: usize = 64;

/// Asks conditions about the evidence.
pub trait Asker: Debug + Send + Sync {
    /// How many bundles there are, each asked by itself.
    fn bundles(&self) -> usize;

    /// Asks about one bundle, by time, as long as `each` says so.
    ///
    /// # Errors
    /// One line for a person, where the evidence cannot be read.
    fn ask(&self, text: &str, bundle: usize, each: &mut dyn FnMut(Told) -> bool) -> Result<(), String>;
}

/// What met a condition, of all events up to a moment.
#[derive(Debug)]
pub struct Told {
    /// Everything before this has been asked about.
    pub until: Time,
    /// What met it since it was told last.
    pub met: Vec<Met>,
}

/// Whether a typed text is meant as a condition: it begins with a field.
pub fn is_condition(text: &str) -> bool {
    let text = text.trim_start_matches(|ch: char| ch == '(' || ch.is_whitespace());
    let text = text.strip_prefix("not ").unwrap_or(text).trim_start_matches(|ch: char| ch == '(' || ch.is_whitespace());
    FAMILIES.iter().any(|family| text.starts_with(family))
}

/// Answers to one condition from all bundles, as they come.
#[derive(Debug)]
pub struct Answers {
    bundles: Vec<Bundle>,
    met: Meetings,
}

#[derive(Debug)]
struct Bundle {
    inbox: Receiver<Result<Told, String>>,
    until: Time,
}

/// Events that met a condition, by time: their sorts, and whose they are.
#[derive(Debug, Default)]
pub struct Meetings(HashMap<Time, Vec<(Sort, Option<u64>)>>);

impl Answers {
    /// Begins to ask.
    pub fn begin(asker: &Arc<dyn Asker>, text: &str) -> Self {
        let bundles = (0..asker.bundles()).map(|bundle| {
            let (outbox, inbox) = sync_channel(AHEAD_MAX);
            let (asker, text) = (Arc::clone(asker), text.to_owned());
            let ask = move || {
                let asked = asker.ask(&text, bundle, &mut |told| outbox.send(Ok(told)).is_ok());
                if let Err(problem) = asked {
                    // Nobody listens any more where this fails.
                    let _ = outbox.send(Err(problem));
                }
            };
            // Where there is no thread the inbox is closed at once, and tells so.
            let _ = std::thread::Builder::new().name("ask".to_owned()).spawn(ask);
            Bundle { inbox, until: Time::MIN }
        });
        Self { bundles: bundles.collect(), met: Meetings::default() }
    }

    /// Waits until everything before `time` has been asked about, and gives what met the condition.
    ///
    /// # Errors
    /// One line for a person, where the evidence cannot be read.
    pub fn until(&mut self, time: Time) -> Result<&Meetings, String> {
        for bundle in &mut self.bundles {
            while bundle.until < time {
                let told = bundle.inbox.recv().map_err(|_| "the condition was not asked to the end".to_owned())??;
                bundle.until = told.until;
                for met in told.met {
                    self.met.0.entry(met.time).or_default().push((met.sort, met.exec_id));
                }
            }
        }
        Ok(&self.met)
    }

    /// Forgets what is before `time`.
    pub fn forget(&mut self, time: Time) {
        self.met.0.retain(|met, _| *met >= time);
    }
}

impl Meetings {
    /// Whether an event is among them; a finding is where the event is that it is about.
    pub fn have(&self, recording: &Recording, event: &Event) -> bool {
        let sort = match event.body {
            Body::Start(_) => Some(Sort::Start),
            Body::End(_) => Some(Sort::End),
            Body::File(_) => Some(Sort::File),
            Body::Io(_) => Some(Sort::Io),
            Body::FlowBegin(_) => Some(Sort::Flow),
            Body::FlowEnd(_) => Some(Sort::Close),
            Body::Dns(_) => Some(Sort::Dns),
            Body::Privilege(_) => Some(Sort::Privilege),
            Body::Kernel(_) => Some(Sort::Kernel),
            Body::Terminal(_) => Some(Sort::Terminal),
            Body::Lifecycle(_) => Some(Sort::Lifecycle),
            Body::Finding(_) => None,
            Body::Gap(_) => return false,
        };
        let image = recording.actor(event).image.and_then(|image| recording.image(image));
        let exec_id = image.map(|image| image.exec_id);
        let is = |(of, met): &(Sort, Option<u64>)| {
            sort.is_none_or(|sort| sort == *of) && (met.is_none() || exec_id.is_none() || *met == exec_id)
        };
        self.0.get(&event.time).is_some_and(|all| all.iter().any(is))
    }
}

impl State {
    /// Looks up what the word at the end of the filter bar can become, once for each text.
    pub(super) fn offer(&mut self) {
        let offered = self.completions();
        if let Some(prompt) = &mut self.prompt {
            (prompt.offered, prompt.turn) = (offered, None);
        }
    }

    /// Names of fields, or values that this recording has.
    fn completions(&self) -> Vec<String> {
        let Some(prompt) = self.prompt.as_ref().filter(|prompt| prompt.what == Prompting::Filter) else {
            return Vec::new();
        };
        if self.asker.is_none() || prompt.text.is_empty() {
            return Vec::new();
        }
        let (before, word) = prompt.text.split_at(word_start(&prompt.text));
        if !is_condition(&prompt.text) {
            let family = !word.is_empty() && before.trim().is_empty();
            let all = condition_fields().filter(|field| family && field.starts_with(word));
            return all.take(OFFERED_MAX).map(str::to_owned).collect();
        }
        let last = before.split_whitespace().last();
        if word.is_empty() && !last.is_none_or(expects_more) {
            return Vec::new();
        }
        let signs = ['(', ')', ',', '=', '<', '>', '!'];
        let told = before.split_whitespace().map(|word| word.trim_matches(signs));
        let told: Vec<&str> = told.filter(|word| !word.is_empty()).collect();
        let joined = told.last().is_none_or(|last| JOINS.iter().any(|join| join == last));
        let all: Vec<String> = if joined {
            condition_fields().map(str::to_owned).collect()
        } else {
            let field = told.iter().rev().find(|word| FAMILIES.iter().any(|family| word.starts_with(family)));
            field.map_or_else(Vec::new, |field| self.values(field))
        };
        all.into_iter().filter(|one| one.starts_with(word) && one != word).take(OFFERED_MAX).collect()
    }

    /// Values that a field has here.
    fn values(&self, field: &str) -> Vec<String> {
        let field = field.split('[').next().unwrap_or(field);
        let of = |text: &dyn Fn(&super::recording::Image) -> Option<super::recording::Sym>| {
            let texts = self.recording.images.iter().filter_map(|image| self.recording.text_of(text(image)));
            texts.map(quoted).collect::<BTreeSet<String>>().into_iter().collect()
        };
        match field {
            "evt.type" => condition_calls().map(str::to_owned).collect(),
            "proc.name" | "proc.pname" | "proc.aname" => of(&|image| Some(image.comm)),
            "proc.exepath" | "proc.pexepath" | "proc.aexepath" | "proc.exe" => of(&|image| image.exe),
            "proc.cmdline" | "proc.pcmdline" => of(&|image| Some(image.cmdline)),
            "container.name" => vec![quoted(&self.recording.about.container)],
            _ => Vec::new(),
        }
    }

    /// Writes the only completion, or what all of them begin with; where that is written already, one after the other.
    pub(super) fn complete(&mut self) {
        let Some(prompt) = &self.prompt else { return };
        let (all, start) = (prompt.offered.clone(), word_start(&prompt.text));
        let Some(first) = all.first() else { return };
        if let Some(turn) = prompt.turn {
            return self.offer_in_turn(all, Turn { at: turn.at + 1, ..turn });
        }
        let shared = all.iter().fold(first.len(), |length, one| {
            let same = first.char_indices().zip(one.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
            length.min(same.unwrap_or(one.len().min(first.len())))
        });
        let (shared, only) = (first[..first.floor_char_boundary(shared)].to_owned(), all.len() == 1);
        if !only && shared.len() <= prompt.text.len() - start {
            return self.offer_in_turn(all, Turn { start, at: 0 });
        }
        self.edit(|text| {
            text.truncate(start);
            text.push_str(&shared);
            if only {
                text.push(' ');
            }
        });
    }

    /// Writes one of the completions, and keeps all of them for the next press.
    fn offer_in_turn(&mut self, all: Vec<String>, turn: Turn) {
        let at = turn.at % all.len().max(1);
        let Some(word) = all.get(at).cloned() else { return };
        self.edit(|text| {
            text.truncate(turn.start);
            text.push_str(&word);
        });
        if let Some(prompt) = &mut self.prompt {
            (prompt.offered, prompt.turn) = (all, Some(Turn { at, ..turn }));
        }
    }
}

/// Whether a word of a condition cannot be the last.
fn expects_more(word: &str) -> bool {
    let ends = word.ends_with(['(', ',', '=', '<', '>']);
    ends || JOINS.contains(&word) || COMPARED_BY.contains(&word)
}

/// Where the last word begins.
fn word_start(text: &str) -> usize {
    let end = text.rfind(|ch: char| ch.is_whitespace() || matches!(ch, '(' | ',' | '=' | '<' | '>'));
    end.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))
}

/// As a condition has it: quoted where it is more than a word.
fn quoted(text: &str) -> String {
    let plain = |ch: char| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '-' | '.' | '/' | ':');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_with_a_field_is_a_condition() {
        for text in ["proc.name = nc", "not fd.name exists", "(evt.type=connect", " not (proc.", "fd.sip != 10.0.0.1"] {
            assert!(is_condition(text), "{text}");
        }
        for text in ["", "nc", "connect 10.0.0.1", "/etc/proc.d", "nothing proc.name"] {
            assert!(!is_condition(text), "{text}");
        }
    }
}
