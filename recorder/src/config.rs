//! What the operator can choose: a TOML file, every key optional, unknown keys refused.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// Where the recorder keeps its ring and its socket unless told otherwise.
pub const STATE_DIR: &str = "/var/lib/taffrail";

/// What tells how a program was led, or misled: libraries and scripts it is made to load, proxies, shells' histories,
/// who came from where.
const ENVIRONMENT: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "HOSTNAME",
    "LANG",
    "LD_*",
    "GLIBC_TUNABLES",
    "BASH_ENV",
    "ENV",
    "PROMPT_COMMAND",
    "HIST*",
    "*_PROXY",
    "PYTHON*",
    "NODE_OPTIONS",
    "JAVA_TOOL_OPTIONS",
    "PERL5*",
    "RUBYOPT",
    "SSH_*",
    "SUDO_*",
    "GIT_*",
    "KUBERNETES_*",
];
/// What is likely a secret.
const ENVIRONMENT_MASKED: [&str; 8] =
    ["*SECRET*", "*TOKEN*", "*PASSW*", "*PASSPHRASE*", "*CREDENTIAL*", "*API*KEY*", "*ACCESS*KEY*", "*PRIVATE*KEY*"];

/// The configuration. Sizes are in bytes, times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where ring, evidence and control socket live.
    pub state_dir: PathBuf,
    /// Disk for all containers' history together.
    pub ring_total_bytes: u64,
    /// The least a container's history gets, whatever its neighbours do.
    pub ring_floor_bytes: u64,
    /// Percent of a container's history that only vital events may use, 1 to 99.
    pub ring_vital_percent: u64,
    /// The longest an event waits in memory before it is on disk, in milliseconds.
    pub flush_ms: u64,
    /// Kernel ring buffer for vital events, a power of two.
    pub kernel_vital_bytes: u32,
    /// Kernel ring buffer for bulk events, a power of two.
    pub kernel_bulk_bytes: u32,
    /// History before the trigger that a rule's evidence holds.
    pub before_seconds: u64,
    /// What follows the trigger in a rule's evidence.
    pub after_seconds: u64,
    /// Where a rule's evidence goes; `evidence` below the state directory by default.
    pub evidence_dir: Option<PathBuf>,
    /// Whether evidence names the host's processes that a container's processes descend from.
    pub host_ancestors: bool,
    /// Environment variables kept with each program, by name; `*` stands for any text.
    pub environment: Vec<String>,
    /// Environment variables kept without their value, likewise; these come first.
    pub environment_masked: Vec<String>,
    /// Bytes kept of one terminal session.
    pub terminal_bytes: u64,
    /// Docker's API socket, asked for names where it is there.
    pub docker_socket: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from(STATE_DIR),
            ring_total_bytes: 256 << 20,
            ring_floor_bytes: 4 << 20,
            ring_vital_percent: 25,
            flush_ms: 1000,
            kernel_vital_bytes: 4 << 20,
            kernel_bulk_bytes: 8 << 20,
            before_seconds: 300,
            after_seconds: 10,
            evidence_dir: None,
            host_ancestors: true,
            environment: ENVIRONMENT.map(str::to_owned).to_vec(),
            environment_masked: ENVIRONMENT_MASKED.map(str::to_owned).to_vec(),
            terminal_bytes: 1 << 20,
            docker_socket: PathBuf::from("/var/run/docker.sock"),
        }
    }
}

/// Why a configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what is expected; the message names line and key.
    #[error("{}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        message: String,
    },
    /// A value is out of its range.
    #[error("configuration: {key} = {value}: {expected}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: u64,
        /// What it may be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads `path`, or takes the defaults where there is none.
    ///
    /// # Errors
    /// [`ConfigError`]: unreadable, not TOML, an unknown key or a value out of range.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let config = match path {
            None => Self::default(),
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
                toml::from_str(&text).map_err(|error| ConfigError::Parse {
                    path: path.to_owned(),
                    message: error.to_string().trim_end().to_owned(),
                })?
            }
        };
        config.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let in_range = [
            ("ring_vital_percent", self.ring_vital_percent, (1..=99), "1 to 99"),
            ("flush_ms", self.flush_ms, (10..=60_000), "10 to 60000"),
            ("ring_floor_bytes", self.ring_floor_bytes, (64 << 10..=1 << 40), "64 KiB to 1 TiB"),
            ("ring_total_bytes", self.ring_total_bytes, (64 << 10..=1 << 44), "64 KiB to 16 TiB"),
            ("before_seconds", self.before_seconds, (0..=31_536_000), "up to a year"),
            ("after_seconds", self.after_seconds, (0..=86_400), "up to a day"),
            ("terminal_bytes", self.terminal_bytes, (0..=1 << 30), "up to 1 GiB"),
        ];
        for (key, value, range, expected) in in_range {
            if !range.contains(&value) {
                return Err(ConfigError::Range { key, value, expected });
            }
        }
        for (key, value) in
            [("kernel_vital_bytes", self.kernel_vital_bytes), ("kernel_bulk_bytes", self.kernel_bulk_bytes)]
        {
            if !value.is_power_of_two() || value < 4096 {
                let expected = "a power of two of at least 4096";
                return Err(ConfigError::Range { key, value: u64::from(value), expected });
            }
        }
        Ok(self)
    }

    /// The control socket of a recorder with this state directory.
    pub fn socket_of(state_dir: &Path) -> PathBuf {
        state_dir.join("control.sock")
    }

    /// Where evidence goes when the asker names no place.
    pub fn evidence_dir(&self) -> PathBuf {
        self.evidence_dir.clone().unwrap_or_else(|| self.state_dir.join("evidence"))
    }

    /// How long an event may wait in memory.
    pub fn flush_age(&self) -> Duration {
        Duration::from_millis(self.flush_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("taffrail.toml");
        fs::write(&path, text).expect("write");
        Config::load(Some(&path))
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(parse("").expect("empty"), Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        let message = parse("flush_ms = 20\nring_totl_bytes = 1\n").expect_err("unknown key").to_string();
        assert!(message.contains("ring_totl_bytes") && message.contains("line 2"), "{message}");
    }

    #[test]
    fn a_ring_size_that_the_kernel_refuses_is_refused_before() {
        let message = parse("kernel_bulk_bytes = 5000").expect_err("not a power of two").to_string();
        assert!(message.contains("power of two"), "{message}");
    }
}
