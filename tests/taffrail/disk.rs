//! A disk that is full costs the oldest bulk history, and nothing else.

use crate::support::container::{Container, WORKLOADS};
use crate::support::{Recorder, number, run, until};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own, gone with the value.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, size: &str) -> Self {
        std::fs::create_dir(at).expect("a directory");
        let options = format!("size={size},mode=700");
        let told = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "taffrail-test"]).arg(at).status();
        assert!(told.expect("mount").success());
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_takes_the_oldest_bulk_and_recording_goes_on() {
    let dir = tempfile::tempdir().expect("tempdir");
    let disk = Disk::mount(&dir.path().join("state"), "768k");
    let out = tempfile::tempdir().expect("tempdir");
    let recorder = Recorder::start_in(dir, "flush_ms = 50\n");
    let flood = Container::workloads("full", &[], &["sleep", "600"]);
    recorder.wait_for(&flood.name);
    flood.exec(&[WORKLOADS, "count-opens", "0", "1", "/etc/passwd", "1000"]);
    let of = |name: &str| recorder.status_of(&flood.name)[name].as_u64().expect("a number");
    for _ in 0..20 {
        flood.exec(&[WORKLOADS, "count-opens", "0", "4", "/etc/passwd", "100000"]);
        if of("evicted") > 0 {
            break;
        }
    }
    flood.exec(&[WORKLOADS, "count-opens", "0", "1", "/etc/passwd", "1000"]);
    until("the disk to be found full", || recorder.status()["disk_full_seconds"].is_u64());
    let (evicted, refused) = (of("evicted"), of("refused"));
    println!("768 KiB of disk: {} events taken, {evicted} let go, {refused} refused", of("events"));
    assert!(evicted > 0);
    assert_eq!(refused, 0, "there was always bulk that could go");
    let (code, said, err) = run(&[
        "trigger",
        "--state-dir",
        &recorder.state_dir().to_string_lossy(),
        "--container",
        &flood.name,
        "--reason",
        "full",
        "--after",
        "0s",
        "--wait",
        "--out",
        &out.path().to_string_lossy(),
    ]);
    assert_eq!(code, 0, "{err}");
    let bundle = Path::new(said.trim_end());
    assert_eq!(run(&["verify", &bundle.to_string_lossy()]).0, 0);
    // Every program that ran is there, the first as well; of the opens the newest are, and what went is said.
    let programs = "SELECT count(*) AS n FROM process WHERE cmdline LIKE '%count-opens%1000%'";
    assert!(number(bundle, programs) >= 3, "the first program, the last and one between");
    assert!(number(bundle, "SELECT count(*) AS n FROM file WHERE path = '/etc/passwd'") > 0);
    assert!(number(bundle, "SELECT count(*) AS n FROM gap WHERE cause = 'evicted' AND class = 'bulk'") > 0);
    assert_eq!(number(bundle, "SELECT count(*) AS n FROM gap WHERE class = 'vital'"), 0);
    let (code, dir) = recorder.end("TERM");
    assert_eq!(code, Some(0));
    drop(disk);
    drop(dir);
}

/// Has a container open a file for a second, so many times at most; gives how often it did.
fn opens(container: &Container, path: &str, rate: u64) -> u64 {
    let told = container.exec(&[WORKLOADS, "count-opens", "0", "1", path, &rate.to_string()]);
    let number = told.split(|ch: char| !ch.is_ascii_digit()).find(|word| !word.is_empty());
    number.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("it said {told:?}"))
}

#[test]
fn a_seal_that_finds_no_room_says_so_and_leaves_nothing_and_the_next_one_is_whole() {
    let recorder = Recorder::start("");
    let busy = Container::workloads("noroom", &[], &["sleep", "600"]);
    recorder.wait_for(&busy.name);
    let opened = opens(&busy, "/etc/passwd", 20_000);
    let dir = tempfile::tempdir().expect("tempdir");
    let disk = Disk::mount(&dir.path().join("out"), "48k");
    let out = disk.0.to_string_lossy().into_owned();
    let state = recorder.state_dir().to_string_lossy().into_owned();
    let order =
        ["trigger", "--state-dir", &state, "--container", &busy.name, "--reason", "x", "--after", "0s", "--wait"];
    let (code, _, err) = run(&[&order[..], &["--out", &out]].concat());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("No space left on device"), "{err}");
    assert_eq!(std::fs::read_dir(&disk.0).expect("the directory").count(), 0, "no half bundle");
    assert_eq!(recorder.status()["seals_failed"], 1);
    let bundle = recorder.trigger(&busy.name, "5m", "0s");
    assert_eq!(run(&["verify", &bundle.to_string_lossy()]).0, 0);
    assert!(number(&bundle, "SELECT count(*) AS n FROM file WHERE path = '/etc/passwd'") >= opened);
}

#[test]
fn a_history_that_somebody_removes_while_it_is_written_is_a_gap_and_recording_goes_on() {
    let recorder = Recorder::start("flush_ms = 50\n");
    let victim = Container::workloads("removed", &[], &["sleep", "600"]);
    recorder.wait_for(&victim.name);
    let opened = opens(&victim, "/etc/passwd", 20_000);
    let before = recorder.trigger(&victim.name, "5m", "0s");
    assert!(number(&before, "SELECT count(*) AS n FROM file WHERE path = '/etc/passwd'") >= opened);
    for entry in std::fs::read_dir(recorder.state_dir().join("ring")).expect("the ring").flatten() {
        let described = std::fs::read_to_string(entry.path().join("container.json")).unwrap_or_default();
        if described.contains(&victim.name) {
            std::fs::remove_dir_all(entry.path()).expect("removed");
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(1500));
    victim.exec(&["touch", "/tmp/mark"]);
    let after = recorder.trigger(&victim.name, "5m", "0s");
    let damaged = "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE own AND cause = 'damaged'";
    println!("{} events went with the directory", number(&after, damaged));
    assert!(number(&after, damaged) >= opened);
    assert_eq!(number(&after, "SELECT count(*) AS n FROM file WHERE op = 'create' AND path = '/tmp/mark'"), 1);
    assert_eq!(run(&["verify", &after.to_string_lossy()]).0, 0);
    // The ring on disk is whole again for whoever reads it without the recorder.
    let state = recorder.state_dir().to_string_lossy().into_owned();
    let live = ["query", "--live", "--state-dir", &state, "--container", &victim.name];
    let (code, _, err) = run(&[&live[..], &["--sql", "SELECT count(*) FROM file"]].concat());
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_flood_evicts_nothing_of_its_neighbour_and_none_of_its_own_vital_events() {
    // Room for 256 containers of this size: whatever else runs on the host, these two have all of theirs. And a size in
    // which lineages do not matter: each segment names the host's processes above a container, with up to 4 KiB of
    // arguments each, whoever started this test.
    let recorder =
        Recorder::start("ring_total_bytes = 268435456\nring_floor_bytes = 65536\nring_ceiling_bytes = 1048576\n");
    let flood = Container::workloads("evicting", &[], &["sleep", "600"]);
    let neighbour = Container::workloads("neighbour", &[], &["sleep", "600"]);
    recorder.wait_for(&flood.name);
    recorder.wait_for(&neighbour.name);
    let opened = [&flood, &neighbour].map(|container| {
        container.exec(&["touch", "/tmp/mark"]);
        opens(container, "/tmp/mark", 500)
    });
    let evicted = |container: &Container| recorder.status_of(&container.name)["evicted"].as_u64().expect("a number");
    for _ in 0..20 {
        flood.exec(&[WORKLOADS, "count-opens", "0", "4", "/etc/passwd", "100000"]);
        if evicted(&flood) > 200_000 {
            break;
        }
    }
    println!("{} of the flood evicted, {} of its neighbour", evicted(&flood), evicted(&neighbour));
    assert!(evicted(&flood) > 200_000);
    assert_eq!(evicted(&neighbour), 0, "{:#}", recorder.status());
    let marks =
        "SELECT count(*) AS n FROM file WHERE path = '/tmp/mark' AND op = 'open' AND flags NOT LIKE '%O_WRONLY%'";
    let of_neighbour = recorder.trigger(&neighbour.name, "10m", "0s");
    assert_eq!(number(&of_neighbour, marks), opened[1]);
    assert_eq!(number(&of_neighbour, "SELECT count(*) AS n FROM gap WHERE own"), 0);
    let of_flood = recorder.trigger(&flood.name, "10m", "0s");
    assert_eq!(number(&of_flood, marks), 0, "its own oldest opens went");
    let programs = "SELECT count(*) AS n FROM process WHERE cmdline LIKE '%count-opens 0 1 /tmp/mark 500%'";
    assert!(number(&of_flood, programs) > 0, "and its first program is there");
    assert_eq!(number(&of_flood, "SELECT count(*) AS n FROM gap WHERE own AND class = 'vital'"), 0);
}
