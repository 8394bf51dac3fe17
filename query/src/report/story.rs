//! What happened, in sentences: the branch that a rule named, what led to it, and what was found.

use super::facts::{Change, Chapter, Talk};
use super::foreign::Foreign;
use super::lineage::Mark;
use super::units;

/// The most sentences.
const SENTENCES_MAX: usize = 70;

/// A piece of a sentence.
#[derive(Clone, Debug)]
pub enum Word {
    /// Ours.
    Plain(String),
    /// A text of the trace.
    Quoted(Foreign),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// When, UTC nanoseconds.
    pub time_ns: i64,
    /// What it has to do with what rules named.
    pub mark: Mark,
    /// A finding or the trigger: it stands out.
    pub is_alarm: bool,
    /// The sentence.
    pub words: Vec<Word>,
}

pub(super) fn plain(text: impl Into<String>) -> Word {
    Word::Plain(text.into())
}

fn quoted(text: &Foreign) -> Word {
    Word::Quoted(text.clone())
}

/// The sentences in order, and how many more there would be.
pub fn tell(chapter: &Chapter) -> (Vec<Sentence>, u64) {
    let mut told = Vec::new();
    let untold = programs(chapter, &mut told);
    let all = chapter.lineage.marked(Mark::Hostile).next().is_none();
    for talk in chapter.talks.shown.iter().filter(|talk| all || talk.hostile) {
        told.push(Sentence { time_ns: talk.time_ns, mark: mark(talk.hostile), is_alarm: false, words: talked(talk) });
    }
    if let Some(talk) = &chapter.way_in {
        let words = vec![quoted(&talk.comm), plain(" took a connection from "), quoted(&talk.remote)];
        told.push(Sentence { time_ns: talk.time_ns, mark: Mark::Led, is_alarm: false, words });
    }
    for change in chapter
        .changes
        .shown
        .iter()
        .chain(&chapter.reads.shown)
        .filter(|change| change.hostile || (all && !change.is_setup))
    {
        told.push(Sentence {
            time_ns: change.time_ns,
            mark: mark(change.hostile),
            is_alarm: false,
            words: changed(change),
        });
    }
    for name in chapter.names.shown.iter().filter(|name| all || name.hostile) {
        let mut words = vec![who(chapter, name.exec_id), plain(" asked for "), quoted(&name.name)];
        if name.kind == Foreign::new("TLS") {
            words = vec![who(chapter, name.exec_id), plain(" asked a TLS server for "), quoted(&name.name)];
        }
        if !name.answers.is_empty() {
            words.extend([plain(": "), quoted(&name.answers)]);
        }
        told.push(Sentence { time_ns: name.time_ns, mark: mark(name.hostile), is_alarm: false, words });
    }
    for act in &chapter.acts.shown {
        let mut words = vec![who(chapter, act.exec_id), plain(" called "), quoted(&act.words)];
        if !act.failure.is_empty() {
            words.extend([plain(", which failed: "), quoted(&act.failure)]);
        }
        told.push(Sentence { time_ns: act.time_ns, mark: Mark::Hostile, is_alarm: false, words });
    }
    for found in chapter.folded() {
        let finding = found.first;
        let mut words = if finding.rule == Foreign::new("manual") {
            vec![plain("Evidence was asked for: "), quoted(&finding.message)]
        } else {
            vec![plain("Rule "), quoted(&finding.rule), plain(" matched: "), Word::Quoted(found.message())]
        };
        words.push(plain(found.again()));
        told.push(Sentence { time_ns: finding.time_ns, mark: Mark::Plain, is_alarm: true, words });
    }
    told.sort_by_key(|sentence| sentence.time_ns);
    let more = told.len().saturating_sub(SENTENCES_MAX);
    while told.len() > SENTENCES_MAX {
        // From the end, the alarms last.
        let at = told.iter().rposition(|sentence| !sentence.is_alarm).unwrap_or(told.len() - 1);
        told.remove(at);
    }
    (told, more as u64 + untold + chapter.acts.more)
}

fn mark(hostile: bool) -> Mark {
    if hostile { Mark::Hostile } else { Mark::Plain }
}

/// The programs that were run: of the branch and what led to it, or all where no rule named anybody. Gives how many there
/// are besides, of which only the number is known here.
fn programs(chapter: &Chapter, told: &mut Vec<Sentence>) -> u64 {
    let mut untold = 0;
    let lineage = &chapter.lineage;
    let all = lineage.marked(Mark::Hostile).next().is_none();
    for image in lineage.images() {
        let mark = lineage.mark_of(image.exec_id);
        let Some(program) = chapter.programs.get(&image.exec_id) else {
            untold += u64::from((all || mark != Mark::Plain) && !image.is_fork);
            continue;
        };
        let wanted = (all || mark != Mark::Plain) && program.inside && !image.is_fork;
        if !wanted || !(chapter.from_ns..=chapter.to_ns).contains(&image.start_ns) {
            continue;
        }
        let source = lineage.came_of(image);
        let became = source.is_some_and(|source| source.process_id == image.process_id && !source.is_fork);
        let maker = if became { source.map(|source| source.exec_id) } else { image.parent };
        let maker = maker.and_then(|maker| chapter.programs.get(&maker));
        let mut words = match maker {
            Some(maker) => {
                vec![quoted(&maker.comm), plain(if became { " became " } else { " ran " }), quoted(&program.line)]
            }
            None => vec![quoted(&program.line), plain(" was run")],
        };
        if !program.stdin.is_empty() && maker.is_none_or(|maker| maker.stdin != program.stdin) {
            words.extend([plain(" with the connection "), quoted(&program.stdin), plain(" as its input")]);
        }
        if !program.brought.is_empty() {
            words.push(plain(format!(" ({})", program.brought)));
        }
        told.push(Sentence { time_ns: image.start_ns, mark, is_alarm: false, words });
    }
    untold
}

fn who(chapter: &Chapter, exec_id: Option<u64>) -> Word {
    match exec_id.and_then(|id| chapter.programs.get(&id)) {
        Some(program) => quoted(&program.comm),
        None => plain("Somebody"),
    }
}

fn talked(talk: &Talk) -> Vec<Word> {
    let failed = talk.failed > 0 && talk.failed == talk.flows;
    let verb = match (talk.inbound, failed) {
        (true, _) => " took connections from ",
        (false, true) => " tried in vain to connect to ",
        (false, false) => " connected to ",
    };
    let mut words = vec![quoted(&talk.comm), plain(verb), quoted(&talk.remote)];
    if !talk.server_name.is_empty() {
        words.extend([plain(" for "), quoted(&talk.server_name)]);
    }
    if talk.flows > 1 {
        words.push(plain(format!(", {} times", units::number(talk.flows))));
    }
    if talk.sent + talk.received > 0 {
        let (sent, received) = (units::bytes(talk.sent), units::bytes(talk.received));
        words.push(plain(format!(", sent {sent} and received {received}")));
    }
    words
}

fn changed(change: &Change) -> Vec<Word> {
    let mut words = vec![quoted(&change.comm)];
    if change.made_executable && change.op == "changed the mode of" {
        words.extend([plain(" made "), quoted(&change.path), plain(" executable")]);
        return words;
    }
    words.extend([plain(format!(" {} ", change.op)), quoted(&change.path)]);
    if !change.new_path.is_empty() {
        words.extend([
            plain(if change.op == "made symlink" { " that says " } else { " to " }),
            quoted(&change.new_path),
        ]);
    }
    if change.bytes > 0 {
        words.push(plain(format!(", {}", units::bytes(change.bytes))));
    }
    words
}

/// The whole in one paragraph.
pub fn summary(chapter: &Chapter) -> Vec<Word> {
    let manifest = &chapter.manifest;
    let manual = manifest.trigger.rule == "manual";
    let rule = Foreign::new(&manifest.trigger.rule);
    let mut words = vec![plain("In container "), Word::Quoted(Foreign::new(&manifest.container.name))];
    if let Some(image) = &manifest.container.image {
        words.extend([plain(" (image "), Word::Quoted(Foreign::new(image)), plain(")")]);
    }
    words.extend([plain(" on host "), Word::Quoted(Foreign::new(&manifest.host.hostname))]);
    if manual {
        words.push(plain(format!(" a person asked for the evidence at {}.", units::moment(chapter.trigger_ns))));
    } else {
        words.extend([plain(" rule "), Word::Quoted(rule)]);
        words.push(plain(format!(" matched at {}.", units::moment(chapter.trigger_ns))));
    }
    let worst = match (&manifest.most_severe, &chapter.worst) {
        (Some(it), _) => {
            Some(("followed is rule", Foreign::new(&it.rule), it.severity, manifest.clock.utc(it.time_ns)))
        }
        // Who asked by hand says nothing of how bad it is.
        (None, Some(it)) if manual => Some(("rules found is", it.rule.clone(), it.severity, it.time_ns)),
        _ => None,
    };
    if let Some((which, rule, severity, time_ns)) = worst {
        words.extend([plain(format!(" The most severe that {which} ")), Word::Quoted(rule)]);
        words.push(plain(format!(", {}, at {}.", severity.as_str(), units::clock(time_ns))));
    }
    let span = |from: i64, to: i64| units::span((i128::from(to) - i128::from(from)).max(0).unsigned_abs());
    let count = |name: &str| chapter.counts.get(name).copied().unwrap_or(0);
    words.push(plain(format!(
        " The evidence reaches from {} before that to {} after it. It has {} run, {} on files, and {} to {}.",
        span(chapter.from_ns, chapter.trigger_ns),
        span(chapter.trigger_ns, chapter.to_ns),
        units::many(count("run"), "program", "programs"),
        units::many(count("file"), "operation", "operations"),
        units::many(count("network"), "flow or socket", "flows or sockets"),
        units::many(count("address"), "address", "addresses"),
    )));
    let branch = chapter.lineage.marked(Mark::Hostile).filter(|image| !image.is_fork).count() as u64;
    if branch > 0 {
        let named = units::many(branch, "program", "programs");
        words.push(plain(format!(" What the rules named, and what came of it, is {named}.")));
    }
    words.push(plain(
        match chapter.coverage.iter().map(|class| class.own + class.maybe + class.unknown).sum::<u64>() {
            0 => " Nothing is known to be missing.".to_owned(),
            _ => format!(" Missing: {}.", missing(chapter)),
        },
    ));
    words
}

/// What is missing, in words.
pub fn missing(chapter: &Chapter) -> String {
    let own: u64 = chapter.coverage.iter().map(|class| class.own).sum();
    let maybe: u64 = chapter.coverage.iter().map(|class| class.maybe).sum();
    let unknown: u64 = chapter.coverage.iter().map(|class| class.unknown).sum();
    let mut parts = Vec::new();
    if own > 0 {
        parts.push(units::many(own, "event", "events"));
    }
    if maybe > 0 {
        parts.push(format!("{} that could have been any container's", units::many(maybe, "event", "events")));
    }
    if unknown > 0 {
        parts.push(format!("an unknown number in {}", units::many(unknown, "stretch of time", "stretches of time")));
    }
    if parts.is_empty() { "nothing that is known of".to_owned() } else { parts.join(", ") }
}
