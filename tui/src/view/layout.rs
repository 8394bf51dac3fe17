//! Which pane is where.

use crate::state::{Focus, State, View};
use ratatui::layout::{Constraint, Layout, Rect};

/// Below this width or height only the focused pane is shown.
pub const WIDTH_MIN: u16 = 60;
pub const HEIGHT_MIN: u16 = 16;
/// The tree's width: a good third, within these.
pub const TREE_MIN: u16 = 26;
const TREE_MAX: u16 = 56;
/// The width that the views' numbers need.
const TABS_MIN: u16 = 36;

/// Where everything is. What is not shown has no area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Who and why.
    pub header: Rect,
    /// The views by their numbers.
    pub tabs: Rect,
    /// The way one came, and the filters that are on.
    pub trail: Rect,
    /// The window at a glance.
    pub strip: Rect,
    /// The view, where it is not the timeline.
    pub body: Rect,
    /// The process tree.
    pub tree: Rect,
    /// The event list.
    pub events: Rect,
    /// The selected event.
    pub detail: Rect,
    /// Keys and play state.
    pub footer: Rect,
}

impl Screen {
    /// Divides `area` for what the state shows.
    pub fn new(area: Rect, state: &State) -> Self {
        if is_small(area) {
            return Self::small(area, state);
        }
        let strip = match area.height {
            0..20 => 3,
            20..32 => 4,
            _ => 5,
        };
        let trail = u16::from(super::trail::is_needed(state));
        let [header, tabs, trail, strip, body, footer] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(1),
            Constraint::Length(trail),
            Constraint::Length(strip),
            Constraint::Fill(1),
            Constraint::Length(if super::footer::has_more(state) { 2 } else { 1 }),
        ])
        .areas(area);
        let screen = Self { header, tabs, trail, strip, footer, ..Self::default() };
        match state.view {
            View::Timeline => {
                let detail = (area.height / 3).saturating_sub(1).clamp(5, 24);
                let [panes, detail] = Layout::vertical([Constraint::Fill(1), Constraint::Length(detail)]).areas(body);
                let tree = (area.width * 9 / 25).clamp(TREE_MIN, TREE_MAX);
                let [tree, events] = Layout::horizontal([Constraint::Length(tree), Constraint::Fill(1)]).areas(panes);
                Self { tree, events, detail, ..screen }
            }
            View::Processes => {
                let [tree, detail] = if area.width >= 110 {
                    Layout::horizontal([Constraint::Fill(11), Constraint::Fill(9)]).areas(body)
                } else {
                    let detail = (body.height * 2 / 5).clamp(3, 24);
                    Layout::vertical([Constraint::Fill(1), Constraint::Length(detail)]).areas(body)
                };
                Self { tree, detail, ..screen }
            }
            _ => Self { body, ..screen },
        }
    }

    fn small(area: Rect, state: &State) -> Self {
        let strip = if area.height >= 7 { 2 } else { 0 };
        let footer = u16::from(area.height >= 4);
        let [header, tabs, strip, pane, footer] = Layout::vertical([
            Constraint::Length(if area.height >= 12 { 2 } else { 1 }),
            Constraint::Length(u16::from(area.height >= 12 && area.width >= TABS_MIN)),
            Constraint::Length(strip),
            Constraint::Fill(1),
            Constraint::Length(footer),
        ])
        .areas(area);
        let screen = Self { header, tabs, strip, footer, ..Self::default() };
        match (state.view, state.focus) {
            (View::Processes, _) | (View::Timeline, Focus::Tree) => Self { tree: pane, ..screen },
            (View::Timeline, Focus::Events) => Self { events: pane, ..screen },
            (View::Timeline, Focus::Detail) => Self { detail: pane, ..screen },
            _ => Self { body: pane, ..screen },
        }
    }
}

/// Whether the screen is too small for everything: then it shows one pane, and says what it needs.
pub fn is_small(area: Rect) -> bool {
    area.width < WIDTH_MIN || area.height < HEIGHT_MIN
}
