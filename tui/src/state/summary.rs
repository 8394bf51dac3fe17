//! One line of an event, raw: the list shows it, the text filter reads it.

use super::recording::{Body, Event, File, Flow, Gap, Image, Origin, Recording};
use super::words;
use std::fmt::Write as _;

/// Appends the event's line to `out`. Texts are raw: whoever shows them escapes them.
pub fn push(recording: &Recording, event: &Event, out: &mut String) {
    // A row that is not there cannot come from Draft; it shows as nothing.
    let _ = match event.body {
        Body::Start(at) => recording.images.get(at as usize).map(|image| start(recording, image, out)),
        Body::End(at) => recording.images.get(at as usize).map(|image| end(image, out)),
        Body::File(at) => recording.files.get(at as usize).map(|row| file(recording, row, out)),
        Body::FlowBegin(at) => recording.flows.get(at as usize).map(|flow| flow_begin(recording, flow, out)),
        Body::FlowEnd(at) => recording.flows.get(at as usize).map(|flow| flow_end(recording, flow, out)),
        Body::Lifecycle(at) => recording.moments.get(at as usize).map(|moment| {
            out.push_str("container ");
            out.push_str(recording.text(moment.op));
        }),
        Body::Finding(at) => recording.findings.get(at as usize).map(|finding| {
            out.push_str(recording.text(finding.rule));
            out.push_str(": ");
            out.push_str(recording.text(finding.message));
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
    words::push_failure(out, row.result);
}

fn flow_begin(recording: &Recording, flow: &Flow, out: &mut String) {
    let op = recording.text(flow.op);
    out.push_str(op);
    out.push(' ');
    match flow.remote {
        Some(remote) if op == "accept" => {
            let _ = write!(out, "{} from {}", recording.text(flow.local), recording.text(remote));
        }
        Some(remote) => out.push_str(recording.text(remote)),
        None => out.push_str(recording.text(flow.local)),
    }
    words::push_failure(out, flow.result);
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
