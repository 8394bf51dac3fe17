//! A program of the workloads that keeps the kernel in some state for as long as the value lives.

use super::rig::{Rig, on_host};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Where the recorder's programs are on the way of system calls and packets. Empty programs at the same places are the
/// least that any recorder of this kind costs on this machine.
const PLACES: [&str; 5] = ["sys_enter", "sys_exit", "egress", "ingress", "inet_sock_set_state"];

/// It ends with the value.
pub struct Held {
    child: Child,
    _said: BufReader<ChildStdout>,
}

impl Held {
    /// Kernel programs that only return.
    pub fn empty_programs(rig: &Rig) -> Result<Self> {
        Self::start(rig, &[&["bpf-empty"][..], &PLACES].concat())
    }

    /// Counting of the runs of kernel programs.
    pub fn counting(rig: &Rig) -> Result<Self> {
        Self::start(rig, &["bpf-stats"])
    }

    fn start(rig: &Rig, act: &[&str]) -> Result<Self> {
        let mut command = Command::new(on_host(&rig.dir)?);
        command.args(act).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot run the workloads")?;
        let mut said = BufReader::new(child.stdout.take().context("the workloads have no output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let held = Self { child, _said: said };
        if line.is_empty() {
            bail!("the workloads' act {} does not work here", act[0]);
        }
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
