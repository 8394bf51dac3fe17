//! What the operator can choose: a TOML file, every key optional, unknown keys refused.

use crate::alarm::{DockerAlarm, Listen};
use crate::ring::Budget;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};
use taffrail_rules::rule::Response;
use taffrail_trace::event::Severity;
use taffrail_trace::signature::{KeyError, Signer};
use taffrail_trace::text::hex;

/// Where the recorder keeps its ring and its socket unless told otherwise.
pub const STATE_DIR: &str = "/var/lib/taffrail";

/// The configuration that is read where no other is named.
pub const CONFIG_FILE: &str = "/etc/taffrail/taffrail.toml";

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

/// What a recorder of an idle host needs, and some room to work.
const MEMORY_MIN_BYTES: u64 = 32 << 20;

/// The configuration. Sizes are in bytes, times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where ring, evidence and control socket live.
    pub state_dir: PathBuf,
    /// Disk for all containers' history together.
    pub ring_total_bytes: u64,
    /// The least a running container's history gets, as long as the total has room for that.
    pub ring_floor_bytes: u64,
    /// The most that one container's history gets.
    pub ring_ceiling_bytes: u64,
    /// Percent of a container's history that only vital events may use, 1 to 99.
    pub ring_vital_percent: u64,
    /// How long a stopped container's history is kept, unless running ones need the room.
    pub ring_keep_seconds: u64,
    /// The longest an event waits in memory before the kernel has it for the disk, in milliseconds.
    pub flush_ms: u64,
    /// How often what was written is made durable against a power cut, in milliseconds; 0 for every segment before the
    /// next event is taken.
    pub sync_ms: u64,
    /// Percent of one CPU that recording may use, averaged over ten seconds; 0 for no cap.
    pub cpu_percent: u64,
    /// Memory that recording may use, page cache and kernel buffers not counted; 0 for no cap.
    pub memory_bytes: u64,
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
    /// Whether what is normal for an image is learned, and what deviates from it becomes a finding.
    pub models: bool,
    /// How long an image is learned, in time that containers of it run.
    pub model_learn_seconds: u64,
    /// How long a model is tried after that, its deviations counted and not told; 0 for not at all.
    pub model_dry_run_seconds: u64,
    /// Docker's API socket, asked for names where it is there.
    pub docker_socket: PathBuf,
    /// A group whose members may ask the recorder (`status`, `trigger`, `level`) and read its evidence; only root where
    /// there is none.
    pub control_group: Option<String>,
    /// Whether the rules that come with this program are asked.
    pub default_rules: bool,
    /// Files of more rules; later ones may change what earlier ones define. Read again on SIGHUP.
    pub rules: Vec<PathBuf>,
    /// How serious a finding must be to have evidence sealed: `info`, `warning` or `critical`. Others are kept as findings.
    pub seal_from: Severity,
    /// How long a rule that opened or joined an incident in a container opens no other there; likewise what deviates from a
    /// model.
    pub rule_pause_seconds: u64,
    /// What evidence may take before rules seal no more, which is said; of that no container may use more than a quarter.
    /// What persons order comes all the same, and is counted.
    pub evidence_total_bytes: u64,
    /// The private key that signs evidence: Ed25519 in OpenSSH's format, without a passphrase; one made at the first run
    /// in the state directory (`host_key`) where none is named.
    pub signing_key: Option<PathBuf>,
    /// Where other programs raise alarms over HTTP: `127.0.0.1:9911`, loopback only, or `unix:/run/taffrail/alarm.sock`.
    pub alarm_listen: Option<Listen>,
    /// A file with the token that they show, which only its owner may read; needed for an address.
    pub alarm_token_file: Option<PathBuf>,
    /// What Docker tells of a container that is an alarm: `died` (with a code other than 0, and nobody had stopped it),
    /// `oom` (memory ran out), `unhealthy`.
    pub alarm_docker: Vec<DockerAlarm>,
    /// Containers that SIGUSR1 has sealed, by name, id, image or `label=value`; `*` stands for any text.
    pub alarm_signal: Vec<String>,
    /// Whether rules may freeze and kill containers.
    pub responses: bool,
    /// Containers that nothing is ever done to, by name, id, image or `label=value`; `*` stands for any text.
    pub response_protect: Vec<String>,
    /// What rules have done to a container, by the rule's name: `freeze` or `kill`. Comes before what the rule says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response: BTreeMap<String, Response>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from(STATE_DIR),
            ring_total_bytes: 256 << 20,
            ring_floor_bytes: 4 << 20,
            ring_ceiling_bytes: 128 << 20,
            ring_vital_percent: 25,
            ring_keep_seconds: 86_400,
            flush_ms: 1000,
            sync_ms: 1000,
            cpu_percent: 10,
            memory_bytes: 128 << 20,
            kernel_vital_bytes: 4 << 20,
            kernel_bulk_bytes: 8 << 20,
            before_seconds: 300,
            after_seconds: 10,
            evidence_dir: None,
            host_ancestors: true,
            environment: ENVIRONMENT.map(str::to_owned).to_vec(),
            environment_masked: ENVIRONMENT_MASKED.map(str::to_owned).to_vec(),
            terminal_bytes: 1 << 20,
            models: true,
            model_learn_seconds: 3600,
            model_dry_run_seconds: 86_400,
            docker_socket: PathBuf::from("/var/run/docker.sock"),
            control_group: None,
            default_rules: true,
            rules: Vec::new(),
            seal_from: Severity::Warning,
            rule_pause_seconds: 60,
            evidence_total_bytes: 1 << 30,
            signing_key: None,
            alarm_listen: None,
            alarm_token_file: None,
            alarm_docker: vec![DockerAlarm::Oom, DockerAlarm::Unhealthy],
            alarm_signal: vec!["*".to_owned()],
            responses: false,
            response_protect: Vec::new(),
            response: BTreeMap::new(),
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
    /// The key that is to sign cannot.
    #[error("configuration: signing_key: {0}")]
    Key(#[from] KeyError),
    /// Alarms would be taken from anybody.
    #[error(
        "configuration: alarm_listen = \"{0}\" needs alarm_token_file: whoever reaches an address could raise alarms; a `unix:` socket needs none"
    )]
    NoToken(Listen),
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
    /// Reads `path`, else [`CONFIG_FILE`] where there is one, else takes the defaults. Gives what was read as well.
    ///
    /// # Errors
    /// [`ConfigError`]: unreadable, not TOML, an unknown key or a value out of range.
    pub fn load(path: Option<&Path>) -> Result<(Self, Option<PathBuf>), ConfigError> {
        let own = Path::new(CONFIG_FILE);
        let Some(path) = path.or_else(|| own.exists().then_some(own)) else {
            return Ok((Self::default(), None));
        };
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.to_owned(), message: explain(&text, &error) })?;
        Ok((config.checked()?, Some(path.to_owned())))
    }

    /// The configuration as a file that sets every key.
    ///
    /// # Errors
    /// What the writer of TOML says of a value that it has no form for.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let in_range = [
            ("ring_vital_percent", self.ring_vital_percent, (1..=99), "1 to 99"),
            ("flush_ms", self.flush_ms, (10..=60_000), "10 to 60000"),
            ("ring_floor_bytes", self.ring_floor_bytes, (64 << 10..=1 << 40), "64 KiB to 1 TiB"),
            ("ring_total_bytes", self.ring_total_bytes, (64 << 10..=1 << 44), "64 KiB to 16 TiB"),
            (
                "ring_ceiling_bytes",
                self.ring_ceiling_bytes,
                (self.ring_floor_bytes..=1 << 44),
                "at least ring_floor_bytes, up to 16 TiB",
            ),
            ("ring_keep_seconds", self.ring_keep_seconds, (0..=31_536_000), "up to a year"),
            ("sync_ms", self.sync_ms, (0..=3_600_000), "up to an hour"),
            ("cpu_percent", self.cpu_percent, (0..=100_000), "up to 100000, a thousand CPUs"),
            ("before_seconds", self.before_seconds, (0..=31_536_000), "up to a year"),
            ("after_seconds", self.after_seconds, (0..=86_400), "up to a day"),
            ("terminal_bytes", self.terminal_bytes, (0..=1 << 30), "up to 1 GiB"),
            ("model_learn_seconds", self.model_learn_seconds, (1..=31_536_000), "1 second to a year"),
            ("model_dry_run_seconds", self.model_dry_run_seconds, (0..=31_536_000), "up to a year"),
        ];
        for (key, value, range, expected) in in_range {
            if !range.contains(&value) {
                return Err(ConfigError::Range { key, value, expected });
            }
        }
        if self.memory_bytes != 0 && self.memory_bytes < MEMORY_MIN_BYTES {
            let expected = "0 for no cap, or at least 32 MiB";
            return Err(ConfigError::Range { key: "memory_bytes", value: self.memory_bytes, expected });
        }
        if let Some(listen @ Listen::Tcp(_)) = &self.alarm_listen
            && self.alarm_token_file.is_none()
        {
            return Err(ConfigError::NoToken(listen.clone()));
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

    /// Looks whether the key that is named can sign. Only who may read it can say.
    ///
    /// # Errors
    /// [`ConfigError::Key`], which says what to do.
    pub fn check_key(&self) -> Result<(), ConfigError> {
        self.signing_key.as_deref().map_or(Ok(()), |path| Ok(Signer::read(path).map(drop)?))
    }

    /// Where the key is that signs evidence, named or not.
    pub fn signing_key(&self) -> PathBuf {
        self.signing_key.clone().unwrap_or_else(|| Self::host_key_of(&self.state_dir))
    }

    /// The key that a recorder with this state directory makes for itself.
    pub fn host_key_of(state_dir: &Path) -> PathBuf {
        state_dir.join("host_key")
    }

    /// The custody log in this state directory.
    pub fn custody_of(state_dir: &Path) -> PathBuf {
        state_dir.join("custody.log")
    }

    /// SHA-256 in hex of all its keys with their values: of what `taffrail config print` prints, comments left out.
    pub fn sha256(&self) -> Option<String> {
        let whole = Self { evidence_dir: Some(self.evidence_dir()), ..self.clone() };
        whole.to_toml().ok().map(|text| hex(&Sha256::digest(text)))
    }

    /// The control socket of a recorder with this state directory.
    pub fn socket_of(state_dir: &Path) -> PathBuf {
        state_dir.join("control.sock")
    }

    /// Where evidence goes when the asker names no place.
    pub fn evidence_dir(&self) -> PathBuf {
        self.evidence_dir.clone().unwrap_or_else(|| self.state_dir.join("evidence"))
    }

    /// Budgets of the ring.
    pub fn budget(&self) -> Budget {
        Budget {
            total_bytes: self.ring_total_bytes,
            floor_bytes: self.ring_floor_bytes,
            ceiling_bytes: self.ring_ceiling_bytes,
            vital_percent: self.ring_vital_percent,
            keep: Duration::from_secs(self.ring_keep_seconds),
        }
    }

    /// How long what was written may wait to be durable.
    pub fn sync_age(&self) -> Duration {
        Duration::from_millis(self.sync_ms)
    }

    /// How long an event may wait in memory.
    pub fn flush_age(&self) -> Duration {
        Duration::from_millis(self.flush_ms)
    }
}

/// What is wrong and in which line; for a key that is not known, the nearest that is.
fn explain(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    // The first line of what the parser says goes without a picture of the place.
    let said = error.message().lines().next().unwrap_or_default();
    let Some(key) = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) else {
        return format!("line {line}: {said}");
    };
    let all = Config {
        evidence_dir: Some(PathBuf::new()),
        control_group: Some(String::new()),
        signing_key: Some(PathBuf::new()),
        alarm_listen: Some(Listen::Unix(PathBuf::from("/"))),
        alarm_token_file: Some(PathBuf::new()),
        response: BTreeMap::from([(String::new(), Response::Freeze)]),
        ..Config::default()
    };
    let known = toml::Table::try_from(all).map(|table| table.keys().cloned().collect::<Vec<String>>());
    let known = known.unwrap_or_default();
    let near = known.iter().map(|name| (strsim::jaro_winkler(name, key), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match near {
        Some((likeness, name)) if likeness > 0.75 => format!("; did you mean `{name}`?"),
        _ => format!("; there are: {}", known.join(", ")),
    };
    format!("line {line}: there is no key `{}`{hint}", taffrail_trace::text::shown(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("taffrail.toml");
        fs::write(&path, text).expect("write");
        Config::load(Some(&path)).map(|(config, _)| config)
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(parse("").expect("empty"), Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        let message = parse("flush_ms = 20\nring_totl_bytes = 1\n").expect_err("unknown key").to_string();
        assert!(message.contains("line 2: there is no key `ring_totl_bytes`"), "{message}");
        assert!(message.ends_with("did you mean `ring_total_bytes`?"), "{message}");
        let message = parse("\n\nxyzzy = 1\n").expect_err("unknown key").to_string();
        assert!(message.contains("line 3") && message.contains("flush_ms, "), "{message}");
    }

    #[test]
    fn a_value_of_another_kind_is_refused_by_line() {
        let message = parse("\nflush_ms = \"soon\"\n").expect_err("a text").to_string();
        assert!(message.contains("line 2") && message.contains("invalid type"), "{message}");
        let message = parse("flush_ms =\n").expect_err("no value").to_string();
        assert!(message.contains("line 1"), "{message}");
    }

    #[test]
    fn what_is_printed_is_read_back_as_the_same() {
        let config = Config { flush_ms: 77, evidence_dir: Some(PathBuf::from("/srv")), ..Config::default() };
        assert_eq!(parse(&config.to_toml().expect("TOML")).expect("read back"), config);
    }

    #[test]
    fn a_model_that_learns_for_no_time_is_refused() {
        let message = parse("model_learn_seconds = 0").expect_err("no time to learn").to_string();
        assert!(message.contains("model_learn_seconds = 0: 1 second to a year"), "{message}");
        assert!(parse("models = false\nmodel_dry_run_seconds = 0\n").is_ok());
        let message = parse("model_lern_seconds = 5\n").expect_err("unknown key").to_string();
        assert!(message.ends_with("did you mean `model_learn_seconds`?"), "{message}");
    }

    #[test]
    fn a_key_that_cannot_sign_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("key");
        let config = Config { signing_key: Some(path.clone()), ..Config::default() };
        assert!(config.check_key().expect_err("none").to_string().contains("signing_key: cannot use the key"));
        Signer::read_or_make(&path, "test").expect("a key");
        assert!(config.check_key().is_ok());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("mode");
        assert!(config.check_key().expect_err("open").to_string().contains("chmod 600"));
    }

    #[test]
    fn a_ring_size_that_the_kernel_refuses_is_refused_before() {
        let message = parse("kernel_bulk_bytes = 5000").expect_err("not a power of two").to_string();
        assert!(message.contains("power of two"), "{message}");
    }
}
