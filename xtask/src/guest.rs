//! `cargo xtask guest`: runs a program, or the tests of the kernel side, under another kernel.
//!
//! ```text
//! Debian's kernel package -> target/guest/kernels/     programs + libraries + init.sh -> an initramfs
//!                                     \                 /
//!                                      qemu, serial line -> output, exit code
//! ```
//!
//! A guest has two processors, no network and nothing of this machine but what is put into it, so that a test there
//! can do what it must not do here. It is no part of `cargo xtask test`: machines that build often have no KVM.

mod archive;
mod image;
mod kernel;
mod machine;
mod test;

use crate::test::{docker, root, target};
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use image::Image;
use kernel::Kernel;
use machine::{Machine, Told};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What is run in a guest.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct Guest {
    /// The guest's kernel: a file (vmlinuz), or a series such as 6.1 that Debian has a package of. Several for `test`.
    #[arg(long, value_name = "VMLINUZ", global = true)]
    kernel: Vec<String>,
    /// Seconds until the guest is ended; half an hour where nothing is said, three hours of an emulated processor.
    #[arg(long, global = true)]
    seconds: Option<u64>,
    /// Emulate the processor: works without KVM, and is some ten times slower.
    #[arg(long, global = true)]
    emulate: bool,
    /// A file of this machine that the guest is to have too, at the same place.
    #[arg(long, value_name = "FILE", global = true)]
    file: Vec<PathBuf>,
    #[command(subcommand)]
    what: Option<What>,
    /// A program of this machine and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Run the tests of the kernel side and say which promises hold on which kernel.
    Test {
        /// Only tests with one of these in their own or their program's name.
        filter: Vec<String>,
    },
}

/// Runs it; gives the code that the program exited with, or for tests whether all hold.
pub fn run(guest: &Guest) -> Result<ExitCode> {
    if !guest.emulate {
        check_kvm()?;
    }
    let missing: Vec<&str> = [("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static")]
        .into_iter()
        .filter(|(program, _)| !docker::on_path(program))
        .map(|(_, package)| package)
        .collect();
    if !missing.is_empty() {
        docker::install(&missing)?;
    }
    let root = root()?;
    let target = target(&root).join("guest");
    let wanted = if guest.kernel.is_empty() { vec![None] } else { guest.kernel.iter().map(Some).collect() };
    let kernels = wanted
        .into_iter()
        .map(|wanted| Kernel::find(wanted.map(String::as_str), &target.join("kernels")))
        .collect::<Result<Vec<Kernel>>>()?;
    match &guest.what {
        Some(What::Test { filter }) => test::run(&root, &target, &kernels, guest, filter),
        None => command(&target, &kernels, guest),
    }
}

fn command(target: &Path, kernels: &[Kernel], guest: &Guest) -> Result<ExitCode> {
    let [kernel] = kernels else { bail!("a command runs under one kernel at a time") };
    let (program, args) = guest.command.split_first().context("no command is given")?;
    let program = find_program(program)?;
    let mut image = Image::new();
    image.program(&program)?;
    let mut script = String::from("exec");
    for word in std::iter::once(program.to_string_lossy().as_ref()).chain(args.iter().map(String::as_str)) {
        script.push(' ');
        script.push_str(&quoted(word));
    }
    let told = boot(target, kernel, image, &script, guest, &mut |line| {
        writeln!(std::io::stdout(), "{line}").context("standard output is gone")
    })?;
    Ok(ExitCode::from(told.code))
}

/// Boots a guest that runs a shell script; `line` gets each line of its output.
fn boot(
    target: &Path,
    kernel: &Kernel,
    mut image: Image,
    script: &str,
    guest: &Guest,
    line: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Told> {
    for file in &guest.file {
        image.program(&std::path::absolute(file)?)?;
    }
    let machine = Machine::prepare(target, guest.emulate)?;
    image.write(&machine.initramfs(), kernel, script)?;
    let limit = match guest.seconds {
        Some(seconds) => Duration::from_secs(seconds),
        None if guest.emulate => Duration::from_hours(3),
        None => Duration::from_mins(30),
    };
    machine.run(kernel, limit, line)
}

/// A program by its path, or by its name on PATH.
fn find_program(name: &str) -> Result<PathBuf> {
    if name.contains('/') {
        return std::path::absolute(name).with_context(|| format!("finding {name}"));
    }
    docker::find(name).with_context(|| format!("there is no program {name} here"))
}

/// A word as the shell takes it, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn check_kvm() -> Result<()> {
    const DEVICE: &str = "/dev/kvm";
    match OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "a guest needs KVM and there is no {DEVICE}: `modprobe kvm_intel` or `modprobe kvm_amd`; inside a virtual \
             machine its host must allow nested virtualisation; `--emulate` needs none of it and is slower"
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!(
                "a guest needs KVM and {DEVICE} is closed to you: run as root, or join its group (`usermod -aG kvm`); \
                   `--emulate` needs none of it and is slower"
            )
        }
        Err(error) => Err(error).context("opening /dev/kvm, which a guest needs"),
    }
}
