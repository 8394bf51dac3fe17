//! One act for each argument: `workloads ACT [ARGS]` does a single known thing, prints one line of `name=value` words
//! and exits 0. Where the act itself could not be done it says why and exits 1.
//!
//! ```text
//! act         what an act is given, and the words it prints
//! sys         system calls by number: the acts must make exactly the call that they are named after
//! process file network privilege kernel      the families of events
//! uring emulated hidden rewrite paths flood  what an attacker would try against a recorder
//! hold        a process that has something of everything open, and stays
//! intruder    what programs do that intruders bring along
//! http server      what stands around a container, and asks it
//! bench       loops that measure themselves
//! programs    what the kernel says of the kernel programs themselves
//! ```
//!
//! It harms nothing: it talks to whom it is told to or to loopback, and writes only where it is told to.

mod act;
mod bench;
mod emulated;
mod file;
mod flood;
mod hidden;
mod hold;
mod http;
mod intruder;
mod kernel;
mod network;
mod paths;
mod privilege;
mod process;
mod programs;
mod rewrite;
mod server;
mod sys;
mod uring;

use act::{Act, Args};
use std::io::Write as _;
use std::process::ExitCode;

const FAMILIES: [&[Act]; 17] = [
    process::ACTS,
    file::ACTS,
    network::ACTS,
    privilege::ACTS,
    kernel::ACTS,
    uring::ACTS,
    emulated::ACTS,
    hidden::ACTS,
    rewrite::ACTS,
    paths::ACTS,
    flood::ACTS,
    hold::ACTS,
    bench::ACTS,
    programs::ACTS,
    intruder::ACTS,
    http::ACTS,
    server::ACTS,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let all = || FAMILIES.iter().copied().flatten();
    let mut out = std::io::stdout();
    let Some(name) = args.get(1) else {
        let names: Vec<&str> = all().map(|(name, _)| *name).collect();
        let _ = writeln!(out, "{}", names.join("\n"));
        return ExitCode::FAILURE;
    };
    let done = match all().find(|(known, _)| known == name) {
        Some((_, act)) => act(&Args(&args[2..])),
        None => Err(std::io::Error::other("no such act")),
    };
    match done.and_then(|line| writeln!(out, "{line}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
