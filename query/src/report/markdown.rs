//! The Markdown document: the same facts, for a ticket.

use super::facts::{Change, Chapter};
use super::foreign::Foreign;
use super::lineage::Mark;
use super::notes::{self, Note};
use super::story::{self, Word};
use super::{page, setup, units};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// All bundles in one document.
pub fn document(chapters: &[Chapter], written: &[Note]) -> String {
    let mut out = String::new();
    for chapter in chapters {
        // Writing into a String cannot fail.
        let _ = bundle(&mut out, chapter);
    }
    let _ = notes::markdown(written, &mut out);
    out
}

fn bundle(out: &mut String, chapter: &Chapter) -> std::fmt::Result {
    let manifest = &chapter.manifest;
    let container = Foreign::new(&manifest.container.name).markdown();
    writeln!(out, "# Evidence: {container}, {}\n", units::moment(chapter.trigger_ns))?;
    let rule = Foreign::new(&manifest.trigger.rule);
    let reason = Foreign::new(&manifest.trigger.reason).without(&rule);
    let colon = if reason.is_empty() { "" } else { ": " };
    let severity = manifest.trigger.severity.as_str();
    writeln!(out, "**{severity}**, {}{colon}{}\n", rule.markdown(), reason.markdown())?;
    writeln!(out, "{}\n", words(&story::summary(chapter)))?;
    let tags: BTreeSet<&Foreign> = chapter.findings.shown.iter().flat_map(|finding| &finding.tags).collect();
    if !tags.is_empty() {
        let tags: Vec<String> = tags.into_iter().map(Foreign::markdown).collect();
        writeln!(out, "Tags of what was found: {}\n", tags.join(", "))?;
    }
    writeln!(
        out,
        "Container {}, bundle {} ({}), sealed by {}.",
        Foreign::new(&manifest.container.id).markdown(),
        Foreign::new(&manifest.id).markdown(),
        chapter.file.markdown(),
        Foreign::new(&manifest.tool).markdown()
    )?;

    let (sentences, more) = story::tell(chapter);
    writeln!(out, "\n## What happened\n")?;
    for sentence in &sentences {
        let sign = match (sentence.is_alarm, sentence.mark) {
            (true, _) => "**!** ",
            (_, Mark::Hostile) => "› ",
            _ => "",
        };
        let at = units::clock(sentence.time_ns);
        writeln!(
            out,
            "- {at} ({}) {sign}{}",
            units::offset(sentence.time_ns, chapter.trigger_ns),
            words(&sentence.words)
        )?;
    }
    if sentences.is_empty() {
        writeln!(out, "Nothing that a rule named, and no program was run.")?;
    }
    if more > 0 {
        writeln!(out, "- and {}: `SELECT * FROM timeline`", units::many(more, "more", "more"))?;
    }

    tree(out, chapter)?;
    network(out, chapter)?;
    files(out, chapter)?;
    for session in &chapter.sessions.shown {
        writeln!(out, "\n## At the terminal: {}, {}\n", session.line.markdown(), units::clock(session.time_ns))?;
        let all: String = session.pieces.iter().map(|piece| piece.text.markdown_text(piece.typed)).collect();
        writeln!(out, "Lines that begin with `>` were typed.\n\n{}", Foreign::lines(&all).markdown_block())?;
    }
    if let Some(rest) = units::rest(&chapter.sessions, "session", "sessions") {
        writeln!(out, "\n{rest}: `SELECT * FROM sessions`")?;
    }
    setup::markdown(manifest, out)?;
    chapter.state.markdown(out)?;
    for (name, list) in page::indicator_lists(chapter) {
        writeln!(out, "\n## {name}\n\n{}", list.markdown_block())?;
    }
    writeln!(out, "\n## What is missing\n\n- {}", story::missing(chapter))?;
    for gap in &chapter.gaps.shown {
        let lost = gap.lost.map_or_else(|| "an unknown number of".to_owned(), units::number);
        let others = if gap.own { "" } else { ", perhaps of other containers" };
        let (from, to) = (units::clock(gap.from_ns), units::clock(gap.to_ns));
        writeln!(out, "- {from} to {to}: {lost} {} events, {}{others}", gap.class.markdown(), gap.cause.markdown())?;
    }
    let attached = manifest.hooks.iter().filter(|hook| hook.state == "attached").count();
    writeln!(out, "- {attached} of {} kernel hooks were at work", manifest.hooks.len())?;
    for (why, names) in page::silent_hooks(manifest).iter().take(20) {
        let names: Vec<String> = names.iter().take(40).map(Foreign::markdown).collect();
        writeln!(out, "  - not {}: {}", names.join(", "), why.markdown())?;
    }
    let said = match chapter.intact {
        Some(true) => "When this report was made, every member of the bundle had the digest that it was sealed with.",
        Some(false) => "**When this report was made, the bundle was not what was sealed.**",
        None => "A report is a reading; the bundle is the evidence.",
    };
    let commands = page::commands(chapter);
    let commands: Foreign = commands.iter().collect();
    writeln!(out, "\n## How to check it\n\n{said}\n\n{}", commands.markdown_block())
}

pub(super) fn words(words: &[Word]) -> String {
    let word = |word: &Word| match word {
        Word::Plain(text) => text.clone(),
        Word::Quoted(text) => text.markdown(),
    };
    words.iter().map(word).collect()
}

fn tree(out: &mut String, chapter: &Chapter) -> std::fmt::Result {
    if chapter.tree.shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Processes\n\nBold: named by a rule, or came of it.\n")?;
    for node in &chapter.tree.shown {
        let mark = node.images.iter().map(|id| chapter.lineage.mark_of(*id)).max().unwrap_or_default();
        let programs: Vec<_> = node.images.iter().filter_map(|id| chapter.programs.get(id)).collect();
        let lines: Vec<String> = programs.iter().map(|program| program.line.markdown()).collect();
        let bold = if mark == Mark::Hostile { "**" } else { "" };
        let pid = programs.last().map_or(0, |program| program.pid);
        // Deeper lists than this are code blocks to some readers.
        let indent = "  ".repeat(node.depth.min(12));
        writeln!(out, "{indent}- {bold}{}{bold} (pid {pid})", lines.join(" → "))?;
    }
    match units::rest(&chapter.tree, "process", "processes") {
        Some(rest) => writeln!(out, "- {rest}: `SELECT tree FROM process_tree`"),
        None => Ok(()),
    }
}

fn network(out: &mut String, chapter: &Chapter) -> std::fmt::Result {
    writeln!(out, "\n## Who talked to whom\n")?;
    if chapter.talks.shown.is_empty() {
        writeln!(out, "Nobody, as far as was recorded.")?;
    } else {
        writeln!(out, "| first | program | | other end | flows | sent | received |\n|---|---|---|---|---|---|---|")?;
    }
    for talk in &chapter.talks.shown {
        let arrow = if talk.inbound { "←" } else { "→" };
        let (sent, received) = (units::bytes(talk.sent), units::bytes(talk.received));
        let (program, remote) = (talk.comm.markdown(), talk.remote.markdown());
        writeln!(
            out,
            "| {} | {program} | {arrow} | {remote} | {} | {sent} | {received} |",
            units::clock(talk.time_ns),
            talk.flows
        )?;
    }
    if let Some(rest) = units::rest(&chapter.talks, "pair", "pairs") {
        writeln!(out, "\n{rest}: `SELECT * FROM connections`")?;
    }
    if !chapter.names.shown.is_empty() {
        writeln!(out, "\n| first | name | asked as | answer |\n|---|---|---|---|")?;
    }
    for name in &chapter.names.shown {
        let (asked, kind) = (name.name.markdown(), name.kind.markdown());
        writeln!(out, "| {} | {asked} | {kind} | {} |", units::clock(name.time_ns), name.answers.markdown())?;
    }
    match units::rest(&chapter.names, "name", "names") {
        Some(rest) => writeln!(out, "\n{rest}: `SELECT * FROM dns_lookups`"),
        None => Ok(()),
    }
}

fn files(out: &mut String, chapter: &Chapter) -> std::fmt::Result {
    writeln!(out, "\n## Files changed\n")?;
    if chapter.changes.shown.is_empty() {
        writeln!(out, "None, as far as was recorded.")?;
    } else {
        writeln!(out, "| when | what | file | by |\n|---|---|---|---|")?;
    }
    let line = |out: &mut String, change: &Change| {
        let to =
            if change.new_path.is_empty() { String::new() } else { format!(" → {}", change.new_path.markdown()) };
        let (path, by) = (change.path.markdown(), change.comm.markdown());
        writeln!(out, "| {} | {} | {path}{to} | {by} |", units::clock(change.time_ns), change.what())
    };
    chapter.changes.shown.iter().try_for_each(|change| line(out, change))?;
    if let Some(rest) = units::rest(&chapter.changes, "change", "changes") {
        writeln!(out, "\n{rest}: `SELECT * FROM file_changes`")?;
    }
    if !chapter.reads.shown.is_empty() {
        writeln!(out, "\nRead by what the rules named:\n\n| when | what | file | by |\n|---|---|---|---|")?;
        chapter.reads.shown.iter().try_for_each(|change| line(out, change))?;
    }
    if let Some(rest) = units::rest(&chapter.reads, "file read", "files read") {
        writeln!(out, "\n{rest}: `SELECT * FROM file WHERE op = 'io'`")?;
    }
    Ok(())
}
