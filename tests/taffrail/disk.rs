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
