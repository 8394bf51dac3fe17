//! The tests of the kernel side, each in a process of its own in a guest, and which of them hold on which kernel.

use super::image::Image;
use super::kernel::Kernel;
use super::{Guest, boot, find_program, quoted};
use crate::test::say;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const PACKAGE: &str = "taffrail-probes";

/// What the tests run.
const PROGRAMS: [&str; 8] = ["bash", "cat", "cp", "echo", "ls", "sh", "sleep", "true"];

/// Seconds that one test may take, and on an emulated processor.
const TEST_SECONDS: [u32; 2] = [120, 600];

/// The guest's line for one test: `guest: test CODE BINARY NAME`.
const TEST: &str = "guest: test ";

/// A program of tests.
struct Binary {
    name: String,
    path: PathBuf,
    tests: Vec<String>,
}

/// Of each test of each program, whether it holds, a column for each kernel.
type Results = BTreeMap<(String, String), Vec<Option<bool>>>;

/// Builds the tests, runs them under each kernel and prints a summary.
pub fn run(root: &Path, target: &Path, kernels: &[Kernel], guest: &Guest, filter: &[String]) -> Result<ExitCode> {
    let binaries = build(root, filter)?;
    let mut results = Results::new();
    for binary in &binaries {
        for test in &binary.tests {
            results.insert((binary.name.clone(), test.clone()), vec![None; kernels.len()]);
        }
    }
    for (column, kernel) in kernels.iter().enumerate() {
        say(&format!("{} tests under Linux {}", results.len(), kernel.release))?;
        let mut image = Image::new();
        for binary in &binaries {
            image.program(&binary.path)?;
        }
        for program in PROGRAMS {
            image.program(&find_program(program)?)?;
        }
        let done = boot(
            target,
            kernel,
            image,
            &script(&binaries, TEST_SECONDS[usize::from(guest.emulate)]),
            guest,
            &mut |line| {
                let Some((code, binary, test)) = line.strip_prefix(TEST).and_then(parse) else {
                    return writeln!(std::io::stdout(), "{line}").context("standard output is gone");
                };
                writeln!(std::io::stdout(), "{}  {binary}: {test}", word(Some(code == 0)))?;
                if let Some(row) = results.get_mut(&(binary, test)) {
                    row[column] = Some(code == 0);
                }
                Ok(())
            },
        );
        // What was seen before is worth its line.
        if let Err(error) = done {
            say(&format!("Linux {}: {error:#}", kernel.release))?;
        }
    }
    summary(kernels, &results)
}

/// Builds the programs and asks each for its tests.
fn build(root: &Path, filter: &[String]) -> Result<Vec<Binary>> {
    let output = Command::new("cargo")
        .args(["test", "--no-run", "--release", "-p", PACKAGE, "--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests of {PACKAGE} do not compile");
    }
    let mut binaries = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str()) else {
            continue;
        };
        let list = Command::new(path).args(["--list", "--format", "terse"]).output().context("listing tests")?;
        let tests: Vec<String> = String::from_utf8_lossy(&list.stdout)
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|test| filter.is_empty() || filter.iter().any(|part| test.contains(part) || name.contains(part)))
            .map(str::to_owned)
            .collect();
        if !tests.is_empty() {
            binaries.push(Binary { name: name.to_owned(), path: path.into(), tests });
        }
    }
    Ok(binaries)
}

/// One test after the other; of those that fail the output is shown.
fn script(binaries: &[Binary], seconds: u32) -> String {
    let mut script = format!(
        "run() {{\n  timeout {seconds} \"$2\" --exact \"$3\" --test-threads=1 >/run/output 2>&1\n  code=$?\n  \
         [ $code = 0 ] || cat /run/output\n  echo \"{TEST}$code $1 $3\"\n}}\n"
    );
    for binary in binaries {
        let (name, path) = (quoted(&binary.name), quoted(&binary.path.to_string_lossy()));
        for test in &binary.tests {
            script.extend(["run ", &name, " ", &path, " ", &quoted(test), "\n"]);
        }
    }
    script
}

/// Code, program and test of a line.
fn parse(line: &str) -> Option<(u8, String, String)> {
    let mut words = line.splitn(3, ' ');
    let code = words.next()?.parse().ok()?;
    Some((code, words.next()?.to_owned(), words.next()?.to_owned()))
}

/// A line for each promise, a column for each kernel; the exit code says whether all of them hold everywhere.
fn summary(kernels: &[Kernel], results: &Results) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    for (number, kernel) in kernels.iter().enumerate() {
        let column = results.values().filter_map(|row| row[number]);
        let (held, all) = column.fold((0, 0), |(held, all), holds| (held + usize::from(holds), all + 1));
        let unknown = results.len() - all;
        writeln!(
            out,
            "{}. Linux {}: {held} hold, {} do not, {unknown} did not run",
            number + 1,
            kernel.release,
            all - held
        )?;
    }
    writeln!(out)?;
    for ((binary, test), row) in results {
        for holds in row {
            write!(out, "{}  ", word(*holds))?;
        }
        writeln!(out, "{binary}: {test}")?;
    }
    let all = results.values().flatten().all(|holds| *holds == Some(true));
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a promise holds, in words of one width.
fn word(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "holds ",
        Some(false) => "BROKEN",
        None => "?     ",
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_tells_code_program_and_test() {
        assert_eq!(parse("101 file a::b"), Some((101, "file".to_owned(), "a::b".to_owned())));
        assert_eq!(parse("file a::b"), None);
    }
}
