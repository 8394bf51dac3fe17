//! Many rules at once: the fast way says what the slow way says.

use crate::stage::{Stage, changed, end, exec, file, flow, kernel, load, rule, stage, syscall};
use proptest::prelude::*;
use std::sync::Arc;
use taffrail_rules::judge::Judge;
use taffrail_rules::matcher::{Matcher, RuleSet};
use taffrail_rules::rule::Rule;
use taffrail_rules::scene::View;
use taffrail_trace::event::{FileOp, FlowOp, KernelOp, Protocol};

fn any_condition() -> impl Strategy<Value = String> {
    let texts = "proc\\.name|proc\\.pname|fd\\.name|proc\\.cmdline|proc\\.aname|evt\\.arg\\.flags|container\\.id";
    let operators = "=|!=|contains|icontains|startswith|endswith";
    let values = "sh|nginx|/etc|/etc/shadow|s|dow|host|O_TRUNC|\"-c cat\"|\"\"|SHADOW|3f2a9c1b7d5e";
    let leaf = prop_oneof![
        (texts, operators, values).prop_map(|(field, operator, value)| format!("{field} {operator} {value}")),
        (texts, values, values).prop_map(|(field, one, two)| format!("{field} in ({one}, {two})")),
        "evt\\.type (=|!=) (open|execve|connect|finit_module|dup2)",
        "fd\\.(sport|num|lport) (<|=|>) (5|443)",
        "fd\\.(sip|net) (=|!=) (10\\.0\\.0\\.0/8|198\\.51\\.100\\.7)",
        "(fd\\.name|proc\\.pname|proc\\.tty) exists".prop_map(String::from),
        "fd\\.name (glob '/etc/\\*'|pmatch \\(/etc, /var\\)|regex '/[.]\\*w')",
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

fn stages() -> Vec<Stage> {
    let mut orphan = exec();
    orphan.lineage.truncate(1);
    vec![
        exec(),
        stage(file(FileOp::Open, "/etc/shadow")),
        stage(changed(file(FileOp::Create, "/var/log/x"), |file| file.flags = 0o1101)),
        stage(flow(Protocol::Tcp, FlowOp::Connect, end([198, 51, 100, 7], 443))),
        stage(kernel(KernelOp::ModuleLoad, "finit_module", "")),
        stage(syscall(33, [3, 0, 0, 0, 0, 0], 0)),
        orphan,
    ]
}

fn holds(rule: &Rule, view: &View<'_>) -> bool {
    rule.when.conditions().all(|condition| condition.holds(view))
}

proptest! {
    #[test]
    fn the_matcher_says_what_the_expressions_say(conditions in proptest::collection::vec(any_condition(), 1..12)) {
        let text: String =
            conditions.iter().enumerate().map(|(at, condition)| {
                rule(&format!("r{at}"), &format!(">\n    {condition}"), "")
            }).collect();
        let loaded = load(&text);
        prop_assert_eq!(&loaded.problems, &[]);
        let set = Arc::new(RuleSet::new(loaded.rules));
        let mut matcher = Matcher::new(Arc::clone(&set));
        for stage in stages() {
            let view = View::of(&stage);
            let slow: Vec<&str> =
                set.rules().iter().filter(|rule| holds(rule, &view)).map(|rule| rule.name.as_str()).collect();
            let fast = matcher.matching(&stage).iter().map(|number| set.rules()[set.owner(*number).0].name.as_str());
            let fast: Vec<&str> = fast.collect();
            prop_assert_eq!(&fast, &slow, "{}", text);
            prop_assert!(fast.is_empty() || set.wants(&stage.event));
        }
    }
}

#[test]
fn rules_of_other_kinds_of_events_are_not_asked() {
    let text = rule("a", "evt.type = execve and proc.name = sh", "")
        + &rule("b", "evt.type in (open, openat) and not fd.name = /x", "")
        + &rule("c", "not evt.type = execve and proc.name = sh", "");
    let set = Arc::new(RuleSet::new(load(&text).rules));
    let mut matcher = Judge::new(Arc::clone(&set));
    let names = |judge: &mut Judge, stage: &Stage| -> Vec<String> {
        judge.see(stage).map(|found| found.rule.name.clone()).collect()
    };
    assert_eq!(names(&mut matcher, &exec()), ["a"]);
    assert_eq!(names(&mut matcher, &stage(file(FileOp::Open, "/y"))), ["b", "c"]);
    assert_eq!(names(&mut matcher, &stage(file(FileOp::Unlink, "/y"))), ["c"]);
    let only = RuleSet::new(load(&rule("a", "evt.type = execve", "")).rules);
    assert!(only.wants(&exec().event) && !only.wants(&stage(file(FileOp::Open, "/y")).event));
}
