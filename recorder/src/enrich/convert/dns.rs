//! DNS messages, by the crate `simple-dns`.

use super::network::addr;
use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag, QTYPE};
use std::net::{Ipv4Addr, Ipv6Addr};
use taffrail_probes::abi::network::Dns;
use taffrail_trace::event::{DnsEvent, Endpoint};
use taffrail_trace::text;

/// The most answers kept of one message.
const ANSWERS_MAX: usize = 64;

/// What a message says: one event a question, of which there is one in practice. What cannot be read is an event too,
/// with an empty name; `None` for an address family that no record can have.
pub fn dns(raw: &Dns, payload: &[u8]) -> Option<DnsEvent> {
    let mut event = DnsEvent {
        flow_id: raw.flow_id,
        response: false,
        sent: raw.received == 0,
        id: payload.first_chunk().map_or(0, |id| u16::from_be_bytes(*id)),
        name: String::new(),
        qtype: String::new(),
        answers: Vec::new(),
        rcode: None,
        local: Endpoint { addr: addr(raw.family, raw.local_addr)?, port: raw.local_port },
        remote: Endpoint { addr: addr(raw.family, raw.remote_addr)?, port: raw.remote_port },
    };
    let Ok(packet) = Packet::parse(payload) else { return Some(event) };
    event.response = packet.has_flags(PacketFlag::RESPONSE);
    event.rcode = event.response.then(|| format!("{:?}", packet.rcode()).to_uppercase());
    if let Some(question) = packet.questions.first() {
        event.name = text::from_bytes(question.qname.to_string().as_bytes());
        event.qtype = match question.qtype {
            QTYPE::TYPE(kind) => format!("{kind:?}"),
            other => format!("{other:?}"),
        };
    }
    event.answers = packet.answers.iter().take(ANSWERS_MAX).map(|answer| shown(&answer.rdata)).collect();
    Some(event)
}

fn shown(data: &RData<'_>) -> String {
    match data {
        RData::A(a) => Ipv4Addr::from(a.address).to_string(),
        RData::AAAA(aaaa) => Ipv6Addr::from(aaaa.address).to_string(),
        RData::CNAME(name) => text::from_bytes(name.0.to_string().as_bytes()),
        RData::NS(name) => text::from_bytes(name.0.to_string().as_bytes()),
        RData::PTR(name) => text::from_bytes(name.0.to_string().as_bytes()),
        RData::TXT(texts) => {
            let parts = texts.clone().try_into().map(|text: String| text::from_bytes(text.as_bytes()));
            parts.unwrap_or_default()
        }
        other => format!("{:?}", other.type_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw() -> Dns {
        Dns { family: 2, remote_addr: [9; 16], remote_port: 53, ..Dns::default() }
    }

    /// A question for the address of `evil.example.com`.
    const QUESTION: &[u8] =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04evil\x07example\x03com\x00\x00\x01\x00\x01";

    #[test]
    fn a_question_and_its_answer_are_read() {
        let question = dns(&raw(), QUESTION).expect("an event");
        assert_eq!((question.id, question.name.as_str(), question.qtype.as_str()), (0x1234, "evil.example.com", "A"));
        assert!(!question.response && question.rcode.is_none());
        let mut answer = QUESTION.to_vec();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
        answer.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07");
        let answer = dns(&raw(), &answer).expect("an event");
        assert_eq!((answer.response, answer.rcode.as_deref()), (true, Some("NOERROR")));
        assert_eq!(answer.answers, ["10.0.0.7"]);
    }

    proptest! {
        #[test]
        fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(dns(&raw(), &bytes).is_some());
        }

        #[test]
        fn no_message_behind_a_good_question_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut message = QUESTION.to_vec();
            message[7] = 3;
            message.extend(bytes);
            prop_assert!(dns(&raw(), &message).is_some());
        }
    }
}
