//! The command line, as `--help` shows it.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;
use taffrail_query::Format;
use taffrail_tui::state::View;

/// A flight recorder for containers: what happened before the alarm, sealed into one file that anyone can replay,
/// query and verify.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// Log more; twice for everything. TAFFRAIL_LOG=... chooses by module.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record every container of this host until SIGINT or SIGTERM.
    ///
    /// Ready when it prints a line starting "recording" (and tells systemd READY=1).
    #[cfg(feature = "record")]
    Record(RecordArgs),
    /// Show, per container, how far back its history reaches and what was lost.
    #[cfg(feature = "record")]
    Status(StatusArgs),
    /// Seal a container's history, before and after now, and print the bundle's path.
    #[cfg(feature = "record")]
    Trigger(TriggerArgs),
    /// Record more or less of a container, from now on.
    #[cfg(feature = "record")]
    Level(LevelArgs),
    /// Have a container that a response froze go on.
    #[cfg(feature = "record")]
    Thaw(ThawArgs),
    /// Make bundles of what a recorder left on disk: after a crash, or from a copied disk. No recorder is needed.
    #[cfg(feature = "record")]
    Salvage(SalvageArgs),
    /// Seal what a recorder orders on standard input.
    #[cfg(feature = "record")]
    #[command(hide = true)]
    Seal,
    /// Ask bundles questions in SQL.
    ///
    /// Every table, view and function is in docs/QUERIES.md; without --sql or --file this prints the tables and views.
    /// Of several bundles, one that is damaged is named and left out.
    Query(QueryArgs),
    /// Ask rules about bundles, after the fact. Exit code 1 where nothing is found.
    Hunt(HuntArgs),
    /// Say which rules of a file can be asked, and why others cannot.
    Rules(RulesArgs),
    /// Replay bundles in the terminal.
    Replay(ReplayArgs),
    /// Tell a bundle's story on one page: Markdown on standard output, or a page for a browser, a ticket or paper.
    Report(ReportArgs),
    /// Check that bundles are whole and what was sealed, by whom, and say what is missing inside. Exit code 1 where one is not.
    Verify(VerifyArgs),
    /// Make a new bundle with less in it, which says what was taken out and from which one.
    Redact(RedactArgs),
    /// Check a custody log: what was sealed, redacted and exported, line by line, each bound to the one before; or export.
    #[command(subcommand)]
    Custody(CustodyCommand),
    /// What is normal for an image: see what was learned, take it along, have it learned again, compare it.
    Model(ModelArgs),
    /// Check a configuration, or print the one that a recorder would use.
    #[cfg(feature = "record")]
    Config(ConfigArgs),
    /// Say what this machine offers a recorder, one line each, with the fix.
    #[cfg(feature = "record")]
    Doctor,
    /// Record a harmless scripted intrusion in a small container of its own, and tell its story.
    #[cfg(feature = "record")]
    Demo(DemoArgs),
    /// Run inside the demo's own container; not for people.
    #[cfg(feature = "record")]
    #[command(hide = true)]
    DemoContainer(DemoContainerArgs),
}

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

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: ModelCommand,
}

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Show which models a recorder has, and how far each is.
    #[cfg(feature = "record")]
    List(ModelListArgs),
    /// Show what a model knows, and what its dry run would have told.
    #[cfg(feature = "record")]
    Show(ModelShowArgs),
    /// Write a model as a file that can be kept beside the image.
    #[cfg(feature = "record")]
    Export(ModelExportArgs),
    /// Have a recorder judge by a file, in place of what it knows of that image.
    #[cfg(feature = "record")]
    Import(ModelImportArgs),
    /// Have a recorder learn an image again.
    #[cfg(feature = "record")]
    Relearn(ModelRelearnArgs),
    /// Learn what containers did from their evidence, without a recorder.
    Learn(ModelLearnArgs),
    /// Compare two files, a line a fact: + is new in the second. Exit code 1 where they differ.
    Diff(ModelDiffArgs),
}

/// Arguments of `model list`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ModelListArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `model show`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ModelShowArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// The image's name, its digest, or the beginning of that.
    pub image: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `model export`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ModelExportArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// The image's name, its digest, or the beginning of that.
    pub image: String,
    /// The file; standard output by default.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `model import`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ModelImportArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// Count what deviates for the time of a dry run before it is told.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `model relearn`.
#[cfg(feature = "record")]
#[derive(Debug, Args)]
pub struct ModelRelearnArgs {
    /// The recorder's state directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
    /// The image's name, its digest, or the beginning of that.
    pub image: String,
    /// Add to what is known, in place of beginning with nothing.
    #[arg(long)]
    pub keep: bool,
}

/// Arguments of `model learn`.
#[derive(Debug, Args)]
pub struct ModelLearnArgs {
    /// Evidence bundles, of one image.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// The file; standard output by default.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `model diff`.
#[derive(Debug, Args)]
pub struct ModelDiffArgs {
    /// A model's file.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// Another one.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
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

/// Arguments of `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Evidence bundles.
    #[arg(required_unless_present = "live", value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// Ask the history of the running recorder, as far as it is on disk, without disturbing it.
    #[cfg(feature = "record")]
    #[arg(long, conflicts_with = "bundles")]
    pub live: bool,
    /// Of a live history only this container: its name or id, or the beginning of its id.
    #[cfg(feature = "record")]
    #[arg(long, value_name = "NAME_OR_ID", requires = "live")]
    pub container: Option<String>,
    /// The recorder's state directory.
    #[cfg(feature = "record")]
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail", requires = "live")]
    pub state_dir: PathBuf,
    /// A query. Without one, the tables and views are listed.
    #[arg(long, value_name = "SQL", conflicts_with = "file")]
    pub sql: Option<String>,
    /// A file of queries, `;` between them; `-` for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// table, csv, json, ndjson or parquet.
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Table)]
    pub format: Format,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Evidence bundles.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// Where to: a name that ends in .html or .md. [default: Markdown on standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// With the case notes that `replay` keeps beside each bundle.
    #[arg(long)]
    pub notes: bool,
    /// Where this host's custody log is, which gets a line for each bundle that a written report tells of.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
}

/// Arguments of `hunt`.
#[derive(Debug, Args)]
pub struct HuntArgs {
    /// Evidence bundles.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// A file of rules, as Falco reads them; several, where later ones change earlier ones. [default: those that come
    /// with this program]
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// A condition instead of rules: `evt.type = connect and proc.name = nc`. Every event that meets it is told.
    #[arg(long, value_name = "CONDITION", conflicts_with = "rules")]
    pub filter: Option<String>,
    /// What is told of an event that meets --filter.
    #[arg(long, value_name = "TEXT", requires = "filter", default_value = "%evt.type %proc.cmdline %fd.name")]
    pub output: String,
    /// Print a line of JSON for each.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: RulesCommand,
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Read them, and say of each whether it can be asked. Exit code 2 where something in them is wrong.
    Check {
        /// Files of rules, as Falco reads them. [default: those that come with this program]
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Arguments of commands on one bundle.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// An evidence bundle.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Evidence bundles.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Compare with a chain.log that was kept elsewhere: a chain of segments that was made anew does not fit it.
    #[arg(long, value_name = "FILE")]
    pub chain_log: Option<PathBuf>,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Whose signatures count.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Be satisfied with this public key only.
    #[arg(long, value_name = "PUBKEY", conflicts_with = "allowed_signers")]
    pub key: Option<PathBuf>,
    /// Be satisfied with the keys in this list only, which is one as `ssh-keygen -Y verify` takes.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Where this host's own key is looked for, where no key is named.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
}

/// Arguments of `redact`.
#[derive(Debug, Args)]
pub struct RedactArgs {
    /// An evidence bundle. It stays as it is.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The new bundle, which must not be there.
    #[arg(short, long, value_name = "NEW")]
    pub out: PathBuf,
    /// Leave out a table.
    #[arg(long, value_name = "TABLE")]
    pub drop_table: Vec<String>,
    /// Make a column NULL. Where it cannot be, its table goes.
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub drop_column: Vec<String>,
    /// Leave out files whose path begins so, and mask every text that has it in it.
    #[arg(long, value_name = "PREFIX")]
    pub drop_path: Vec<String>,
    /// Mask the arguments of programs, and the values of environment variables.
    #[arg(long)]
    pub mask_args: bool,
    /// Leave out what went over terminals.
    #[arg(long)]
    pub drop_terminal: bool,
    /// Leave out frequent events, those furthest from the trigger first, until the file is no larger: 10MB, 512KiB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// The private key that signs it (Ed25519, OpenSSH's format). [default: this host's own, where it can be read]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where this host's own key and custody log are.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
}

/// What can be done with a custody log.
#[derive(Debug, Subcommand)]
pub enum CustodyCommand {
    /// Show its lines and say whether one was changed, put in or taken out. Exit code 1 where one was.
    Verify(CustodyArgs),
    /// Copy a bundle to where it leaves this host by, once it is found whole, and write that down: signed, with the
    /// SHA-256 of the copy. Prints that as sha256sum does.
    Export(CustodyExportArgs),
}

/// Arguments of `custody export`.
#[derive(Debug, Args)]
pub struct CustodyExportArgs {
    /// An evidence bundle.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The copy, which must not be there, or a directory for it.
    #[arg(short, long, value_name = "PLACE")]
    pub out: PathBuf,
    /// For whom; it goes into the log.
    #[arg(long, value_name = "TEXT")]
    pub to: Option<String>,
    /// The private key that signs the line (Ed25519, OpenSSH's format). [default: this host's own, where it can be read]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where this host's own key and custody log are.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/taffrail")]
    pub state_dir: PathBuf,
}

/// Arguments of `custody verify`.
#[derive(Debug, Args)]
pub struct CustodyArgs {
    /// A custody log, or a bundle that has one in it.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Evidence bundles; several stand on one time line.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// A TOML file of one's own keys. [default: ~/.config/taffrail/keys.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Play from the beginning.
    #[arg(long)]
    pub play: bool,
    /// The view to begin with.
    #[arg(long, value_name = "VIEW", default_value = "timeline", value_parser = view)]
    pub view: View,
    /// Draw into files, NNNNN.txt and NNNNN.svg, and not on a terminal; with --play a frame every 100 ms until the end.
    #[arg(long, value_name = "DIR")]
    pub dump_frames: Option<PathBuf>,
    /// The size of these frames, in characters.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x36", value_parser = characters, requires = "dump_frames")]
    pub size: (u16, u16),
}

fn view(text: &str) -> Result<View, String> {
    let known = View::ALL.into_iter().find(|view| view.as_str().eq_ignore_ascii_case(text));
    let all = || View::ALL.map(|view| view.as_str().to_lowercase()).join(", ");
    known.ok_or_else(|| format!("the views are {}", all()))
}

fn characters(text: &str) -> Result<(u16, u16), String> {
    let sizes = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let sizes = sizes.filter(|(width, height)| (1..=500).contains(width) && (1..=500).contains(height));
    sizes.ok_or_else(|| "a size is COLUMNSxROWS, each 1 to 500".to_owned())
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

/// `10MB`, `512KiB`, `1000`: a number of bytes above zero.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 10MB, 512KiB or 1000000".to_owned();
    let digits = text.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).filter(|it| *it > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("10MB"), Ok(10_000_000));
        assert_eq!(size("10 MiB"), Ok(10 << 20));
        assert_eq!(size("512"), Ok(512));
        for wrong in ["", "0", "MB", "-1", "1.5MB", "10 apples", "99999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }
}
