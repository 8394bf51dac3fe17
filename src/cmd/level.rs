//! `taffrail level`

use crate::Outcome;
use crate::cli::{Level, LevelArgs};
use anyhow::Result;
use taffrail_recorder::control::{self, LevelRequest};

/// Has a running recorder record more or less of a container.
pub fn run(args: LevelArgs) -> Result<Outcome> {
    let level = match args.level {
        Level::Full => control::Level::Full,
        Level::Standard => control::Level::Standard,
        Level::Vital => control::Level::Vital,
        Level::Off => control::Level::Off,
    };
    control::level(&args.state_dir, LevelRequest { container: args.container, level })?;
    Ok(Outcome::Fine)
}
