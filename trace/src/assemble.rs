//! Events of a window to rows: where the moments of a flow become one row, and images get their ends.
//!
//! ```text
//! process     the lives of images: ends, ancestors, digests      image      rows of `process`
//! network     moments -> flows; rows of `network` and `dns`      file       rows of `file`
//! call        rows of `privilege`, `kernel`, `terminal` and `syscall`
//! state       the state at the trigger: rows of `state_*`
//! flags, syscall      numbers -> names
//! ```
//!
//! The window is `[from, to]` on the boot clock. In it: every event of that time; every image that was alive at some
//! moment of it, and all ancestors of those, wherever they ran; every flow that touches it.
//!
//! Not here: where events come from (segments, or a live ring) and where rows go (the bundle).

use crate::clock::{BootNs, Clock};
use crate::container::Container;
use crate::event::{Actor, Body, Event, EventRef, Finding, Gap, Image, Lifecycle};
use crate::ids::ExecId;
use crate::manifest::{Loss, Window};
use crate::schema::{self, FINDING, FINDING_EVENT, GAP, LIFECYCLE};
use crate::state::State;
use crate::table::{Cell, RowError, Tables};
use std::collections::{BTreeMap, HashSet};

mod call;
mod file;
pub mod flags;
mod image;
mod network;
mod process;
mod state;
pub mod syscall;

use process::Processes;

/// Everything that a bundle's tables are made of.
#[derive(Debug)]
pub struct Source<'a> {
    /// Whose history.
    pub container: &'a Container,
    /// Which stretch of it.
    pub window: Window,
    /// Boot time to UTC.
    pub clock: &'a Clock,
    /// Images alive when the oldest segments began, ancestors included; duplicates are fine.
    pub live: Vec<Image>,
    /// Whether ancestors outside the container are rows too.
    pub ancestors_outside: bool,
    /// The state at the trigger, where it was looked at.
    pub state: Option<&'a State>,
    /// Events, in any order; those outside the window only serve to know images, their digests, flows and the names
    /// of servers. Whatever others refer to is among them.
    pub events: Vec<Event>,
}

/// The rows, and the losses among them summed up.
#[derive(Debug)]
pub struct Assembled {
    /// The tables.
    pub tables: Tables,
    /// Sums over the `gap` table.
    pub losses: Vec<Loss>,
}

/// Makes the tables. `more` are events in the order of their times, of kinds that no other event refers to: they are
/// taken as they come, so that many of them need no memory.
///
/// # Errors
/// [`RowError`]: a fault of this program, not of the events.
pub fn assemble(mut source: Source<'_>, more: &mut dyn Iterator<Item = Event>) -> Result<Assembled, RowError> {
    source.events.sort_by_key(|event| event.time_ns);
    let processes = Processes::of(&source.live, &source.events);
    let (tables, named, losses) = (Tables::default(), HashSet::new(), BTreeMap::new());
    let (findings, matched) = (0, Vec::new());
    let mut rows = Rows { source: &source, processes: &processes, tables, named, findings, matched, losses };
    rows.network()?;
    let mut known = source.events.iter().peekable();
    for event in more {
        while let Some(earlier) = known.next_if(|known| known.time_ns <= event.time_ns) {
            rows.event(earlier)?;
        }
        rows.event(&event)?;
    }
    known.try_for_each(|event| rows.event(event))?;
    rows.state()?;
    rows.finding_events()?;
    rows.processes()?;
    Ok(Assembled { tables: rows.tables, losses: rows.losses.into_values().collect() })
}

fn touches(event: &Event, window: Window) -> bool {
    match &event.body {
        Body::Gap(gap) => gap.from_ns <= window.to_ns && gap.to_ns >= window.from_ns,
        _ => (window.from_ns..=window.to_ns).contains(&event.time_ns),
    }
}

/// Sums of losses by class, cause and whether they are the container's own.
type Losses = BTreeMap<(u8, &'static str, bool), Loss>;

fn add_up(losses: &mut Losses, gap: &Gap) {
    let loss = losses.entry((gap.class as u8, gap.cause.as_str(), gap.own)).or_insert(Loss {
        class: gap.class,
        cause: gap.cause,
        lost: 0,
        own: gap.own,
    });
    loss.lost = loss.lost.saturating_add(gap.lost.unwrap_or(0));
}

/// The tables being filled.
struct Rows<'a> {
    source: &'a Source<'a>,
    processes: &'a Processes<'a>,
    tables: Tables,
    /// Images that rows speak of.
    named: HashSet<ExecId>,
    /// How many findings have a row.
    findings: u32,
    /// What they stand on, with their numbers and rules.
    matched: Vec<(u32, String, EventRef)>,
    losses: Losses,
}

impl Rows<'_> {
    /// What an event by itself is in the tables.
    fn event(&mut self, event: &Event) -> Result<(), RowError> {
        if !touches(event, self.source.window) {
            return Ok(());
        }
        self.named.extend(event.actor.as_ref().map(|actor| actor.exec_id));
        match &event.body {
            Body::File(file) => self.file(event, file),
            Body::Io(io) => self.io(event, io),
            Body::Dns(message) => self.dns(event, message),
            Body::Privilege(privilege) => self.privilege(event, privilege),
            Body::Kernel(kernel) => self.kernel(event, kernel),
            Body::Terminal(terminal) => self.terminal(event, terminal),
            Body::Syscall(call) => self.syscall(event, call),
            Body::Lifecycle(moment) => self.lifecycle(event, moment),
            Body::Finding(finding) => self.finding(event, finding),
            Body::Gap(gap) => {
                add_up(&mut self.losses, gap);
                self.gap(gap)
            }
            // Rows of their own, or columns of others' rows.
            Body::Image(_)
            | Body::Exit(_)
            | Body::Flow(_)
            | Body::Socket(_)
            | Body::ServerName(_)
            | Body::Digest(_) => Ok(()),
        }
    }

    fn utc(&self, boot_ns: BootNs) -> Cell<'static> {
        Cell::Time(self.source.clock.utc(boot_ns))
    }

    /// A row of what `actor` did: the common cells, and `own` after them.
    fn push(
        &mut self,
        table: &'static schema::Table,
        time_ns: BootNs,
        actor: Option<&Actor>,
        own: &[Cell<'_>],
    ) -> Result<(), RowError> {
        let container = self.source.container;
        let exe = actor.and_then(|actor| self.processes.image(actor.exec_id)).map(|image| image.exe.as_str());
        let mut cells = vec![self.utc(time_ns), Cell::Text(&container.id), Cell::Text(&container.name)];
        match actor {
            Some(actor) => cells.extend([
                Cell::U64(actor.exec_id.0),
                Cell::U32(actor.pid),
                Cell::U32(actor.tid),
                Cell::Text(&actor.comm),
                exe.into(),
                Cell::U32(actor.uid),
            ]),
            None => cells.extend(std::iter::repeat_n(Cell::Null, 6)),
        }
        cells.extend_from_slice(own);
        self.tables.of(table)?.push(&cells)
    }

    /// A row of an event that stands for itself.
    fn push_event(&mut self, table: &'static schema::Table, event: &Event, own: &[Cell<'_>]) -> Result<(), RowError> {
        self.push(table, event.time_ns, event.actor.as_ref(), own)
    }

    fn lifecycle(&mut self, event: &Event, moment: &Lifecycle) -> Result<(), RowError> {
        let cells = [Cell::Text(moment.op.as_str()), Cell::Text(&moment.cgroup_path), moment.detail.as_deref().into()];
        self.push_event(&LIFECYCLE, event, &cells)
    }

    fn finding(&mut self, event: &Event, finding: &Finding) -> Result<(), RowError> {
        self.findings += 1;
        let id = Cell::U32(self.findings);
        let cells = [
            Cell::Text(&finding.rule),
            Cell::Text(finding.severity.as_str()),
            Cell::Text(&finding.message),
            id,
            Cell::Text(finding.source.as_str()),
            finding.priority.as_deref().into(),
            Cell::TextList(&finding.tags),
            Cell::TextList(&finding.techniques),
        ];
        self.push_event(&FINDING, event, &cells)?;
        self.matched.extend(finding.events.iter().map(|it| (self.findings, finding.rule.clone(), it.clone())));
        Ok(())
    }

    /// What findings stand on is older than they are.
    fn finding_events(&mut self) -> Result<(), RowError> {
        let mut matched = std::mem::take(&mut self.matched);
        matched.sort_by_key(|(id, _, event)| (event.time_ns, *id));
        for (id, rule, event) in matched {
            self.named.extend(event.actor.as_ref().map(|actor| actor.exec_id));
            let cells = [Cell::U32(id), Cell::Text(&rule), event.step.as_deref().into()];
            self.push(&FINDING_EVENT, event.time_ns, event.actor.as_ref(), &cells)?;
        }
        Ok(())
    }

    fn gap(&mut self, gap: &Gap) -> Result<(), RowError> {
        let cells = [
            Cell::Text(gap.class.as_str()),
            Cell::Text(gap.cause.as_str()),
            gap.lost.into(),
            self.utc(gap.from_ns),
            self.utc(gap.to_ns),
            Cell::Bool(gap.own),
        ];
        self.push(&GAP, gap.from_ns, None, &cells)
    }
}
