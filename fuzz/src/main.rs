//! The targets without a fuzzing engine, on stable Rust: spoils the seeds, the same way for the same number, for so many
//! seconds. What panics or takes longer than five seconds is written down and ends it.
//!
//! `cargo run --release -- zip|manifest|signature|segment|rules|alarms|all SECONDS [FIRST]`, or `seeds DIR`, which writes what it
//! spoils into a directory for each target.

use std::error::Error;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io};
use taffrail_fuzz::{TARGETS, seeds};
use taffrail_trace::fixture::mutate::{Dice, mutate, zip_places};

const SLOW: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let usage = "usage: taffrail-fuzz zip|manifest|signature|segment|rules|alarms|all SECONDS [FIRST], or seeds DIR";
    if let [word, dir] = args.as_slice()
        && word == "seeds"
    {
        return write_seeds(Path::new(dir));
    }
    let (wanted, seconds) = args.first().zip(args.get(1)).ok_or(usage)?;
    let time = Duration::from_secs(seconds.parse().map_err(|_| usage)?);
    let first = args.get(2).map_or(Ok(0), |first| first.parse()).map_err(|_| usage)?;
    let targets: Vec<_> = TARGETS.into_iter().filter(|(name, _)| wanted == name || wanted == "all").collect();
    if targets.is_empty() {
        return Err(usage.into());
    }
    for (name, target) in targets {
        run(name, target, time, first)?;
    }
    Ok(())
}

fn write_seeds(dir: &Path) -> Result<(), Box<dyn Error>> {
    for (name, _) in TARGETS {
        let dir = dir.join(name);
        fs::create_dir_all(&dir)?;
        for (number, seed) in seeds(name).into_iter().enumerate() {
            fs::write(dir.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}

fn run(name: &str, target: fn(&[u8]), time: Duration, first: u64) -> Result<(), Box<dyn Error>> {
    let seeds: Vec<(Vec<u8>, Vec<usize>)> =
        seeds(name).into_iter().map(|seed| (zip_places(&seed), seed)).map(|(places, seed)| (seed, places)).collect();
    taffrail_fuzz::contain();
    let (begun, mut number, mut slowest) = (Instant::now(), first, Duration::ZERO);
    while begun.elapsed() < time {
        let mut dice = Dice::new(number);
        let (seed, places) = &seeds[dice.below(seeds.len())];
        let mut bytes = seed.clone();
        mutate(&mut bytes, places, &mut dice);
        let at = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
        slowest = slowest.max(at.elapsed());
        if ended.is_err() || at.elapsed() > SLOW {
            let path = format!("{name}-{number}.input");
            fs::write(&path, &bytes)?;
            let what = if ended.is_err() { "panicked" } else { "took too long" };
            return Err(format!("{name} {what} on input {number}, which is in {path}").into());
        }
        number += 1;
    }
    writeln!(
        io::stdout(),
        "{name}: {} inputs from {first} on in {} s, the slowest {slowest:?}",
        number - first,
        time.as_secs()
    )?;
    Ok(())
}
