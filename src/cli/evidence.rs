//! Arguments of commands on bundles, which need no recorder.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use taffrail_query::Format;
use taffrail_tui::state::View;

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

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("10MB"), Ok(10_000_000));
        assert_eq!(size("10 MiB"), Ok(10 << 20));
        assert_eq!(size("512"), Ok(512));
        for wrong in ["", "0", "MB", "-1", "1.5MB", "10 apples", "99999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
