//! Which pane is where.

use crate::state::Focus;
use ratatui::layout::{Constraint, Layout, Rect};

/// Below this width or height only the focused pane is shown.
const WIDTH_MIN: u16 = 60;
const HEIGHT_MIN: u16 = 16;
/// The tree's width: a good third, within these.
pub const TREE_MIN: u16 = 26;
const TREE_MAX: u16 = 56;

/// Where everything is. What is not shown has no area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Who and why.
    pub header: Rect,
    /// The window at a glance.
    pub strip: Rect,
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
    /// Divides `area`.
    pub fn new(area: Rect, focus: Focus) -> Self {
        if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
            return Self::small(area, focus);
        }
        let strip = match area.height {
            0..20 => 3,
            20..32 => 4,
            _ => 5,
        };
        let detail = (area.height / 3).saturating_sub(1).clamp(5, 14);
        let [header, strip, panes, detail, footer] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(strip),
            Constraint::Fill(1),
            Constraint::Length(detail),
            Constraint::Length(1),
        ])
        .areas(area);
        let tree = (area.width * 9 / 25).clamp(TREE_MIN, TREE_MAX);
        let [tree, events] = Layout::horizontal([Constraint::Length(tree), Constraint::Fill(1)]).areas(panes);
        Self { header, strip, tree, events, detail, footer }
    }

    fn small(area: Rect, focus: Focus) -> Self {
        let strip = if area.height >= 7 { 2 } else { 0 };
        let footer = u16::from(area.height >= 4);
        let [header, strip, pane, footer] = Layout::vertical([
            Constraint::Length(if area.height >= 12 { 2 } else { 1 }),
            Constraint::Length(strip),
            Constraint::Fill(1),
            Constraint::Length(footer),
        ])
        .areas(area);
        let screen = Self { header, strip, footer, ..Self::default() };
        match focus {
            Focus::Tree => Self { tree: pane, ..screen },
            Focus::Events => Self { events: pane, ..screen },
            Focus::Detail => Self { detail: pane, ..screen },
        }
    }
}
