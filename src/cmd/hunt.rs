//! `taffrail hunt`

use super::rules;
use crate::Outcome;
use crate::cli::HuntArgs;
use crate::logging::complain;
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use taffrail_rules::evidence::hunt;
use taffrail_rules::judge::{Judge, Missed};
use taffrail_rules::matcher::RuleSet;
use taffrail_rules::scene::Scene;
use taffrail_rules::{falco, file, load};
use taffrail_trace::bundle::Bundle;
use taffrail_trace::clock::rfc3339;
use taffrail_trace::event::Finding;
use taffrail_trace::text::shown;

/// Asks rules about bundles. Where nothing is found the answer is negative.
pub fn run(args: &HuntArgs) -> Result<Outcome> {
    let loaded = match &args.filter {
        Some(condition) => {
            told_by_itself(condition)?;
            rules::usable(file::checked(load::load([("--filter", filter(condition, &args.output).as_str())])))?
        }
        None => rules::load(&args.rules)?,
    };
    for rule in &loaded.unsupported {
        if args.filter.is_some() {
            bail!("--filter asks for what is not recorded: {}", shown(&rule.reasons.join("; ")));
        }
        tracing::warn!(rule = rule.rule, reason = rule.reasons.join("; "), "a rule is left out");
    }
    let rules = Arc::new(RuleSet::new(loaded.rules));
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut found, mut failed) = (0_u64, 0);
    for path in &args.bundles {
        match one(path, &rules, args, &mut out) {
            Ok(count) => found += count,
            Err(error) if error.downcast_ref::<io::Error>().is_some() => return Err(error),
            Err(error) => {
                failed += 1;
                complain(&error);
            }
        }
    }
    out.flush()?;
    if failed == args.bundles.len() {
        bail!("no bundle could be read");
    }
    Ok(if found > 0 { Outcome::Fine } else { Outcome::Negative })
}

/// Refuses a text that is no condition, with the place of each fault in what was typed.
fn told_by_itself(condition: &str) -> Result<()> {
    let Err(problems) = falco::filter(condition) else { return Ok(()) };
    let told: Vec<String> =
        problems.iter().map(|problem| format!("character {}: {}", problem.place.column, problem.message)).collect();
    bail!("--filter is no condition that can be asked: {}", shown(&told.join("; ")))
}

/// A rule that matches where `condition` does.
fn filter(condition: &str, output: &str) -> String {
    let quoted = |text: &str| json!(text).to_string();
    format!(
        "- rule: filter\n  desc: what --filter asks for\n  condition: {}\n  output: {}\n  priority: INFO\n",
        quoted(condition),
        quoted(output)
    )
}

fn one(path: &Path, rules: &Arc<RuleSet>, args: &HuntArgs, out: &mut impl Write) -> Result<u64> {
    let bundle = Bundle::open_stated(path)?;
    // Each bundle is its own story: nothing of one is remembered for the next.
    let mut judge = Judge::new(Arc::clone(rules));
    let mut found = 0;
    let mut written = Ok(());
    let hunted = hunt(&bundle, &mut judge, &mut |finding, scene| {
        found += 1;
        if written.is_ok() {
            written = tell(&finding, scene, &bundle, args, out);
        }
    });
    written?;
    let hunted = hunted.with_context(|| format!("{} was asked only in part", path.display()))?;
    if hunted.passed_over > 0 {
        tracing::warn!(bundle = %path.display(), rows = hunted.passed_over, "rows that are no events were passed over");
    }
    // Resting is what a threshold does after a finding; these may be findings that are not there.
    let Missed { late, forgotten, .. } = judge.missed();
    if late + forgotten > 0 {
        tracing::warn!(bundle = %path.display(), late, forgotten, "thresholds and sequences did not count every event");
    }
    Ok(found)
}

fn tell(
    finding: &Finding,
    scene: &dyn Scene,
    bundle: &Bundle,
    args: &HuntArgs,
    out: &mut impl Write,
) -> io::Result<()> {
    let time = rfc3339(scene.utc(scene.event().time_ns));
    if args.json {
        let events = finding.events.iter().map(|event| {
            json!({
                "time": rfc3339(scene.utc(event.time_ns)),
                "exec_id": event.actor.as_ref().map(|actor| actor.exec_id.0),
                "step": event.step,
            })
        });
        let line = json!({
            "time": time,
            "bundle": bundle.manifest().id,
            "container": scene.container().name,
            "rule": finding.rule,
            "severity": finding.severity.as_str(),
            "priority": finding.priority,
            "message": finding.message,
            "tags": finding.tags,
            "techniques": finding.techniques,
            "events": events.collect::<Vec<_>>(),
        });
        return writeln!(out, "{line}");
    }
    let message = shown(&finding.message);
    if args.filter.is_some() {
        return writeln!(out, "{time}  {}  {message}", shown(&scene.container().name));
    }
    let (severity, rule) = (finding.severity.as_str(), shown(&finding.rule));
    let techniques =
        if finding.techniques.is_empty() { String::new() } else { format!(" [{}]", finding.techniques.join(" ")) };
    writeln!(out, "{time}  {severity:<8}  {}  {rule}{}: {message}", shown(&scene.container().name), shown(&techniques))
}
