//! Colours where they carry meaning, on the cells themselves.

use crate::story;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use taffrail_tui::State;
use taffrail_tui::state::{Action, Palette, View};
use taffrail_tui::view::{self, Theme};

/// The red of the dark theme.
pub const RED: Color = Color::Indexed(167);
/// Its green.
pub const GREEN: Color = Color::Indexed(71);

pub fn drawn(state: &State, width: u16, height: u16, palette: Palette) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| view::draw(frame, state, Theme::of(palette))).expect("a frame");
    terminal.backend().buffer().clone()
}

/// The cells at which `text` begins, row by row.
pub fn cells<'a>(buffer: &'a Buffer, text: &str) -> Vec<&'a Cell> {
    let area = buffer.area;
    let mut found = Vec::new();
    for y in 0..area.height {
        for x in 0..area.width {
            let here = text
                .chars()
                .enumerate()
                .all(|(at, ch)| buffer.cell((x + at as u16, y)).is_some_and(|cell| cell.symbol() == ch.to_string()));
            if here {
                found.extend(buffer.cell((x, y)));
            }
        }
    }
    found
}

#[test]
fn losses_are_red_wherever_they_fall() {
    let mut state = story::lossy();
    state.apply(Action::Seconds(-25));
    for (width, height) in [(20, 8), (80, 24), (120, 40)] {
        let buffer = drawn(&state, width, height, Palette::Dark);
        let header = cells(&buffer, "lost: ");
        assert!(!header.is_empty(), "{width}x{height}");
        assert!(header.iter().all(|cell| cell.fg == RED && cell.modifier.contains(Modifier::REVERSED)));
        let strip = cells(&buffer, "\u{2591}");
        assert!(!strip.is_empty() && strip.iter().all(|cell| cell.fg == RED), "the strip at {width}x{height}");
    }
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    let rows = cells(&buffer, "? ");
    assert!(rows.iter().any(|cell| cell.fg == RED && cell.modifier.contains(Modifier::BOLD)), "a gap in the list");
}

#[test]
fn findings_are_red_on_the_strip_in_the_list_and_in_the_story() {
    let mut state = story::incident();
    state.apply(Action::Step(-1));
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    assert!(cells(&buffer, "! ").iter().any(|cell| cell.fg == RED), "its letter in the list");
    assert!(cells(&buffer, "shell-from-web-server: ").iter().any(|cell| cell.fg == RED), "the finding's line");
    state.apply(Action::First);
    let strip = drawn(&state, 120, 40, Palette::Dark);
    assert!(cells(&strip, "!").iter().any(|cell| cell.fg == RED), "its mark on the strip");
    state.apply(Action::Trigger);
    state.apply(Action::Step(-1));
    state.apply(Action::Show(View::Story));
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    assert!(cells(&buffer, "! ").iter().any(|cell| cell.fg == RED), "its letter in the story");
}

#[test]
fn a_dying_process_is_struck_out_and_a_new_one_is_green() {
    let mut state = story::incident();
    let end = state.recording.images.iter().filter(|image| image.inside).filter_map(|image| image.end).min();
    let at = end.expect("somebody ends") - story::TRIGGER;
    state.apply(Action::Seconds(at.div_euclid(1_000_000_000)));
    while state.moment.rows.iter().all(|row| row.life != taffrail_tui::state::Life::Ended) {
        let before = state.at;
        state.apply(Action::Step(1));
        assert!(state.at > before || state.position() != Some(state.visible.len() - 1), "somebody is dying");
    }
    let ended = state.moment.rows.iter().find(|row| row.life == taffrail_tui::state::Life::Ended).expect("a row");
    let name = state.recording.text(state.recording.images[ended.image as usize].comm).to_owned();
    state.apply(Action::Focus(false));
    state.tree_choice = state.moment.rows.first().map(|row| row.process);
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    let struck = cells(&buffer, &name);
    assert!(struck.iter().any(|cell| cell.modifier.contains(Modifier::CROSSED_OUT)), "{name}: {struck:?}");
    let mut state = story::incident();
    state.apply(Action::Trigger);
    let new = state.moment.rows.iter().find(|row| row.life == taffrail_tui::state::Life::New).expect("a new one");
    let name = state.recording.text(state.recording.images[new.image as usize].comm).to_owned();
    state.tree_choice = state.moment.rows.first().map(|row| row.process);
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    assert!(cells(&buffer, &name).iter().any(|cell| cell.fg == GREEN), "{name} is green");
}

#[test]
fn without_colours_no_cell_has_one() {
    let mut state = story::lossy();
    for view in View::ALL {
        state.apply(Action::Show(view));
        let buffer = drawn(&state, 120, 40, Palette::Plain);
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset), "{view:?}");
    }
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs() {
    let state = story::incident();
    for (width, height) in [(20, 8), (40, 12), (59, 30), (100, 15)] {
        let screen = taffrail_tui::screen_text(&state, width, height);
        assert!(screen.contains("60x16"), "{width}x{height}:\n{screen}");
    }
    assert!(!taffrail_tui::screen_text(&state, 60, 16).contains("60x16"));
}
