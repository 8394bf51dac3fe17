//! One thing after the other.

use crate::stage::{SECOND, Stage, at, end, exec, file, flow, image, judge, stage, told};
use proptest::prelude::*;
use taffrail_trace::event::{FileOp, FlowOp, Protocol};

const LEAK: &str = "
- rule: Read, then sent
  desc: d
  condition: container.id != host
  sequence:
    steps:
      - {name: read, condition: 'evt.type = open and fd.name in (/etc/shadow, /root/.ssh/id_rsa)'}
      - {name: sent, condition: evt.type = connect}
    lineage: 1
    within: 60s
  output: '%read.proc.name read %read.fd.name %read.fd.num, then %proc.name reached %sent.fd.rip'
  priority: WARNING
";

const INSIDE: &str = "3f2a9c1b7d5e4f60";

fn open(seconds: u64, path: &str) -> Stage {
    at(seconds * SECOND, stage(file(FileOp::Open, path)))
}

fn connect(seconds: u64) -> Stage {
    at(seconds * SECOND, stage(flow(Protocol::Tcp, FlowOp::Connect, end([203, 0, 113, 9], 443))))
}

/// The same by another program: `lineage` is pid and name, the actor first, below the usual ones from `above` on.
fn by(mut stage: Stage, lineage: &[(u32, &str)], above: usize) -> Stage {
    let usual = stage.lineage.split_off(above);
    stage.lineage = lineage.iter().map(|(pid, name)| image(name, "/bin/x", &[name], *pid, INSIDE)).collect();
    stage.lineage.extend(usual);
    stage
}

#[test]
fn what_one_child_read_another_child_of_the_same_shell_sends() {
    let mut judge = judge(LEAK);
    let read = by(open(1, "/etc/shadow"), &[(50, "cat")], 0);
    let sent = by(connect(20), &[(51, "curl")], 0);
    assert_eq!(told(&mut judge, &read), [""; 0]);
    let found = judge.see(&sent).next().expect("a finding");
    assert_eq!(found.finding(&sent).message, "cat read /etc/shadow 5, then curl reached 203.0.113.9");
    let times: Vec<u64> = found.events().iter().map(|event| event.time_ns / SECOND).collect();
    assert_eq!(times, [1, 20]);
    let steps: Vec<_> = found.events().iter().map(|event| event.step.as_deref()).collect();
    assert_eq!(steps, [Some("read"), Some("sent")]);
    assert_eq!(told(&mut judge, &sent), [""; 0], "it is used up");
}

#[test]
fn a_descendant_is_of_the_same_hand_and_a_cousin_is_not() {
    let mut judge = judge(LEAK);
    // The shell's parent is nginx; what else nginx makes is no kin of the shell's child.
    told(&mut judge, &by(open(1, "/etc/shadow"), &[(50, "cat")], 0));
    assert_eq!(told(&mut judge, &by(connect(2), &[(60, "curl")], 1)), [""; 0]);
    assert_eq!(told(&mut judge, &by(connect(3), &[(63, "curl"), (62, "env"), (61, "timeout")], 0)).len(), 1);
}

#[test]
fn the_hand_is_never_looked_for_outside_of_the_container() {
    let mut judge = judge(LEAK);
    // The init itself read it: above it is the runtime, below which everything is.
    told(&mut judge, &by(open(1, "/etc/shadow"), &[], 1));
    let entered = by(connect(2), &[(70, "curl")], 2);
    assert_eq!(told(&mut judge, &entered), [""; 0]);
    assert_eq!(told(&mut judge, &connect(3)).len(), 1, "the shell below the init");
}

#[test]
fn the_window_is_from_the_first_step_to_the_last_and_a_newer_first_step_counts() {
    let mut judge = judge(LEAK);
    told(&mut judge, &open(1, "/etc/shadow"));
    assert_eq!(told(&mut judge, &connect(62)), [""; 0]);
    told(&mut judge, &open(100, "/etc/shadow"));
    told(&mut judge, &open(150, "/root/.ssh/id_rsa"));
    assert_eq!(told(&mut judge, &connect(210)), ["sh read /root/.ssh/id_rsa 5, then sh reached 203.0.113.9"]);
    told(&mut judge, &open(300, "/etc/shadow"));
    assert_eq!(told(&mut judge, &connect(299)), [""; 0], "no step is older than the one before");
}

#[test]
fn a_step_can_have_fields_of_its_own_in_common_with_the_others() {
    let mut judge = judge(
        "- rule: Dropped and run
  desc: d
  sequence:
    steps:
      - {name: dropped, condition: evt.type = creat}
      - {name: run, condition: evt.type = execve, by: proc.exepath}
    by: [fd.name]
    within: 5m
  output: '%dropped.proc.name dropped %run.proc.exepath'
  priority: WARNING
",
    );
    let made = |path: &str| stage(file(FileOp::Create, path));
    assert_eq!(told(&mut judge, &exec()), [""; 0]);
    assert_eq!(told(&mut judge, &made("/bin/other")), [""; 0]);
    assert_eq!(told(&mut judge, &exec()), [""; 0]);
    assert_eq!(told(&mut judge, &made("/bin/dash")), [""; 0]);
    assert_eq!(told(&mut judge, &exec()), ["sh dropped /bin/dash"]);
}

#[test]
fn what_must_not_come_between_ends_what_waits() {
    let mut judge = judge(
        "- rule: r
  desc: d
  sequence:
    steps:
      - {name: made, condition: evt.type = creat}
      - {not: evt.type = unlink}
      - {name: run, condition: evt.type = execve}
    by: proc.pid
    within: 5m
  output: o
  priority: WARNING
",
    );
    let made = stage(file(FileOp::Create, "/x"));
    let mut foreign = stage(file(FileOp::Unlink, "/x"));
    foreign.event.actor.as_mut().expect("an actor").pid = 99;
    told(&mut judge, &made);
    told(&mut judge, &stage(file(FileOp::Unlink, "/x")));
    assert_eq!(told(&mut judge, &exec()), [""; 0]);
    told(&mut judge, &made);
    told(&mut judge, &foreign);
    assert_eq!(told(&mut judge, &exec()), ["o"]);
}

/// What a sequence of the files a, b, c (and not x before c) finds, with everything kept and every row of three tried.
fn naive(events: &[(u64, u8, char)], within: u64) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for (last, (time, key, letter)) in events.iter().enumerate() {
        let begin = found.iter().rev().find(|found| events[**found].1 == *key).map_or(0, |found| found + 1);
        let own = |at: &usize| events[*at].1 == *key;
        let row = *letter == 'c'
            && (begin..last).filter(own).any(|first| {
                events[first].2 == 'a'
                    && time - events[first].0 <= within
                    && (first + 1..last).filter(own).any(|second| {
                        events[second].2 == 'b' && !(second + 1..last).filter(own).any(|at| events[at].2 == 'x')
                    })
            });
        if row {
            found.push(last);
        }
    }
    found
}

proptest! {
    #[test]
    fn a_sequence_finds_what_trying_every_row_of_events_finds(
        made in proptest::collection::vec((0..4_u64, 0..2_u8, proptest::char::ranges(vec!['a'..='c', 'x'..='x'].into())), 1..60),
        within in 1..20_u64,
    ) {
        let mut now = 0;
        let events: Vec<(u64, u8, char)> = made.iter().map(|(step, key, letter)| {
            now += step;
            (now, *key, *letter)
        }).collect();
        let text = format!("- rule: r
  desc: d
  condition: evt.type = open
  sequence:
    steps:
      - {{name: first, condition: fd.name glob '/?/a'}}
      - {{name: second, condition: fd.name glob '/?/b'}}
      - not: fd.name glob '/?/x'
      - {{name: third, condition: fd.name glob '/?/c'}}
    by: [fd.directory]
    within: {within}ms
  output: o
  priority: INFO
");
        let mut judge = judge(&text);
        let found: Vec<usize> = events.iter().enumerate().filter_map(|(number, (time, key, letter))| {
            let stage = at(time * 1_000_000, stage(file(FileOp::Open, &format!("/{key}/{letter}"))));
            (!told(&mut judge, &stage).is_empty()).then_some(number)
        }).collect();
        prop_assert_eq!(found, naive(&events, within));
    }
}
