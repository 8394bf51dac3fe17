//! A deviation as a finding: what was expected, and what it was this time.

use super::model::Model;
use taffrail_rules::model::{Deviation, Judge};
use taffrail_rules::scene::Scene;
use taffrail_trace::event::{Body, EventRef, Finding, FindingSource, Severity};
use taffrail_trace::text;

/// The rule's name in every finding of a model.
pub const RULE: &str = "model";
/// How serious a deviation is.
pub const SEVERITY: Severity = Severity::Warning;
/// What all deviations of before go by.
pub const LATE: &str = "model before its image was known";
/// How many deviations of before are told in full.
const LATE_TOLD: usize = 3;
/// How much of a command line is shown.
const LINE_CHARS: usize = 200;

/// The finding of a deviation, which was seen `unsaid` times since it was told last.
pub fn of(model: &Model, deviation: &Deviation, scene: &dyn Scene, unsaid: u64) -> Finding {
    let mut message = words(model, deviation);
    message.push_str(". This was: ");
    message.push_str(&this(scene));
    if unsaid > 0 {
        message.push_str(&format!(". {unsaid} more like it since it was told last"));
    }
    let mut finding = Finding::new(RULE, FindingSource::Model, SEVERITY, message);
    finding.tags = vec![deviation.kind.as_str().to_owned()];
    finding.techniques = Judge::technique(deviation).map(str::to_owned).into_iter().collect();
    let event = scene.event();
    finding.events = vec![EventRef { time_ns: event.time_ns, actor: event.actor.clone(), step: None }];
    finding
}

/// One finding of everything that deviated before the image was known.
pub fn late(model: &Model, deviations: &[Deviation]) -> Option<Finding> {
    if deviations.is_empty() {
        return None;
    }
    let told: Vec<String> = deviations.iter().take(LATE_TOLD).map(|it| words(model, it)).collect();
    let mut message = format!("before its image was known: {}", told.join(". "));
    if deviations.len() > LATE_TOLD {
        message.push_str(&format!(". And {} more", deviations.len() - LATE_TOLD));
    }
    let mut finding = Finding::new(RULE, FindingSource::Model, SEVERITY, message);
    finding.tags = deviations.iter().map(|it| it.kind.as_str().to_owned()).collect();
    finding.techniques = deviations.iter().filter_map(Judge::technique).map(str::to_owned).collect();
    for list in [&mut finding.tags, &mut finding.techniques] {
        list.sort();
        list.dedup();
    }
    Some(finding)
}

/// One finding of all deviations that were not told by themselves.
pub fn untold(count: u64) -> Finding {
    let many = if count == 1 { "1 more deviation was".to_owned() } else { format!("{count} more deviations were") };
    let message = format!("{many} not told one by one: like one told before, or too many at once");
    Finding::new(RULE, FindingSource::Model, SEVERITY, message)
}

/// What a deviation goes by when it comes again.
pub fn cause(deviation: &Deviation) -> String {
    let (kind, program, fact) = deviation.key();
    [RULE, kind.as_str(), program, fact.unwrap_or_default()].join("\0")
}

fn words(model: &Model, deviation: &Deviation) -> String {
    // A model that judges has a judge.
    model.judge().map(|judge| judge.words(deviation)).unwrap_or_default()
}

/// What happened this time.
fn this(scene: &dyn Scene) -> String {
    let what = match &scene.event().body {
        Body::Image(image) => text::shell_line(&image.args),
        Body::File(file) => file.path.clone(),
        Body::Flow(flow) => match flow.remote {
            Some(remote) => format!("{} {remote}", flow.op.as_str()),
            None => format!("{} {}", flow.op.as_str(), flow.local),
        },
        Body::Dns(dns) => dns.name.clone(),
        Body::ServerName(server) => server.name.clone(),
        Body::Socket(socket) => socket.path.clone().unwrap_or_else(|| socket.op.as_str().to_owned()),
        Body::Privilege(used) => format!("{} {}", used.syscall, used.detail),
        Body::Kernel(asked) => format!("{} {}", asked.syscall, asked.detail),
        _ => String::new(),
    };
    let cut = what.char_indices().nth(LINE_CHARS).map_or(what.len(), |(at, _)| at);
    let more = if cut < what.len() { "…" } else { "" };
    let pid = scene.event().actor.as_ref().map_or(0, |actor| actor.pid);
    format!("{}{more} (pid {pid})", what[..cut].trim_end())
}
