//! A busy container: a million events stay usable.

use crate::story::{self, who};
use std::time::{Duration, Instant};
use taffrail_tui::screen_text;
use taffrail_tui::state::Action;

/// Generous for a slow machine under load; on an idle one everything below takes a tenth of it or less.
const PATIENCE: Duration = Duration::from_millis(1_500);

fn within(what: &str, act: impl FnOnce()) {
    let began = Instant::now();
    act();
    let took = began.elapsed();
    assert!(took < PATIENCE, "{what} took {took:?}");
}

#[test]
fn a_million_events_stay_usable() {
    let mut state = story::incident_with(|rows| {
        for number in 0..1_000_000_i64 {
            let path = format!("/srv/www/cache/{:04}.html", number % 5_000);
            story::file(rows, number * 67 / 1_000 - 57_500, who(4, 2251, "httpd"), "open", &path, 0);
        }
    });
    within("a hundred frames while playing", || {
        state.apply(Action::First);
        state.apply(Action::PlayOrPause);
        for _ in 0..100 {
            state.apply(Action::Tick(Duration::from_millis(33)));
            screen_text(&state, 120, 40);
        }
    });
    within("a hundred steps", || (0..100).for_each(|_| state.apply(Action::Step(1))));
    within("typing one letter", || {
        state.apply(Action::Find);
        state.apply(Action::Type('7'));
    });
    assert!(state.visible.len() > 100_000);
}
