//! Everything that is known of the selected event.

use super::text::{cut, wrap};
use super::theme::{Role, Theme};
use super::{is_focused, pane};
use crate::state::recording::{Actor, Event, Image, ImageIx, Recording, Time};
use crate::state::{Focus, State, View, summary, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use taffrail_trace::clock::rfc3339;

mod fields;

/// The width of the labels' column.
const LABEL: usize = 9;
/// Draws the pane.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let room = super::inner(area);
    let lines = lines(state, room.width, theme);
    let left = lines.len().saturating_sub(usize::from(state.detail_scroll) + usize::from(room.height));
    let more = if left > 0 { format!(" detail \u{b7} {left} more lines ") } else { " detail ".to_owned() };
    let content = pane(frame, area, Line::from(more), is_focused(state, Focus::Detail), theme);
    let end = lines.len().saturating_sub(usize::from(room.height));
    let scroll = usize::from(state.detail_scroll).min(end) as u16;
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), content);
}

/// The pane's content, wrapped to `width`.
pub fn lines(state: &State, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let of_process = state.view == View::Processes || (state.view == View::Timeline && state.focus == Focus::Tree);
    if of_process && let Some(image) = state.row_image() {
        return process(state, image, width, theme);
    }
    let Some(event) = state.current() else {
        let text = if state.is_coming() {
            "this event is being read"
        } else if state.selected.is_some() {
            "this event could not be read"
        } else if state.timeline.is_empty() {
            "nothing happened in this bundle's window"
        } else if state.visible.is_empty() {
            super::absence(state, View::Timeline, "no event passes the filter")
        } else {
            super::absence(state, View::Timeline, "the playhead stands before the first event that passes the filter")
        };
        let lines = wrap(text, usize::from(width)).into_iter();
        return lines.map(|text| Line::styled(text, theme.style(Role::Quiet))).collect();
    };
    let (recording, event) = (&event.recording, &*event);
    let mut sheet = Sheet { lines: Vec::new(), width: usize::from(width), theme };
    sheet.headline(recording, event);
    let actor = recording.actor(event);
    // What is only known once everything was read is with the state's own images; their texts are the same.
    let image = actor.image.and_then(|at| state.recording.image(at));
    if actor.image.is_some() {
        sheet.field("lineage", &summary::lineage(recording, &actor));
    }
    if let Some(image) = image {
        let cut = if image.args_cut { " (longer; the rest was not kept)" } else { "" };
        sheet.field("cmdline", &format!("{}{cut}", recording.text(image.cmdline)));
    }
    sheet.own(recording, event);
    if actor != Actor::default() {
        sheet.pairs("by", &by(recording, &actor, image));
    }
    if let Some(image) = image {
        sheet.image(recording, image);
    }
    sheet.lines
}

/// Everything about a process at the moment.
fn process(state: &State, at: ImageIx, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let recording = &state.recording;
    let mut sheet = Sheet { lines: Vec::new(), width: usize::from(width), theme };
    let Some(image) = recording.image(at) else { return sheet.lines };
    let (pid, uid, container) = (Some(image.pid), Some(image.uid), image.more.container);
    let actor = Actor { image: Some(at), comm: Some(image.comm), pid, tid: pid, uid, container };
    let cut = if image.args_cut { " (longer; the rest was not kept)" } else { "" };
    for text in wrap(&format!("{}{cut}", recording.text(image.cmdline)), sheet.width) {
        sheet.lines.push(Line::from(Span::styled(text, theme.style(Role::Strong))));
    }
    let by = recording.runner(at).map_or_else(
        || "not in the record".to_owned(),
        |(by, replaced)| {
            let place = if replaced { " (in its own place)" } else { "" };
            format!("{} {}{place}, {}", recording.text(by.comm), by.pid, recording.text(by.cmdline))
        },
    );
    sheet.field("run by", &by);
    sheet.field("lineage", &summary::lineage(recording, &actor));
    sheet.pairs("by", &self::by(recording, &actor, Some(image)));
    sheet.image(recording, image);
    sheet.lines
}

/// The kernel's parent, which is not who made the process where that asked for a sibling, or has ended.
fn ppid(recording: &Recording, image: &Image) -> Option<String> {
    let ppid = image.ppid?;
    let maker = image.parent.and_then(|maker| recording.image(maker)).filter(|maker| maker.pid != ppid);
    Some(maker.map_or_else(|| ppid.to_string(), |maker| format!("{ppid} (made by {})", maker.pid)))
}

type Pairs = Vec<(&'static str, String)>;

fn by(recording: &Recording, actor: &Actor, image: Option<&Image>) -> Pairs {
    let mut pairs = Pairs::new();
    let mut number = |label, value: Option<u32>| {
        if let Some(value) = value {
            pairs.push((label, value.to_string()));
        }
    };
    number("pid", actor.pid);
    number("tid", actor.tid.filter(|tid| Some(*tid) != actor.pid));
    number("uid", actor.uid);
    number("euid", image.and_then(|image| image.more.euid.filter(|euid| *euid != image.uid)));
    number("login uid", image.and_then(|image| image.more.login_uid));
    number("gid", image.map(|image| image.gid));
    pairs.extend(image.and_then(|image| Some(("ppid", ppid(recording, image)?))));
    if let Some(comm) = actor.comm {
        pairs.push(("comm", recording.text(comm).to_owned()));
    }
    if let Some(image) = image {
        let exe = image.exe.map_or("unknown", |exe| recording.text(exe));
        let odd = [
            (image.more.memfd, " (in memory)"),
            (image.exe_deleted && !image.more.memfd, " (deleted)"),
            (image.more.upper, " (not from the image)"),
            (image.more.fresh, " (made while recorded)"),
        ];
        let odd: String = odd.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
        pairs.push(("exe", format!("{exe}{odd}")));
        pairs.push(("cwd", recording.text(image.cwd).to_owned()));
    }
    pairs
}

fn of_image(recording: &Recording, image: &Image) -> Pairs {
    let mut pairs = vec![
        ("origin", image.origin.as_str().to_owned()),
        ("start", moment(recording, image.start)),
        ("end", image.end.map_or_else(|| "still running".to_owned(), |end| moment(recording, end))),
    ];
    if let Some(code) = image.exit_code {
        pairs.push(("exit", code.to_string()));
    }
    if let Some(number) = image.exit_signal {
        pairs.push(("signal", words::signal(number).map_or_else(|| number.to_string(), str::to_owned)));
    }
    pairs.extend(image.more.threads.filter(|threads| *threads > 0).map(|threads| ("threads", threads.to_string())));
    if let Some(way) = image.more.entered {
        let way = recording.text(way);
        let by = image.more.entered_by.map_or_else(|| "unknown".to_owned(), |by| sender(recording, by));
        pairs.push(("entered", format!("by {way}, sent by {by}")));
    }
    pairs.extend(image.more.tty.map(|tty| ("tty", recording.text(tty).to_owned())));
    let stdio = [("stdin", Some(image.stdin)), ("stdout", Some(image.stdout)), ("stderr", image.more.stderr)];
    for (label, sym) in stdio.into_iter().filter_map(|(label, sym)| Some((label, sym?))) {
        let value = recording.text(sym);
        if value != "unknown" {
            pairs.push((label, value.to_owned()));
        }
    }
    // As SQL has it, so that one finds it there.
    pairs.push(("exec_id", image.exec_id.to_string()));
    pairs
}

/// `dockerd 800`, or the bare identity of an image that the recording does not have.
fn sender(recording: &Recording, exec_id: u64) -> String {
    match recording.images.iter().find(|image| image.exec_id == exec_id) {
        Some(image) => format!("{} {}", recording.text(image.comm), image.pid),
        None => format!("exec_id {exec_id}"),
    }
}

/// Capabilities by name, spaces between them so that they wrap.
fn powers(set: u64) -> String {
    match set {
        0 => "none".to_owned(),
        set => taffrail_query::capability_names(set).replace("cap_", "").replace(',', " "),
    }
}

/// Finer than in the list: here one compares.
fn moment(recording: &Recording, time: Time) -> String {
    format!("{} s", words::relative_micros(recording.since_trigger(time)))
}

/// The pane being filled.
struct Sheet {
    lines: Vec<Line<'static>>,
    width: usize,
    theme: Theme,
}

impl Sheet {
    /// What it is in bold, and when in full.
    fn headline(&mut self, recording: &Recording, event: &Event) {
        let kind = event.body.kind();
        for (index, text) in wrap(&summary::of(recording, event), self.width.saturating_sub(2)).into_iter().enumerate()
        {
            let mark = if index == 0 { format!("{} ", kind.letter()) } else { "  ".to_owned() };
            self.lines.push(Line::from_iter([
                Span::styled(mark, self.theme.style(Role::Kind(kind))),
                Span::styled(text, self.theme.style(Role::Strong)),
            ]));
        }
        let when = format!("{} from the trigger, {}", moment(recording, event.time), rfc3339(event.time));
        self.field("time", &when);
    }

    /// What a program image is, beside who runs it.
    fn image(&mut self, recording: &Recording, image: &Image) {
        self.pairs("image", &of_image(recording, image));
        let more = [("script", image.more.script), ("environ", image.more.environment), ("sha256", image.more.sha256)];
        for (label, sym) in more {
            if let Some(sym) = sym {
                self.field(label, recording.text(sym));
            }
        }
        if let Some(set) = image.more.capabilities {
            self.field("powers", &powers(set));
        }
    }

    /// A label and a text, wrapped under itself.
    fn field(&mut self, label: &'static str, raw: &str) {
        let quiet = self.theme.style(Role::Quiet);
        for (index, text) in wrap(raw, self.width.saturating_sub(LABEL)).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.lines.push(Line::from_iter([Span::styled(format!("{label:<LABEL$}"), quiet), Span::raw(text)]));
        }
    }

    /// Small fields, as many on a line as fit.
    fn pairs(&mut self, label: &'static str, pairs: &Pairs) {
        let quiet = self.theme.style(Role::Quiet);
        let room = self.width.saturating_sub(LABEL);
        let mut line = Line::from(Span::styled(format!("{label:<LABEL$}"), quiet));
        for (name, raw) in pairs {
            let value = cut(raw, room.saturating_sub(name.len() + 1).max(4));
            let empty = line.spans.len() == 1;
            let need = name.len() + 1 + super::text::width(&value) + if empty { 0 } else { 2 };
            if !empty && line.width() + need > self.width {
                self.lines.push(std::mem::replace(&mut line, Line::from(" ".repeat(LABEL))));
            }
            if line.spans.len() > 1 {
                line.push_span(Span::raw("  "));
            }
            line.push_span(Span::styled(format!("{name} "), quiet));
            line.push_span(Span::raw(value));
        }
        self.lines.push(line);
    }
}
