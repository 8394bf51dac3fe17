//! Arguments of commands to a recorder, or for one.

use clap::Args;
#[cfg(feature = "record")]
use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Where ring, evidence and control socket live. [default: /var/lib/taffrail]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// A TOML configuration. [default: /etc/taffrail/taffrail.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Arguments of `config`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: ConfigCommand,
}

/// What can be done with a configuration.
#[cfg(feature = "record")]
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether a configuration can be used.
    Check(ConfigFile),
    /// Print every key with its value, as a file that can be edited.
    Print(ConfigFile),
}

/// Which configuration.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The file. [default: /etc/taffrail/taffrail.toml where there is one, else what is built in]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Print it again and again, every so many seconds, until it is interrupted.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,
}

/// Arguments of `trigger`.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// Name or id of the container, or the beginning of its id; `host` for what runs in none.
    #[arg(long, value_name = "NAME_OR_ID")]
    pub container: String,
    /// Why; it goes into the evidence.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How much history before now.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub before: Duration,
    /// How much after now.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub after: Duration,
    /// Directory for the bundle; root's to name. [default: evidence/ in the state directory]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Return when the bundle is sealed, not when it is ordered.
    #[arg(long)]
    pub wait: bool,
}

/// Arguments of `level`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct LevelArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// Name or id of the container, or the beginning of its id; `host` for what runs in none.
    #[arg(long, value_name = "NAME_OR_ID")]
    pub container: String,
    /// How much.
    pub level: Level,
}

/// Arguments of `thaw`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ThawArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// Name or id of the container, or the beginning of its id.
    #[arg(long, value_name = "NAME_OR_ID")]
    pub container: String,
}

/// Arguments of `salvage`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct SalvageArgs {
    /// The recorder's state directory, or a copy of it. It is only read.
    #[arg(value_name = "STATE_DIR")]
    pub state_dir: PathBuf,
    /// Only this container: its name or id, or the beginning of its id; `host` for what ran in none.
    #[arg(long, value_name = "NAME_OR_ID")]
    pub container: Option<String>,
    /// Directory for the bundles.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// The private key that signs them (Ed25519, OpenSSH's format). [default: the one in the state directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// How much is recorded.
#[cfg(feature = "record")]
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Level {
    /// Every system call as well, with arguments, result and duration.
    Full,
    /// Programs, files, flows, privileges, terminals: what is recorded without this command.
    Standard,
    /// Rare events alone; frequent ones, such as opened files, are counted.
    Vital,
    /// Its processes stay known, nothing else of them is recorded.
    Off,
}

/// Arguments of `demo`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Do not offer to open the replay at the end.
    #[arg(long)]
    pub no_replay: bool,
    /// Keep the host's processes out of the evidence, as for a sample that is given away.
    #[arg(long, hide = true)]
    pub no_host_ancestors: bool,
}

/// Arguments of the demo's container process.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct DemoContainerArgs {
    /// Root directory, filled.
    pub root: PathBuf,
    /// The container's cgroup.
    pub cgroup: PathBuf,
    /// What to run in it.
    #[arg(trailing_var_arg = true, required = true)]
    pub command: Vec<String>,
}

/// `5m`, `90s`, `1h30m`: a length of time that is not negative.
fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a time such as 90s, 5m or 1h30m".to_owned())?;
    Duration::try_from(span).map_err(|_| "a time before or after the trigger cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }
}
