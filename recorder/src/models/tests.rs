//! Models over time: phases, restarts, containers whose image is told late, what is told and how often.

mod world;

use super::Phase;
use std::fs;
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{FindingSource, Severity};
use taffrail_trace::ids::ContainerKey;
use world::{Bench, DIGEST, SECOND, at, container, ended, open, ran, web};

#[test]
fn a_model_learns_then_tries_then_judges() {
    let mut bench = Bench::new();
    assert_eq!(bench.see(&web(1), "/usr/bin/envsubst"), None);
    bench.wait(9);
    assert_eq!(bench.phase(), Phase::Learning);
    bench.wait(1);
    assert_eq!(bench.phase(), Phase::DryRun);
    assert_eq!(bench.see(&web(1), "/bin/sh"), None, "a dry run tells nobody");
    assert_eq!(bench.see(&web(1), "/bin/sh"), None);
    bench.wait(19);
    assert_eq!(bench.phase(), Phase::DryRun);
    bench.wait(1);
    assert_eq!(bench.phase(), Phase::Active);
    let shown = bench.models.show("nginx:1.27").expect("by name");
    assert_eq!((shown.status.deviations, shown.status.findings), (2, 0));
    assert_eq!(shown.said.len(), 1);
    assert_eq!((shown.said[0].words.as_str(), shown.said[0].times), ("nginx has never run sh; it runs: envsubst", 2));
    assert!(bench.see(&web(1), "/usr/bin/envsubst").is_none());
    assert!(bench.see(&web(1), "/bin/sh").is_some(), "what a dry run saw is not learned");
}

#[test]
fn a_finding_says_what_was_expected_and_what_it_was() {
    let mut bench = Bench::active();
    let finding = bench.see(&web(1), "/bin/sh").expect("a finding");
    assert_eq!(
        finding.message,
        "nginx has never run sh; it runs: date, envsubst. This was: sh -c 'id; uname -a' (pid 7)"
    );
    assert_eq!((finding.rule.as_str(), finding.source), ("model", FindingSource::Model));
    assert_eq!((finding.tags, finding.techniques), (vec!["runs".to_owned()], vec!["T1059".to_owned()]));
    assert_eq!(finding.events.len(), 1);
    assert_eq!(finding.events[0].time_ns, bench.second * SECOND);
}

#[test]
fn a_deviation_that_is_not_told_again_is_known_to_be_counted() {
    let mut bench = Bench::active();
    let mut judged = |program| bench.models.see(&ran(&web(1), program, bench.second));
    assert!(!judged("/bin/sh").is_counted, "the first one is told");
    let again = judged("/bin/sh");
    assert!(again.is_counted && again.found.is_empty(), "an incident goes on with it");
    assert!(!judged("/bin/date").is_counted, "what is usual is not");
}

#[test]
fn a_deviation_is_told_once_a_container_and_cool_down_and_then_with_its_count() {
    let mut bench = Bench::active();
    assert!(bench.see(&web(1), "/bin/sh").is_some());
    for _ in 0..5 {
        assert_eq!(bench.see(&web(1), "/bin/sh"), None);
    }
    assert!(bench.see(&web(1), "/bin/nc").is_some(), "another deviation");
    assert!(bench.see(&web(2), "/bin/sh").is_some(), "another container");
    bench.second += 601;
    let again = bench.see(&web(1), "/bin/sh").expect("told again");
    assert!(again.message.ends_with(". 5 more like it since it was told last"), "{}", again.message);
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.deviations, status.findings), (9, 4));
}

#[test]
fn a_storm_of_different_deviations_is_bounded_and_counted() {
    let mut bench = Bench::active();
    let told = (0..10_000)
        .filter(|at| {
            let name = format!("/opt/{}x", char::from_u32(0x4e00 + at).expect("a letter"));
            bench.see(&web(1), &name).is_some()
        })
        .count();
    assert_eq!(told, 256);
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.deviations, status.findings), (10_000, 256));
    assert_eq!(bench.overdue(), Vec::<String>::new());
    bench.second += 60;
    assert_eq!(
        bench.overdue(),
        ["9744 more deviations were not told one by one: like one told before, or too many at once"]
    );
    assert!(bench.see(&web(1), "/bin/sh").is_none(), "there is no room yet");
    bench.second += 541;
    assert!(bench.see(&web(1), "/bin/nc").is_some(), "there is room again");
    assert!(bench.overdue()[0].starts_with("1 more deviation was not told"));
}

#[test]
fn deviations_of_one_container_keep_nobody_elses_from_being_told() {
    let mut bench = Bench::active();
    for at in 0..10_000 {
        bench.see(&web(1), &format!("/opt/{}x", char::from_u32(0x4e00 + at).expect("a letter")));
    }
    assert!(bench.see(&web(2), "/bin/sh").is_some());
}

#[test]
fn what_was_seen_again_and_not_told_is_told_as_a_number_when_its_history_is_sealed_or_it_ends() {
    let mut bench = Bench::active();
    for _ in 0..8 {
        bench.see(&web(1), "/bin/sh");
    }
    let (time_ns, finding) = bench.models.untold(ContainerKey(1)).expect("a number");
    assert!(finding.message.starts_with("7 more deviations"), "{}", finding.message);
    assert_eq!((time_ns, finding.severity), (bench.second * SECOND, Severity::Warning));
    assert_eq!(bench.models.untold(ContainerKey(1)), None, "nothing is told twice");
    bench.see(&web(1), "/bin/sh");
    bench.models.see(&ended(&web(1)));
    assert!(bench.overdue()[0].starts_with("1 more deviation was not told"));
    assert_eq!(bench.models.deviating().count(), 0, "nothing is remembered of it");
}

#[test]
fn what_was_seen_again_and_forgotten_for_want_of_room_is_told_as_a_number() {
    let mut bench = Bench::active();
    for _ in 0..5 {
        bench.see(&web(1), "/bin/sh");
    }
    bench.second += 601;
    for at in 0..300 {
        bench.see(&web(1), &format!("/opt/{}x", char::from_u32(0x4e00 + at).expect("a letter")));
    }
    bench.second += 60;
    assert!(bench.overdue()[0].starts_with("48 more deviations"), "4 of one, 44 that had no room");
}

#[test]
fn time_runs_only_while_a_container_of_the_image_does() {
    let mut bench = Bench::new();
    bench.see(&web(1), "/bin/date");
    bench.wait(5);
    bench.models.see(&ended(&web(1)));
    // What comes late does not begin it again.
    bench.see(&web(1), "/bin/late");
    bench.wait(50);
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.phase, status.phase_seconds, status.containers), (Phase::Learning, 5, 0));
    assert_eq!(status.facts, 1);
    bench.see(&web(2), "/bin/date");
    bench.wait(5);
    assert_eq!(bench.phase(), Phase::DryRun);
    // A recorder that was stopped for an hour saw nothing of it.
    bench.second += 3600;
    bench.wait(0);
    assert_eq!(bench.phase(), Phase::DryRun);
}

#[test]
fn a_restart_goes_on_learning_where_it_was() {
    let mut bench = Bench::new();
    bench.see(&web(1), "/usr/bin/envsubst");
    bench.wait(6);
    bench.restart();
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.phase, status.phase_seconds, status.facts), (Phase::Learning, 6, 1));
    bench.see(&web(1), "/bin/date");
    bench.wait(4);
    assert_eq!(bench.phase(), Phase::DryRun);
    bench.see(&web(1), "/bin/sh");
    bench.wait(20);
    bench.restart();
    let shown = bench.models.show(DIGEST).expect("a model");
    assert_eq!((shown.status.phase, shown.status.deviations, shown.said.len()), (Phase::Active, 1, 1));
    assert_eq!(bench.see(&web(1), "/usr/bin/envsubst"), None);
    assert!(bench.see(&web(1), "/bin/sh").is_some());
}

#[test]
fn a_recorder_that_was_killed_lost_seconds_and_nothing_whole() {
    let mut bench = Bench::new();
    bench.see(&web(1), "/usr/bin/envsubst");
    bench.wait(30);
    // What a kill leaves: no last write, and half a file of the next one.
    bench.models.store.close();
    fs::write(bench.dir.path().join("models/x.partial"), "format = 1\n[pro").expect("a file");
    bench.models = open(&bench.dir);
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.phase, status.facts), (Phase::Active, 1));
}

#[test]
fn a_model_that_cannot_be_read_is_set_aside_and_its_image_learned_anew() {
    let mut bench = Bench::active();
    bench.models.close(at(bench.second));
    let models = bench.dir.path().join("models");
    let path = fs::read_dir(&models).expect("models").next().expect("one").expect("a file").path();
    assert!(path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sha256_c0ffee")), "{path:?}");
    let text = fs::read_to_string(&path).expect("text");
    fs::write(&path, text.replace("format = 1", "format = 99")).expect("damage");
    bench.models = open(&bench.dir);
    assert!(bench.models.list().is_empty() && path.with_extension("damaged").exists());
    assert_eq!(bench.see(&web(1), "/bin/sh"), None);
    assert_eq!(bench.phase(), Phase::Learning);
}

#[test]
fn hostile_names_in_words_do_not_end_the_file_of_a_model() {
    let mut bench = Bench::new();
    bench.see(&web(1), "/bin/date");
    bench.wait(10);
    bench.see(&web(1), "/opt/\n[recorder]\nx\u{1b}[2J\"'''");
    bench.wait(1);
    bench.restart();
    let shown = bench.models.show(DIGEST).expect("a model");
    assert_eq!((shown.said.len(), shown.status.phase), (1, Phase::DryRun));
}

#[test]
fn what_a_container_did_before_its_image_was_told_is_learned() {
    let mut bench = Bench::new();
    bench.see(&container(1), "/usr/bin/envsubst");
    bench.see(&web(1), "/bin/date");
    let status = bench.models.show(DIGEST).expect("a model").status;
    assert_eq!((status.facts, status.containers), (2, 1));
    assert_eq!(bench.models.list().len(), 1);
}

#[test]
fn what_a_container_did_before_its_image_was_told_is_judged_in_one_finding() {
    let mut bench = Bench::active();
    for program in ["/bin/sh", "/bin/nc", "/bin/date", "/bin/curl", "/bin/wget"] {
        assert_eq!(bench.see(&container(2), program), None);
    }
    let finding = bench.see(&web(2), "/usr/bin/envsubst").expect("a finding");
    assert!(finding.message.starts_with("before its image was known: nginx has never run"), "{}", finding.message);
    assert!(finding.message.ends_with(". And 1 more"), "{}", finding.message);
    assert_eq!(bench.see(&web(2), "/bin/sh"), None, "it was told");
    assert_eq!(bench.see(&web(2), "/bin/date"), None);
}

#[test]
fn an_event_that_deviates_and_tells_the_image_gives_both_findings() {
    let mut bench = Bench::active();
    assert_eq!(bench.see(&container(2), "/bin/nc"), None);
    let found = bench.models.see(&ran(&web(2), "/bin/sh", bench.second)).found;
    let messages: Vec<&str> = found.iter().map(|found| found.finding.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].starts_with("before its image was known: nginx has never run nc"), "{messages:?}");
    assert!(messages[1].starts_with("nginx has never run sh"), "{messages:?}");
    assert_ne!(found[0].cause, found[1].cause);
}

#[test]
fn deviations_go_by_what_deviates_when_they_come_again() {
    let mut bench = Bench::active();
    let mut cause = |number, program| {
        let judged = bench.models.see(&ran(&web(number), program, bench.second));
        judged.found.into_iter().next().expect("a finding").cause
    };
    let shell = cause(1, "/bin/sh");
    assert_ne!(shell, cause(1, "/bin/nc"));
    assert_eq!(shell, cause(2, "/bin/sh"));
}

#[test]
fn a_container_whose_image_nobody_tells_goes_by_its_own_name_or_has_no_model() {
    let mut bench = Bench::new();
    let plain = Container { name: "db".to_owned(), runtime: Runtime::Runc, ..container(1) };
    bench.see(&plain, "/bin/date");
    bench.see(&container(2), "/bin/date");
    bench.see(&Container { runtime: Runtime::Host, name: "host".to_owned(), ..container(3) }, "/bin/date");
    assert!(bench.models.list().is_empty());
    bench.second += 11;
    for number in 1..=3 {
        let container = match number {
            1 => plain.clone(),
            2 => container(2),
            _ => Container { runtime: Runtime::Host, name: "host".to_owned(), ..container(3) },
        };
        bench.see(&container, "/bin/true");
    }
    let all = bench.models.list();
    assert_eq!(all.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["db"]);
    assert_eq!(all[0].facts, 2, "what was kept aside is in it");
    bench.see(&web(2), "/bin/date");
    assert_eq!(bench.models.list().len(), 2, "told at last");
}

#[test]
fn an_exported_model_can_be_imported_elsewhere_and_judges_at_once() {
    let mut bench = Bench::active();
    let toml = bench.models.show("c0ffee00").expect("by the beginning of its digest").toml;
    let mut other = Bench::new();
    let status = other.models.import(&toml, false, at(0)).expect("a model");
    assert_eq!((status.phase, status.facts), (Phase::Active, 2));
    assert_eq!(other.models.show(DIGEST).expect("a model").toml, toml);
    assert_eq!(other.see(&web(9), "/bin/date"), None);
    assert!(other.see(&web(9), "/bin/sh").is_some());
    other.models.import(&toml, true, at(0)).expect("again");
    assert_eq!(other.phase(), Phase::DryRun);
    assert_eq!(other.models.list().len(), 1);
    let nameless = "format = 1\n";
    assert!(other.models.import(nameless, false, at(0)).expect_err("no image").contains("names no image"));
    assert!(other.models.import("x", false, at(0)).expect_err("no model").starts_with("line 1: "));
    drop(bench.see(&web(1), "/bin/date"));
}

#[test]
fn relearning_begins_with_nothing_or_with_what_is_known() {
    let mut bench = Bench::active();
    bench.models.relearn("nginx:1.27", true, at(bench.second)).expect("a model");
    assert_eq!(bench.see(&web(1), "/bin/sh"), None);
    bench.wait(30);
    assert_eq!(bench.see(&web(1), "/bin/sh"), None, "it was learned besides");
    assert_eq!(bench.see(&web(1), "/bin/date"), None);
    let status = bench.models.relearn("nginx:1.27", false, at(bench.second)).expect("a model");
    assert_eq!((status.facts, status.phase_seconds, status.findings), (0, 0, 0));
    assert_eq!(status.digest.as_deref(), Some(DIGEST));
    let unknown = bench.models.relearn("redis", false, at(0)).expect_err("unknown");
    assert_eq!(unknown, "there is no model of redis; there are: nginx:1.27");
}

#[test]
fn a_name_that_several_models_have_is_not_enough() {
    let mut bench = Bench::new();
    bench.see(&web(1), "/bin/date");
    let other = Container { image_digest: Some(DIGEST.replace("c0ffee", "decade")), ..web(2) };
    bench.see(&other, "/bin/date");
    let message = bench.models.show("nginx:1.27").expect_err("two");
    assert!(message.contains("several models are of nginx:1.27") && message.contains("sha256:decade00"), "{message}");
    assert!(bench.models.show("decade").is_ok() && bench.models.show("sha256:decade").is_ok());
    assert!(bench.models.show("dec").is_err(), "too short to mean one");
}

#[test]
fn models_are_bounded_and_the_one_that_was_idle_longest_goes() {
    let mut bench = Bench::new();
    for number in 0..300 {
        let digest = format!("sha256:{number:064x}");
        let container = Container { image_digest: Some(digest), ..web(number) };
        bench.second = number;
        bench.see(&container, "/bin/date");
        bench.models.see(&ended(&container));
    }
    assert_eq!(bench.models.list().len(), 256);
    assert!(bench.models.show(&format!("sha256:{:064x}", 299)).is_ok());
    assert!(bench.models.show(&format!("sha256:{:064x}", 3)).is_err());
    bench.restart();
    assert_eq!(bench.models.list().len(), 256);
    assert!(bench.models.show(&format!("sha256:{:064x}", 299)).is_ok());
}

#[test]
fn containers_beyond_the_most_models_are_counted_and_have_one_when_there_is_room() {
    let mut bench = Bench::new();
    let of_its_own = |number: u64| Container { image_digest: Some(format!("sha256:{number:064x}")), ..web(number) };
    for number in 0..258 {
        bench.see(&of_its_own(number), "/bin/date");
        bench.see(&of_its_own(number), "/bin/date");
    }
    assert_eq!(bench.models.room(), (256, 256, 2));
    bench.models.see(&ended(&of_its_own(3)));
    bench.see(&of_its_own(257), "/bin/date");
    assert_eq!(bench.models.room().2, 2, "it does not look for one with each event");
    bench.second += 10;
    bench.see(&of_its_own(257), "/bin/date");
    assert_eq!(bench.models.room(), (256, 256, 1));
    bench.models.see(&ended(&of_its_own(256)));
    assert_eq!(bench.models.room(), (256, 256, 0));
}
