//! `taffrail thaw`

use crate::Outcome;
use crate::cli::ThawArgs;
use anyhow::Result;
use taffrail_recorder::control::{self, ThawRequest};

/// Has a running recorder thaw a container.
pub fn run(args: ThawArgs) -> Result<Outcome> {
    control::thaw(&args.state_dir, ThawRequest { container: args.container })?;
    Ok(Outcome::Fine)
}
