//! What many events show and none of them alone.

use crate::stage::{SECOND, Stage, at, end, file, flow, judge, stage, told};
use proptest::prelude::*;
use taffrail_rules::judge::Missed;
use taffrail_trace::event::{FileOp, FlowOp, Protocol};
use taffrail_trace::ids::ContainerKey;

const SCAN: &str = "
- rule: Port scan
  desc: d
  condition: evt.type = connect
  threshold: {count: 3, distinct: fd.rport, by: [proc.pid, fd.rip], within: 10s}
  output: '%proc.name tried %threshold.count ports of %fd.rip: %threshold.values'
  priority: WARNING
";

fn connect(seconds: u64, host: u8, port: u16) -> Stage {
    at(seconds * SECOND, stage(flow(Protocol::Tcp, FlowOp::Connect, end([198, 51, 100, host], port))))
}

fn open(time_ns: u64, container: u64, path: &str) -> Stage {
    let mut stage = at(time_ns, stage(file(FileOp::Open, path)));
    stage.container.key = ContainerKey(container);
    stage
}

#[test]
fn many_ports_of_one_address_are_a_finding_that_tells_how_many_and_which() {
    let mut judge = judge(SCAN);
    let first = [connect(1, 7, 22), connect(2, 7, 80), connect(3, 7, 80), connect(4, 8, 443)];
    assert!(first.iter().all(|stage| judge.see(stage).next().is_none()));
    let last = connect(5, 7, 443);
    let found = judge.see(&last).next().expect("the third port");
    assert_eq!(found.finding(&last).message, "sh tried 3 ports of 198.51.100.7: 22, 80, 443");
    let times: Vec<u64> = found.events().iter().map(|event| event.time_ns / SECOND).collect();
    assert_eq!(times, [1, 3, 5], "of a value that came twice the newer event");
    assert!(found.events().iter().all(|event| event.actor == last.event.actor));
}

#[test]
fn what_is_spread_over_more_than_the_window_is_none() {
    let mut judge = judge(SCAN);
    for (second, port) in [(1, 22), (6, 80), (12, 443), (17, 8080), (23, 9)] {
        assert_eq!(told(&mut judge, &connect(second, 7, port)), [""; 0], "{second}");
    }
    assert_eq!(told(&mut judge, &connect(27, 7, 10)).len(), 1, "ten seconds are within ten seconds");
}

#[test]
fn after_a_finding_its_key_rests_and_what_comes_then_is_counted() {
    let mut judge = judge(SCAN);
    let found = (1..=40).filter(|port| !told(&mut judge, &connect(1 + u64::from(*port) / 2, 7, *port)).is_empty());
    assert_eq!(found.collect::<Vec<_>>(), [3, 26]);
    assert_eq!(judge.missed(), Missed { resting: 37 - 3, ..Missed::default() });
}

#[test]
fn an_event_that_comes_late_counts_while_the_window_is_open_and_is_counted_as_late_after() {
    let mut judge = judge(SCAN);
    for (second, port) in [(20, 22), (9, 80), (11, 80)] {
        assert_eq!(told(&mut judge, &connect(second, 7, port)), [""; 0]);
    }
    assert_eq!(judge.missed(), Missed { late: 1, ..Missed::default() });
    assert_eq!(told(&mut judge, &connect(12, 7, 443)), ["sh tried 3 ports of 198.51.100.7: 80, 443, 22"]);
}

#[test]
fn containers_are_never_counted_together() {
    let text = "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: '%threshold.count %threshold.values'\n  \
                priority: INFO\n  threshold: {count: 2, within: 1s}\n";
    assert_eq!(
        crate::stage::load(text).problems.len(),
        1,
        "values of nothing are shown by no field: {:?}",
        crate::stage::load(text).problems
    );
    let mut judge = judge(&text.replace(" %threshold.values", ""));
    assert_eq!(told(&mut judge, &open(1, 1, "/a")), [""; 0]);
    assert_eq!(told(&mut judge, &open(2, 2, "/a")), [""; 0]);
    judge.forget(ContainerKey(2));
    assert_eq!(told(&mut judge, &open(3, 2, "/a")), [""; 0]);
    assert_eq!(told(&mut judge, &open(4, 1, "/a")), ["2"]);
}

#[test]
fn an_event_without_what_is_asked_for_does_not_count() {
    let mut judge = judge(
        "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n  \
         threshold: {count: 2, by: fs.path.target, within: 1s}\n",
    );
    assert!((1..9).all(|time| told(&mut judge, &open(time, 1, "/a")).is_empty()));
}

#[test]
fn a_flood_of_keys_is_bounded_and_what_had_to_go_is_counted() {
    let mut judge = judge(
        "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n  \
         threshold: {count: 2, by: [fd.name], within: 60s}\n",
    );
    assert_eq!(told(&mut judge, &open(1, 1, "/other")), [""; 0]);
    for file in 0..5000 {
        assert_eq!(told(&mut judge, &open(100 + file, 2, &format!("/tmp/{file}"))), [""; 0]);
    }
    assert_eq!(judge.missed().forgotten, 5000 - 512);
    assert_eq!(told(&mut judge, &open(9000, 2, "/tmp/4999")), ["o"]);
    assert_eq!(told(&mut judge, &open(9001, 2, "/tmp/1")), [""; 0]);
    assert_eq!(told(&mut judge, &open(9002, 1, "/other")), ["o"], "no neighbour can push a key out");
}

/// An event of the property: when, in which container, by which directory, and which name.
type Made = (u64, u64, u8, u8);

/// What thresholds say, with everything kept and looked through again for every event.
fn naive(events: &[Made], count: usize, distinct: bool, within: u64) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for (at, (_, container, directory, name)) in events.iter().enumerate() {
        let key = |event: &Made| (event.1, event.2) == (*container, *directory);
        // The last finding of the key, and the newest event that it had seen then.
        let last = found.iter().rev().find(|found| key(&events[**found]));
        let begin = last.map_or(0, |last| last + 1);
        let newest_of = |events: &[Made], from: u64| {
            events.iter().filter(|event| key(event) && event.0 > from).map(|event| event.0).max()
        };
        let rest = rests(events, &found, &key, within);
        let seen: Vec<&Made> =
            events[begin..=at].iter().filter(|event| key(event) && rest.is_none_or(|rest| event.0 > rest)).collect();
        let Some(newest) = newest_of(&events[begin..=at], rest.unwrap_or(0)) else { continue };
        let here = rest.is_none_or(|rest| events[at].0 > rest) && newest - events[at].0 <= within;
        let mut inside: Vec<&&Made> = seen.iter().filter(|event| newest - event.0 <= within).collect();
        if distinct {
            inside.sort_by_key(|event| event.3);
            inside.dedup_by_key(|event| event.3);
        }
        let _ = name;
        if here && inside.len() >= count {
            found.push(at);
        }
    }
    found
}

/// Until when the key rests: `within` after the newest event that its last finding had seen.
fn rests(events: &[Made], found: &[usize], key: &dyn Fn(&Made) -> bool, within: u64) -> Option<u64> {
    let mut rest: Option<u64> = None;
    let mut begin = 0;
    for end in found.iter().filter(|found| key(&events[**found])) {
        let counted = events[begin..=*end].iter().filter(|event| key(event) && rest.is_none_or(|rest| event.0 > rest));
        rest = Some(counted.map(|event| event.0).max()? + within);
        begin = end + 1;
    }
    rest
}

proptest! {
    #[test]
    fn thresholds_find_what_looking_through_everything_finds(
        steps in proptest::collection::vec((0..4_u64, 0..7_u64, 1..3_u64, 0..2_u8, 0..5_u8), 1..80),
        count in 2..5_usize,
        distinct in any::<bool>(),
        within in 1..12_u64,
    ) {
        let mut now = 20;
        let events: Vec<Made> = steps.iter().map(|(step, back, container, directory, name)| {
            now += step;
            // One in seven comes late.
            let late = if *back == 0 { 9 } else { 0 };
            (now - late, *container, *directory, *name)
        }).collect();
        let of = if distinct { "distinct: fd.filename, " } else { "" };
        let text = format!(
            "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n  \
             threshold: {{count: {count}, {of}by: [fd.directory], within: {within}ms}}\n"
        );
        let mut judge = judge(&text);
        let found: Vec<usize> = events.iter().enumerate().filter_map(|(at, (time, container, directory, name))| {
            let stage = open(time * 1_000_000, *container, &format!("/{directory}/{name}"));
            (!told(&mut judge, &stage).is_empty()).then_some(at)
        }).collect();
        prop_assert_eq!(found, naive(&events, count, distinct, within));
    }
}
