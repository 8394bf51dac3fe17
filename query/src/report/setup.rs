//! How the container was set up and what the kernel made of it: what an intruder in it can reach comes of that.

use super::foreign::Foreign;
use super::story::{Word, plain};
use super::{markdown, page};
use crate::functions::capability_names;
use maud::{Markup, html};
use std::fmt::Write as _;
use taffrail_trace::container::{Setup, SetupMount};
use taffrail_trace::manifest::{Init, Manifest};

/// The most of one list.
const LIST_MAX: usize = 24;

/// A line: what it is about, and what is so.
type Line = (&'static str, Vec<Word>);

/// What the runtime was asked for, then what the kernel says; nothing of a bundle that knows neither.
fn lines(manifest: &Manifest) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(setup) = &manifest.container.setup {
        asked(setup, &mut lines);
    }
    if let Some(init) = &manifest.state.init {
        if manifest.container.setup.is_none() {
            lines.push(("Command", vec![Word::Quoted(command(&init.command))]));
        }
        made(init, &mut lines);
    }
    lines
}

/// What was asked for, as far as it is more or less than any container has.
fn asked(setup: &Setup, lines: &mut Vec<Line>) {
    lines.push(("Command", vec![Word::Quoted(command(&setup.command))]));
    lines.push(("User", vec![setup.user.as_deref().map_or_else(|| plain("root"), quoted)]));
    if setup.privileged {
        lines.push(("Privileged", vec![plain("yes: it was given everything that the host has")]));
    }
    let mounts: Vec<Foreign> = setup.mounts.iter().map(mount).collect();
    let lists: [(&str, Vec<Foreign>); 7] = [
        ("Of the host", mounts),
        ("Devices", foreign(&setup.devices)),
        ("Ports", foreign(&setup.published_ports)),
        ("Added", foreign(&setup.capabilities_added)),
        ("Dropped", foreign(&setup.capabilities_dropped)),
        ("Security", foreign(&setup.security_options)),
        ("Environment", foreign(&setup.environment)),
    ];
    lines.extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name, listed(&list))));
    if let Some(network) = &setup.network_mode {
        lines.push(("Network", vec![quoted(network)]));
    }
    if setup.read_only_root {
        lines.push(("Root", vec![plain("cannot be written")]));
    }
}

/// What the kernel made of it.
fn made(init: &Init, lines: &mut Vec<Line>) {
    let bits = |text: &Option<String>| u64::from_str_radix(text.as_deref()?, 16).ok();
    let names = |bits: u64| match capability_names(bits) {
        none if none.is_empty() => plain("none"),
        names => quoted(&names.replace(',', ", ")),
    };
    if let Some(effective) = bits(&init.capabilities_effective) {
        let mut words = vec![names(effective)];
        if let Some(bounding) = bits(&init.capabilities_bounding).filter(|bounding| *bounding != effective) {
            words.extend([plain("; can ever have: "), names(bounding)]);
        }
        lines.push(("Capabilities", words));
    }
    if !init.shares_with_host.is_empty() {
        let mut words = listed(&foreign(&init.shares_with_host));
        words.push(plain(" namespaces"));
        lines.push(("The host's own", words));
    }
    if let Some(seccomp) = &init.seccomp {
        lines.push(("Call filter", vec![quoted(seccomp)]));
    }
    if let Some(label) = &init.security_label {
        lines.push(("Label", vec![quoted(label)]));
    }
}

fn quoted(text: &str) -> Word {
    Word::Quoted(Foreign::new(text))
}

fn command(words: &[String]) -> Foreign {
    Foreign::new(&taffrail_trace::text::shell_line(words))
}

fn mount(mount: &SetupMount) -> Foreign {
    let access = if mount.read_only { "read only" } else { "writable" };
    Foreign::new(&format!("{} as {}, {access}", mount.source, mount.path))
}

fn foreign(list: &[String]) -> Vec<Foreign> {
    list.iter().map(|text| Foreign::new(text)).collect()
}

/// A list with `; ` between its parts, cut where it is long.
fn listed(list: &[Foreign]) -> Vec<Word> {
    let mut words = Vec::new();
    for (at, text) in list.iter().take(LIST_MAX).enumerate() {
        if at > 0 {
            words.push(plain("; "));
        }
        words.push(Word::Quoted(text.clone()));
    }
    if list.len() > LIST_MAX {
        words.push(plain(format!("; and {} more, in the manifest", list.len() - LIST_MAX)));
    }
    words
}

/// The page's section; nothing where nothing is known.
pub fn html(manifest: &Manifest) -> Markup {
    let lines = lines(manifest);
    html! {
        @if !lines.is_empty() {
            section {
                h2 { "How it was set up" }
                dl class="setup" { @for (name, words) in &lines { div { dt { (name) } dd { (page::words(words)) } } } }
            }
        }
    }
}

/// The same in Markdown.
pub fn markdown(manifest: &Manifest, out: &mut String) -> std::fmt::Result {
    let lines = lines(manifest);
    if !lines.is_empty() {
        writeln!(out, "\n## How it was set up\n")?;
    }
    lines.iter().try_for_each(|(name, words)| writeln!(out, "- {name}: {}", markdown::words(words)))
}
