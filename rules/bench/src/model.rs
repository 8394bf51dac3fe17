//! What it costs to learn what is normal, and to judge by it.

use super::events::World;
use super::measured;
use std::io::Write;
use taffrail_rules::model::{Judge, Profile, Reader};

/// Prints a line for each sort of event: all of them learned, then judged by a model that knows them.
pub fn print(world: &World, out: &mut dyn Write) -> std::io::Result<()> {
    for (sort, events) in world.shares() {
        let (mut profile, mut reader) = (Profile::default(), Reader::default());
        for event in &events {
            profile.learn(&mut reader, event);
        }
        let facts = profile.len();
        let learning = measured(&events, |event| profile.learn(&mut reader, event).new);
        let mut judge = Judge::new(profile.clone());
        let judging = measured(&events, |event| usize::from(judge.deviation(event).is_some()));
        let mut strict = Judge::new(Profile::default());
        let deviating = measured(&events, |event| usize::from(strict.deviation(event).is_some()));
        writeln!(
            out,
            "model {sort:10} {facts:>4} facts  judged {:>11.0} events/s ({:>4.0} ns)  known and learned again {:>11.0} events/s  {:>3.0} % deviating {:>11.0} events/s",
            judging.rate,
            1e9 / judging.rate,
            learning.rate,
            deviating.hits * 100.0,
            deviating.rate,
        )?;
    }
    Ok(())
}
