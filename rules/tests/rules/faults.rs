//! Files that are wrong: what is said of each, and where.

use crate::stage::{load, rule};

/// What is wrong with a text, as it is shown.
fn faults(text: &str) -> Vec<String> {
    load(text).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_has_its_place_and_says_what_was_found_and_expected() {
    let condition = |text: &str| rule("r", text, "");
    for (text, expected) in [
        (condition("proc.nmae = sh"), "rules.yaml:3:14: 'proc.nmae' is no field; did you mean 'proc.name'?"),
        (
            condition("proc.name = sh and"),
            "rules.yaml:3:32: expected a field, a macro, 'not' or '(', found the end of the condition",
        ),
        (
            condition("proc.name = sh proc.pid = 1"),
            "rules.yaml:3:29: expected 'and', 'or' or the end, found 'proc.pid'",
        ),
        (condition("(proc.name = sh"), "rules.yaml:3:29: expected 'and', 'or' or ')', found the end of the condition"),
        (condition("proc.name sh"), "rules.yaml:3:24: expected an operator, found 'sh'"),
        (
            condition("proc.name startwith sh"),
            "rules.yaml:3:24: expected an operator, found 'startwith'; did you mean 'startswith'?",
        ),
        (
            condition("proc.name in sh_binaries"),
            "rules.yaml:3:27: expected '(' or the name of a list, found 'sh_binaries'",
        ),
        (condition("proc.name in (a b)"), "rules.yaml:3:30: expected ',' or ')', found 'b'"),
        (condition("proc.name = 'sh"), "rules.yaml:3:26: expected a closing ', found the end of the condition"),
        (condition("proc.name = (sh)"), "rules.yaml:3:26: expected one value, found '('"),
        (condition("proc.pid = one"), "rules.yaml:3:25: proc.pid is a number, found 'one'"),
        (condition("proc.pid in (1, two, 3, four)"), "rules.yaml:3:30: proc.pid is a number, found 'two'"),
        (condition("proc.pid contains 1"), "rules.yaml:3:14: 'contains' does not compare proc.pid, which is a number"),
        (condition("proc.name < 3"), "rules.yaml:3:14: '<' does not compare proc.name, which is text"),
        (condition("fd.sip = localhost"), "rules.yaml:3:23: fd.sip is an address or network, found 'localhost'"),
        (
            condition("fd.snet in (10.0.0.0/33)"),
            "rules.yaml:3:26: fd.snet is an address or network, found '10.0.0.0/33'",
        ),
        (
            condition("evt.is_open_read = perhaps"),
            "rules.yaml:3:33: evt.is_open_read is true or false, found 'perhaps'",
        ),
        (condition("evt.type = opne"), "rules.yaml:3:25: 'opne' is no type of event; did you mean 'open'?"),
        (condition("evt.dir = in"), "rules.yaml:3:24: expected '<' or '>', found 'in'"),
        (condition("spawned_proces"), "rules.yaml:3:14: 'spawned_proces' is no macro"),
        (condition("proc = sh"), "rules.yaml:3:14: 'proc' is compared with '=', but it is no field"),
        (condition("proc.name regex '[a-'"), "rules.yaml:3:30: no regular expression: unclosed character class"),
        (condition("proc.name bcontains 7g"), "rules.yaml:3:34: expected bytes in hex, found '7g'"),
        (condition("proc.aname[x] = sh"), "rules.yaml:3:14: 'proc.aname' takes a number in brackets"),
        (condition("proc.aname[2 = sh"), "rules.yaml:3:24: expected ']' somewhere behind '['"),
        (condition("len(proc.pid) > 1"), "rules.yaml:3:18: len() takes text, but proc.pid is a number"),
        (condition("lower(proc.name) = x"), "rules.yaml:3:14: 'lower' is no function; did you mean 'tolower'?"),
        (condition("proc.pid = val(proc.name)"), "rules.yaml:3:29: proc.pid is a number, but proc.name is text"),
        (condition("not"), "rules.yaml:3:17: expected a field, a macro, 'not' or '(', found the end of the condition"),
    ] {
        let found = faults(&text);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{text}\n{found:#?}");
    }
}

#[test]
fn every_fault_of_the_file_itself_has_its_place_too() {
    for (text, expected) in [
        ("- rule: [a\n", "rules.yaml:2:1: this is no YAML"),
        ("rule: a\n", "rules.yaml:1:1: expected a list of rules, macros and lists, found keys and values"),
        ("- a\n", "rules.yaml:1:3: expected a rule, a macro or a list, found 'a'"),
        (
            "- rul: a\n  desc: b\n",
            "rules.yaml:1:3: expected an item with 'rule', 'macro' or 'list', found 'rul'; did you mean 'rule'?",
        ),
        ("- rule: a\n  conditon: b\n", "rules.yaml:2:3: 'conditon' is no key of this item; did you mean 'condition'?"),
        (
            "- rule: a\n  desc: d\n  output: o\n  priority: INFO\n",
            "rules.yaml:1:9: the rule 'a' has no valid condition",
        ),
        (
            "- rule: a\n  priority: WARN\n  desc: d\n  condition: evt.num=0\n  output: o\n",
            "rules.yaml:2:13: 'WARN' is no priority; did you mean 'WARNING'?",
        ),
        ("- macro: m\n", "rules.yaml:1:3: 'm' has no 'condition'"),
        (
            "- rule: a\n  response: frezze\n",
            "rules.yaml:2:13: expected 'freeze' or 'kill', found 'frezze'; did you mean 'freeze'?",
        ),
        ("- list: l\n  items: a\n", "rules.yaml:2:10: expected a list, found 'a'"),
        ("- list: l\n  items: [a]\n  items: [b]\n", "rules.yaml:3:3: the key 'items' stands here twice"),
        (
            "- list: l\n  items: [a]\n  append: true\n",
            "rules.yaml:1:9: the list 'l' is changed, but not defined before",
        ),
        ("- macro: &m x\n  condition: evt.num=0\n", "rules.yaml:1:10: anchors and aliases are not read"),
        ("- rule: a\n  enabled: perhaps\n", "rules.yaml:2:12: expected true or false, found 'perhaps'"),
        (
            "- rule: a\n  append: true\n  condition: evt.num=0\n",
            "rules.yaml:1:9: the rule 'a' is changed, but not defined before",
        ),
        ("- macro: a\n  condition: b\n- macro: b\n  condition: a\n", "rules.yaml:4:14: the macro 'a' names itself"),
        (
            "- list: l\n  items: [l]\n- macro: m\n  condition: proc.name in (l)\n",
            "rules.yaml:2:11: the list 'l' has itself among its items",
        ),
        (
            "- list: l\n  items: [x]\n- macro: m\n  condition: l\n",
            "rules.yaml:4:14: 'l' is a list, which is no condition",
        ),
        (
            "- rule: a\n  override: {condition: add}\n  condition: x\n",
            "rules.yaml:2:25: expected 'append' or 'replace', found 'add'",
        ),
        (
            "- rule: a\n  override: {priority: append}\n  priority: INFO\n",
            "rules.yaml:2:14: 'priority' is no key to append",
        ),
        (
            "- rule: a\n  override: {output: append}\n",
            "rules.yaml:2:14: 'output' is to be changed, but this item has no 'output'",
        ),
    ] {
        let found = faults(text);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{text}\n{found:#?}");
    }
}

#[test]
fn a_fault_in_a_folded_quoted_or_appended_text_has_the_place_of_its_word() {
    let folded = "- rule: r\n  desc: d\n  condition: >\n    proc.name = sh and\n    proc.nmae = x\n    and not\n      proc.pid = one\n  output: o\n  priority: INFO\n";
    assert_eq!(
        faults(folded),
        [
            "rules.yaml:5:5: 'proc.nmae' is no field; did you mean 'proc.name'?",
            "rules.yaml:7:18: proc.pid is a number, found 'one'"
        ]
    );
    let quoted = "- macro: m\n  condition: 'proc.name = ''a'' and proc.pid = ''one'''\n";
    assert_eq!(faults(quoted), ["rules.yaml:2:48: proc.pid is a number, found 'one'"]);
    let double = "- macro: m\n  condition: \"proc.name = \\\"a\\\" and\\n proc.pid = one\"\n";
    assert_eq!(faults(double), ["rules.yaml:2:50: proc.pid is a number, found 'one'"]);
    let literal = "- macro: m\n  condition: |\n    proc.name = a and\n      proc.pid = one\n";
    assert_eq!(faults(literal), ["rules.yaml:4:18: proc.pid is a number, found 'one'"]);
    let appended =
        "- macro: m\n  condition: proc.name = a\n- macro: m\n  append: true\n  condition: or proc.pid = one\n";
    assert_eq!(faults(appended), ["rules.yaml:5:28: proc.pid is a number, found 'one'"]);
    let plain = "- macro: m\n  condition: proc.name = a or\n             proc.pid = one\n";
    assert_eq!(faults(plain), ["rules.yaml:3:25: proc.pid is a number, found 'one'"]);
}

#[test]
fn all_faults_of_all_files_are_told_at_once_in_their_order() {
    let first =
        format!("{}{}", rule("a", "proc.x = 1", ""), rule("b", "proc.pid = q and proc.y = 1 and evt.type = z", ""));
    let second = "- list: l\n  itms: []\n";
    let loaded = taffrail_rules::load::load([("a.yaml", first.as_str()), ("b.yaml", second)]);
    let places: Vec<String> = loaded.problems.iter().map(|problem| problem.place.to_string()).collect();
    assert_eq!(places, ["a.yaml:3:14", "a.yaml:8:25", "a.yaml:8:31", "a.yaml:8:57", "b.yaml:1:3", "b.yaml:2:3"]);
}

#[test]
fn a_file_that_is_no_yaml_does_not_make_faults_of_the_others() {
    let rules = rule("a", "mine and proc.pid = 1", "");
    let loaded = taffrail_rules::load::load([("macros.yaml", "- macro: [mine\n"), ("rules.yaml", rules.as_str())]);
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
    assert_eq!(loaded.problems[0].place.file.as_ref(), "macros.yaml");
}

#[test]
fn outputs_and_exceptions_are_checked_as_well() {
    let output =
        "- rule: r\n  desc: d\n  condition: evt.num=0\n  output: 100%% sure of %proc.nmae (%\n  priority: INFO\n";
    assert_eq!(faults(output), ["rules.yaml:4:26: 'proc.nmae' is no field; did you mean 'proc.name'?"]);
    let exception = |text: &str| faults(&rule("r", "evt.num=0", &format!("  exceptions:\n    - {text}\n")));
    for (text, expected) in [
        ("{fields: proc.name, values: [a]}", "rules.yaml:7:7: this exception has no name"),
        ("{name: e, values: [a]}", "rules.yaml:7:14: the exception 'e' has no fields"),
        (
            "{name: e, fields: [proc.name, proc.pid], values: [[a]]}",
            "rules.yaml:7:57: expected 2 values, one a field, found 1",
        ),
        ("{name: e, fields: [proc.name], comps: [like], values: [[a]]}", "rules.yaml:7:46: 'like' is no comparison"),
        (
            "{name: e, fields: [proc.name, proc.pid], comps: [in], values: []}",
            "rules.yaml:7:56: expected 2 comparisons",
        ),
        ("{name: e, fields: proc.name, comps: [in], values: [a]}", "rules.yaml:7:44: one field is compared in one way"),
        ("{name: e, fields: proc.nme, values: [a]}", "rules.yaml:7:25: 'proc.nme' is no field"),
        ("{name: e, fields: proc.pid, values: [a]}", "rules.yaml:7:44: proc.pid is a number, found 'a'"),
        ("{name: e, feilds: proc.pid}", "rules.yaml:7:17: 'feilds' is no key of this item; did you mean 'fields'?"),
    ] {
        let found = exception(text);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{text}\n{found:#?}");
    }
}

#[test]
fn what_would_become_too_large_or_too_deep_is_a_fault() {
    let deep = format!("- macro: m\n  condition: {}evt.num=0{}\n", "(".repeat(500), ")".repeat(500));
    assert!(faults(&deep)[0].contains("nested deeper than 64 levels"));
    let mut doubled = "- macro: m0\n  condition: proc.name = a\n".to_owned();
    for at in 1..40 {
        let below = at - 1;
        doubled.extend([format!("- macro: m{at}\n  condition: m{below} and m{below}\n")]);
    }
    assert!(faults(&doubled).iter().any(|fault| fault.contains("more than 20000 tests")));
    let mut tower = "- macro: m1000\n  condition: proc.name = a\n".to_owned();
    let layer = |at: usize| format!("- macro: m{at}\n  condition: proc.pid = 1 and (proc.pid = 2 or m{})\n", at - 1);
    tower.extend((1001..1400).map(layer));
    assert!(faults(&tower).iter().any(|fault| fault.contains("nested deeper than 512 levels")));
    let mut chain = "- macro: a\n  condition: m0\n".to_owned();
    chain.extend((0..40).map(|at| format!("- macro: m{at}\n  condition: m{}\n", at + 1)));
    assert!(faults(&chain).iter().any(|fault| fault.contains("deeper than 16 levels")));
    let pattern = rule("r", "proc.name regex '(((a{100}){100}){100}){100}'", "");
    assert!(faults(&pattern)[0].contains("no regular expression"));
    let tree = "- ".repeat(60) + "a\n";
    assert!(faults(&tree)[0].contains("nested deeper than 32 levels"));
}

#[test]
fn faults_of_thresholds_and_sequences_have_their_places() {
    let more = |key: &str, value: &str| faults(&rule("r", "evt.num>0", &format!("  {key}: {value}\n")));
    for (key, value, expected) in [
        ("threshold", "{within: 1s}", "rules.yaml:6:14: this threshold has no 'count'"),
        ("threshold", "20", "rules.yaml:6:14: expected 'count', 'within' and what else a threshold has, found '20'"),
        ("threshold", "{count: 1, within: 1s}", "rules.yaml:6:22: expected a number from 2 to 1000, found '1'"),
        (
            "threshold",
            "{count: 2, within: 10}",
            "rules.yaml:6:33: expected a length of time (500ms, 10s, 5m, 1h, 1d), found '10'",
        ),
        ("threshold", "{count: 2, within: 1s, per: x}", "rules.yaml:6:37: 'per' is no key of this item"),
        ("threshold", "{count: 2, within: 1s, by: proc.nmae}", "rules.yaml:6:41: 'proc.nmae' is no field"),
        ("threshold", "{count: 2, within: 1s, by: shell}", "rules.yaml:6:41: expected a field, found 'shell'"),
        (
            "sequence",
            "{within: 1s, steps: [{name: a, condition: evt.num>0}]}",
            "rules.yaml:6:33: expected 2 to 16 steps, found 1",
        ),
        (
            "sequence",
            "{within: 1s, steps: [{name: proc, condition: evt.num>0}, {name: b, condition: evt.num>0}]}",
            "rules.yaml:6:41: 'proc' is how fields begin: a step needs another name",
        ),
        (
            "sequence",
            "{within: 1s, steps: [{not: evt.num>0}, {name: a, condition: evt.num>0}, {name: b, condition: evt.num>0}]}",
            "rules.yaml:6:34: 'not' stands alone between two steps",
        ),
        (
            "sequence",
            "{within: 1s, steps: [{name: a, condition: evt.num>0}, {name: a, condition: evt.num>0}]}",
            "rules.yaml:6:74: two steps are called 'a'",
        ),
        (
            "sequence",
            "{within: 1s, by: [proc.pid, fd.name], steps: [{name: a, condition: evt.num>0, by: proc.pid}, {name: b, \
             condition: evt.num>0}]}",
            "rules.yaml:6:95: expected 2 fields, as the sequence has, found 1",
        ),
        (
            "sequence",
            "{within: 1s, steps: [{name: a, condition: evt.num>0}, {name: b, condition: proc.nmae=x}]}",
            "rules.yaml:6:88: 'proc.nmae' is no field; did you mean 'proc.name'?",
        ),
        (
            "sequence",
            "{within: 1s, lineage: 99, steps: []}",
            "rules.yaml:6:35: expected a number from 0 to 16, found '99'",
        ),
    ] {
        let found = more(key, value);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{value}\n{found:#?}");
    }
    let steps = "{within: 1s, steps: [{name: a, condition: evt.num>0}, {name: b, condition: evt.num>0}]}";
    let both = rule("r", "evt.num>0", &format!("  threshold: {{count: 2, within: 1s}}\n  sequence: {steps}\n"));
    assert_eq!(faults(&both), ["rules.yaml:1:9: the rule 'r' has both a threshold and a sequence"]);
}

#[test]
fn faults_of_sigma_rules_have_their_places() {
    let text = |selection: &str, condition: &str| {
        format!(
            "title: r\nlogsource: {{category: process_creation, product: linux}}\ndetection:\n  selection:\n    {selection}\n  \
             condition: {condition}\n"
        )
    };
    for (selection, condition, expected) in [
        ("Image: x", "selektion", "rules.yaml:6:14: 'selektion' is no selection; did you mean 'selection'?"),
        (
            "Image: x",
            "selection and",
            "rules.yaml:6:27: expected a selection, 'not', '1 of', 'all of' or '(', found the end",
        ),
        ("Image: x", "(selection", "rules.yaml:6:24: expected 'and', 'or' or ')', found the end of the condition"),
        ("Image: x", "selection selection", "rules.yaml:6:24: expected 'and', 'or' or the end, found 'selection'"),
        ("Image: x", "selection | count() > 5", "rules.yaml:6:24: aggregations behind '|' are not read"),
        ("Image: x", "1 of x*", "rules.yaml:6:19: expected 'them' or a pattern of selections"),
        ("Image|contians: x", "selection", "rules.yaml:5:5: 'contians' is no modifier; did you mean 'contains'?"),
        ("Image|i: x", "selection", "rules.yaml:5:5: 'i' stands behind 're' only"),
        ("Image|re|contains: x", "selection", "rules.yaml:5:5: 'contains' and what else is about texts"),
        ("Image|re|cidr: x", "selection", "rules.yaml:5:5: 'cidr' says a second time what the value is"),
        ("CommandLine|re: '[a'", "selection", "rules.yaml:5:21: no regular expression: unclosed character class"),
        ("ProcessId|gte: many", "selection", "rules.yaml:5:20: ProcessId is a number, found 'many'"),
        ("Image: {a: b}", "selection", "rules.yaml:5:12: expected a value, found keys and values"),
        ("CommandLine|exists: perhaps", "selection", "rules.yaml:5:25: expected true or false, found 'perhaps'"),
        ("Image|fieldref: ProcessId", "selection", "rules.yaml:5:21: proc.exepath is text, but proc.pid is a number"),
    ] {
        let found = faults(&text(selection, condition));
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{selection} {condition}\n{found:#?}");
    }
    let fine = text("Image: x", "selection");
    for (from, to, expected) in [
        ("title: r", "title: r\nlevel: hihg", "rules.yaml:2:8: 'hihg' is no level; did you mean 'high'?"),
        ("title: r", "title: r\nstatus: old", "rules.yaml:2:9: 'old' is no status"),
        ("title: r\n", "", "rules.yaml:1:1: this rule has no 'title'"),
        ("{category:", "{categroy:", "rules.yaml:2:13: 'categroy' is no key of a logsource; did you mean 'category'?"),
        ("condition: selection", "x: 1", "rules.yaml:4:3: this detection has no 'condition'"),
        (
            "  condition",
            "  other:\n    User: x\n  condition",
            "rules.yaml:6:3: no condition names the selection 'other'",
        ),
        ("title: r", "title: r\naction: global", "rules.yaml:1:1: filters and 'action' are not read"),
    ] {
        let found = faults(&fine.replace(from, to));
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{to}\n{found:#?}");
    }
}

#[test]
fn faults_of_correlations_have_their_places() {
    let text = |correlation: &str| {
        format!(
            "title: r\nname: base\nlogsource: {{category: process_creation}}\ndetection:\n  s: {{Image: x}}\n  condition: \
             s\n---\ntitle: c\ncorrelation:\n  {correlation}\n"
        )
    };
    for (correlation, expected) in [
        (
            "type: event_cuont\n  rules: [base]\n  timespan: 1m",
            "rules.yaml:10:9: 'event_cuont' is no type of correlation",
        ),
        (
            "type: event_count\n  rules: [bose]\n  timespan: 1m",
            "rules.yaml:11:11: no rule of these files is called 'bose'",
        ),
        ("type: event_count\n  rules: [base]\n  timespan: soon", "rules.yaml:12:13: expected a timespan"),
        ("type: event_count\n  rules: [base]\n  timespan: 1m", "rules.yaml:10:9: event_count needs a condition"),
        (
            "type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: many}",
            "rules.yaml:13:20: expected a number, found 'many'",
        ),
        (
            "type: value_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 2}",
            "rules.yaml:10:9: value_count needs a 'field'",
        ),
        ("type: temporal\n  rules: [base]\n  timespan: 1m", "rules.yaml:10:9: expected at least two rules"),
        ("type: temporal\n  rule: [base]\n  timespan: 1m", "rules.yaml:11:3: 'rule' is no key of a correlation"),
    ] {
        let found = faults(&text(correlation));
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{correlation}\n{found:#?}");
    }
}
