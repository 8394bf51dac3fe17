//! Who talked to whom: programs on the left, addresses on the right, and between them what went over.

use super::list::{self, List};
use super::text::{cut, fit, width};
use super::theme::{Role, Theme};
use crate::state::recording::{Image, Kind};
use crate::state::{Direction, Edge, MapRow, State, View, words};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What nobody should look for here, in many words and in few.
const NOT_RECORDED: [&str; 2] = [
    " not recorded: what went over (other than to and from shells), what Docker was asked for ",
    " not recorded: what went over, other than to and from shells ",
];

/// From this width on each line has a time.
const TIMED_MIN: u16 = 90;

/// Draws the view.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let map = &state.map;
    // A listener is open, but nobody talks there.
    let talks = map.edges.iter().filter(|edge| edge.direction != Direction::Listens);
    let open: u32 = talks.map(|edge| edge.open).fold(0, u32::saturating_add);
    let hosts = match map.hosts() {
        1 => "1 address".to_owned(),
        count => format!("{} addresses", words::count(count as u64)),
    };
    let now = words::relative(state.recording.since_trigger(state.at));
    let far = state.extent(View::Network).suffix();
    let mut title = format!(" network until {now} s: {hosts}, {open} open{far} ");
    if area.width >= TIMED_MIN + 2 {
        title.push_str("\u{2500} left: when it was used last ");
    }
    let list = List {
        title: Line::from(title),
        rows: map.list.rows.len(),
        here: Some(map.list.chosen),
        empty: super::absence(state, View::Network, "Nobody has talked to anybody by now."),
        focused: state.help.is_none(),
    };
    list::draw(frame, area, list, theme, |row, room| line(state, row, room, theme));
    super::below(frame, area, &NOT_RECORDED, theme);
}

fn line(state: &State, row: usize, room: usize, theme: Theme) -> Line<'static> {
    let map = &state.map;
    match map.list.rows.get(row) {
        Some(MapRow::Group { label, hosts, flows, open, bytes, folded }) => {
            let sign = if *folded { "+" } else { "-" };
            let (sent, received) = (words::bytes(bytes.0), words::bytes(bytes.1));
            let mut text = format!("{sign} {label}  {hosts} addresses, {flows} flows");
            if *open > 0 || *bytes != (0, 0) {
                text.push_str(&format!(", {open} open, sent {sent}, received {received}"));
            }
            Line::from(Span::styled(cut(&text, room), theme.style(Role::Focus)))
        }
        Some(MapRow::Edge { edge, first, last }) => match map.edges.get(*edge) {
            Some(edge) => edge_line(state, edge, *first, *last, room, theme),
            None => Line::default(),
        },
        None => Line::default(),
    }
}

/// What the process of this image is called at the playhead, as view 3 has it.
fn now_called<'a>(state: &'a State, image: &Image) -> Option<&'a str> {
    let row = state.moment.rows.iter().find(|row| row.process == image.process)?;
    state.recording.image(row.image).map(|now| state.recording.text(now.comm))
}

/// `nc 20249 ───▶ tcp 45957  142 B ↑  62 B ↓ ───── 127.0.0.1 (name)`
fn edge_line(state: &State, edge: &Edge, first: bool, last: bool, room: usize, theme: Theme) -> Line<'static> {
    let recording = &state.recording;
    let quiet = theme.style(Role::Quiet);
    let image = edge.image.and_then(|image| recording.image(image));
    let comm = edge.who.as_deref().unwrap_or("?");
    let mut who = match (image, edge.processes) {
        (Some(image), ..=1) => match now_called(state, image).filter(|now| *now != comm) {
            Some(now) => format!("{comm}\u{2192}{now} {}", image.pid),
            None => format!("{comm} {}", image.pid),
        },
        (Some(_), count) => format!("{comm} \u{d7}{count}"),
        (None, _) => comm.to_owned(),
    };
    if let Some(container) = image.and_then(|image| image.more.container) {
        who = format!("{} {who}", recording.text(container));
    }
    let address = match (edge.direction, edge.name.as_deref()) {
        (Direction::Listens, _) => "whoever comes".to_owned(),
        (_, Some(name)) => format!("{} ({name})", edge.host),
        (_, None) => edge.host.clone(),
    };
    let role = if edge.open > 0 {
        Role::New
    } else if edge.failed == edge.flows {
        Role::Ended
    } else {
        Role::Kind(Kind::Network)
    };
    if room < 50 {
        let arrow = match edge.direction {
            Direction::Out => "\u{2192}",
            Direction::In => "\u{2190}",
            Direction::Listens => "\u{25e6}",
        };
        let port = if edge.port.is_empty() { String::new() } else { format!(":{}", edge.port) };
        return Line::from(Span::styled(cut(&format!("{comm}{arrow}{address}{port}"), room), theme.style(role)));
    }
    // When it was used last, where there is room for it.
    let when = if room >= usize::from(TIMED_MIN) {
        format!("{:>10} ", words::relative(recording.since_trigger(edge.last)))
    } else {
        String::new()
    };
    let room = room - width(&when);
    // The container's name stands before the program's, where there are several.
    let left = if recording.about.containers > 1 { (room / 3).clamp(12, 44) } else { (room / 5).clamp(12, 22) };
    let right = (room * 3 / 10).clamp(16, 44);
    let middle = room.saturating_sub(left + right + 2);
    let mut label = edge.protocol.to_string();
    if !edge.port.is_empty() {
        label.push_str(&format!(" {}", edge.port));
    }
    if edge.flows > 1 {
        label.push_str(&format!(" \u{d7}{}", edge.flows));
    }
    if edge.sent + edge.received > 0 {
        label.push_str(&format!("  \u{2191}{} \u{2193}{}", words::bytes(edge.sent), words::bytes(edge.received)));
    }
    match (edge.open, edge.failed) {
        (0, 0) => {}
        (0, failed) => label.push_str(if failed == edge.flows { "  refused" } else { "  some refused" }),
        (_, _) if edge.direction == Direction::Listens => label.push_str("  listens"),
        (_, _) => label.push_str("  open"),
    }
    let label = format!(" {} ", cut(&label, middle.saturating_sub(6)));
    let dashes = middle.saturating_sub(width(&label) + 1);
    let (before, after) = (dashes / 2, dashes - dashes / 2);
    let rule = |count: usize| "\u{2500}".repeat(count);
    let (begin, end) = match edge.direction {
        Direction::Out => (rule(before), format!("{}\u{25b6}", rule(after))),
        Direction::In => (format!("\u{25c0}{}", rule(before)), rule(after)),
        Direction::Listens => (format!("\u{25e6}{}", rule(before)), " ".repeat(after)),
    };
    // Several edges to one address share its name: a bracket holds them together.
    let (bracket, address) = match (first, last) {
        (true, true) => ("\u{2500}", address),
        (true, false) => ("\u{252c}", address),
        (false, true) => ("\u{2518}", String::new()),
        (false, false) => ("\u{2524}", String::new()),
    };
    Line::from_iter([
        Span::styled(when, quiet),
        Span::raw(format!("{:>left$} ", fit_right(&who, left))),
        Span::styled(begin, quiet),
        Span::styled(label, theme.style(role)),
        Span::styled(end, quiet),
        Span::styled(bracket, quiet),
        Span::styled(format!(" {}", fit(&address, right.saturating_sub(2))), theme.style(Role::Strong)),
    ])
}

/// Cut to `width` columns and moved to the right end of them.
fn fit_right(raw: &str, columns: usize) -> String {
    let text = cut(raw, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}
