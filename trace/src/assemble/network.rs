//! Moments to flows, and the rows of `network` and `dns`.

use super::{Rows, Source};
use crate::clock::BootNs;
use crate::event::{
    Actor, Body, DnsEvent, Endpoint, Event, FlowEvent, FlowOp, FlowPhase, PathSource, Protocol, SocketEvent, SocketOp,
};
use crate::schema::{DNS, NETWORK};
use crate::table::{Cell, RowError};
use std::collections::{BTreeMap, HashMap};

/// `EINPROGRESS` on Linux: a connect that is not answered yet.
const EINPROGRESS: i32 = 115;

/// All moments of one flow.
struct Flow<'a> {
    /// Who owned it; a datagram can belong to nobody that is known.
    actor: Option<&'a Actor>,
    newest: &'a FlowEvent,
    /// The newest moment that says how many bytes went through.
    counted: Option<&'a FlowEvent>,
    established: bool,
    end: Option<(BootNs, &'a FlowEvent)>,
    local_port: u16,
}

/// The flows that touch the window, by the time they began.
fn flows<'a>(source: &'a Source<'_>) -> Vec<Flow<'a>> {
    let mut flows: BTreeMap<(BootNs, u64), Flow<'a>> = BTreeMap::new();
    for event in source.events.iter().filter(|event| event.time_ns <= source.window.to_ns) {
        let Body::Flow(moment) = &event.body else { continue };
        let flow = flows.entry((moment.start_ns, moment.flow_id)).or_insert(Flow {
            actor: None,
            newest: moment,
            counted: None,
            established: false,
            end: None,
            local_port: 0,
        });
        flow.newest = moment;
        flow.actor = flow.actor.or(event.actor.as_ref());
        if moment.local.port != 0 {
            flow.local_port = moment.local.port;
        }
        match moment.phase {
            FlowPhase::Begin => {}
            FlowPhase::Established => flow.established = true,
            // The end of a flow that fell silent is noticed late and lies before the last count.
            FlowPhase::Counted if flow.end.is_some() => {}
            FlowPhase::Counted => flow.counted = Some(moment),
            FlowPhase::End => {
                flow.counted = Some(moment);
                flow.end = Some((event.time_ns, moment));
            }
        }
    }
    let from = source.window.from_ns;
    flows.retain(|_, flow| flow.end.is_none_or(|(end_ns, _)| end_ns >= from));
    flows.into_values().collect()
}

/// The first name that each flow asked for.
fn server_names<'a>(source: &'a Source<'_>) -> HashMap<u64, &'a str> {
    let mut names = HashMap::new();
    for event in &source.events {
        if let Body::ServerName(name) = &event.body {
            names.entry(name.flow_id).or_insert(name.name.as_str());
        }
    }
    names
}

fn port(port: u16) -> Cell<'static> {
    if port == 0 { Cell::Null } else { Cell::U16(port) }
}

impl Rows<'_> {
    /// Flows and sockets, by time; who owned the flows is named.
    pub(super) fn network(&mut self) -> Result<(), RowError> {
        let source = self.source;
        let asked_for = server_names(source);
        let mut sockets = source
            .events
            .iter()
            .filter(|event| matches!(event.body, Body::Socket(_)) && super::touches(event, source.window))
            .peekable();
        for flow in flows(source) {
            while let Some(event) = sockets.next_if(|event| event.time_ns < flow.newest.start_ns) {
                self.socket(event)?;
            }
            self.named.extend(flow.actor.map(|actor| actor.exec_id));
            self.flow(&flow, asked_for.get(&flow.newest.flow_id).copied())?;
        }
        sockets.try_for_each(|event| self.socket(event))
    }

    fn flow(&mut self, flow: &Flow<'_>, server_name: Option<&str>) -> Result<(), RowError> {
        let moment = flow.newest;
        let local = moment.local.addr.to_string();
        let remote = moment.remote.map(|remote| remote.addr.to_string());
        let unanswered = !flow.established && moment.op == FlowOp::Connect;
        let result = match flow.end {
            Some((_, end)) if unanswered => end.result,
            // Nobody has to answer a datagram.
            None if unanswered && moment.protocol == Protocol::Tcp => -EINPROGRESS,
            _ => 0,
        };
        let cells = [
            Cell::Text(moment.op.as_str()),
            Cell::Text(moment.protocol.as_str()),
            moment.op.direction().into(),
            Cell::Text(&local),
            port(flow.local_port),
            remote.as_deref().into(),
            moment.remote.map_or(Cell::Null, |remote| port(remote.port)),
            Cell::Null,
            server_name.into(),
            Cell::Text(PathSource::Kernel.as_str()),
            flow.counted.map(|moment| moment.bytes_sent).into(),
            flow.counted.map(|moment| moment.bytes_received).into(),
            flow.end.map_or(Cell::Null, |(end_ns, _)| self.utc(end_ns)),
            Cell::I32(result),
            Cell::U64(moment.flow_id),
            Cell::Null,
        ];
        self.push(&NETWORK, moment.start_ns, flow.actor, &cells)
    }

    fn socket(&mut self, event: &Event) -> Result<(), RowError> {
        let Body::Socket(socket) = &event.body else { return Ok(()) };
        let SocketEvent { op, protocol, path, source, remote, result, abi } = socket.as_ref();
        let addr = remote.map(|remote| remote.addr.to_string());
        let direction = match op {
            SocketOp::Connect => Some("outbound"),
            SocketOp::Socket => None,
        };
        let cells = [
            Cell::Text(op.as_str()),
            Cell::Text(protocol.as_str()),
            direction.into(),
            Cell::Null,
            Cell::Null,
            addr.as_deref().into(),
            remote.map_or(Cell::Null, |remote| port(remote.port)),
            path.as_deref().into(),
            Cell::Null,
            Cell::Text(source.as_str()),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::I32(*result),
            Cell::Null,
            Cell::Text(abi.as_str()),
        ];
        self.push_event(&NETWORK, event, &cells)
    }

    pub(super) fn dns(&mut self, event: &Event, message: &DnsEvent) -> Result<(), RowError> {
        let addr = |end: Endpoint| end.addr.to_string();
        let (local, remote) = (addr(message.local), addr(message.remote));
        let cells = [
            Cell::Text(if message.response { "response" } else { "query" }),
            Cell::Bool(message.sent),
            Cell::Text(&message.name),
            Cell::Text(&message.qtype),
            Cell::TextList(&message.answers),
            message.rcode.as_deref().into(),
            Cell::U16(message.id),
            Cell::Text(&local),
            port(message.local.port),
            Cell::Text(&remote),
            port(message.remote.port),
            Cell::U64(message.flow_id),
        ];
        self.push_event(&DNS, event, &cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::container::{Container, HOST, Runtime};
    use crate::ids::ContainerKey;
    use crate::manifest::Window;
    use std::net::{IpAddr, Ipv4Addr};

    fn container() -> Container {
        Container::new(ContainerKey(1), HOST.to_owned(), HOST.to_owned(), Runtime::Host, String::new())
    }

    fn moment(time_ns: BootNs, phase: FlowPhase, bytes_sent: u64) -> Event {
        let end = Endpoint { addr: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 53 };
        let flow = FlowEvent {
            flow_id: 1,
            phase,
            protocol: Protocol::Udp,
            op: FlowOp::Connect,
            start_ns: 10,
            local: end,
            remote: Some(end),
            bytes_sent,
            bytes_received: 0,
            result: 0,
        };
        Event { time_ns, actor: None, body: Body::Flow(Box::new(flow)) }
    }

    fn sent(mut events: Vec<Event>) -> Vec<(Option<u64>, Option<BootNs>)> {
        events.sort_by_key(|event| event.time_ns);
        let source = Source {
            container: &container(),
            window: Window { from_ns: 0, to_ns: 1_000 },
            clock: &Clock::new(Vec::new()),
            live: Vec::new(),
            ancestors_outside: true,
            state: None,
            events,
        };
        let flows = flows(&source);
        let count = |flow: &Flow<'_>| (flow.counted.map(|flow| flow.bytes_sent), flow.end.map(|(end_ns, _)| end_ns));
        flows.iter().map(count).collect()
    }

    #[test]
    fn a_flow_that_nobody_owns_and_nobody_ended_is_a_row_with_its_last_count() {
        let begin = || moment(10, FlowPhase::Begin, 0);
        assert_eq!(sent(vec![begin()]), [(None, None)]);
        let counts = vec![begin(), moment(20, FlowPhase::Counted, 5), moment(30, FlowPhase::Counted, 9)];
        assert_eq!(sent(counts), [(Some(9), None)]);
    }

    #[test]
    fn an_end_that_was_noticed_late_is_still_the_last_word() {
        let events =
            vec![moment(10, FlowPhase::Begin, 0), moment(30, FlowPhase::Counted, 9), moment(25, FlowPhase::End, 9)];
        assert_eq!(sent(events), [(Some(9), Some(25))]);
    }
}
