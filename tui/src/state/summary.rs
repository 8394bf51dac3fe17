//! One line of an event, raw: the list shows it, the text filter reads it.

use super::recording::{Actor, Body, Call, Dns, Event, File, Flow, Gap, Image, Io, Origin, Recording, Terminal};
use super::words;
use std::fmt::Write as _;

/// Characters of a terminal's text that stand in one line; the detail has more.
const TERMINAL_MAX: usize = 120;
/// The longest lineage shown; a made-up bundle can have any.
const LINEAGE_MAX: usize = 32;

/// Appends the event's line to `out`. Texts are raw: whoever shows them escapes them.
pub fn push(recording: &Recording, event: &Event, out: &mut String) {
    // A row that is not there cannot come from Draft; it shows as nothing.
    let _ = match event.body {
        Body::Start(at) => recording.images.get(at as usize).map(|image| start(recording, image, out)),
        Body::End(at) => recording.images.get(at as usize).map(|image| end(image, out)),
        Body::File(at) => recording.files.get(at as usize).map(|row| file(recording, row, out)),
        Body::FlowBegin(at) => recording.flows.get(at as usize).map(|flow| flow_begin(recording, flow, out)),
        Body::FlowEnd(at) => recording.flows.get(at as usize).map(|flow| flow_end(recording, flow, out)),
        Body::Io(at) => recording.ios.get(at as usize).map(|row| io(recording, row, out)),
        Body::Dns(at) => recording.messages.get(at as usize).map(|message| dns(recording, message, out)),
        Body::Privilege(at) | Body::Kernel(at) => recording.calls.get(at as usize).map(|row| call(recording, row, out)),
        Body::Terminal(at) => recording.terminal.get(at as usize).map(|row| terminal(recording, row, out)),
        Body::Lifecycle(at) => recording.moments.get(at as usize).map(|moment| {
            out.push_str("container ");
            out.push_str(recording.text(moment.op));
            if let Some(detail) = moment.detail {
                out.push_str(": ");
                out.push_str(recording.text(detail));
            }
        }),
        Body::Finding(at) => recording.findings.get(at as usize).map(|finding| {
            let (rule, message) = (recording.text(finding.rule), recording.text(finding.message));
            // Some rules say their name in what they say.
            if words::after_rule(message, rule).is_none() {
                out.push_str(rule);
                out.push_str(": ");
            }
            out.push_str(message);
        }),
        Body::Gap(at) => recording.gaps.get(at as usize).map(|row| gap(recording, row, out)),
    };
}

/// The event's line.
pub fn of(recording: &Recording, event: &Event) -> String {
    let mut out = String::new();
    push(recording, event, &mut out);
    out
}

fn start(recording: &Recording, image: &Image, out: &mut String) {
    out.push_str(match image.origin {
        Origin::Fork => "fork ",
        Origin::Exec | Origin::Scan => "exec ",
    });
    out.push_str(recording.text(image.cmdline));
    if image.more.entered.is_some() {
        out.push_str(" (from outside)");
    }
}

fn end(image: &Image, out: &mut String) {
    let _ = match (image.exit_signal, image.exit_code) {
        (Some(number), _) => match words::signal(number) {
            Some(name) => write!(out, "killed by {name}"),
            None => write!(out, "killed by signal {number}"),
        },
        (None, Some(code)) => write!(out, "exit {code}"),
        (None, None) => write!(out, "ended"),
    };
}

fn file(recording: &Recording, row: &File, out: &mut String) {
    out.push_str(recording.text(row.op));
    out.push(' ');
    out.push_str(recording.text(row.path));
    if let Some(new_path) = row.new_path {
        out.push_str(" -> ");
        out.push_str(recording.text(new_path));
    }
    if let Some(mode) = row.mode.filter(|_| recording.text(row.op) == "chmod") {
        let _ = write!(out, " {mode:04o}");
    }
    if let Some(given) = row.given {
        out.push(' ');
        out.push_str(recording.text(given));
    }
    if let Some(before) = row.rewritten_from {
        let _ = write!(out, " (rewritten from {})", recording.text(before));
    }
    words::push_failure(out, i64::from(row.result.unwrap_or(0)));
}

fn io(recording: &Recording, row: &Io, out: &mut String) {
    out.push_str("io ");
    match (recording.text(row.path), row.fd) {
        ("", Some(fd)) => _ = write!(out, "fd {fd}"),
        (path, _) => out.push_str(path),
    }
    let _ = write!(out, "  read {}, wrote {}", words::bytes(row.read), words::bytes(row.written));
}

fn flow_begin(recording: &Recording, flow: &Flow, out: &mut String) {
    let op = recording.text(flow.op);
    out.push_str(op);
    // What most are need not be said.
    let protocol = Some(recording.text(flow.protocol)).filter(|protocol| *protocol != "tcp");
    let local = Some(recording.text(flow.local)).filter(|local| !local.is_empty());
    let remote = flow.remote.map(|remote| recording.text(remote));
    let accepted = op == "accept" && remote.is_some();
    let (local, from) = (local.filter(|_| accepted || remote.is_none()), accepted.then_some("from"));
    for word in [protocol, local, from, remote].into_iter().flatten() {
        out.push(' ');
        out.push_str(word);
    }
    if let Some(name) = flow.server_name {
        let _ = write!(out, " for {}", recording.text(name));
    }
    words::push_failure(out, i64::from(flow.result));
    if flow.start < recording.about.from {
        let _ = write!(out, " (since {})", words::relative(recording.since_trigger(flow.start)));
    }
}

fn flow_end(recording: &Recording, flow: &Flow, out: &mut String) {
    out.push_str("close ");
    out.push_str(recording.text(flow.remote.unwrap_or(flow.local)));
    if let (Some(sent), Some(received)) = (flow.sent, flow.received) {
        let _ = write!(out, "  sent {}, received {}", words::bytes(sent), words::bytes(received));
    }
}

fn dns(recording: &Recording, message: &Dns, out: &mut String) {
    let op = recording.text(message.op);
    let _ = write!(out, "{op} {} {}", recording.text(message.qtype), recording.text(message.name));
    let answers = Some(recording.text(message.answers)).filter(|answers| !answers.is_empty());
    if let Some(answer) = answers.or(message.rcode.map(|rcode| recording.text(rcode))) {
        out.push_str(": ");
        out.push_str(answer);
    }
    // A container asks and is answered; one that does the other is a server.
    if message.sent != (op == "query") {
        out.push_str(if message.sent { " (sent)" } else { " (received)" });
    }
}

fn call(recording: &Recording, call: &Call, out: &mut String) {
    out.push_str(recording.text(call.syscall));
    for sym in [Some(call.detail), call.path].into_iter().flatten() {
        let word = recording.text(sym);
        if !word.is_empty() {
            out.push(' ');
            out.push_str(word);
        }
    }
    if let Some(target) = call.target {
        out.push_str(" -> ");
        out.push_str(recording.text(target));
    }
    if let Some(pid) = call.target_pid {
        let _ = write!(out, " pid {pid}");
    }
    words::push_failure(out, call.result);
}

fn terminal(recording: &Recording, row: &Terminal, out: &mut String) {
    out.push_str(recording.text(row.direction));
    out.push_str(" \"");
    let text = recording.text(row.text);
    let end = text.char_indices().nth(TERMINAL_MAX).map_or(text.len(), |(end, _)| end);
    out.push_str(&text[..end]);
    out.push_str(if end < text.len() || row.cut { "\u{2026}\"" } else { "\"" });
}

fn gap(recording: &Recording, gap: &Gap, out: &mut String) {
    let (class, cause) = (recording.text(gap.class), recording.text(gap.cause));
    let number = gap.lost.map_or_else(|| "unknown number of".to_owned(), words::count);
    let whose = if gap.own { "" } else { ", of any container" };
    let _ = write!(
        out,
        "{number} {class} events missing ({cause}{whose}) within {}",
        words::duration(gap.to.saturating_sub(gap.from))
    );
}

/// `systemd > containerd-shim > httpd > sh > curl`, oldest first.
pub fn lineage(recording: &Recording, actor: &Actor) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut last_process = None;
    let Some(image) = actor.image else { return String::new() };
    for image in recording.ancestry(image).filter_map(|at| recording.image(at)) {
        // A process that ran another program is one link, named by what it was last.
        if last_process == Some(image.process) {
            continue;
        }
        last_process = Some(image.process);
        if names.len() == LINEAGE_MAX {
            names.push("\u{2026}");
            break;
        }
        names.push(recording.text(image.comm));
    }
    names.reverse();
    names.join(" > ")
}
