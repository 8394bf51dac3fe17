//! What is found very often: it is merged into few bundles, and every match is counted.

use crate::support::container::{Container, WORKLOADS};
use crate::support::{Recorder, ask, number, opens_of, run, until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Matches each open of one file, and each of another, in a test's own directory: its recorder sees the containers of
/// the tests beside it too.
const RULES: &str = "
- rule: Storm
  desc: A file is opened
  condition: evt.type in (open, openat) and fd.name = /TEST/stormed
  output: \"%proc.name opened %fd.name\"
  priority: CRITICAL
  tags: [storm, T1499]
- rule: Once
  desc: Another file is opened
  condition: evt.type in (open, openat) and fd.name = /TEST/once
  output: \"%proc.name opened %fd.name\"
  priority: WARNING
  tags: [T1499]
";

/// Files that were opened by nobody under their names yet.
const SCRIPT: &str = "mkdir /TEST; echo > /TEST/1; echo > /TEST/2; mv /TEST/1 /TEST/stormed; mv /TEST/2 /TEST/once; \
    touch /ready; sleep 600";

/// A recorder that asks only [`RULES`] about a test's directory.
fn recorder(test: &str, more: &str) -> Recorder {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rules.yaml");
    fs::write(&file, RULES.replace("TEST", test)).expect("rules");
    let config = format!("default_rules = false\nmodels = false\nrules = [{:?}]\nbefore_seconds = 60\n{more}", file);
    Recorder::start_in(dir, &config)
}

fn container(name: &str, test: &str, recorder: &Recorder) -> Container {
    let container = Container::workloads(name, &[], &["sh", "-c", &SCRIPT.replace("TEST", test)]);
    recorder.wait_for(&container.name);
    container.wait_for("/ready");
    container
}

/// Opens a file for so many seconds, so often a second, and says how often it was.
fn opened(container: &Container, [seconds, file, rate]: &[&str; 3]) -> u64 {
    let said = container.exec(&[WORKLOADS, "count-opens", "0", seconds, file, rate]);
    opens_of(&said)
}

fn rules(recorder: &Recorder, what: &str) -> u64 {
    recorder.status()["rules"][what].as_u64().expect("a number")
}

/// How many matches a finding of this message stands for.
fn stands_for(message: &Value) -> u64 {
    let message = message.as_str().expect("a message");
    let Some(rest) = message.strip_prefix("it matched ") else { return 1 };
    rest.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number in {message}"))
}

/// All matches of a rule that a bundle tells of, and by how many findings.
fn told(bundle: &Path, rule: &str) -> (u64, usize) {
    let rows = ask(bundle, &format!("SELECT message FROM finding WHERE rule = '{rule}'"));
    (rows.iter().map(|row| stands_for(&row["message"])).sum(), rows.len())
}

#[test]
fn a_storm_of_ten_thousand_matches_is_one_bundle_with_all_of_it_and_its_exact_number() {
    let recorder = recorder("stormy", "after_seconds = 2\n");
    let stormy = container("stormy", "stormy", &recorder);
    // Without the matches that are only counted the window would end after two seconds.
    let opens = opened(&stormy, &["10", "/stormy/stormed", "1100"]);
    assert!(opens >= 10_000, "{opens}");
    until("the storm is sealed", || recorder.status()["sealed"] == 1);
    let status = recorder.status();
    println!("{opens} matches: {}", status["rules"]);
    let count = |what: &str| status["rules"][what].as_u64().expect("a number");
    assert_eq!((count("matched"), count("counted")), (opens, opens - 10));
    assert_eq!(
        (count("joined"), count("held_back"), count("refused")),
        (9, 0, 0),
        "of ten that are told one opened it"
    );

    let bundles = recorder.bundles();
    assert_eq!(bundles.len(), 1, "{bundles:?}");
    assert_eq!(told(&bundles[0], "Storm"), (opens, 11), "ten, and the number of the others");
    let number_row = "SELECT severity, priority, tags, techniques FROM finding WHERE message LIKE 'it matched %'";
    let row = &ask(&bundles[0], number_row)[0];
    assert_eq!((&row["severity"], &row["priority"]), (&"critical".into(), &"critical".into()), "{row}");
    assert_eq!((&row["tags"][0], &row["techniques"][0]), (&"storm".into(), &"T1499".into()), "{row}");
    let recorded = "SELECT count(*) AS n FROM file WHERE op = 'open' AND path = '/stormy/stormed'";
    assert_eq!(number(&bundles[0], recorded), opens, "the window went on as long as the storm did");
}

#[test]
fn a_recorder_that_ends_in_a_storm_writes_its_number_down() {
    let recorder = recorder("ending", "seal_from = \"critical\"\nafter_seconds = 1\n");
    let stormy = container("ending", "ending", &recorder);
    let opens = opened(&stormy, &["1", "/ending/once", "500"]);
    until("all of it is seen", || rules(&recorder, "matched") == opens);
    let (code, dir) = recorder.end("TERM");
    assert_eq!(code, Some(0));
    let state = dir.path().join("state");
    let out = dir.path().join("salvaged");
    let (code, said, err) =
        run(&["salvage", &state.to_string_lossy(), "--container", &stormy.id, "--out", &out.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    let bundle = PathBuf::from(said.lines().next().expect("a bundle"));
    assert_eq!(told(&bundle, "Once"), (opens, 11));
}

#[test]
fn what_was_worse_than_the_trigger_is_named_beside_it() {
    let recorder = recorder("worse", "after_seconds = 3\n");
    let both = container("worse", "worse", &recorder);
    both.exec(&["cat", "/worse/once"]);
    both.exec(&["cat", "/worse/stormed"]);
    until("both are sealed", || recorder.status()["sealed"] == 1);
    let bundle = taffrail_trace::bundle::Bundle::open(&recorder.bundles()[0]).expect("a bundle");
    let manifest = bundle.manifest();
    assert_eq!(manifest.trigger.rule, "Once");
    let worse = manifest.most_severe.as_ref().expect("what was worse");
    assert_eq!((worse.rule.as_str(), worse.severity.as_str()), ("Storm", "critical"));
    assert!(worse.time_ns > manifest.trigger.time_ns && worse.time_ns <= manifest.window.to_ns);
}

#[test]
fn a_container_that_filled_its_quarter_seals_no_more_until_there_is_room_and_its_neighbour_does() {
    let recorder =
        recorder("quarter", "after_seconds = 0\nrule_pause_seconds = 0\nevidence_total_bytes = 1048576000\n");
    let noisy = container("noisy", "quarter", &recorder);
    let neighbour = container("neighbour", "quarter", &recorder);
    // A quarter of it, which takes no disk.
    let full =
        recorder.state_dir().join("evidence").join(format!("{}-20260314T090010Z-0badcafe.evidence.zip", noisy.name));
    fs::create_dir_all(full.parent().expect("a directory")).expect("evidence");
    fs::File::create(&full).and_then(|file| file.set_len(262_144_000)).expect("a large file");
    // What is there is looked at every ten seconds.
    std::thread::sleep(Duration::from_secs(11));
    noisy.exec(&["cat", "/quarter/once"]);
    until("it is refused", || rules(&recorder, "refused") == 1);
    neighbour.exec(&["cat", "/quarter/once"]);
    until("the neighbour's is sealed", || recorder.status()["sealed"] == 1);
    assert_eq!(rules(&recorder, "refused"), 1);

    fs::remove_file(&full).expect("room");
    std::thread::sleep(Duration::from_secs(11));
    noisy.exec(&["cat", "/quarter/once"]);
    until("it is sealed again", || recorder.status()["sealed"] == 2);
    let of_noisy = recorder.bundles().into_iter().find(|path| path.to_string_lossy().contains(&noisy.name));
    assert_eq!(
        told(&of_noisy.expect("its bundle"), "Once"),
        (2, 2),
        "what was refused is in the ring, and so in the next one"
    );
}
