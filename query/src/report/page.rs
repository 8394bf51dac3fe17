//! The HTML page.

use super::facts::{Change, Chapter, Finding, Folded, Program, Talk};
use super::foreign::Foreign;
use super::lineage::{Mark, Node};
use super::notes::{self, Note};
use super::story::{self, Sentence, Word};
use super::{drawing, setup, units};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;
use taffrail_trace::bundle::{SIGNATURE, SUMS};
use taffrail_trace::event::Severity;
use taffrail_trace::manifest::Manifest;
use taffrail_trace::signature::NAMESPACE;

const STYLE: &str = include_str!("page.css");
/// The page may have its own style and nothing else: no script runs, nothing is fetched, whatever stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// All bundles on one page.
pub fn page(chapters: &[Chapter], written: &[Note]) -> String {
    let title = chapters.first().map(|chapter| Foreign::new(&chapter.manifest.container.name)).unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Evidence: " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @for chapter in chapters { (bundle(chapter)) }
                (notes::html(written))
                footer { "Made by taffrail " (env!("CARGO_PKG_VERSION")) " from the evidence itself. Every text of the \
                    evidence is shown escaped: " code { "\\e" } " is the escape character, " code { "\\u{…}" }
                    " one that would not be seen." }
            }
        }
    };
    page.into_string()
}

fn bundle(chapter: &Chapter) -> Markup {
    let (sentences, more) = story::tell(chapter);
    html! {
        article {
            (head(chapter))
            section {
                h2 { "Over time" }
                (drawing::timeline(chapter))
            }
            section {
                h2 { "What happened" }
                @if sentences.is_empty() { p class="none" { "Nothing that a rule named, and no program was run." } }
                ol class="story" {
                    @for sentence in &sentences { (told(sentence, chapter)) }
                }
                @if more > 0 { p class="more" { "and " (units::many(more, "more sentence", "more sentences")) ": "
                    code { "SELECT * FROM timeline" } } }
            }
            (tree(chapter))
            (network(chapter))
            (files(chapter))
            (terminals(chapter))
            (setup::html(&chapter.manifest))
            (chapter.state.html())
            (indicators(chapter))
            (losses(chapter))
            (proof(chapter))
        }
    }
}

fn head(chapter: &Chapter) -> Markup {
    let manifest = &chapter.manifest;
    let severity = manifest.trigger.severity;
    let kind = match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let reason = Foreign::new(&manifest.trigger.reason);
    html! {
        header class=(kind) {
            p class="kicker" { span class="badge" { (severity.as_str()) } " " (Foreign::new(&manifest.trigger.rule)) }
            h1 { (reason) }
            p class="lead" { (words(&story::summary(chapter))) }
            dl class="facts" {
                (fact("Container", &html! { (Foreign::new(&manifest.container.name)) br; small { (Foreign::new(&manifest.container.id).brief(20)) } }))
                @if let Some(image) = &manifest.container.image {
                    (fact("Image", &html! { (Foreign::new(image)) @if let Some(digest) = &manifest.container.image_digest { br; small { (Foreign::new(digest).brief(26)) } } }))
                }
                (fact("Host", &html! { (Foreign::new(&manifest.host.hostname)) br; small { "Linux " (Foreign::new(&manifest.host.kernel)) " " (Foreign::new(&manifest.host.arch)) } }))
                (fact("Trigger", &html! { (units::moment(chapter.trigger_ns)) }))
                (fact("Evidence", &html! { (units::moment(chapter.from_ns)) br; "to " (units::moment(chapter.to_ns)) }))
                (fact("Bundle", &html! { (Foreign::new(&manifest.id)) br; small { (Foreign::new(&manifest.tool)) } }))
            }
        }
        @if chapter.findings.shown.len() > 1 {
            section {
                h2 { "What was found" }
                ul class="findings" { @for found in chapter.folded() { (finding(&found)) } }
                @if let Some(rest) = units::rest(&chapter.findings, "finding", "findings") {
                    p class="more" { (rest) ": " code { "SELECT * FROM finding" } } }
            }
        } @else {
            p class="tags" { @for found in &chapter.findings.shown { (tags(found)) } }
        }
    }
}

fn finding(found: &Folded<'_>) -> Markup {
    let finding = found.first;
    html! {
        li {
            span class="time" { (units::clock(finding.time_ns)) }
            div {
                strong { (finding.rule) } " " (found.message()) (found.again())
                p class="tags" { (tags(finding)) }
            }
        }
    }
}

fn tags(finding: &Finding) -> Markup {
    html! {
        @if !finding.priority.is_empty() { span class="tag priority" { (finding.priority) } " " }
        @for tag in &finding.tags { span class="tag" { (tag) } " " }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

pub(super) fn words(words: &[Word]) -> Markup {
    html! {
        @for word in words {
            @match word {
                Word::Plain(text) => (text),
                Word::Quoted(text) => code { (text) },
            }
        }
    }
}

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Plain => "plain",
        Mark::Led => "led",
        Mark::Hostile => "hostile",
    }
}

fn told(sentence: &Sentence, chapter: &Chapter) -> Markup {
    html! {
        li class=(if sentence.is_alarm { "alarm" } else { class(sentence.mark) }) {
            span class="time" { (units::clock(sentence.time_ns)) small { (units::offset(sentence.time_ns, chapter.trigger_ns)) } }
            span { (words(&sentence.words)) }
        }
    }
}

fn tree(chapter: &Chapter) -> Markup {
    if chapter.tree.shown.is_empty() {
        return html! {};
    }
    let marked = chapter.lineage.marked(Mark::Hostile).next().is_some();
    html! {
        section {
            h2 { "Processes" }
            @if marked {
                p class="keys" { span class="key hostile" {} "named by a rule, or came of it" span class="key led" {} "led to it" }
            }
            div class="tree" { @for node in &chapter.tree.shown { (process(node, chapter)) } }
            @if let Some(rest) = units::rest(&chapter.tree, "process", "processes") { p class="more" { (rest) } }
        }
    }
}

fn process(node: &Node, chapter: &Chapter) -> Markup {
    let mark = node.images.iter().map(|id| chapter.lineage.mark_of(*id)).max().unwrap_or_default();
    let programs: Vec<(&Program, Mark)> =
        node.images.iter().filter_map(|id| Some((chapter.programs.get(id)?, chapter.lineage.mark_of(*id)))).collect();
    let last = programs.last().map(|(program, _)| *program);
    html! {
        div class=(format!("process {}", class(mark))) style=(format!("--depth:{}", node.depth.min(24))) {
            span class="command" {
                @for (at, (program, mark)) in programs.iter().enumerate() {
                    @if at > 0 { span class="arrow" { " → " } }
                    @if at == 2 && node.left_out > 0 { small { (units::many(node.left_out as u64, "more program", "more programs")) } span class="arrow" { " → " } }
                    code class=(class(*mark)) { (program.line) }
                    @if !program.brought.is_empty() { " " span class="tag" { (program.brought) } }
                }
            }
            @if let Some(program) = last {
                small { "pid " (program.pid)
                    @if let Some(uid) = program.uid { " · uid " (uid) }
                    @if !program.inside { " · outside" }
                    @if !program.exit.is_empty() { " · " (program.exit) } }
            }
        }
    }
}

fn network(chapter: &Chapter) -> Markup {
    html! {
        section {
            h2 { "Who talked to whom" }
            @if chapter.talks.shown.is_empty() { p class="none" { "Nobody, as far as was recorded." } } @else {
                (drawing::graph(&chapter.talks.shown))
                table {
                    thead { tr { th { "First" } th { "Program" } th { "Other end" } th { "Flows" } th { "Sent" } th { "Received" } } }
                    tbody { @for talk in &chapter.talks.shown { (flow(talk)) } }
                }
                @if let Some(rest) = units::rest(&chapter.talks, "pair", "pairs") { p class="more" { (rest) ": " code { "SELECT * FROM connections" } } }
            }
            @if !chapter.names.shown.is_empty() {
                h3 { "Names" }
                table {
                    thead { tr { th { "First" } th { "Name" } th { "Asked as" } th { "Answer" } } }
                    tbody {
                        @for name in &chapter.names.shown {
                            tr class=(if name.hostile { "hostile" } else { "" }) {
                                td data-label="First" { (units::clock(name.time_ns)) }
                                td data-label="Name" { code { (name.name) } }
                                td data-label="Asked as" { (name.kind) }
                                td data-label="Answer" { (name.answers) }
                            }
                        }
                    }
                }
                @if let Some(rest) = units::rest(&chapter.names, "name", "names") { p class="more" { (rest) ": " code { "SELECT * FROM dns_lookups" } } }
            }
        }
    }
}

fn flow(talk: &Talk) -> Markup {
    html! {
        tr class=(if talk.hostile { "hostile" } else { "" }) {
            td data-label="First" { (units::clock(talk.time_ns)) }
            td data-label="Program" { code { (talk.comm) } }
            td data-label="Other end" {
                span class="arrow" { (if talk.inbound { "← " } else { "→ " }) } code { (talk.remote) }
                @if !talk.server_name.is_empty() { " for " code { (talk.server_name) } }
                " " small { (talk.protocol) }
            }
            td data-label="Flows" class="number" { (units::number(talk.flows))
                @if talk.failed > 0 { " " small { (units::number(talk.failed)) " failed" } } }
            td data-label="Sent" class="number" { (units::bytes(talk.sent)) }
            td data-label="Received" class="number" { (units::bytes(talk.received)) }
        }
    }
}

fn files(chapter: &Chapter) -> Markup {
    html! {
        section {
            h2 { "Files changed" }
            @if chapter.changes.shown.is_empty() { p class="none" { "None, as far as was recorded." } } @else {
                table {
                    thead { tr { th { "When" } th { "What" } th { "File" } th { "By" } } }
                    tbody { @for change in &chapter.changes.shown { (changed(change)) } }
                }
                @if let Some(rest) = units::rest(&chapter.changes, "change", "changes") { p class="more" { (rest) ": " code { "SELECT * FROM file_changes" } } }
            }
            @if !chapter.reads.shown.is_empty() {
                h3 { "Files read by what the rules named" }
                table {
                    thead { tr { th { "When" } th { "What" } th { "File" } th { "By" } } }
                    tbody { @for change in &chapter.reads.shown { (changed(change)) } }
                }
                @if let Some(rest) = units::rest(&chapter.reads, "file", "files") { p class="more" { (rest) ": " code { "SELECT * FROM file WHERE op = 'io'" } } }
            }
        }
    }
}

fn changed(change: &Change) -> Markup {
    html! {
        tr class=(if change.hostile { "hostile" } else { "" }) {
            td data-label="When" { (units::clock(change.time_ns)) }
            td data-label="What" { (change.what()) }
            td data-label="File" { code { (change.path) }
                @if !change.new_path.is_empty() { span class="arrow" { " → " } code { (change.new_path) } }
                @if change.made_executable { " " span class="tag" { "executable" } } }
            td data-label="By" { code { (change.comm) } }
        }
    }
}

fn terminals(chapter: &Chapter) -> Markup {
    if chapter.sessions.shown.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "At the terminal" }
            p class="keys" { span class="key typed" {} "typed" span class="key printed" {} "printed" }
            @for session in &chapter.sessions.shown {
                h3 { (units::clock(session.time_ns)) " " code { (session.line) } }
                pre class="terminal" {
                    @for piece in &session.pieces {
                        @if piece.typed { b { (piece.text) } } @else { (piece.text) }
                    }
                    @if session.cut { "…" }
                }
                @if session.cut { p class="more" { "The whole: " code { "taffrail replay " (chapter.file) } } }
            }
            @if let Some(rest) = units::rest(&chapter.sessions, "session", "sessions") { p class="more" { (rest) ": " code { "SELECT * FROM sessions" } } }
        }
    }
}

/// What can be looked for elsewhere, a kind after the other; kinds without any are left out.
pub fn indicator_lists(chapter: &Chapter) -> Vec<(&'static str, Foreign)> {
    let marked =
        chapter.talks.shown.iter().any(|talk| talk.hostile) || chapter.names.shown.iter().any(|name| name.hostile);
    let mut addresses: Vec<&Foreign> = chapter
        .talks
        .shown
        .iter()
        .filter(|talk| talk.hostile || !marked)
        .map(|talk| &talk.address)
        .filter(|text| !text.is_empty())
        .collect();
    addresses.extend(chapter.way_in.iter().map(|talk| &talk.address));
    let mut names: Vec<&Foreign> =
        chapter.names.shown.iter().filter(|name| name.hostile || !marked).map(|name| &name.name).collect();
    let lines: Vec<Foreign> = chapter.digests.iter().map(|(digest, path)| digest.beside(path)).collect();
    let mut paths: Vec<&Foreign> = chapter
        .changes
        .shown
        .iter()
        .filter(|change| change.hostile)
        .flat_map(|change| [&change.path, &change.new_path])
        .filter(|path| !path.is_empty())
        .collect();
    for list in [&mut addresses, &mut names, &mut paths] {
        list.sort();
        list.dedup();
    }
    let lists: [(&'static str, Foreign); 4] = [
        ("Addresses", addresses.into_iter().collect()),
        ("Names", names.into_iter().collect()),
        ("SHA-256 of programs", lines.iter().collect()),
        ("Files", paths.into_iter().collect()),
    ];
    lists.into_iter().filter(|(_, list)| !list.is_empty()).collect()
}

fn indicators(chapter: &Chapter) -> Markup {
    let lists = indicator_lists(chapter);
    html! {
        section {
            h2 { "Indicators" }
            @if lists.is_empty() { p class="none" { "None." } }
            div class="indicators" {
                @for (name, list) in &lists { div class=(if name.starts_with("SHA") { "wide" } else { "" }) { h3 { (name) } pre class="copy" { (list) } } }
            }
            p class="more" { "All of them: " code { "SELECT * FROM entities" } }
        }
    }
}

fn losses(chapter: &Chapter) -> Markup {
    let attached = chapter.manifest.hooks.iter().filter(|hook| hook.state == "attached").count();
    let silent = silent_hooks(&chapter.manifest);
    html! {
        section {
            h2 { "What is missing" }
            table {
                thead { tr { th { "Class" } th { "Own events" } th { "Perhaps others'" } th { "Unknown stretches" } th { "Why" } } }
                tbody {
                    @for class in &chapter.coverage {
                        tr class=(if class.own + class.maybe + class.unknown > 0 { "hostile" } else { "" }) {
                            td data-label="Class" { (class.class) }
                            td data-label="Own events" class="number" { (units::number(class.own)) }
                            td data-label="Perhaps others'" class="number" { (units::number(class.maybe)) }
                            td data-label="Unknown stretches" class="number" { (units::number(class.unknown)) }
                            td data-label="Why" { @if class.causes.is_empty() { "nothing is missing" } @else { (class.causes) } }
                        }
                    }
                }
            }
            @if !chapter.gaps.shown.is_empty() {
                ul class="gaps" {
                    @for gap in &chapter.gaps.shown {
                        li { (units::clock(gap.from_ns)) " to " (units::clock(gap.to_ns)) ": "
                            @if let Some(lost) = gap.lost { (units::number(lost)) } @else { "an unknown number of" }
                            " " (gap.class) " events, " (gap.cause) @if !gap.own { ", perhaps of other containers" } }
                    }
                }
                @if let Some(rest) = units::rest(&chapter.gaps, "stretch", "stretches") { p class="more" { (rest) ": " code { "SELECT * FROM gap" } } }
            }
            p { (units::many(attached as u64, "kernel hook was", "kernel hooks were")) " at work"
                @if silent.is_empty() { "." } @else { "; these were not:" } }
            @if !silent.is_empty() {
                ul { @for (why, names) in silent.iter().take(20) {
                    li { @for (at, name) in names.iter().take(40).enumerate() { @if at > 0 { ", " } code { (name) } } ": " (why) } } }
                @if silent.len() > 20 { p class="more" { "and " (silent.len() - 20) " more reasons" } }
            }
        }
    }
}

/// The hooks that were not at work by what became of them.
pub fn silent_hooks(manifest: &Manifest) -> BTreeMap<Foreign, Vec<Foreign>> {
    let mut silent: BTreeMap<Foreign, Vec<Foreign>> = BTreeMap::new();
    for hook in manifest.hooks.iter().filter(|hook| hook.state != "attached") {
        let reason = hook.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        let why = Foreign::new(&format!("{}{reason}", hook.state));
        silent.entry(why).or_default().push(Foreign::new(&hook.name));
    }
    silent
}

fn proof(chapter: &Chapter) -> Markup {
    html! {
        section {
            h2 { "How to check it" }
            p {
                @match chapter.intact {
                    Some(true) => "When this report was made, every member of the bundle had the digest that it was sealed with. ",
                    Some(false) => { strong { "When this report was made, the bundle was not what was sealed." } " " }
                    None => {}
                }
                "A report is a reading; the bundle is the evidence. Check and ask it yourself:"
            }
            pre class="copy" { @for line in commands(chapter) { (line) "\n" } }
        }
    }
}

/// The commands that check the bundle, as a shell takes them.
pub fn commands(chapter: &Chapter) -> Vec<Foreign> {
    let file = chapter.file.quoted();
    let mut lines = vec![
        Foreign::new("taffrail verify ").followed(&file),
        Foreign::new("taffrail replay ").followed(&file),
        Foreign::new("# with nothing of ours:"),
        Foreign::new("unzip -d evidence ")
            .followed(&file)
            .followed(&Foreign::new(" && cd evidence && sha256sum -c SHA256SUMS")),
    ];
    if chapter.signed {
        // `allowed` is a list that the reader makes of the keys that he trusts.
        lines.push(Foreign::new(&format!(
            "ssh-keygen -Y verify -f allowed -I NAME -n {NAMESPACE} -s {SIGNATURE} < {SUMS}"
        )));
    }
    lines
}
