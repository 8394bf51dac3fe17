//! The figures of a ring that a recorder left on disk, as JSON: what its events take there and in other forms, how long
//! they took to get there, and how fast they are packed and unpacked. `cargo xtask bench ring` prints them.
//!
//! ```text
//! ring_figures STATE_DIR ROUNDS [NAME=CONTAINER_ID]...     the named containers each, together, and what else is there
//!
//! ring     a state directory -> histories -> segments
//! form     an event -> bytes of a row, or of a record with parameters
//! sizes    segments -> bytes in each form
//! longer   segments -> fewer and longer ones
//! delays   segments -> time from an event to its segment
//! rates    segments in memory -> events a second
//! ```

mod delays;
mod form;
mod longer;
mod rates;
mod ring;
mod sizes;

use delays::Delays;
use rates::Sample;
use ring::History;
use serde::Serialize;
use sizes::Sizes;
use std::io::Write as _;
use std::path::PathBuf;

/// This program only prints errors.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The histories under one name.
#[derive(Default, Serialize)]
struct Group {
    name: String,
    /// The container's id, where it is one.
    id: String,
    #[serde(flatten)]
    sizes: Sizes,
}

#[derive(Serialize)]
struct Figures {
    /// The named containers.
    groups: Vec<Group>,
    /// All of them.
    named: Sizes,
    /// What else the ring holds.
    others: Sizes,
    /// Of the named containers.
    delays: delays::Figures,
    /// Of the named containers.
    rates: rates::Figures,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let state_dir = PathBuf::from(args.next().ok_or("no state directory is named")?);
    let rounds = args.next().ok_or("no number of rounds is given")?.parse()?;
    let words: Vec<String> = args.collect();
    let mut groups = words
        .iter()
        .map(|word| word.split_once('=').map(|(name, id)| group(name, id)).ok_or("a word is not NAME=CONTAINER_ID"))
        .collect::<std::result::Result<Vec<Group>, _>>()?;

    let histories = ring::histories(&state_dir)?;
    let is_named = |history: &&History| words.iter().any(|word| word.ends_with(&format!("={}", history.id)));
    let named_events = histories.iter().filter(is_named).map(History::events).sum::<Result<u64>>()?;
    let (mut named, mut others) = (Sizes::default(), Sizes::default());
    let (mut delays, mut sample) = (Delays::default(), Sample::of(named_events));
    for history in &histories {
        let Some(group) = groups.iter_mut().find(|group| group.id == history.id) else {
            others.add(&Sizes::of(history, &mut |_, _| Ok(()))?);
            continue;
        };
        let sizes = Sizes::of(history, &mut |whole, content| {
            delays.take(&whole.head, &content);
            sample.take(whole, content)
        })?;
        named.add(&sizes);
        group.sizes.add(&sizes);
    }
    let figures = Figures { groups, named, others, delays: delays.figures(), rates: sample.measure(rounds)? };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &figures)?;
    Ok(writeln!(out)?)
}

fn group(name: &str, id: &str) -> Group {
    Group { name: name.to_owned(), id: id.to_owned(), sizes: Sizes::default() }
}
