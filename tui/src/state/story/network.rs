//! Who talked to whom, in sentences.

use super::crowd::{Crowd, Deed};
use super::suspicion::process_of;
use super::{Sentence, Teller, View, host, place, who, words};
use crate::state::recording::{Event, Flow, ImageIx, Kind, Recording, Time};

/// From this time on it matters that what went over a connection is told where that began.
const LASTS_NS: i64 = words::SECOND / 2;

/// A connection that somebody accepted.
#[derive(Debug)]
pub struct Accepted {
    event: u32,
    time: Time,
    place: String,
    who: String,
    /// The other end, and what went over.
    from: String,
}

impl Teller {
    /// Of a branch that begins: the connection that was accepted last where it came from.
    pub(super) fn way_in(&mut self, recording: &Recording, at: ImageIx) {
        if self.accepted.is_empty() || !self.suspicion.is_root(recording, at) {
            return;
        }
        let mut above = recording.ancestry(at).skip(1).filter_map(|image| process_of(recording, Some(image)));
        let Some(accepted) = above.find_map(|process| self.accepted.remove(&process)) else { return };
        let pid = recording.image(at).map_or(0, |image| image.pid);
        let Accepted { event, time, place, who, from } = accepted;
        let text = format!(
            "{place}Of the connections of {who} told above, that from {from} is probably the request that process {pid} came \
             of: the last before that one ran its first program"
        );
        self.push(Sentence { event, time, kind: Kind::Network, text, times: 1, view: View::Network });
    }

    /// What a flow that begins is told as.
    pub(super) fn flow(
        &mut self,
        recording: &Recording,
        index: u32,
        event: &Event,
        at: u32,
        suspect: bool,
    ) -> Option<(String, View)> {
        let flow = recording.flows.get(at as usize)?;
        let actor = recording.actor(event);
        let image = actor.image.and_then(|image| recording.image(image)).filter(|image| image.inside);
        // What the runtime does before there is a container is no story.
        if !suspect && image.is_none() {
            return None;
        }
        let who = who(recording, event);
        let comm = recording.text_of(actor.comm).unwrap_or("Somebody").to_owned();
        let (op, local) = (recording.text(flow.op), recording.text(flow.local));
        let remote = flow.remote.map_or("", |remote| recording.text(remote));
        let port = remote.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let protocol = recording.text(flow.protocol);
        let name = flow.server_name.map(|name| recording.text(name));
        let name = name.or_else(|| self.names.get(host(remote)).map(String::as_str));
        let named = name.map_or_else(String::new, |name| format!(" ({name})"));
        let bytes = (flow.sent.unwrap_or(0), flow.received.unwrap_or(0));
        let moved = moved(flow);
        let text = match op {
            // Names are asked for over UDP; the question itself is told.
            "connect" if protocol == "udp" && remote.ends_with(":53") => return None,
            "connect" if flow.result == -115 => {
                format!("{who} began to connect to {remote}{named}; nobody answered yet")
            }
            "connect" if flow.result < 0 => {
                let mut alone = format!("{who} could not connect to {remote}{named}");
                words::push_failure(&mut alone, i64::from(flow.result));
                let by = if suspect && !self.is_again(recording, event) { who } else { comm };
                let crowd = Crowd::new(Deed::Failed(flow.result), by.clone(), "", alone);
                self.join(recording, index, event, &by, crowd, (host(remote), port, (0, 0)));
                return None;
            }
            "connect" => {
                let way = if protocol == "tcp" { String::new() } else { format!(" over {protocol}") };
                let alone = format!("{who} connected to {remote}{named}{way}{moved}");
                if !suspect {
                    let key = format!("{comm} {protocol} {}", port.unwrap_or(0));
                    let crowd = Crowd::new(Deed::Connected, comm, "", alone);
                    self.join(recording, index, event, &key, crowd, (host(remote), port, bytes));
                    return None;
                }
                alone
            }
            "listen" => format!("{who} listens on {local}"),
            "accept" => {
                let text = format!("{who} accepted a connection from {remote}{named}{moved}");
                if !suspect {
                    if let Some(process) = process_of(recording, actor.image) {
                        let comma = if moved.is_empty() { "" } else { "," };
                        let (place, from) = (place(recording, event), format!("{remote}{named}{moved}{comma}"));
                        let accepted = Accepted { event: index, time: event.time, place, who: who.clone(), from };
                        self.accepted.insert(process, accepted);
                    }
                    let key = format!("{comm} {local}");
                    let crowd = Crowd::new(Deed::Accepted, comm, local, text);
                    self.join(recording, index, event, &key, crowd, (host(remote), None, bytes));
                    return None;
                }
                text
            }
            "socket" if suspect => format!("{who} made a {protocol} socket"),
            _ => return None,
        };
        Some((text, View::Network))
    }
}

/// `, sent 64 B and received 12 B`, where anything was; of one that lasted, in which time.
fn moved(flow: &Flow) -> String {
    let (Some(sent), Some(received)) = (flow.sent, flow.received) else { return String::new() };
    if sent == 0 && received == 0 {
        return String::new();
    }
    let lasted = flow.end.map(|end| end.saturating_sub(flow.start));
    let time = match lasted {
        Some(lasted) if lasted >= LASTS_NS => format!(" in the {} that it lasted", words::duration(lasted)),
        Some(_) => String::new(),
        None => " by the end of the record".to_owned(),
    };
    format!(", sent {} and received {}{time}", words::bytes(sent), words::bytes(received))
}
