//! Pure drawing of a [`State`]: the same state and size always give the same cells.
//!
//! ```text
//! layout                which pane is where; small screens show the focused pane alone
//! theme                 roles -> styles; nothing relies on colour alone
//! text                  the only door from a trace's text to a cell
//! header, strip         who and why and what is missing; the whole window at a glance
//! tabs, trail           where one is, how one came there, which filters are on
//! tree, events, detail  the panes of the timeline; tree and detail are the processes' too
//! story, network, files, terminal, sql    the other views
//! footer, help, palette         what can be done, from the one table of keys
//! ```

mod detail;
mod events;
mod files;
mod footer;
mod header;
mod help;
mod layout;
mod list;
mod network;
mod palette;
mod sql;
mod story;
mod strip;
mod tabs;
mod terminal;
mod text;
mod theme;
mod trail;
mod tree;

pub use theme::Theme;

use crate::state::{Extent, Focus, Pages, Prompting, State, View};
use layout::Screen;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType};
use theme::Role;

/// What a view says that has nothing to show: `fact` where it is one.
fn absence<'a>(state: &State, view: View, fact: &'a str) -> &'a str {
    match state.extent(view) {
        Extent::All if matches!(view, View::Network | View::Files) && !state.filter.is_off() => {
            "By now nothing that this view shows passes the filter."
        }
        Extent::All => fact,
        Extent::SoFar => "The recording is being read; there is nothing to show so far.",
        Extent::Cut => "The recording could not be read to its end; in what could be read there is nothing to show.",
    }
}

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let screen = Screen::new(frame.area(), state);
    header::draw(frame, screen.header, state, theme);
    tabs::draw(frame, screen.tabs, state, theme);
    trail::draw(frame, screen.trail, state, theme);
    strip::draw(frame, screen.strip, state, theme);
    tree::draw(frame, screen.tree, state, theme);
    events::draw(frame, screen.events, state, theme);
    detail::draw(frame, screen.detail, state, theme);
    match state.view {
        View::Story => story::draw(frame, screen.body, state, theme),
        View::Network => network::draw(frame, screen.body, state, theme),
        View::Files => files::draw(frame, screen.body, state, theme),
        View::Terminal => terminal::draw(frame, screen.body, state, theme),
        View::Sql => sql::draw(frame, screen.body, state, theme),
        View::Timeline | View::Processes => {}
    }
    footer::draw(frame, screen.footer, state, theme);
    if state.prompt.as_ref().is_some_and(|prompt| prompt.what == Prompting::Palette) {
        palette::draw(frame, state, theme);
    }
    if let Some(scroll) = state.help {
        help::draw(frame, scroll, state, theme);
    }
}

/// How much of each pane a screen of this size shows: what scrolling needs to know.
pub fn pages(state: &State, area: Rect) -> Pages {
    let screen = Screen::new(area, state);
    let detail = inner(screen.detail);
    let lines = if screen.detail.is_empty() { 0 } else { detail::lines(state, detail.width, Theme::PLAIN).len() };
    let body = inner(screen.body).height;
    Pages {
        tree: inner(screen.tree).height,
        events: inner(screen.events).height,
        body: if state.view == View::Sql { body.saturating_sub(sql::EDITOR_HEIGHT + 2) } else { body },
        detail: detail.height,
        detail_end: u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(detail.height),
        help_end: help::end(area, state),
        typed_end: terminal::typed_end(state, inner(screen.body)),
    }
}

/// Where the strip is on a screen of this size, for a click on it.
pub fn strip_area(state: &State, area: Rect) -> Rect {
    Screen::new(area, state).strip
}

/// Whether a pane has room for a frame around it; on small screens a pane is just its content.
fn framed(area: Rect) -> bool {
    area.height > 6 && area.width >= layout::TREE_MIN
}

/// What is left of a pane for its content.
fn inner(area: Rect) -> Rect {
    if framed(area) { Block::bordered().inner(area) } else { area }
}

/// Draws a pane's frame and title, and returns where its content goes. The focused pane has a thick frame.
fn pane(frame: &mut Frame<'_>, area: Rect, title: Line<'_>, focused: bool, theme: Theme) -> Rect {
    if framed(area) { boxed(frame, area, title, focused, theme) } else { area }
}

/// [`pane`], framed however low it is.
fn boxed(frame: &mut Frame<'_>, area: Rect, title: Line<'_>, focused: bool, theme: Theme) -> Rect {
    let (kind, role) = if focused { (BorderType::Thick, Role::Focus) } else { (BorderType::Plain, Role::Quiet) };
    let title = if focused { title.patch_style(Modifier::BOLD) } else { title };
    let block = Block::bordered().border_type(kind).border_style(theme.style(role)).title(title);
    let content = block.inner(area);
    frame.render_widget(block, area);
    content
}

/// Writes the first of these texts that fits into the lower edge of a pane, where that has a frame.
fn below(frame: &mut Frame<'_>, area: Rect, texts: &[&str], theme: Theme) {
    let fitting = texts.iter().find(|text| text::width(text) + 4 <= usize::from(area.width));
    if let Some(text) = fitting.filter(|_| framed(area)) {
        let edge = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width - 4, height: 1 };
        frame.render_widget(Line::styled(*text, theme.style(Role::Quiet)), edge);
    }
}

fn is_focused(state: &State, focus: Focus) -> bool {
    let here = match state.view {
        View::Processes => focus == Focus::Tree,
        _ => state.focus == focus,
    };
    here && state.help.is_none()
}
