//! A virtual machine under QEMU, from its start to the exit code it tells.

use super::kernel::Kernel;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

const MEMORY_MIB: &str = "2048";
const PROCESSORS: &str = "2";

/// With KVM: this machine's, but for a register that KVM inside a virtual machine often can't set.
const KVM: [&str; 4] = ["-accel", "kvm", "-cpu", "host,arch-capabilities=off"];

/// Without: all that QEMU can do, each processor on a thread of its own.
const EMULATED: [&str; 4] = ["-accel", "tcg,thread=multi", "-cpu", "max"];

/// How long a kernel may take from its start to the first line of its init.
const BOOT: Duration = Duration::from_mins(1);

/// That line.
const UP: &str = "guest: up";

/// What the guest's init says last, and the exit code.
const EXIT: &str = "guest: exit ";

/// Lines of the guest's console that are shown when it fails.
const CONSOLE_LINES: usize = 40;

/// A machine for one run, with a directory that is removed with the value.
pub struct Machine {
    directory: PathBuf,
    processor: [&'static str; 4],
}

/// How a guest ended.
pub struct Told {
    /// The program's exit code.
    pub code: u8,
}

impl Machine {
    /// Makes the directory. An emulated processor needs no KVM and is slower.
    pub fn prepare(target: &Path, is_emulated: bool) -> Result<Self> {
        let directory = target.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&directory).with_context(|| format!("making {}", directory.display()))?;
        Ok(Self { directory, processor: if is_emulated { EMULATED } else { KVM } })
    }

    /// Where the initramfs must be put.
    pub fn initramfs(&self) -> PathBuf {
        self.directory.join("initramfs.cpio")
    }

    fn console(&self) -> PathBuf {
        self.directory.join("console.log")
    }

    /// Boots, hands on each line of output and waits for the end, for as long as `limit`.
    pub fn run(&self, kernel: &Kernel, limit: Duration, line: &mut dyn FnMut(&str) -> Result<()>) -> Result<Told> {
        let mut qemu = Running(self.start(kernel)?);
        let output = qemu.0.stdout.take().context("qemu has no output")?;
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while output.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
                bytes.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        let start = Instant::now();
        let mut deadline = start + BOOT.min(limit);
        let mut is_up = false;
        let mut code = None;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(text) if text == UP => {
                    deadline = start + limit;
                    is_up = true;
                }
                Ok(text) => match text.strip_prefix(EXIT) {
                    Some(number) => code = number.trim().parse().ok(),
                    None => line(&text)?,
                },
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if !is_up && self.processor == KVM => bail!(
                    "the guest's kernel did not start within {} s: KVM inside a virtual machine often can't run it; try \
                     `--emulate`; {}",
                    BOOT.as_secs(),
                    self.last_words()
                ),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the guest was not done within {} s; {}", (deadline - start).as_secs(), self.last_words());
                }
            }
        }
        let status = qemu.0.wait().context("waiting for qemu")?;
        // It ends with the sender.
        let _ = reader.join();
        let code =
            code.with_context(|| format!("the guest ended without an exit code ({status}); {}", self.last_words()))?;
        Ok(Told { code })
    }

    fn start(&self, kernel: &Kernel) -> Result<Child> {
        Command::new("qemu-system-x86_64")
            .args(self.processor)
            .args(["-machine", "q35", "-smp", PROCESSORS, "-m", MEMORY_MIB])
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none"])
            .arg("-kernel")
            .arg(&kernel.image)
            .arg("-initrd")
            .arg(self.initramfs())
            .args(["-append", "console=ttyS0 quiet panic=-1 mitigations=off"])
            .arg("-serial")
            .arg(format!("file:{}", self.console().display()))
            .args(["-serial", "stdio"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run qemu-system-x86_64")
    }

    /// The end of what the guest's kernel said.
    fn last_words(&self) -> String {
        let text = fs::read(self.console()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        format!("its console said:\n{}", lines[lines.len().saturating_sub(CONSOLE_LINES)..].join("\n"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // What is left there is in nobody's way.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A process that does not outlive this one's interest in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
