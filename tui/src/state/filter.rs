//! Which events the list shows.

use super::recording::{Body, Event, ImageIx, Kind, ProcessIx, Recording};
use super::summary;

/// The filter of the event list. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this kind.
    pub kind: KindFilter,
    /// Only this process and its descendants.
    pub process: Option<ProcessIx>,
    /// Only events with this text in summary, name, executable or command line; case does not matter.
    pub text: String,
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

    /// The events that pass, by index, in order. A gap passes every filter by kind or process: what is missing may
    /// have been of any.
    pub fn apply(&self, recording: &Recording) -> Vec<u32> {
        let family = self.process.map(|process| descendants(recording, process));
        let needle = self.text.to_lowercase();
        let mut line = String::new();
        let mut passes = |event: &Event| {
            let kind = event.body.kind();
            if kind != Kind::Gap {
                let image = recording.actor(event).image;
                let related = |family: &Vec<bool>| image.is_some_and(|image| family[image as usize]);
                if !self.kind.lets(kind) || !family.as_ref().is_none_or(related) {
                    return false;
                }
            }
            needle.is_empty() || {
                searched(recording, event, &mut line);
                line.to_lowercase().contains(&needle)
            }
        };
        let events = recording.events.iter().enumerate();
        events.filter(|(_, event)| passes(event)).map(|(index, _)| index as u32).collect()
    }
}

/// Everything of an event that the text filter looks at.
fn searched(recording: &Recording, event: &Event, line: &mut String) {
    line.clear();
    summary::push(recording, event, line);
    // Its summary may be cut.
    if let Body::Terminal(at) = event.body
        && let Some(row) = recording.terminal.get(at as usize)
    {
        line.push('\n');
        line.push_str(recording.text(row.text));
    }
    let actor = recording.actor(event);
    let exe = actor.image.and_then(|image| recording.image(image)).and_then(|image| image.exe);
    for sym in [actor.comm, exe].into_iter().flatten() {
        line.push('\n');
        line.push_str(recording.text(sym));
    }
}

/// For every image: whether it is of `process` or descends from it.
fn descendants(recording: &Recording, process: ProcessIx) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; recording.images.len()];
    let mut path: Vec<ImageIx> = Vec::new();
    for start in 0..recording.images.len() as ImageIx {
        path.clear();
        let mut answer = false;
        for at in recording.ancestry(start) {
            let image = &recording.images[at as usize];
            if let Some(known) = known[at as usize] {
                answer = known;
                break;
            }
            path.push(at);
            if image.process == process {
                answer = true;
                break;
            }
        }
        for at in &path {
            known[*at as usize] = Some(answer);
        }
    }
    known.into_iter().map(|known| known.unwrap_or(false)).collect()
}
