//! Sigma's rules here and in rsigma.

use crate::events::{Made, World};
use crate::{Done, line, measured, rules};
use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::LogSource;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use taffrail_rules::judge::Judge;
use taffrail_rules::scene::Scene;
use taffrail_trace::event::{Body, FlowOp, Image};

const RULES: &str = include_str!("sigma.yaml");

/// Prints both figures for each sort of event.
pub fn compare(world: &World, out: &mut impl Write) -> Done {
    let mut text = RULES.to_owned();
    variants(&mut text)?;
    let set = rules(&text, out)?;
    let mut engine = Engine::new();
    engine.add_collection(&rsigma_parser::parse_sigma_yaml(&text)?)?;
    writeln!(out, "{} rules in rsigma", engine.rule_count())?;
    for (sort, events) in world.sigma() {
        let mut judge = Judge::new(Arc::clone(&set));
        let ours = measured(&events, |event| judge.see(event).count());
        let told: Vec<(LogSource, Value)> = events.iter().map(json_of).collect();
        let read: Vec<(&LogSource, JsonEvent<'_>)> =
            told.iter().map(|(source, value)| (source, JsonEvent::borrow(value))).collect();
        let theirs = measured(&read, |(source, event)| engine.evaluate_with_logsource(event, source).len());
        line(out, "sigma", sort, &ours, "rsigma", &theirs)?;
    }
    Ok(())
}

/// An event in Sigma's words.
fn json_of(event: &Made<'_>) -> (LogSource, Value) {
    let image = event.image(0);
    let parent = event.image(1);
    let line = |image: Option<&Image>| image.map(|image| image.args.join(" "));
    let mut value = json!({
        "Image": image.map(|image| &image.exe),
        "CommandLine": line(image),
        "ProcessId": image.map(|image| image.pid),
        "CurrentDirectory": image.map(|image| &image.cwd),
        "ParentImage": parent.map(|image| &image.exe),
        "ParentCommandLine": line(parent),
        "ParentProcessId": parent.map(|image| image.pid),
    });
    let category = match &event.event().body {
        Body::File(file) => {
            value["TargetFilename"] = json!(file.path);
            "file_event"
        }
        Body::Flow(flow) => {
            let calls = flow.op == FlowOp::Connect;
            let remote = flow.remote.unwrap_or(flow.local);
            let (source, destination) = if calls { (flow.local, remote) } else { (remote, flow.local) };
            value["Initiated"] = json!(if calls { "true" } else { "false" });
            value["Protocol"] = json!("tcp");
            value["SourceIp"] = json!(source.addr.to_string());
            value["SourcePort"] = json!(source.port);
            value["DestinationIp"] = json!(destination.addr.to_string());
            value["DestinationPort"] = json!(destination.port);
            "network_connection"
        }
        _ => "process_creation",
    };
    let named = |word: &str| Some(word.to_owned());
    let source = LogSource { category: named(category), product: named("linux"), ..LogSource::default() };
    (source, value)
}

/// More rules of the kind that people write for their own images, to make about a hundred.
fn variants(text: &mut String) -> std::fmt::Result {
    let images = ["shop", "billing", "search", "mail", "queue", "cache", "auth", "report", "stock", "cart"];
    for (at, image) in images.iter().enumerate() {
        let port = 9000 + at;
        for (name, category, detection) in [
            (
                "Interpreter beside",
                "process_creation",
                format!("{{CurrentDirectory|startswith: /srv/{image}x, Image|endswith: [/perl, /ruby, /lua, /gdb]}}"),
            ),
            (
                "Admin tool of",
                "process_creation",
                format!("{{CommandLine|contains: [{image}-admin, '{image}ctl '], ParentImage|endswith: [/sh, /bash]}}"),
            ),
            ("Dump of", "process_creation", format!("{{CommandLine|contains|all: [pg_dump, {image}_production]}}")),
            (
                "Keys written of",
                "file_event",
                format!("{{TargetFilename|startswith: [/etc/{image}/keys/, /run/secrets/{image}]}}"),
            ),
            (
                "Program replaced of",
                "file_event",
                format!("{{TargetFilename: [/usr/local/bin/{image}, /usr/local/bin/{image}d, /opt/{image}/bin/*]}}"),
            ),
            (
                "Odd port of",
                "network_connection",
                format!("{{Image|endswith: /{image}d, DestinationPort: [{port}, 25, 6667], Initiated: 'true'}}"),
            ),
        ] {
            writeln!(text, "---\ntitle: {name} {image}\nlogsource: {{category: {category}, product: linux}}")?;
            writeln!(text, "detection:\n  selection: {detection}\n  condition: selection")?;
        }
    }
    Ok(())
}
