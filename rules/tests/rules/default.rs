//! The rules that are shipped: all of them load, and each says what it is about.

use crate::stage::{Stage, changed, exec, file, image, kernel, stage};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use taffrail_rules::DEFAULT;
use taffrail_rules::compile;
use taffrail_rules::judge::Judge;
use taffrail_rules::kind::Kinds;
use taffrail_rules::load::{self, Loaded};
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::event::{Body, ExeFile, FileOp, KernelOp, Stdio};

pub fn default_rules() -> Loaded {
    load::load(DEFAULT.iter().copied())
}

#[test]
fn every_file_of_default_rules_travels_in_the_program() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("default");
    for file in fs::read_dir(dir).expect("rules/default").flatten() {
        let name = format!("default/{}", file.file_name().to_string_lossy());
        assert!(DEFAULT.iter().any(|(known, _)| *known == name), "{name}");
    }
}

#[test]
fn the_readme_says_how_many_default_rules_there_are() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("the README");
    let rules = default_rules().rules.len();
    let said = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [format!(": {rules} come with it"), format!("; {rules} rules of our own;")] {
        assert!(said.contains(&words), "{words}");
    }
}

#[test]
fn the_default_rules_load_without_a_fault_and_ask_for_nothing_that_is_not_recorded() {
    let loaded = default_rules();
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.unsupported, []);
    assert_eq!(loaded.disabled, Vec::<String>::new());
    assert!(loaded.rules.len() >= 25, "{}", loaded.rules.len());
}

#[test]
fn every_default_rule_says_what_it_is_for_and_which_technique_it_finds() {
    for rule in default_rules().rules {
        assert!(rule.description.len() > 30, "{}: {}", rule.name, rule.description);
        assert!(rule.techniques().next().is_some(), "{} names no technique", rule.name);
        assert!(rule.tags.iter().any(|tag| tag.starts_with("mitre_")), "{} names no tactic", rule.name);
    }
}

#[test]
fn no_default_rule_is_asked_about_every_event() {
    for rule in default_rules().rules {
        for condition in rule.when.conditions() {
            assert_ne!(compile::kinds(condition), Kinds::JUDGED, "{}", rule.name);
        }
    }
}

/// The rules that a scene by itself is found by.
fn found(stage: &Stage) -> Vec<String> {
    let mut judge = Judge::new(Arc::new(RuleSet::new(default_rules().rules)));
    judge.see(stage).map(|found| found.rule.name.clone()).collect()
}

/// The scene's actor is another program, of the image.
fn by(mut stage: Stage, comm: &str, exe: &str, args: &[&str]) -> Stage {
    let container = stage.container.id.clone();
    let mut own = image(comm, exe, args, 40, &container);
    own.stdio = [Stdio::Pipe; 3];
    own.exe_file = own.exe_file.map(|file| ExeFile { upper: exe.starts_with("/tmp"), ..file });
    stage.lineage[0] = own.clone();
    if let Body::Image(image) = &mut stage.event.body {
        **image = own;
    }
    stage
}

fn opened(path: &str, flags: u32) -> Stage {
    stage(changed(file(FileOp::Open, path), |file| file.flags = flags))
}

#[test]
fn what_stays_behind_is_found_and_what_packages_bring_is_not() {
    let written = 0o1;
    let cases: &[(Stage, &[&str])] = &[
        (by(opened("/usr/bin/ls", written), "cp", "/bin/cp", &["cp", "x", "/usr/bin/ls"]), &["System program altered"]),
        (by(opened("/usr/bin/ls", written), "dpkg", "/usr/bin/dpkg", &["dpkg", "-i", "x.deb"]), &[]),
        (by(opened("/usr/bin/ls", written), "dpkg", "/tmp/dpkg", &["dpkg"]), &["System program altered"]),
        (by(opened("/usr/lib/node/x.js", written), "node", "/usr/bin/node", &["node", "/usr/bin/npm", "install"]), &[]),
        (
            by(opened("/usr/lib/node/x.js", written), "node", "/usr/bin/node", &["node", "/usr/bin/npm", "start"]),
            &["System program altered"],
        ),
        (by(opened("/etc/passwd", written), "sh", "/bin/sh", &["sh"]), &["Account file changed"]),
        (by(opened("/etc/passwd", written), "useradd", "/usr/sbin/useradd", &["useradd", "x"]), &[]),
        (by(opened("/etc/shadow", 0), "login", "/bin/login", &["login"]), &[]),
        (by(opened("/etc/shadow", 0), "cat", "/bin/cat", &["cat"]), &["Credential file read by a tool"]),
        (by(opened("/etc/shadow", 0), "grep", "/bin/grep", &["grep", "-rn", "x", "/etc"]), &[]),
        (by(opened("/dev/sda1", 0), "dd", "/bin/dd", &["dd"]), &["Disk of the host opened"]),
        (by(opened("/var/log/x", 0o1001), "logrotate", "/usr/sbin/logrotate", &["logrotate"]), &[]),
        (by(opened("/var/log/x", 0o1001), "sh", "/bin/sh", &["sh"]), &["Log removed or emptied"]),
    ];
    for (at, (stage, expected)) in cases.iter().enumerate() {
        assert_eq!(found(stage), *expected, "case {at}");
    }
}

#[test]
fn a_release_agent_that_had_to_be_made_is_told_as_a_way_out_that_failed() {
    let agent = "/tmp/cgroup/release_agent";
    let made = stage(changed(file(FileOp::Create, agent), |file| file.flags = 0o101));
    let cases: [(Stage, &[&str]); 3] = [
        (by(opened(agent, 0o101), "sh", "/bin/sh", &["sh"]), &["Release agent or core pattern written"]),
        (by(made, "sh", "/bin/sh", &["sh"]), &["Release agent tried on an ordinary file"]),
        (by(opened(agent, 0), "cat", "/bin/cat", &["cat"]), &[]),
    ];
    for (stage, expected) in &cases {
        assert_eq!(found(stage), *expected);
    }
}

#[test]
fn programs_that_should_not_run_are_found_and_the_runtime_is_left_alone() {
    let mut deleted = by(exec(), "x", "/srv/x", &["x"]);
    if let Body::Image(image) = &mut deleted.event.body {
        image.exe_file = image.exe_file.map(|file| ExeFile { deleted: true, ..file });
        deleted.lineage[0] = (**image).clone();
    }
    let mount = || stage(kernel(KernelOp::Mount, "mount", "type ext4, MS_RDONLY"));
    let module = stage(kernel(KernelOp::ModuleLoad, "finit_module", ""));
    let root = ["useradd", "-o", "-u", "0", "toor"];
    let shell = || by(exec(), "sh", "/bin/sh", &["sh", "-c", "true"]);
    let mut built = shell();
    built.lineage[1].comm = "make".to_owned();
    let cases: &[(Stage, &[&str])] = &[
        (exec(), &["Shell on a network connection", "Service starts a shell"]),
        (by(exec(), "x", "/tmp/x", &["x"]), &["Program dropped and run"]),
        (shell(), &["Service starts a shell"]),
        (built, &[]),
        (by(exec(), "nc", "/bin/nc", &["nc", "-z", "db", "5432"]), &[]),
        (by(exec(), "nc", "/bin/nc", &["nc", "x", "1", "-e", "sh"]), &["Netcat gives a program away"]),
        (deleted, &["Deleted program run"]),
        (by(exec(), "useradd", "/usr/sbin/useradd", &root), &["Second root account made"]),
        (by(mount(), "mount", "/bin/mount", &["mount"]), &["File system mounted in a container"]),
        (by(mount(), "runc:[2:INIT]", "/", &["runc", "init"]), &[]),
        (by(module, "sh", "/bin/sh", &["sh"]), &["Kernel module loaded from a container"]),
    ];
    for (at, (stage, expected)) in cases.iter().enumerate() {
        assert_eq!(found(stage), *expected, "case {at}");
    }
}
