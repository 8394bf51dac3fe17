//! The drawings: SVG and boxes inside the page. Lanes are stretched to the page's width, so that what has letters in it is
//! outside the SVG and keeps its size on a phone.

use super::facts::{BINS, Chapter, Talk};
use super::foreign::Foreign;
use super::units;
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The height of a lane, in its own units.
const LANE: f64 = 24.0;
/// The most programs and other ends in the graph.
const PROGRAMS_MAX: usize = 8;
const REMOTES_MAX: usize = 12;
/// Size of the graph's column of rows.
const ROW: f64 = 26.0;

/// Events by class over time, with what is missing, what was found, and the trigger.
pub fn timeline(chapter: &Chapter) -> Markup {
    let (from, to) = chapter.active;
    let share = |ns: i64| {
        let width = (to as f64 - from as f64).max(1.0);
        ((ns as f64 - from as f64) / width * 100.0).clamp(0.0, 100.0)
    };
    let gaps: Vec<(f64, f64)> = chapter
        .gaps
        .shown
        .iter()
        .filter(|gap| gap.to_ns >= from && gap.from_ns <= to)
        .map(|gap| (share(gap.from_ns), (share(gap.to_ns) - share(gap.from_ns)).max(0.6)))
        .collect();
    let trigger = share(chapter.trigger_ns);
    html! {
        figure class="chart" {
            div class="lane marks" {
                span class="label" { "findings" }
                div class="track" {
                    @for finding in &chapter.findings.shown {
                        span class="diamond" style=(format!("left:{:.2}%", share(finding.time_ns))) {}
                    }
                    span class="flag" style=(flag(trigger)) { "trigger " (units::clock(chapter.trigger_ns)) }
                }
                span class="total" { (units::number(chapter.findings.shown.len() as u64 + chapter.findings.more)) }
            }
            @for (name, bins) in &chapter.density {
                div class="lane" {
                    span class="label" { (name) }
                    svg class="track" viewBox=(format!("0 0 {BINS} {LANE}")) preserveAspectRatio="none" aria-hidden="true" {
                        @for (left, width) in &gaps {
                            rect class="gap" x=(scaled(*left)) y="0" width=(scaled(*width)) height=(LANE) {}
                        }
                        path class="bars" d=(bars(bins)) {}
                        line class="trigger" x1=(scaled(trigger)) x2=(scaled(trigger)) y1="0" y2=(LANE) {}
                    }
                    span class="total" { (units::number(bins.iter().sum())) }
                }
            }
            div class="lane axis" {
                span class="label" {}
                div class="track" {
                    @for part in 0..=4_i64 {
                        @let ns = from + (to - from) / 4 * part;
                        span class=(if part == 2 { "tick" } else if part % 2 == 1 { "tick minor" } else { "tick" })
                            style=(format!("left:{}%;transform:translateX(-{}%)", part * 25, part * 25)) { (units::clock(ns)) }
                    }
                }
                span class="total" {}
            }
            figcaption {
                "Events over time, each class by its own scale (logarithmic)."
                @if !gaps.is_empty() { " " span class="key gap" {} " events are missing." }
                @if chapter.from_ns < from - (to - from) {
                    " Recorded from " (units::moment(chapter.from_ns)) "; drawn is the part in which something happened."
                }
            }
        }
    }
}

/// The label of the trigger stays inside the drawing.
fn flag(percent: f64) -> String {
    if percent > 50.0 { format!("right:{:.2}%", 100.0 - percent) } else { format!("left:{percent:.2}%") }
}

fn scaled(percent: f64) -> String {
    format!("{:.2}", percent * f64::from(BINS) / 100.0)
}

fn bars(bins: &[u64]) -> String {
    let most = bins.iter().copied().max().unwrap_or(0) as f64;
    let mut path = String::new();
    for (at, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (2.0 + (*count as f64).ln_1p() / most.ln_1p() * (LANE - 3.0)).min(LANE);
        // Writing into a String cannot fail.
        let _ = write!(path, "M{at}.1 {LANE}v-{height:.1}h.8v{height:.1}z");
    }
    path
}

/// Who talked to whom: programs at the left, other ends at the right. Empty where it would not be readable.
pub fn graph(talks: &[Talk]) -> Markup {
    let mut programs: Vec<&Foreign> = Vec::new();
    let mut remotes: Vec<&Foreign> = Vec::new();
    let mut lines: BTreeMap<(usize, usize), (u64, bool, bool)> = BTreeMap::new();
    for talk in talks.iter().filter(|talk| !talk.remote.is_empty()) {
        let left = place(&mut programs, &talk.comm);
        let right = place(&mut remotes, &talk.remote);
        let line = lines.entry((left, right)).or_insert((0, false, false));
        *line = (line.0 + talk.sent + talk.received, line.1 || talk.hostile, line.2 || talk.inbound);
    }
    if lines.is_empty() || programs.len() > PROGRAMS_MAX || remotes.len() > REMOTES_MAX {
        return html! {};
    }
    let rows = programs.len().max(remotes.len()) as f64;
    let height = rows * ROW + 6.0;
    let y = |at: usize, of: usize| 3.0 + (at as f64 + 0.5) * (height - 6.0) / of as f64;
    let hostile = |test: &dyn Fn(&(usize, usize)) -> bool| lines.iter().any(|(ends, line)| test(ends) && line.1);
    html! {
        figure class="graph" {
            svg viewBox=(format!("0 0 400 {height}")) role="img" aria-label="Programs and the addresses that they talked to" {
                @for ((left, right), (bytes, named, inbound)) in &lines {
                    @let (a, b) = (y(*left, programs.len()), y(*right, remotes.len()));
                    path class=(format!("link{}{}", if *named { " hostile" } else { "" }, if *inbound { " inbound" } else { "" }))
                        stroke-width=(format!("{:.1}", 1.0 + (*bytes as f64).ln_1p() / 5.0))
                        d=(format!("M132 {a:.1}C180 {a:.1} 190 {b:.1} 238 {b:.1}")) {}
                }
                @for (at, program) in programs.iter().enumerate() {
                    @let named = hostile(&|ends| ends.0 == at);
                    circle class=(if named { "dot hostile" } else { "dot" }) cx="132" cy=(y(at, programs.len())) r="4" {}
                    text x="122" y=(y(at, programs.len()) + 4.0) text-anchor="end" { (program.brief(18)) }
                }
                @for (at, remote) in remotes.iter().enumerate() {
                    @let named = hostile(&|ends| ends.1 == at);
                    circle class=(if named { "dot hostile" } else { "dot" }) cx="238" cy=(y(at, remotes.len())) r="4" {}
                    text x="248" y=(y(at, remotes.len()) + 4.0) { (remote.brief(23)) }
                }
            }
            figcaption { "Dashed: the other end connected. The thicker, the more bytes." }
        }
    }
}

fn place<'a>(names: &mut Vec<&'a Foreign>, name: &'a Foreign) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}
