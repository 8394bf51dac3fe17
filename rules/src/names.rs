//! What addresses were said to be called.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use taffrail_trace::event::DnsEvent;

/// Addresses that are kept of one container; the one that was told first goes first.
const ADDRESSES_MAX: usize = 4096;
/// Names that are kept of one address, the newest of them.
const NAMES_MAX: usize = 16;
/// What all names of one container may take; beyond it addresses go as above.
const BYTES_MAX: usize = 512 << 10;
/// Questions that may wait for their answer, the newest of them.
const ASKED_MAX: usize = 256;

/// The names that a container was told its addresses have, by the answers to what it asked. They are as true as the
/// server that it asked.
#[derive(Debug, Default)]
pub struct Names {
    of: HashMap<IpAddr, VecDeque<String>>,
    order: VecDeque<IpAddr>,
    bytes: usize,
    asked: VecDeque<Question>,
}

/// By what an answer is known to belong to it.
#[derive(Debug)]
struct Question {
    flow_id: u64,
    id: u16,
    name: String,
}

impl Names {
    /// Takes in a message that passed. What nobody asked for tells nothing, nor does what the container said itself.
    pub fn heard(&mut self, message: &DnsEvent) {
        let name = message.name.trim_end_matches('.');
        if name.is_empty() || message.response == message.sent {
            return;
        }
        if message.sent {
            if self.asked.len() == ASKED_MAX {
                self.asked.pop_front();
            }
            self.asked.push_back(Question { flow_id: message.flow_id, id: message.id, name: name.to_owned() });
            return;
        }
        // A resolver may change the case of letters to be harder to deceive.
        let answers = |question: &Question| {
            (question.flow_id, question.id) == (message.flow_id, message.id) && question.name.eq_ignore_ascii_case(name)
        };
        let Some(at) = self.asked.iter().position(answers) else { return };
        self.asked.remove(at);
        for addr in message.answers.iter().filter_map(|answer| answer.parse::<IpAddr>().ok()) {
            self.keep(addr, name);
        }
        while self.order.len() > ADDRESSES_MAX || self.bytes > BYTES_MAX {
            let Some(names) = self.order.pop_front().and_then(|oldest| self.of.remove(&oldest)) else { break };
            self.bytes -= names.iter().map(String::len).sum::<usize>();
        }
    }

    fn keep(&mut self, addr: IpAddr, name: &str) {
        let names = self.of.entry(addr).or_insert_with(|| {
            self.order.push_back(addr);
            VecDeque::new()
        });
        if names.iter().any(|known| known == name) {
            return;
        }
        if names.len() == NAMES_MAX {
            self.bytes -= names.pop_front().map_or(0, |gone| gone.len());
        }
        self.bytes += name.len();
        names.push_back(name.to_owned());
    }

    /// Shows `eye` every name of `addr`, until it says `true`. Gives what it said last.
    pub fn show(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        self.of.get(&addr).is_some_and(|names| names.iter().any(|name| eye(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::event::Endpoint;

    fn answer(name: &str, answers: &[String]) -> DnsEvent {
        let end = Endpoint { addr: IpAddr::from([127, 0, 0, 53]), port: 53 };
        DnsEvent {
            flow_id: 1,
            response: true,
            sent: false,
            id: 1,
            name: name.to_owned(),
            qtype: "A".to_owned(),
            answers: answers.to_vec(),
            rcode: Some("NOERROR".to_owned()),
            local: end,
            remote: end,
        }
    }

    fn question(of: &DnsEvent) -> DnsEvent {
        DnsEvent { response: false, sent: true, answers: Vec::new(), rcode: None, ..of.clone() }
    }

    fn ask(names: &mut Names, answer: &DnsEvent) {
        names.heard(&question(answer));
        names.heard(answer);
    }

    fn all(names: &Names, addr: IpAddr) -> Vec<String> {
        let mut seen = Vec::new();
        names.show(addr, &mut |name| {
            seen.push(name.to_owned());
            false
        });
        seen
    }

    const ADDR: [u8; 4] = [192, 0, 2, 1];

    #[test]
    fn an_address_has_every_name_that_was_told_of_it_and_a_query_tells_none() {
        let mut names = Names::default();
        ask(&mut names, &answer("a.example.", &["b.example".to_owned(), "192.0.2.1".to_owned()]));
        ask(&mut names, &answer("b.example", &["192.0.2.1".to_owned()]));
        names.heard(&question(&answer("c.example", &["192.0.2.1".to_owned()])));
        assert_eq!(all(&names, ADDR.into()), ["a.example", "b.example"]);
        assert!(all(&names, IpAddr::from([192, 0, 2, 2])).is_empty());
    }

    #[test]
    fn an_answer_that_nobody_asked_for_or_that_the_container_gave_itself_names_nothing() {
        let mut names = Names::default();
        let told = answer("good.example", &["192.0.2.1".to_owned()]);
        names.heard(&told);
        names.heard(&question(&told));
        for other in [
            DnsEvent { sent: true, ..told.clone() },
            DnsEvent { id: 2, ..told.clone() },
            DnsEvent { flow_id: 2, ..told.clone() },
            DnsEvent { name: "bad.example".to_owned(), ..told.clone() },
        ] {
            names.heard(&other);
            assert!(all(&names, ADDR.into()).is_empty(), "{other:?}");
        }
        names.heard(&DnsEvent { name: "GOOD.example.".to_owned(), ..told.clone() });
        assert_eq!(all(&names, ADDR.into()), ["GOOD.example"]);
        // One question has one answer.
        names.heard(&DnsEvent { answers: vec!["192.0.2.2".to_owned()], ..told });
        assert!(all(&names, IpAddr::from([192, 0, 2, 2])).is_empty());
    }

    #[test]
    fn however_many_answers_come_and_however_long_so_many_are_kept() {
        let mut names = Names::default();
        for number in 0..10_000_u32 {
            let addr = IpAddr::from(number.to_be_bytes());
            ask(&mut names, &answer(&format!("n{number}.example"), &[addr.to_string()]));
            ask(&mut names, &answer(&format!("m{number}.example"), &["192.0.2.1".to_owned()]));
            names.heard(&question(&answer("x.example", &[])));
        }
        assert_eq!((names.of.len(), names.order.len(), names.asked.len()), (ADDRESSES_MAX, ADDRESSES_MAX, ASKED_MAX));
        assert!(names.of.values().all(|names| names.len() <= NAMES_MAX));
        assert!(names.show(IpAddr::from(9999_u32.to_be_bytes()), &mut |name| name == "n9999.example"));
        for number in 0..10_000_u32 {
            let addr = IpAddr::from(number.to_be_bytes());
            ask(&mut names, &answer(&format!("{number:0>250}.example"), &[addr.to_string()]));
            let held: usize = names.of.values().flatten().map(String::len).sum();
            assert!(names.bytes == held && held <= BYTES_MAX, "{held} bytes, {} counted", names.bytes);
        }
    }
}
