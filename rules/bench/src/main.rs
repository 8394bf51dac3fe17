//! How many events a second one core judges: `cargo xtask bench rules`.
//!
//! ```text
//! falco     a hundred rules; beside them every rule asked, one after the other
//! sigma     a hundred rules; beside them rsigma's evaluator, with the same rules and the same events in the same run
//! ```
//!
//! The events are made up in the shares of a busy web container. Hardly any matches a rule, as it should be. The other
//! evaluator is told the sort of each event, and gets it as the JSON that it reads, made before the clock runs.

mod events;
mod model;
mod sigma;

use events::World;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taffrail_rules::judge::Judge;
use taffrail_rules::load;
use taffrail_rules::matcher::RuleSet;
use taffrail_rules::scene::View;

const RULES: &str = include_str!("rules.yaml");
/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(2);

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> Done {
    let mut out = std::io::stdout().lock();
    let world = World::new();
    falco(&world, &mut out)?;
    sigma::compare(&world, &mut out)?;
    Ok(model::print(&world, &mut out)?)
}

fn falco(world: &World, out: &mut impl Write) -> Done {
    let mut text = RULES.to_owned();
    variants(&mut text)?;
    let set = rules(&text, out)?;
    for (sort, events) in world.shares() {
        let mut judge = Judge::new(Arc::clone(&set));
        let fast = measured(&events, |event| judge.see(event).count());
        // What the matcher is measured against: every rule asked, one after the other.
        let slow = measured(&events, |event| {
            let view = View::of(event);
            set.rules().iter().filter(|rule| rule.when.conditions().any(|condition| condition.holds(&view))).count()
        });
        line(out, "falco", sort, &fast, "one by one", &slow)?;
    }
    Ok(())
}

/// The rules of a text, faults told.
fn rules(text: &str, out: &mut impl Write) -> Result<Arc<RuleSet>, std::io::Error> {
    let loaded = load::load([("rules.yaml", text)]);
    for fault in &loaded.problems {
        writeln!(out, "{fault}")?;
    }
    for rule in &loaded.unsupported {
        writeln!(out, "{}: {}", rule.rule, rule.reasons.join("; "))?;
    }
    let set = RuleSet::new(loaded.rules);
    writeln!(out, "{} rules, {} not supported", set.rules().len(), loaded.unsupported.len())?;
    Ok(Arc::new(set))
}

fn line(out: &mut impl Write, rules: &str, sort: &str, ours: &Figure, name: &str, other: &Figure) -> std::io::Result<()> {
    writeln!(
        out,
        "{rules} {sort:10} {:>12.0} events/s  {:>6.0} ns each  {:>5.2} % match  {name} {:>9.0} events/s  {:>5.2} % match  (x {:.1})",
        ours.rate,
        1e9 / ours.rate,
        ours.hits * 100.0,
        other.rate,
        other.hits * 100.0,
        ours.rate / other.rate,
    )
}

/// A figure.
struct Figure {
    /// Events judged a second.
    rate: f64,
    /// Matches an event.
    hits: f64,
}

/// How fast `judge` is, which says how many rules an event matches.
fn measured<T>(events: &[T], mut judge: impl FnMut(&T) -> usize) -> Figure {
    let (mut judged, mut hits) = (0, 0);
    let begin = Instant::now();
    while begin.elapsed() < TIME {
        hits += events.iter().map(&mut judge).sum::<usize>();
        judged += events.len();
    }
    Figure { rate: judged as f64 / begin.elapsed().as_secs_f64(), hits: hits as f64 / judged as f64 }
}

/// More rules of the kind that people write for their own images, to make about a hundred.
fn variants(text: &mut String) -> std::fmt::Result {
    let images = ["shop", "billing", "search", "mail", "queue", "cache", "auth", "report", "stock", "cart"];
    for (at, image) in images.iter().enumerate() {
        let own = format!("container and container.image.repository endswith /{image}");
        let port = 9000 + at;
        for (name, condition) in [
            (
                "Unexpected program",
                format!("spawned_process and {own} and not proc.name in ({image}, {image}d, usual)"),
            ),
            (
                "Unexpected write",
                format!(
                    "open_write and {own} and not fd.name pmatch (/var/lib/{image}, /tmp, /dev, /proc, /var/log) and not proc.name in (usual)"
                ),
            ),
            (
                "Unexpected connection",
                format!("connect and {own} and not fd.sport in (443, 5432, {port}) and not fd.snet in (private)"),
            ),
            (
                "Secret read",
                format!(
                    "open_read and {own} and fd.name pmatch (/etc/{image}/keys, /run/secrets/{image}) and not proc.aname in ({image}, tini)"
                ),
            ),
        ] {
            writeln!(text, "- rule: {name} in {image}")?;
            writeln!(text, "  desc: made up\n  output: o %proc.name\n  priority: NOTICE\n  condition: {condition}")?;
        }
    }
    Ok(())
}
