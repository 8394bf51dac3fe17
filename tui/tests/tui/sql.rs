//! Questions in SQL: written, completed, answered, stopped.

use crate::keys::{press, type_in};
use crate::screens::check;
use crate::story::{self, at};
use crossterm::event::KeyCode;
use taffrail_tui::state::{Answer, Relation, View};
use taffrail_tui::{State, screen_text};

/// The incident with an empty question, which can be about these tables with their columns.
fn asking(relations: &[(&str, &str)]) -> State {
    let mut state = story::incident();
    let relation = |(name, columns): &(&str, &str)| Relation {
        name: (*name).to_owned(),
        columns: columns.split(' ').map(str::to_owned).collect(),
    };
    state.sql.relations = relations.iter().map(relation).collect();
    press(&mut state, KeyCode::Char('7'));
    state.sql.editor.clear();
    state
}

#[test]
fn an_answer_in_sql_is_walked_through_and_leads_to_its_moment() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('7'));
    press(&mut state, KeyCode::Enter);
    assert!(state.sql.running);
    assert!(screen_text(&state, 80, 24).contains("being answered"));
    let rows = [("curl", 44), ("kworkerds", 2_200)];
    state.sql.answered(Ok(Answer {
        columns: vec!["time".to_owned(), "comm".to_owned()],
        rows: rows.iter().map(|(comm, when)| vec![format!("t{when}"), (*comm).to_owned()]).collect(),
        times: rows.iter().map(|(_, when)| Some(at(*when))).collect(),
        total: 2,
        ..Answer::default()
    }));
    check("view_sql_answered", &state, &[(80, 24)]);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.view, state.at), (View::Timeline, at(2_200)));
    press(&mut state, KeyCode::Esc);
    assert_eq!((state.view, state.at), (View::Sql, story::TRIGGER));
}

#[test]
fn sql_is_completed_with_the_columns_of_the_tables_that_it_names() {
    let mut state = asking(&[("process", "time exec_id cmdline"), ("network", "time remote_addr")]);
    type_in(&mut state, "select cm");
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.sql.editor.lines(), ["select cmdline"]);
    type_in(&mut state, " from pro");
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.sql.editor.lines(), ["select cmdline from process"]);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('2'));
    assert_eq!(state.view, View::Timeline, "out of the editor a digit is a view again");
}

#[test]
fn columns_come_before_tables_where_no_table_is_to_come() {
    let mut state = asking(&[("timeline", "time op"), ("process", "time exec_id")]);
    type_in(&mut state, "select ti");
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.sql.editor.lines(), ["select time"]);
    type_in(&mut state, " from ti");
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.sql.editor.lines(), ["select time from timeline"]);
    let footer = |state: &State| screen_text(state, 80, 24).lines().last().unwrap_or_default().to_owned();
    assert!(!footer(&state).contains("quit"), "letters are letters here: {}", footer(&state));
    // The first one closes the words that are offered.
    (0..2).for_each(|_| press(&mut state, KeyCode::Esc));
    assert!(footer(&state).contains("quit"), "{}", footer(&state));
}

#[test]
fn tables_are_scrolled_through_and_asked_and_a_wide_answer_is_seen_column_by_column() {
    let mut state = story::incident();
    let relation = |at: usize| Relation { name: format!("table_{at:02}"), columns: vec!["time".to_owned()] };
    state.sql.relations = (0..60).map(relation).collect();
    press(&mut state, KeyCode::Char('7'));
    press(&mut state, KeyCode::Esc);
    (0..59).for_each(|_| press(&mut state, KeyCode::Down));
    assert!(screen_text(&state, 80, 24).contains("table_59"), "{}", screen_text(&state, 80, 24));
    press(&mut state, KeyCode::Enter);
    assert!(state.sql.running && state.sql.editor.lines()[0].contains("FROM table_59"));
    let columns: Vec<String> = (0..30).map(|at| format!("column_{at:02}")).collect();
    let row = columns.iter().map(|name| format!("value of {name}")).collect();
    state.sql.answered(Ok(Answer { columns, rows: vec![row], times: vec![None], total: 1, ..Answer::default() }));
    let before = screen_text(&state, 80, 40);
    assert!(before.contains("value of column_00") && !before.contains("column_29"), "{before}");
    (0..29).for_each(|_| press(&mut state, KeyCode::Right));
    let after = screen_text(&state, 80, 40);
    assert!(after.contains("value of column_29") && after.contains("column 30 of 30"), "{after}");
    press(&mut state, KeyCode::Left);
    assert!(screen_text(&state, 80, 40).contains("column 29 of 30"));
}

#[test]
fn a_question_that_is_stopped_says_so() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('7'));
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Esc);
    assert!(!state.sql.running);
    assert!(screen_text(&state, 80, 24).contains("stopped"));
}
