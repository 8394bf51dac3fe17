//! Events of a window to rows: where the moments of a flow become one row, and images get their ends.
//!
//! The window is `[from, to]` on the boot clock. In it: every event of that time; every image that was alive at some
//! moment of it, and all ancestors of those, wherever they ran; every flow that touches it.
//!
//! Not here: where events come from (segments, or a live ring) and where rows go (the bundle).

use crate::clock::{BootNs, Clock};
use crate::container::Container;
use crate::event::{Actor, Body, Event, FileEvent, FlowEvent, FlowOp, FlowPhase, Gap, Image};
use crate::ids::ExecId;
use crate::manifest::{Loss, Window};
use crate::schema::{self, FILE, FINDING, GAP, LIFECYCLE, NETWORK, PROCESS};
use crate::table::{Cell, RowError, Tables};
use crate::text;
use std::collections::{BTreeMap, HashSet};

mod flags;
mod process;

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
    /// Events, in any order; those outside the window only serve to know images and flows.
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

/// Makes the tables.
///
/// # Errors
/// [`RowError`]: a fault of this program, not of the events.
pub fn assemble(mut source: Source<'_>) -> Result<Assembled, RowError> {
    source.events.sort_by_key(|event| event.time_ns);
    let processes = Processes::of(&source.live, &source.events);
    let mut rows = Rows { source: &source, processes: &processes, tables: Tables::default() };
    let mut named: HashSet<ExecId> = HashSet::new();
    let mut losses: BTreeMap<(u8, &str, bool), Loss> = BTreeMap::new();

    for flow in flows(&source) {
        named.insert(flow.actor.exec_id);
        rows.flow(&flow)?;
    }
    for event in source.events.iter().filter(|event| touches(event, source.window)) {
        named.extend(event.actor.as_ref().map(|actor| actor.exec_id));
        match &event.body {
            Body::File(file) => rows.file(event, file)?,
            Body::Lifecycle(moment) => {
                let cells = [Cell::Text(moment.op.as_str()), Cell::Text(&moment.cgroup_path)];
                rows.push(&LIFECYCLE, event.time_ns, event.actor.as_ref(), &cells)?;
            }
            Body::Finding(finding) => {
                let cells =
                    [Cell::Text(&finding.rule), Cell::Text(finding.severity.as_str()), Cell::Text(&finding.message)];
                rows.push(&FINDING, event.time_ns, event.actor.as_ref(), &cells)?;
            }
            Body::Gap(gap) => {
                rows.gap(gap)?;
                add_up(&mut losses, gap);
            }
            Body::Image(_) | Body::Exit(_) | Body::Flow(_) => {}
        }
    }
    rows.processes(&named)?;
    Ok(Assembled { tables: rows.tables, losses: losses.into_values().collect() })
}

fn touches(event: &Event, window: Window) -> bool {
    match &event.body {
        Body::Gap(gap) => gap.from_ns <= window.to_ns && gap.to_ns >= window.from_ns,
        _ => (window.from_ns..=window.to_ns).contains(&event.time_ns),
    }
}

fn add_up(losses: &mut BTreeMap<(u8, &'static str, bool), Loss>, gap: &Gap) {
    let loss = losses.entry((gap.class as u8, gap.cause.as_str(), gap.own)).or_insert(Loss {
        class: gap.class,
        cause: gap.cause,
        lost: 0,
        own: gap.own,
    });
    loss.lost = loss.lost.saturating_add(gap.lost.unwrap_or(0));
}

/// All moments of one flow.
struct Flow<'a> {
    actor: &'a Actor,
    newest: &'a FlowEvent,
    established: bool,
    end: Option<(BootNs, &'a FlowEvent)>,
    local_port: u16,
}

/// The flows that touch the window, by the time they began.
fn flows<'a>(source: &'a Source<'_>) -> Vec<Flow<'a>> {
    let mut flows: BTreeMap<(BootNs, u64), Flow<'a>> = BTreeMap::new();
    for event in source.events.iter().filter(|event| event.time_ns <= source.window.to_ns) {
        let (Body::Flow(moment), Some(actor)) = (&event.body, &event.actor) else { continue };
        let flow = flows.entry((moment.start_ns, moment.flow_id)).or_insert(Flow {
            actor,
            newest: moment,
            established: false,
            end: None,
            local_port: 0,
        });
        flow.newest = moment;
        if moment.local.port != 0 {
            flow.local_port = moment.local.port;
        }
        match moment.phase {
            FlowPhase::Begin => {}
            FlowPhase::Established => flow.established = true,
            FlowPhase::End => flow.end = Some((event.time_ns, moment)),
        }
    }
    let from = source.window.from_ns;
    flows.retain(|_, flow| flow.end.is_none_or(|(end_ns, _)| end_ns >= from));
    flows.into_values().collect()
}

struct Rows<'a> {
    source: &'a Source<'a>,
    processes: &'a Processes<'a>,
    tables: Tables,
}

impl Rows<'_> {
    fn utc(&self, boot_ns: BootNs) -> Cell<'static> {
        Cell::Time(self.source.clock.utc(boot_ns))
    }

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
                exe.map_or(Cell::Null, Cell::Text),
                Cell::U32(actor.uid),
            ]),
            None => cells.extend(std::iter::repeat_n(Cell::Null, 6)),
        }
        cells.extend_from_slice(own);
        self.tables.of(table)?.push(&cells)
    }

    fn file(&mut self, event: &Event, file: &FileEvent) -> Result<(), RowError> {
        let flags = flags::shown(file.op, file.flags);
        let cells = [
            Cell::Text(file.op.as_str()),
            Cell::Text(&file.path),
            file.new_path.as_deref().map_or(Cell::Null, Cell::Text),
            Cell::Text(file.path_source.as_str()),
            Cell::Text(&flags),
            file.mode.map_or(Cell::Null, Cell::U32),
            Cell::I32(file.result),
            file.fd.map_or(Cell::Null, Cell::I32),
            file.inode.map_or(Cell::Null, Cell::U64),
        ];
        self.push(&FILE, event.time_ns, event.actor.as_ref(), &cells)
    }

    fn flow(&mut self, flow: &Flow<'_>) -> Result<(), RowError> {
        let moment = flow.newest;
        let local = moment.local.addr.to_string();
        let remote = moment.remote.map(|remote| remote.addr.to_string());
        let known_at_end = |value: u64| flow.end.map_or(Cell::Null, |_| Cell::U64(value));
        let result = match flow.end {
            Some((_, end)) if !flow.established && moment.op == FlowOp::Connect => end.result,
            None if !flow.established && moment.op == FlowOp::Connect => -EINPROGRESS,
            _ => 0,
        };
        let port = |port: u16| if port == 0 { Cell::Null } else { Cell::U16(port) };
        let cells = [
            Cell::Text(moment.op.as_str()),
            Cell::Text("tcp"),
            moment.op.direction().map_or(Cell::Null, Cell::Text),
            Cell::Text(&local),
            port(flow.local_port),
            remote.as_deref().map_or(Cell::Null, Cell::Text),
            moment.remote.map_or(Cell::Null, |remote| port(remote.port)),
            known_at_end(moment.bytes_sent),
            known_at_end(moment.bytes_received),
            flow.end.map_or(Cell::Null, |(end_ns, _)| self.utc(end_ns)),
            Cell::I32(result),
            Cell::U64(moment.flow_id),
        ];
        self.push(&NETWORK, moment.start_ns, Some(flow.actor), &cells)
    }

    fn gap(&mut self, gap: &Gap) -> Result<(), RowError> {
        let cells = [
            Cell::Text(gap.class.as_str()),
            Cell::Text(gap.cause.as_str()),
            gap.lost.map_or(Cell::Null, Cell::U64),
            self.utc(gap.from_ns),
            self.utc(gap.to_ns),
            Cell::Bool(gap.own),
        ];
        self.push(&GAP, gap.from_ns, None, &cells)
    }

    fn processes(&mut self, named: &HashSet<ExecId>) -> Result<(), RowError> {
        for life in self.processes.within(self.source.window, named) {
            let image = life.image;
            let own = image.container_id == self.source.container.id;
            if !own && !self.source.ancestors_outside {
                continue;
            }
            // A name can be bound after the image was seen.
            let container_name = if own { &self.source.container.name } else { &image.container_name };
            let parent = image.parent_exec_id;
            let cmdline = text::shell_line(&image.args);
            let (stdin, stdout) = (image.stdio[0].to_string(), image.stdio[1].to_string());
            let end = life.end.filter(|end| end.time_ns <= self.source.window.to_ns);
            let exit = end.and_then(|end| end.exit);
            let code = |value: Option<i32>| value.map_or(Cell::Null, Cell::I32);
            let cells = [
                self.utc(image.time_ns),
                Cell::Text(&image.container_id),
                Cell::Text(container_name),
                Cell::U64(image.exec_id.0),
                Cell::U32(image.pid),
                Cell::U32(image.pid),
                Cell::Text(&image.comm),
                Cell::Text(&image.exe),
                Cell::U32(image.uid),
                Cell::Text(image.origin.as_str()),
                Cell::U64(image.process_id.0),
                parent.map_or(Cell::Null, |id| Cell::U64(id.0)),
                if image.ppid == 0 { Cell::Null } else { Cell::U32(image.ppid) },
                Cell::Text(&cmdline),
                Cell::TextList(&image.args),
                Cell::Bool(image.args_cut),
                Cell::Text(&image.cwd),
                Cell::U32(image.gid),
                self.utc(image.time_ns),
                end.map_or(Cell::Null, |end| self.utc(end.time_ns)),
                code(exit.and_then(|exit| exit.code)),
                code(exit.and_then(|exit| exit.signal)),
                Cell::U64(image.exe_inode),
                Cell::Bool(image.exe_deleted),
                Cell::Text(&stdin),
                Cell::Text(&stdout),
            ];
            self.tables.of(&PROCESS)?.push(&cells)?;
        }
        Ok(())
    }
}

/// `EINPROGRESS` on Linux: a connect that is not answered yet.
const EINPROGRESS: i32 = 115;
