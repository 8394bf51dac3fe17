//! What addresses were said to be called.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use taffrail_trace::event::DnsEvent;

/// Addresses that are kept of one container; the one that was told first goes first.
const ADDRESSES_MAX: usize = 4096;
/// Names that are kept of one address, the newest of them.
const NAMES_MAX: usize = 16;

/// The names that a container was told its addresses have, by the answers of its DNS servers.
#[derive(Debug, Default)]
pub struct Names {
    of: HashMap<IpAddr, VecDeque<String>>,
    order: VecDeque<IpAddr>,
}

impl Names {
    /// Takes in a message that passed.
    pub fn heard(&mut self, message: &DnsEvent) {
        if !message.response || message.name.is_empty() {
            return;
        }
        let name = message.name.trim_end_matches('.');
        for addr in message.answers.iter().filter_map(|answer| answer.parse::<IpAddr>().ok()) {
            let names = self.of.entry(addr).or_insert_with(|| {
                self.order.push_back(addr);
                VecDeque::new()
            });
            if names.iter().any(|known| known == name) {
                continue;
            }
            if names.len() == NAMES_MAX {
                names.pop_front();
            }
            names.push_back(name.to_owned());
        }
        while self.order.len() > ADDRESSES_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.of.remove(&oldest);
            }
        }
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

    #[test]
    fn an_address_has_every_name_that_was_told_of_it_and_a_query_tells_none() {
        let mut names = Names::default();
        let addr = IpAddr::from([192, 0, 2, 1]);
        names.heard(&answer("a.example.", &["b.example".to_owned(), "192.0.2.1".to_owned()]));
        names.heard(&answer("b.example", &["192.0.2.1".to_owned()]));
        names.heard(&DnsEvent { response: false, ..answer("c.example", &["192.0.2.1".to_owned()]) });
        let mut seen = Vec::new();
        assert!(!names.show(addr, &mut |name| {
            seen.push(name.to_owned());
            false
        }));
        assert_eq!(seen, ["a.example", "b.example"]);
        assert!(!names.show(IpAddr::from([192, 0, 2, 2]), &mut |_| true));
    }

    #[test]
    fn however_many_answers_come_so_many_addresses_are_kept() {
        let mut names = Names::default();
        for number in 0..10_000_u32 {
            let addr = IpAddr::from(number.to_be_bytes());
            names.heard(&answer(&format!("n{number}.example"), &[addr.to_string()]));
            names.heard(&answer(&format!("m{number}.example"), &["192.0.2.1".to_owned()]));
        }
        assert_eq!((names.of.len(), names.order.len()), (ADDRESSES_MAX, ADDRESSES_MAX));
        assert!(names.of.values().all(|names| names.len() <= NAMES_MAX));
        assert!(names.show(IpAddr::from(9999_u32.to_be_bytes()), &mut |name| name == "n9999.example"));
    }
}
