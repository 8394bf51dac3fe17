//! The process tree at one moment.

use super::recording::{Image, ImageIx, Origin, ProcessIx, Recording, Time};

/// How far up a dead process's ancestors are searched for a living one: bounds the work on a made-up bundle.
const SEARCH_MAX: usize = 256;

/// Who ended this long ago is still in the tree, and so is who is to come: all that the record has.
pub const ALL: i64 = i64::MAX;

/// The tree at one moment, and how long it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The processes, drawn order.
    pub rows: Vec<TreeRow>,
    /// The tree is this one from here, included.
    from: Time,
    /// The tree is this one until here, not included.
    until: Time,
    fade: i64,
    kept: i64,
}

/// One process of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// What it runs.
    pub image: ImageIx,
    /// Who it is.
    pub process: ProcessIx,
    /// How deep it hangs, 0 for a root.
    pub depth: u16,
    /// Bit `i`: a line passes at depth `i`, because there is a later sibling there. Only the first 64 levels.
    pub guides: u64,
    /// It has no later sibling.
    pub last: bool,
    /// Its life at this moment.
    pub life: Life,
    /// How many ancestors outside the container are left out between it and the row it hangs on.
    pub folded: u16,
}

/// Where a process of the tree is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It has just run its program.
    New,
    /// It is there.
    Alive,
    /// It has just ended, or at any time before where all are shown.
    Ended,
    /// It begins later; where all are shown.
    Coming,
}

impl Moment {
    /// The tree at `time`; starts less than `fade` nanoseconds ago are marked, and who ended less than `kept` ago is
    /// still in it: [`ALL`] has everybody in it.
    pub fn at(recording: &Recording, time: Time, fade: i64, kept: i64) -> Self {
        let mut moment = Self { rows: Vec::new(), from: Time::MIN, until: Time::MAX, fade, kept };
        let present = moment.present(recording, time);
        moment.grow(recording, &present);
        moment
    }

    /// Whether it is also the tree at `time`.
    pub fn holds_at(&self, time: Time, fade: i64, kept: i64) -> bool {
        (self.fade, self.kept) == (fade, kept) && (self.from..self.until).contains(&time)
    }

    /// For every process: what it runs at `time`.
    fn present(&mut self, recording: &Recording, time: Time) -> Vec<Option<(ImageIx, Life)>> {
        let mut present = vec![None; recording.processes as usize];
        for (index, image) in recording.images.iter().enumerate() {
            for turn in turns(image, self.fade, self.kept) {
                if turn <= time {
                    self.from = self.from.max(turn);
                } else {
                    self.until = self.until.min(turn);
                }
            }
            let slot: &mut Option<(ImageIx, Life)> = &mut present[image.process as usize];
            let life = life(recording, image, time, (self.fade, self.kept));
            // Images come by start, so a later one has replaced an earlier one; a dead one replaces nothing alive. Who is to
            // come is told by what it becomes.
            match (life, *slot) {
                (None, _) => {}
                (Some(Life::Ended), Some((_, Life::New | Life::Alive)))
                | (Some(Life::Coming), Some((_, Life::New | Life::Alive | Life::Ended))) => {}
                (Some(life), _) => *slot = Some((index as ImageIx, life)),
            }
        }
        present
    }

    /// Makes the rows: processes of the container, and those outside it that lead to one.
    fn grow(&mut self, recording: &Recording, present: &[Option<(ImageIx, Life)>]) {
        const ROOT: usize = usize::MAX;
        let mut parent_of: Vec<Option<usize>> = vec![None; present.len()];
        for start in 0..present.len() {
            let inside = present[start].is_some_and(|(image, _)| recording.images[image as usize].inside);
            let mut at = start;
            while inside && parent_of[at].is_none() {
                let parent = present[at].and_then(|(image, _)| living_parent(recording, present, image));
                parent_of[at] = Some(parent.map_or(ROOT, |process| process as usize));
                match parent {
                    Some(process) => at = process as usize,
                    None => break,
                }
            }
        }
        let mut children: Vec<(usize, usize)> = Vec::new();
        children.extend(parent_of.iter().enumerate().filter_map(|(process, parent)| Some(((*parent)?, process))));
        // Process numbers follow the first image's start, so siblings come in the order in which they began.
        children.sort_unstable();
        let of = |parent: usize| {
            let first = children.partition_point(|(of, _)| *of < parent);
            children[first..].iter().take_while(move |(of, _)| *of == parent).map(|(_, process)| *process)
        };
        let outside =
            |process: usize| present[process].is_some_and(|(image, _)| !recording.images[image as usize].inside);
        let mut drawn = vec![false; present.len()];
        let mut open: Vec<Branch> = Vec::new();
        push_siblings(&mut open, of(ROOT), 0, 0);
        // A circle between processes hangs on no root; only a made-up bundle has one, and it is not hidden either.
        let mut rest = 0..present.len();
        loop {
            while let Some(Branch { mut process, depth, guides, last }) = open.pop() {
                // The way from the host's init to the container can be long; its two ends tell enough.
                let mut folded = 0_u16;
                while depth > 0 && outside(process) && !drawn[process] {
                    let mut below = of(process);
                    let (Some(only), None) = (below.next(), below.next()) else { break };
                    if !outside(only) {
                        break;
                    }
                    drawn[process] = true;
                    process = only;
                    folded = folded.saturating_add(1);
                }
                let Some((image, life)) = present[process].filter(|_| !drawn[process]) else { continue };
                drawn[process] = true;
                let row = TreeRow { image, process: process as ProcessIx, depth, guides, last, life, folded };
                self.rows.push(row);
                let line = if last || depth >= 64 { 0 } else { 1 << depth };
                push_siblings(&mut open, of(process), depth.saturating_add(1), guides | line);
            }
            let Some(left) = rest.find(|at| parent_of[*at].is_some() && !drawn[*at]) else { break };
            push_siblings(&mut open, std::iter::once(left), 0, 0);
        }
    }
}

/// A process that is still to be drawn.
struct Branch {
    process: usize,
    depth: u16,
    guides: u64,
    last: bool,
}

fn push_siblings(open: &mut Vec<Branch>, siblings: impl Iterator<Item = usize>, depth: u16, guides: u64) {
    let first = open.len();
    open.extend(siblings.map(|process| Branch { process, depth, guides, last: false }));
    if let Some(last) = open[first..].last_mut() {
        last.last = true;
    }
    open[first..].reverse();
}

/// The moments at which an image changes how it is drawn.
fn turns(image: &Image, fade: i64, kept: i64) -> impl Iterator<Item = Time> {
    let end = image.end.unwrap_or(Time::MAX);
    [image.start, image.start.saturating_add(fade), end, end.saturating_add(kept)].into_iter()
}

/// The image's life at `time`; `None` where it is not there.
fn life(recording: &Recording, image: &Image, time: Time, (fade, kept): (i64, i64)) -> Option<Life> {
    if image.start > time {
        return (kept == ALL).then_some(Life::Coming);
    }
    match image.end {
        Some(end) if end <= time => (kept == ALL || time.saturating_sub(end) < kept).then_some(Life::Ended),
        _ => {
            let seen = image.origin != Origin::Scan && image.start >= recording.about.from;
            let new = seen && time.saturating_sub(image.start) < fade;
            Some(if new { Life::New } else { Life::Alive })
        }
    }
}

/// The nearest ancestor of another process that is in the tree.
fn living_parent(recording: &Recording, present: &[Option<(ImageIx, Life)>], image: ImageIx) -> Option<ProcessIx> {
    let own = recording.image(image)?.process;
    recording
        .ancestry(image)
        .take(SEARCH_MAX)
        .filter_map(|at| Some(recording.image(at)?.process))
        .find(|process| *process != own && present[*process as usize].is_some())
}
