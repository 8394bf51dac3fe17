//! Users and groups go by the names that their container gives them, for rules that are asked live and afterwards.

use crate::support::container::{Container, docker};
use crate::support::{Recorder, ask, run, until};
use std::fs;
use taffrail_trace::bundle::Bundle;

#[test]
fn a_rule_that_names_a_user_and_a_group_of_a_container_matches_live_and_afterwards() {
    let dir = tempfile::tempdir().expect("a directory");
    let rules = dir.path().join("rules.yaml");
    let container = Container::run(
        "accounts",
        "echo keeper:x:4711:77::/:/bin/sh >> /etc/passwd; echo crew:x:77: > /etc/group; touch /ready; sleep 600",
    );
    container.wait_for("/ready");
    let rule = format!(
        "- rule: Keeper acts\n  desc: a test's sign\n  condition: >\n    evt.type = execve and proc.cmdline = 'date -u' and \
         container.name = {} and user.name = keeper and group.name = crew\n  output: \"%user.name of %group.name ran %proc.cmdline\"\n  \
         priority: WARNING\n",
        container.name
    );
    fs::write(&rules, rule).expect("rules");
    let config =
        format!("default_rules = false\nmodels = false\nalarm_docker = []\nafter_seconds = 1\nrules = [{rules:?}]\n");
    let recorder = Recorder::start_in(dir, &config);
    recorder.wait_for(&container.name);
    // Names are looked at every few seconds.
    until("the keeper is known by name", || {
        docker(&["exec", "-u", "4711:77", &container.name, "/bin/date", "-u"]);
        recorder.status()["rules"]["matched"] != 0
    });
    until("it is sealed", || !recorder.bundles().is_empty());
    let bundle = recorder.bundles().swap_remove(0);
    let said = "keeper of crew ran date -u";
    assert_eq!(ask(&bundle, "SELECT message FROM finding")[0]["message"], said);
    let opened = Bundle::open(&bundle).expect("a bundle");
    let known = &opened.manifest().container;
    assert_eq!(known.users.get(&4711).map(String::as_str), Some("keeper"));
    assert_eq!(known.groups.get(&77).map(String::as_str), Some("crew"));
    let rules = recorder.state_dir().with_file_name("rules.yaml");
    let (code, hunted, err) = run(&["hunt", &bundle.to_string_lossy(), "--rules", &rules.to_string_lossy()]);
    assert!(code == 0 && hunted.contains(said), "{code} {hunted} {err}");
}
