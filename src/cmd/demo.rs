//! `taffrail demo`

use crate::Outcome;
use crate::cli::{DemoArgs, DemoContainerArgs};
use anyhow::{Context as _, Result};
use std::io::{self, IsTerminal as _, Write as _};

/// Plays the demo, and offers the replay where a person is watching.
pub fn run(args: &DemoArgs) -> Result<Outcome> {
    let exe = std::env::current_exe().context("cannot find this program's own file")?;
    let runtime = super::runtime()?;
    let ending = runtime.block_on(taffrail_demo::run(&exe, !args.no_host_ancestors, &mut io::stdout()))?;
    drop(runtime);
    if !args.no_replay && io::stdin().is_terminal() && io::stdout().is_terminal() {
        write!(io::stdout(), "\nOpen the replay now? [Y/n] ")?;
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if !answer.trim().to_lowercase().starts_with('n') {
            super::replay::open(ending.bundle())?;
        }
    }
    Ok(Outcome::Fine)
}

/// The inside of the demo's container.
pub fn run_container(args: &DemoContainerArgs) -> Result<Outcome> {
    taffrail_demo::container::enter(&args.root, &args.cgroup, &args.command)?;
    Ok(Outcome::Fine)
}
