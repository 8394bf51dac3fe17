//! Which events the views show: what each filter lets through, and the chips that name them.

mod names;
mod sieve;

use super::recording::{ImageIx, Kind, Origin, ProcessIx, Recording, Time};
use super::words;

pub use names::{address_of, file_of, host};
pub use sieve::{Sieve, finds};

/// The filter that all views share. The default lets everything pass; several let pass what all of them do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this kind.
    pub kind: KindFilter,
    /// Only this process and its descendants.
    pub process: Option<ProcessIx>,
    /// Only events about this file.
    pub file: Option<String>,
    /// Only events about this address or name.
    pub address: Option<String>,
    /// Only what led to a moment, or came of it.
    pub lineage: Option<Lineage>,
    /// Only this stretch of time, both ends included.
    pub range: Option<(Time, Time)>,
    /// Only events that meet all these conditions in Falco's language.
    pub conditions: Vec<String>,
    /// Only events with all these texts in summary, name, executable or command line, case does not matter; or of the
    /// process with this number.
    pub texts: Vec<String>,
}

/// What led to a moment of an image, or what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The image.
    pub image: ImageIx,
    /// The moment.
    pub time: Time,
    /// What came after, else what led there.
    pub after: bool,
}

/// One of the filters, to be named and taken off alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// By kind.
    Kind,
    /// By process.
    Process,
    /// By file.
    File,
    /// By address.
    Address,
    /// By lineage.
    Lineage,
    /// By time.
    Range,
    /// By a condition: which of them.
    Condition(usize),
    /// By a text: which of them.
    Text(usize),
}

/// Which kinds pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KindFilter {
    /// All of them.
    #[default]
    All,
    /// Programs run and ended.
    Process,
    /// Files.
    File,
    /// Flows, sockets and names.
    Network,
    /// Privileges, and what the kernel itself was asked for.
    Privilege,
    /// Terminals.
    Terminal,
    /// Rule matches.
    Finding,
}

impl KindFilter {
    /// The next in the round.
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Process,
            Self::Process => Self::File,
            Self::File => Self::Network,
            Self::Network => Self::Privilege,
            Self::Privilege => Self::Terminal,
            Self::Terminal => Self::Finding,
            Self::Finding => Self::All,
        }
    }

    /// The word on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Process => "process",
            Self::File => "file",
            Self::Network => "network",
            Self::Privilege => "privilege",
            Self::Terminal => "terminal",
            Self::Finding => "finding",
        }
    }

    fn lets(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Process => kind == Kind::Process,
            Self::File => kind == Kind::File,
            Self::Network => matches!(kind, Kind::Network | Kind::Dns),
            Self::Privilege => matches!(kind, Kind::Privilege | Kind::Kernel),
            Self::Terminal => kind == Kind::Terminal,
            Self::Finding => kind == Kind::Finding,
        }
    }
}

impl Filter {
    /// Nothing is filtered.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// The filters that are on, in the order in which the screen names them.
    pub fn chips(&self) -> Vec<Chip> {
        let on = [
            (Chip::Range, self.range.is_some()),
            (Chip::Kind, self.kind != KindFilter::All),
            (Chip::Process, self.process.is_some()),
            (Chip::Lineage, self.lineage.is_some()),
            (Chip::File, self.file.is_some()),
            (Chip::Address, self.address.is_some()),
        ];
        let on = on.into_iter().filter_map(|(chip, on)| on.then_some(chip));
        let typed = (0..self.conditions.len()).map(Chip::Condition).chain((0..self.texts.len()).map(Chip::Text));
        on.chain(typed).collect()
    }

    /// All conditions as one.
    pub fn condition(&self) -> Option<String> {
        match self.conditions.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            all => Some(all.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" and ")),
        }
    }

    /// The same and a condition.
    #[must_use]
    pub fn with_condition(mut self, condition: String) -> Self {
        self.conditions.push(condition);
        self
    }

    /// The same and a text, where it is one.
    #[must_use]
    pub fn with_text(mut self, text: String) -> Self {
        if !text.is_empty() {
            self.texts.push(text);
        }
        self
    }

    /// A chip's words, raw.
    pub fn label(&self, chip: Chip, recording: &Recording) -> String {
        let name = |image: &super::recording::Image| format!("{} {}", recording.text(image.comm), image.pid);
        let since = |time: Time| format!("{} s", words::relative(recording.since_trigger(time)));
        match chip {
            Chip::Kind => self.kind.as_str().to_owned(),
            Chip::Process => {
                // By all that it has been: the row that was asked may show an earlier name than the last.
                let own = recording.images.iter().filter(|image| Some(image.process) == self.process);
                let run = |image: &&super::recording::Image| image.origin != Origin::Fork;
                let mut names: Vec<&str> = own.clone().filter(run).map(|image| recording.text(image.comm)).collect();
                names.extend(own.clone().last().filter(|_| names.is_empty()).map(|image| recording.text(image.comm)));
                names.dedup();
                let pid = own.last().map_or_else(String::new, |image| format!(" {}", image.pid));
                format!("{}{pid} and below", if names.is_empty() { "a process".to_owned() } else { names.join(" > ") })
            }
            Chip::File => self.file.clone().unwrap_or_default(),
            Chip::Address => self.address.clone().unwrap_or_default(),
            Chip::Lineage => self.lineage.map_or_else(String::new, |lineage| {
                let who = recording.image(lineage.image).map_or_else(|| "a process".to_owned(), name);
                let word = if lineage.after { "came after" } else { "led to" };
                format!("{word} {who} at {}", since(lineage.time))
            }),
            Chip::Range => {
                self.range.map_or_else(String::new, |(from, to)| format!("{} to {}", since(from), since(to)))
            }
            Chip::Condition(at) => self.conditions.get(at).cloned().unwrap_or_default(),
            Chip::Text(at) => self.texts.get(at).map_or_else(String::new, |text| format!("\"{text}\"")),
        }
    }

    /// Takes one filter off.
    #[must_use]
    pub fn without(mut self, chip: Chip) -> Self {
        match chip {
            Chip::Kind => self.kind = KindFilter::All,
            Chip::Process => self.process = None,
            Chip::File => self.file = None,
            Chip::Address => self.address = None,
            Chip::Lineage => self.lineage = None,
            Chip::Range => self.range = None,
            Chip::Condition(at) if at < self.conditions.len() => _ = self.conditions.remove(at),
            Chip::Text(at) if at < self.texts.len() => _ = self.texts.remove(at),
            Chip::Condition(_) | Chip::Text(_) => {}
        }
        self
    }
}
