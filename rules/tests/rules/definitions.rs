//! What several definitions of one name come to.

use crate::stage::{exec, expr_holds, load, rule};
use taffrail_rules::load::Loaded;
use taffrail_rules::output::Told;
use taffrail_rules::rule::{Priority, Response};

/// Whether the only rule of a text matches a shell that nginx has run.
fn matches(text: &str) -> bool {
    let loaded = loaded(text);
    let [rule] = &loaded.rules[..] else { panic!("one rule: {:?}", loaded.rules) };
    expr_holds(&exec(), rule.when.conditions().next().expect("a condition"), text)
}

fn loaded(text: &str) -> Loaded {
    let loaded = load(text);
    assert_eq!(loaded.problems, [], "{text}");
    loaded
}

#[test]
fn lists_and_macros_are_put_in_wherever_they_are_defined() {
    let text = rule("r", "shells and not friends", "")
        + "- macro: shells\n  condition: proc.name in (shell_names, \"other_shells\")\n"
        + "- macro: friends\n  condition: (proc.pname in cron_names)\n"
        + "- list: shell_names\n  items: [bash, more_shells]\n"
        + "- list: more_shells\n  items: ['\"sh\"', 7]\n"
        + "- list: cron_names\n  items: []\n";
    assert!(matches(&text));
    assert!(!matches(&text.replace("items: []", "items:\n    - nginx\n    - crond")));
    assert!(!matches(&text.replace("'\"sh\"'", "'\"shell_names\"'")), "a quoted name is a value");
}

#[test]
fn what_is_appended_adds_and_what_is_defined_again_replaces() {
    let base = rule("r", "proc.name = bash", "");
    assert!(!matches(&base));
    assert!(matches(&(base.clone() + "- rule: r\n  append: true\n  condition: or proc.name = sh\n")));
    assert!(matches(&(base.clone() + &rule("r", "proc.name = sh", ""))));
    let list = base.replace("= bash", "in (names)") + "- list: names\n  items: [bash]\n";
    assert!(!matches(&list));
    assert!(matches(&(list.clone() + "- list: names\n  append: true\n  items: [sh]\n")));
    assert!(matches(&(list.clone() + "- list: names\n  override: {items: append}\n  items: [sh]\n")));
    assert!(matches(&(list.clone() + "- list: names\n  override: {items: replace}\n  items: [sh]\n")));
    assert!(matches(&(list + "- list: names\n  items: [sh]\n")));
    let named = base.replace("proc.name = bash", "mine") + "- macro: mine\n  condition: proc.name = bash\n";
    assert!(matches(&(named.clone() + "- macro: mine\n  append: true\n  condition: or proc.name = sh\n")));
    assert!(matches(&(named + "- macro: mine\n  condition: proc.name = sh\n")));
}

#[test]
fn an_override_changes_key_by_key() {
    let base = rule("r", "proc.name = sh", "  tags: [a]\n");
    let text = base
        + "- rule: r\n  override: {condition: append, priority: replace, tags: append, desc: replace, output: append}\n"
        + "  condition: and proc.pname = nginx\n  priority: critical\n  tags: [T1059.004]\n  desc: other\n  output: more\n";
    assert!(matches(&text));
    let loaded = loaded(&text);
    let rule = &loaded.rules[0];
    assert_eq!((rule.priority, rule.description.as_str()), (Priority::Critical, "other"));
    assert_eq!(rule.tags, ["a", "T1059.004"]);
    assert_eq!(rule.techniques().collect::<Vec<_>>(), ["T1059.004"]);
    assert_eq!(rule.output.render(&exec(), &Told::default()), "o more");
}

#[test]
fn a_rule_can_be_switched_off_and_on() {
    let base = rule("r", "proc.name = sh", "  enabled: false\n");
    assert_eq!((loaded(&base).rules.len(), loaded(&base).disabled), (0, vec!["r".to_owned()]));
    assert!(matches(&(base.clone() + "- rule: r\n  enabled: true\n")));
    assert!(matches(&(base + "- rule: r\n  override: {enabled: replace}\n  enabled: true\n")));
}

#[test]
fn a_response_is_what_the_last_definition_says() {
    let base = rule("r", "proc.name = sh", "  response: freeze\n");
    let response = |text: &str| loaded(text).rules[0].response;
    assert_eq!(response(&rule("r", "proc.name = sh", "")), None);
    assert_eq!(response(&base), Some(Response::Freeze));
    assert_eq!(
        response(&(base + "- rule: r\n  override: {response: replace}\n  response: kill\n")),
        Some(Response::Kill)
    );
}

#[test]
fn exceptions_are_what_is_not_to_match() {
    let with = |exceptions: &str| rule("r", "proc.name = sh", &format!("  exceptions:\n{exceptions}"));
    for (exceptions, expected) in [
        ("    - {name: e, fields: [proc.name, proc.pname], values: [[sh, nginx]]}\n", false),
        ("    - {name: e, fields: [proc.name, proc.pname], values: [[sh, x], [y, nginx]]}\n", true),
        ("    - {name: e, fields: [proc.name, proc.pname], comps: [=, startswith], values: [[sh, ng]]}\n", false),
        ("    - {name: e, fields: [proc.name, proc.pname], comps: [in, =], values: [[[a, sh], nginx]]}\n", false),
        ("    - {name: e, fields: [proc.name, proc.pname], comps: [in, in], values: [[sh, servers]]}\n", false),
        ("    - {name: e, fields: proc.pname, values: [a, nginx]}\n", false),
        ("    - {name: e, fields: proc.pname, values: [a, b]}\n", true),
        ("    - {name: e, fields: proc.cmdline, comps: contains, values: [nothing, shadow]}\n", false),
        ("    - {name: e, fields: [proc.pname]}\n", true),
        ("    - {name: e, fields: [proc.pname], values: []}\n", true),
    ] {
        let text = with(exceptions) + "- list: servers\n  items: [nginx]\n";
        assert_eq!(matches(&text), expected, "{exceptions}");
    }
}

#[test]
fn exceptions_are_appended_by_name() {
    let base = rule(
        "r",
        "proc.name = sh or proc.name = x",
        "  exceptions:\n    - {name: e, fields: [proc.pname], values: [[a]]}\n",
    );
    assert!(matches(&base));
    for more in [
        "- rule: r\n  append: true\n  exceptions:\n    - {name: e, values: [[nginx]]}\n",
        "- rule: r\n  override: {exceptions: append}\n  exceptions:\n    - {name: e, values: [[nginx]]}\n",
        "- rule: r\n  append: true\n  exceptions:\n    - {name: other, fields: proc.pname, values: [nginx]}\n",
    ] {
        assert!(!matches(&(base.clone() + more)), "{more}");
    }
    let replaced = "- rule: r\n  override: {exceptions: replace}\n  exceptions:\n    - {name: f, fields: proc.pname, values: [b]}\n";
    assert!(matches(&(base + replaced)));
}

#[test]
fn a_rule_that_asks_for_what_is_not_recorded_is_left_out_by_name_and_reason() {
    let text = rule("sessions", "proc.sname = x and evt.type = open", "")
        + &rule("cloud", "ka.verb = get", "  source: k8s_audit\n")
        + &rule("scheduler", "evt.type = switch", "")
        + &rule("newer", "proc.from_the_future = 1", "  skip-if-unknown-filter: true\n")
        + &rule("fine", "proc.name = sh", "");
    let loaded = loaded(&text);
    let names: Vec<&str> = loaded.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["fine"]);
    let told: Vec<(&str, &str)> =
        loaded.unsupported.iter().map(|rule| (rule.rule.as_str(), rule.reasons[0].as_str())).collect();
    assert_eq!(
        told,
        [
            ("sessions", "proc.sname: sessions and process groups are not kept"),
            ("cloud", "source k8s_audit: only syscall is recorded"),
            ("scheduler", "evt.type switch: no event of ours is one"),
            ("newer", "'proc.from_the_future' is no field; did you mean 'proc.name'?"),
        ]
    );
}

#[test]
fn what_somebody_who_relies_on_a_rule_should_know_is_noted() {
    let notes = |condition: &str, more: &str| loaded(&rule("r", condition, more)).rules[0].notes.join("; ");
    assert!(notes("evt.type = dup2", "").contains("level full only"));
    assert!(notes("evt.type = execve and user.name = bin", "").contains("names of users"));
    assert!(notes("proc.name = sh", "").contains("asked about every event"));
    assert_eq!(notes("proc.name = sh", "  warn_evttypes: false\n"), "");
    assert_eq!(notes("evt.type = execve and proc.name = sh", ""), "");
}

#[test]
fn versions_sources_and_empty_files_are_no_fault() {
    let text = "- required_engine_version: 0.31.0\n- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n"
        .to_owned()
        + &rule("r", "proc.name = sh", "  source: syscall\n");
    assert!(matches(&text));
    assert_eq!(loaded("").rules.len() + loaded("---\n").rules.len() + loaded("# nothing\n").rules.len(), 0);
    assert!(matches(&("---\n".to_owned() + &text + "---\n- list: l\n  items: [a]\n")));
}
