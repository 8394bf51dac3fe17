//! The command line, as `--help` shows it.

mod evidence;
mod model;
mod recorder;

pub use evidence::*;
pub use model::*;
pub use recorder::*;

use clap::{Parser, Subcommand};

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
