//! Which events the views show: what each filter lets through, and the chips that name them.

use super::condition::Meetings;
use super::recording::{Body, Event, ImageIx, Kind, Origin, ProcessIx, Recording, Sym, Time};
use super::summary;
use super::words;
use std::collections::HashSet;

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

/// A filter made ready to be asked about many events.
#[derive(Debug)]
pub struct Sieve {
    filter: Filter,
    family: Option<Vec<bool>>,
    lineage: Option<Vec<bool>>,
    needles: Vec<String>,
    line: String,
    /// Flows whose beginning met the condition: their ends do too.
    begun: HashSet<(u64, Option<ImageIx>)>,
}

impl Sieve {
    /// Readies a filter for the events of a recording, or of its pages.
    pub fn new(filter: &Filter, recording: &Recording) -> Self {
        Self {
            family: filter.process.map(|process| descendants(recording, |image| image.process == process)),
            lineage: filter.lineage.map(|lineage| kin(recording, lineage)),
            needles: filter.texts.iter().map(|text| text.to_lowercase()).collect(),
            filter: filter.clone(),
            line: String::new(),
            begun: HashSet::new(),
        }
    }

    /// Whether an event passes; `met` is what met the condition, where there is one. A gap passes every filter but those
    /// by time and text: what is missing may have been of any kind.
    pub fn lets(&mut self, recording: &Recording, event: &Event, met: Option<&Meetings>) -> bool {
        let filter = &self.filter;
        if !filter.range.is_none_or(|(from, to)| within(recording, event, from, to)) {
            return false;
        }
        let kind = event.body.kind();
        if kind != Kind::Gap {
            let image = recording.actor(event).image;
            let of = |list: &Vec<bool>| image.is_some_and(|image| list.get(image as usize).copied().unwrap_or(false));
            let in_time =
                |lineage: Lineage| (event.time >= lineage.time) == lineage.after || event.time == lineage.time;
            if !filter.kind.lets(kind)
                || !self.family.as_ref().is_none_or(of)
                || !self.lineage.as_ref().is_none_or(of)
                || !filter.lineage.is_none_or(in_time)
                || !filter.file.as_ref().is_none_or(|file| names_file(recording, event, file))
                || !filter.address.as_ref().is_none_or(|address| names_address(recording, event, address))
                || !met.is_none_or(|met| self.meets(recording, event, met))
            {
                return false;
            }
        }
        self.needles.is_empty() || finds(recording, event, &self.needles, &mut self.line)
    }

    /// Whether an event meets the condition. A flow's end does where its beginning did: a person who asks for a flow wants
    /// to know what went over it.
    fn meets(&mut self, recording: &Recording, event: &Event, met: &Meetings) -> bool {
        let flow = match event.body {
            Body::FlowBegin(at) | Body::FlowEnd(at) => recording.flows.get(at as usize).and_then(|flow| flow.flow_id),
            _ => None,
        };
        let key = flow.map(|flow| (flow, recording.actor(event).image));
        let meets = met.have(recording, event) || key.is_some_and(|key| self.begun.contains(&key));
        self.begun.extend(key.filter(|_| meets));
        meets
    }
}

/// Whether an event, or any of a gap, lies within both ends.
fn within(recording: &Recording, event: &Event, from: Time, to: Time) -> bool {
    match event.body {
        Body::Gap(at) => {
            recording.gaps.get(at as usize).is_some_and(|gap| gap.from <= to && gap.to.max(gap.from) >= from)
        }
        _ => (from..=to).contains(&event.time),
    }
}

/// Whether an event has all `needles`, which are in lower case, in what a person reads of it; a number is also that of
/// its process. `line` is only room to work in.
pub fn finds(recording: &Recording, event: &Event, needles: &[String], line: &mut String) -> bool {
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
    let line = line.to_lowercase();
    let is_pid = |needle: &String| actor.pid.is_some_and(|pid| needle.parse() == Ok(pid));
    needles.iter().all(|needle| line.contains(needle) || is_pid(needle))
}

/// The file that an event is about.
pub fn file_of(recording: &Recording, event: &Event) -> Option<Sym> {
    match event.body {
        Body::File(at) => recording.files.get(at as usize).map(|file| file.path),
        Body::Io(at) => recording.ios.get(at as usize).map(|io| io.path),
        Body::Start(at) | Body::End(at) => recording.image(at).and_then(|image| image.exe),
        Body::Kernel(at) => recording.calls.get(at as usize).and_then(|call| call.path),
        _ => None,
    }
}

fn names_file(recording: &Recording, event: &Event, file: &str) -> bool {
    let is = |sym: Option<Sym>| recording.text_of(sym) == Some(file);
    let renamed = |at: u32| recording.files.get(at as usize).is_some_and(|row| is(row.new_path));
    is(file_of(recording, event)) || matches!(event.body, Body::File(at) if renamed(at))
}

/// `192.0.2.1` of `192.0.2.1:80`, `2001:db8::1` of `[2001:db8::1]:80`, a path as it is.
pub fn host(end: &str) -> &str {
    let address = match end.rsplit_once(':') {
        Some((address, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => address,
        _ => end,
    };
    address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address)
}

/// The address or name that an event is about.
pub fn address_of<'a>(recording: &'a Recording, event: &Event) -> Option<&'a str> {
    match event.body {
        Body::FlowBegin(at) | Body::FlowEnd(at) => {
            let flow = recording.flows.get(at as usize)?;
            Some(host(recording.text(flow.remote?)))
        }
        Body::Dns(at) => recording.messages.get(at as usize).map(|message| recording.text(message.name)),
        _ => None,
    }
}

fn names_address(recording: &Recording, event: &Event, address: &str) -> bool {
    address_of(recording, event).is_some_and(|known| known == address)
        || match event.body {
            Body::FlowBegin(at) | Body::FlowEnd(at) => {
                let name = recording.flows.get(at as usize).and_then(|flow| flow.server_name);
                recording.text_of(name) == Some(address)
            }
            Body::Dns(at) => recording
                .messages
                .get(at as usize)
                .is_some_and(|message| recording.text(message.answers).split(", ").any(|answer| answer == address)),
            _ => false,
        }
}

/// For every image: whether it is of the moment's ancestors and itself, or of its process and what descends from it.
fn kin(recording: &Recording, lineage: Lineage) -> Vec<bool> {
    let Some(of) = recording.image(lineage.image) else { return vec![false; recording.images.len()] };
    if lineage.after {
        return descendants(recording, |image| image.process == of.process);
    }
    // Earlier images of the same processes are on the way too.
    let mut processes = vec![false; recording.processes as usize];
    for image in recording.ancestry(lineage.image).filter_map(|at| recording.image(at)) {
        processes[image.process as usize] = true;
    }
    recording.images.iter().map(|image| processes[image.process as usize]).collect()
}

/// For every image: whether `is_root` holds for it or for one of its ancestors.
fn descendants(recording: &Recording, is_root: impl Fn(&super::recording::Image) -> bool) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; recording.images.len()];
    let mut path: Vec<ImageIx> = Vec::new();
    for start in 0..recording.images.len() as ImageIx {
        path.clear();
        let mut answer = false;
        for at in recording.ancestry(start) {
            if let Some(known) = known[at as usize] {
                answer = known;
                break;
            }
            path.push(at);
            if is_root(&recording.images[at as usize]) {
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

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn an_address_is_told_from_its_port() {
        assert_eq!(host("192.0.2.1:80"), "192.0.2.1");
        assert_eq!(host("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(host("2001:db8::dead"), "2001:db8::dead");
        assert_eq!(host("/run/docker.sock"), "/run/docker.sock");
    }
}
