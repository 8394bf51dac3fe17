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
