//! A filter, asked about many events.

use super::names::{names_address, names_file};
use super::{Filter, Lineage};
use crate::state::condition::Meetings;
use crate::state::recording::{Body, Event, Image, ImageIx, Kind, Recording, Time};
use crate::state::summary;
use std::collections::HashSet;

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
fn descendants(recording: &Recording, is_root: impl Fn(&Image) -> bool) -> Vec<bool> {
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
