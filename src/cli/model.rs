//! Arguments of `model`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

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
