//! The documents are true: what the README tells to type works as typed.

use crate::support::{taffrail, told};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of all ```sh blocks of the README, comments and prompts left out.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let mut commands = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (line.trim(), inside) {
            ("```sh", _) => inside = true,
            ("```", true) => inside = false,
            (line, true) if !line.is_empty() && !line.starts_with('#') => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

#[test]
fn the_readmes_questions_are_answered_as_written() {
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_taffrail"));
    let path = format!("{}:{}", bin.parent().expect("a directory").display(), std::env::var("PATH").expect("PATH"));
    let mut tried = 0;
    // A bundle is never written over, and this one may be from the test before.
    let _ = fs::remove_file("/tmp/for-the-ticket.evidence.zip");
    for command in commands() {
        // What records for ever, or needs a container of the reader's, is tested on its own; the two cargo lines are
        // what runs this.
        let own_test = [
            "cargo ",
            "sudo taffrail record",
            "taffrail status",
            "taffrail trigger",
            "taffrail level",
            "taffrail thaw",
            "taffrail query --live",
            "taffrail salvage",
            "taffrail replay",
            "taffrail demo",
        ];
        if own_test
            .iter()
            .any(|start| command.trim_start_matches("sudo ").starts_with(start.trim_start_matches("sudo ")))
        {
            continue;
        }
        let command = command.trim_start_matches("sudo ");
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", command])
            .current_dir(root())
            .env("PATH", &path)
            .output();
        let (code, out, err) = told(output.expect("bash"));
        assert_eq!(code, 0, "{command}\n{out}{err}");
        assert!(!out.trim().is_empty(), "{command} says nothing");
        tried += 1;
    }
    assert!(tried >= 4, "the README has questions to ask: {tried}");
}

#[test]
fn the_readme_names_the_two_commands_and_every_subcommand_it_uses_exists() {
    let all = commands();
    assert!(all.iter().any(|line| line == "cargo run --release -- demo"), "{all:?}");
    assert!(all.iter().any(|line| line == "cargo xtask test"), "{all:?}");
    let (_, help, _) = crate::support::run(&["--help"]);
    for command in all.iter().filter_map(|line| line.trim_start_matches("sudo ").strip_prefix("taffrail ")) {
        let word = command.split(' ').next().unwrap_or_default();
        assert!(help.contains(&format!("  {word} ")), "{word} is not in --help");
    }
}

#[test]
fn the_sample_traces_verify_with_stock_tools() {
    let dir = root().join("sample-traces");
    let (code, out, err) =
        told(Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&dir).output().expect("sha256sum"));
    assert_eq!(code, 0, "{out}{err}");
    let script = "set -e; d=$(mktemp -d); python3 -m zipfile -e reverse-shell.evidence.zip $d; cd $d; sha256sum -c SHA256SUMS; rm -r $d";
    let (code, out, err) = told(Command::new("bash").args(["-c", script]).current_dir(&dir).output().expect("bash"));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn the_crate_that_loads_kernel_programs_ships_the_object_of_its_sources() {
    let (code, out, err) = told(
        Command::new(env!("CARGO")).args(["xtask", "bpf", "--check"]).current_dir(root()).output().expect("cargo"),
    );
    assert_eq!(code, 0, "{out}{err}");
}

/// The bundles and questions of `sample-traces/README.md`: what stands in a heading, and in its table's second column.
fn samples() -> Vec<(Vec<String>, Vec<String>)> {
    let readme = fs::read_to_string(root().join("sample-traces/README.md")).expect("sample-traces/README.md");
    let sections = readme.split("\n## ").skip(1).map(|section| {
        let heading = section.lines().next().unwrap_or_default();
        let bundles = heading.split(' ').filter(|word| word.ends_with(".evidence.zip")).map(str::to_owned).collect();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |")?.split_once(" | `"));
        (bundles, rows.map(|(_, sql)| sql.replace("\\|", "|")).collect())
    });
    sections.collect()
}

#[test]
fn every_sample_answers_the_questions_that_its_description_asks() {
    let samples = samples();
    let there: Vec<String> = fs::read_dir(root().join("sample-traces"))
        .expect("sample-traces")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".evidence.zip"))
        .collect();
    for name in &there {
        assert!(samples.iter().any(|(bundles, _)| bundles.contains(name)), "{name} is not described");
    }
    assert!(there.len() >= 8, "{there:?}");
    for (bundles, questions) in &samples {
        assert!(questions.len() >= 3, "{bundles:?} answers {} questions", questions.len());
        for sql in questions {
            let paths = bundles.iter().map(|name| root().join("sample-traces").join(name));
            let output = taffrail().arg("query").args(paths).args(["--sql", sql]).output().expect("the program runs");
            let (code, out, err) = told(output);
            // Of what is missing there should be nothing, which is answered with 1.
            let answered = code == 0 || code == 1 && sql.ends_with("FROM gap");
            assert!(answered, "{bundles:?}: {code} {sql}\n{out}{err}");
        }
    }
}
