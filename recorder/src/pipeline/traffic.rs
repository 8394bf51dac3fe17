//! What is counted while it goes on: bytes through files, UDP flows, terminals beyond their budget, io_uring requests
//! that are not over.

use super::Pipeline;
use crate::enrich::files::{Count, Told};
use crate::enrich::processes::Known;
use std::collections::HashMap;
use std::sync::Arc;
use taffrail_probes::Probes;
use taffrail_probes::abi::call::{Completed, call_flags};
use taffrail_probes::abi::io::DescriptorKey;
use taffrail_probes::abi::network::UdpFlow;
use taffrail_probes::abi::{Header, header_flags::PATH_CUT};
use taffrail_probes::walked_path;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Actor, Body, Event, FileEvent, FileOp, FlowEvent, FlowPhase, PathSource, TerminalEvent};
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::text;

/// A UDP flow that is silent for this long is over; its next packet begins another one.
const UDP_IDLE_NS: u64 = 30_000_000_000;
/// An io_uring request whose end was not seen by then never tells its result.
const PENDING_NS: u64 = 2_000_000_000;
/// The most requests that wait for their end; of one more the result stays unknown.
const PENDING_MAX: usize = 16_384;
/// The most sessions whose cut bytes are told.
const SESSIONS_MAX: usize = 4_096;

/// Everything that goes on.
#[derive(Debug, Default)]
pub struct Traffic {
    udp: HashMap<u64, Udp>,
    pending: HashMap<u64, Pending>,
    sessions: HashMap<u64, Session>,
    ended: Vec<(u32, BootNs)>,
}

#[derive(Debug)]
struct Udp {
    container: ContainerKey,
    actor: Option<Actor>,
    owner: Option<Arc<Known>>,
    begun: FlowEvent,
    told: UdpFlow,
}

#[derive(Debug)]
struct Pending {
    container: ContainerKey,
    actor: Actor,
    owner: Arc<Known>,
    since_ns: BootNs,
    event: FileEvent,
}

#[derive(Debug)]
struct Session {
    container: ContainerKey,
    fd: i32,
    cut: u64,
}

impl Pipeline {
    /// A process is over: what went through its files is asked for soon.
    pub(super) fn traffic_ended(&mut self, pid: u32, time_ns: BootNs) {
        self.traffic.ended.push((pid, time_ns));
    }

    /// A UDP flow began.
    pub(super) fn udp_began(
        &mut self,
        key: ContainerKey,
        actor: Option<Actor>,
        owner: Option<&Arc<Known>>,
        flow: &FlowEvent,
    ) {
        let udp = Udp { container: key, actor, owner: owner.cloned(), begun: flow.clone(), told: UdpFlow::default() };
        self.traffic.udp.insert(flow.flow_id, udp);
    }

    /// Bytes went over a terminal.
    pub(super) fn terminal(&mut self, key: ContainerKey, terminal: &TerminalEvent) {
        if self.traffic.sessions.len() < SESSIONS_MAX {
            let session = Session { container: key, fd: terminal.fd, cut: 0 };
            self.traffic.sessions.entry(terminal.session_id).or_insert(session);
        }
    }

    /// A request was submitted: it is told when it is over.
    pub(super) fn submitted(
        &mut self,
        key: ContainerKey,
        header: &Header,
        known: &Arc<Known>,
        request: u64,
        event: FileEvent,
    ) {
        let actor = super::actor(header, known);
        if self.traffic.pending.len() >= PENDING_MAX {
            let event = Event { time_ns: header.time_ns, actor: Some(actor), body: Body::File(Box::new(event)) };
            return self.append(key, event, Some(known));
        }
        let pending = Pending { container: key, actor, owner: Arc::clone(known), since_ns: header.time_ns, event };
        self.traffic.pending.insert(request, pending);
    }

    /// A request is over. What it opened the kernel names better than the request did.
    pub(super) fn completed(&mut self, header: &Header, completed: &Completed, path: &[u8]) {
        let Some(mut pending) = self.traffic.pending.remove(&completed.request) else { return };
        let event = &mut pending.event;
        event.result = Some(completed.result.clamp(i64::from(i32::MIN), 0) as i32);
        if event.op == FileOp::Open && completed.what & call_flags::KERNEL_PATH != 0 {
            event.path = text::from_bytes(&walked_path(path, header.flags & PATH_CUT != 0));
            event.path_source = PathSource::Kernel;
            event.other_mounts = completed.what & call_flags::OTHER_MOUNTS != 0;
            event.fd = i32::try_from(completed.result).ok();
            event.inode = Some(completed.inode);
            event.dev = Some(completed.dev);
            if completed.what & call_flags::CREATED != 0 {
                event.op = FileOp::Create;
            }
        }
        self.tell_pending(pending, header.time_ns);
    }

    fn tell_pending(&mut self, pending: Pending, time_ns: BootNs) {
        let event = Event { time_ns, actor: Some(pending.actor), body: Body::File(Box::new(pending.event)) };
        self.append(pending.container, event, Some(&pending.owner));
    }

    /// Takes out of the kernel's tables what processes that are over have left there.
    pub fn collect_ended(&mut self, probes: &mut Probes) {
        for (pid, time_ns) in std::mem::take(&mut self.traffic.ended) {
            for fd in self.files.of(pid) {
                if let Some(entry) = probes.take_descriptor(DescriptorKey { pid, fd }) {
                    let count = Count { read: entry.read_bytes, written: entry.written_bytes };
                    let told = self.files.count(pid, fd, entry.named_ns, count, true);
                    self.tell_io(told, time_ns);
                }
            }
            self.files.ended(pid);
        }
    }

    /// Tells what went through everything that is still open, and ends what is silent.
    pub fn take_stock(&mut self, probes: &mut Probes, now: BootNs) {
        for (key, entry) in probes.descriptors() {
            let count = Count { read: entry.read_bytes, written: entry.written_bytes };
            let told = self.files.count(key.pid, key.fd, entry.named_ns, count, false);
            self.tell_io(told, now);
        }
        self.take_stock_of_udp(probes, now);
        self.take_stock_of_sessions(probes, now);
        let late: Vec<u64> = self
            .traffic
            .pending
            .iter()
            .filter(|(_, pending)| now.saturating_sub(pending.since_ns) > PENDING_NS)
            .map(|(request, _)| *request)
            .collect();
        for request in late {
            if let Some(pending) = self.traffic.pending.remove(&request) {
                let since_ns = pending.since_ns;
                self.tell_pending(pending, since_ns);
            }
        }
    }

    /// What a closed descriptor's record says.
    pub(super) fn tell_io(&mut self, told: Option<Told>, time_ns: BootNs) {
        let Some(told) = told else { return };
        let actor = super::own_actor(&told.owner.image);
        let event = Event { time_ns, actor: Some(actor), body: Body::Io(Box::new(told.event)) };
        self.append(told.container, event, Some(&told.owner));
    }

    fn take_stock_of_udp(&mut self, probes: &mut Probes, now: BootNs) {
        for (key, counted) in probes.udp_flows() {
            let is_over = now.saturating_sub(counted.last_ns) > UDP_IDLE_NS;
            let counted = if is_over { probes.take_udp_flow(key).unwrap_or(counted) } else { counted };
            let Some(udp) = self.traffic.udp.get_mut(&counted.flow_id) else { continue };
            let changed =
                (counted.bytes_sent, counted.bytes_received) != (udp.told.bytes_sent, udp.told.bytes_received);
            if !changed && !is_over {
                continue;
            }
            udp.told = counted;
            let flow = FlowEvent {
                phase: if is_over { FlowPhase::End } else { FlowPhase::Counted },
                bytes_sent: counted.bytes_sent,
                bytes_received: counted.bytes_received,
                ..udp.begun.clone()
            };
            let time_ns = counted.last_ns.min(now);
            let event = Event { time_ns, actor: udp.actor.clone(), body: Body::Flow(Box::new(flow)) };
            let (container, owner) = (udp.container, udp.owner.clone());
            if is_over {
                self.traffic.udp.remove(&counted.flow_id);
            }
            self.append(container, event, owner.as_ref());
        }
    }

    fn take_stock_of_sessions(&mut self, probes: &Probes, now: BootNs) {
        let mut told = Vec::new();
        self.traffic.sessions.retain(|id, session| {
            let Some(counted) = probes.session(*id) else { return false };
            if counted.cut_bytes > session.cut {
                let bytes = counted.cut_bytes - session.cut;
                session.cut = counted.cut_bytes;
                let event = TerminalEvent { session_id: *id, typed: false, fd: session.fd, data: Vec::new(), bytes };
                told.push((session.container, event));
            }
            true
        });
        for (container, event) in told {
            self.append(container, Event { time_ns: now, actor: None, body: Body::Terminal(Box::new(event)) }, None);
        }
    }
}
