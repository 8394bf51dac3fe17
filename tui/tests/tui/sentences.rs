//! What single sentences of the samples' stories must say, and what they must not let a reader believe.

use crate::colours::{RED, cells, drawn};
use crate::keys::press;
use crate::story::{self, Program, program, who};
use crate::tales::{samples, tells, told};
use crossterm::event::KeyCode;
use taffrail_tui::state::draft::{Draft, Row, Who};
use taffrail_tui::state::recording::Finding;
use taffrail_tui::state::{Palette, Sentence, words};
use taffrail_tui::{State, screen_text};

#[test]
fn the_connection_that_the_intruder_came_by_is_one_of_those_that_are_counted() {
    for sample in ["theft-and-scan", "fileless", "reverse-shell"] {
        let told = told(&samples(&[sample]));
        let counted =
            told.iter().position(|text| text.starts_with("httpd") && text.contains("accepted")).expect("a count");
        let last = told
            .iter()
            .position(|text| text.starts_with("Of the connections of httpd (#) told above, that from "))
            .expect("the last");
        assert!(counted < last, "{told:#?}");
        assert_eq!(told.iter().filter(|text| text.contains("accepted")).count(), 1, "{told:#?}");
    }
}

#[test]
fn a_program_that_replaced_another_in_its_process_is_told_as_that_ones_act() {
    tells(&samples(&["reverse-shell"]), &["nc (#) ran `sh -i` in its own place", "a connection to 127.0.0.1:"]);
    tells(&samples(&["reverse-shell"]), &["sh (#) ran `nc 127.0.0.1", " as process "]);
    let day = samples(&["day-in-the-life"]);
    tells(&day, &["Somebody ran `/bin/sh -c", "from outside the container"]);
    tells(&day, &["sh (#) ran `/bin/wget -q -O /dev/null", "in its own place"]);
    let mut shell = samples(&["reverse-shell"]);
    let finding =
        shell.story.iter().find(|sentence| sentence.text.contains("in its own place")).expect("a shell").event;
    press(&mut shell, KeyCode::Char('3'));
    while shell.selected < Some(finding) {
        press(&mut shell, KeyCode::Right);
    }
    let screen = screen_text(&shell, 120, 40);
    let line = screen.lines().find(|line| line.contains("run by ")).unwrap_or_default();
    assert!(line.contains("run by   nc ") && line.contains("(in its own place)"), "{screen}");
    // A copy that runs its first program was made by who ran that.
    let state = story::incident();
    assert!(told(&state).iter().any(|text| text.starts_with("httpd (#) ran `sh -c")), "{:#?}", told(&state));
}

#[test]
fn a_program_whose_input_or_output_is_a_file_is_told_with_the_file_and_so_is_what_it_sends() {
    let theft = samples(&["theft-and-scan"]);
    for host in ["10.20.0.1", "10.20.0.9"] {
        let input = format!("nc -w 1 {host} 443` as process");
        tells(&theft, &[&input, ", its input the file /tmp/.loot"]);
        let sent = format!("nc (#) connected to {host}:443, sent 64 B");
        tells(&theft, &[&sent, "; its input was the file /tmp/.loot, of which it read 64 B"]);
    }
    tells(&theft, &["cat /run/secrets", ", its output the file /tmp/.loot"]);
    tells(&samples(&["day-in-the-life"]), &["nc -w 1 10.20.0.13 5432", ", its input the file /etc/app.conf"]);
    // What is not a file, or was not read, is not called the input.
    assert!(!told(&theft).iter().any(|text| text.contains("wget") && text.contains("its input the file")));
}

#[test]
fn lines_of_an_argument_are_told_apart_without_the_spaces_of_the_script() {
    tells(
        &samples(&["day-in-the-life"]),
        &["harbour-tool.deb \u{23ce} /bin/dpkg -i /tmp/harbour-tool.deb \u{23ce} /bin/rm"],
    );
    tells(&samples(&["docker-socket"]), &["/bin/ls -l /var/run/docker.sock \u{23ce} /bin/workloads docker"]);
}

#[test]
fn a_line_end_in_a_path_begins_no_line_of_the_story() {
    let state = story::incident_with(|rows| {
        story::file(rows, 3_100, who(8, 9109, "sh"), "create", "/tmp/a\n  +0.000  ! all is well", 0);
    });
    tells(&state, &["made /tmp/a\\n  +0.000"]);
}

#[test]
fn bytes_of_a_terminal_that_were_not_kept_are_told_with_their_number_in_red_wherever_one_looks() {
    for (sample, words) in [
        ("host-mount", &["From here on ", " B that cat (#) printed are not in the record"][..]),
        ("day-in-the-life", &["From here on ", " B that cat (#) printed"]),
    ] {
        let state = samples(&[sample]);
        tells(&state, words);
        assert!(state.unkept() > 0);
        let number = words::bytes(state.unkept());
        for (size, wanted) in [
            ((20, 8), format!("+{number}")),
            ((80, 24), format!("terminal: {number} not kept")),
            ((120, 40), format!("terminal: {number} not kept")),
        ] {
            let buffer = drawn(&state, size.0, size.1, Palette::Dark);
            let header = cells(&buffer, &wanted);
            let screen = screen_text(&state, size.0, size.1);
            assert!(!header.is_empty() && header.iter().all(|cell| cell.fg == RED), "{wanted}\n{screen}");
        }
    }
    // And where they would stand.
    let mut state = samples(&["host-mount"]);
    press(&mut state, KeyCode::Char('6'));
    press(&mut state, KeyCode::End);
    let buffer = drawn(&state, 120, 40, Palette::Dark);
    let hole = cells(&buffer, "[26 B not kept]");
    assert!(!hole.is_empty() && hole.iter().all(|cell| cell.fg == RED), "{}", screen_text(&state, 120, 40));
    assert_eq!(samples(&["theft-and-scan"]).unkept(), 0);
    assert!(!screen_text(&samples(&["theft-and-scan"]), 120, 40).contains("not kept"));
}

#[test]
fn bytes_that_were_not_kept_are_those_of_the_programs_that_printed_them_whoever_used_the_terminal_first() {
    let state = story::incident_with(|rows| {
        story::terminal(rows, 3_000, "cat loot\n", "");
        for (program, unkept) in [(1, 40), (2, 300), (3, 8), (4, 2_000), (5, 4), (2, 300)] {
            let name = format!("cat{program}");
            story::not_kept(rows, 3_100, who(20 + program, 9_200 + program as u32, &name), unkept);
        }
    });
    tells(
        &state,
        &[
            "From here on 2.0 kB that cat4 (#) printed, 600 B that cat2 (#) printed, 40 B that cat1 (#) printed and 12 B of \
             2 others are not in the record",
        ],
    );
    assert!(!told(&state).iter().any(|text| text.contains("not in the record") && text.contains("sh (#)")));
}

#[test]
fn a_script_that_came_over_a_pipe_or_a_connection_is_not_told_as_what_somebody_typed() {
    for (sample, way) in [("theft-and-scan", "through a pipe"), ("reverse-shell", "over a connection")] {
        let state = samples(&[sample]);
        tells(&state, &["sh (#) was given ", way]);
        assert!(!told(&state).iter().any(|text| text.contains("Somebody typed")), "{sample}");
    }
    let day = samples(&["day-in-the-life"]);
    tells(&day, &["Somebody typed `"]);
    assert!(!told(&day).iter().any(|text| text.contains(" was given ")));
}

#[test]
fn the_last_line_of_a_script_that_has_no_end_is_told_with_the_lines_that_it_came_with() {
    let script = "set -e\n\nid\nrm /tmp/a";
    let state = story::incident_with(|rows| story::terminal(rows, 3_000, script, ""));
    let of_it: Vec<String> = told(&state).into_iter().filter(|text| text.contains(" was given ")).collect();
    let whole = "sh (#) was given 3 lines through a pipe, the last without an end:\nset -e\nid\nrm /tmp/a";
    assert_eq!(of_it, [whole]);
    // What comes later is a moment of its own.
    let state = story::incident_with(|rows| {
        story::terminal(rows, 3_000, "set -e\nid\n", "");
        story::terminal(rows, 3_500, "rm /tmp/a", "");
    });
    let of_it: Vec<String> = told(&state).into_iter().filter(|text| text.contains(" was given ")).collect();
    let alone = "sh (#) was given `rm /tmp/a` through a pipe (the line has no end)";
    assert_eq!(of_it, ["sh (#) was given 2 lines through a pipe:\nset -e\nid", alone]);
}

#[test]
fn a_call_that_was_tried_and_failed_is_told_as_that() {
    tells(&samples(&["host-mount"]), &["mount (#) tried mount", "/tmp/cgroup, and failed: E"]);
}

#[test]
fn what_came_in_from_outside_is_told_whatever_programs_its_process_becomes() {
    let day = samples(&["day-in-the-life"]);
    tells(&day, &["wget (#) connected to 10.20.0.5:", "sent 87 B"]);
    let with_pid = |sentence: &&Sentence| sentence.text.starts_with("wget (") && sentence.text.contains("/dev/null");
    assert!(day.story.iter().filter(with_pid).count() <= 1);
}

#[test]
fn what_comes_in_from_outside_again_and_again_and_does_the_same_is_told_once_with_its_number() {
    let day = samples(&["day-in-the-life"]);
    for words in ["wget -q -O /dev/null http://10.20.0.5", "The container was entered"] {
        let same: Vec<_> = day.story.iter().filter(|sentence| sentence.text.contains(words)).collect();
        let number = same.iter().filter(|sentence| sentence.times >= 5).count();
        assert!(number > 0, "{words}: {same:#?}");
        assert!(
            same.iter()
                .all(|sentence| sentence.times == 1
                    || sentence.text.ends_with("; the same again later, by other processes")),
            "{same:#?}"
        );
    }
    // What the same program does otherwise than before is told.
    tells(&day, &["Somebody ran `sh -c '/bin/mv"]);
}

#[test]
fn what_a_later_visit_does_otherwise_than_those_before_is_told_however_alike_they_begin() {
    let mut draft = Draft::new(story::about());
    for visit in 0_u32..4 {
        let (id, start) = (100 + 2 * u64::from(visit), 1_000 * i64::from(visit));
        let (process, pid) = (id, 5_000 + visit);
        let check = Program { id, process, pid, start, entered: true, ..Program::default() };
        program(&mut draft, &Program { exe: "/bin/sh", cmdline: "sh -c check", ..check });
        let probe = Program { id: id + 1, process, pid, start: start + 1, ..Program::default() };
        program(&mut draft, &Program { exe: "/bin/probe", cmdline: "probe", ..probe });
    }
    let mut rows = draft.link_images();
    for visit in 0_u32..4 {
        let who = |comm| who(101 + 2 * u64::from(visit), 5_000 + visit, comm);
        story::file(&mut rows, 1_000 * i64::from(visit) + 2, who("probe"), "unlink", "/tmp/probed", 0);
        if visit == 2 {
            story::file(&mut rows, 2_003, who("probe"), "unlink", "/var/log/auth.log", 0);
        }
    }
    let state = State::new(rows.finish());
    let numbers: Vec<(String, u32)> =
        told(&state).into_iter().zip(state.story.iter().map(|sentence| sentence.times)).collect();
    let again = "; the same again later, by other processes";
    let expected = [
        (
            "Somebody ran `sh -c check` as process 5000, from outside the container (by its cgroup)".to_owned() + again,
            4,
        ),
        ("sh (#) ran `probe` in its own place".to_owned() + again, 4),
        ("probe (#) removed /tmp/probed".to_owned() + again, 4),
        ("probe (#) removed /var/log/auth.log".to_owned(), 1),
    ];
    assert_eq!(numbers, expected);
}

#[test]
fn the_story_of_a_record_in_which_no_rule_found_anything_to_worry_about_begins_with_that() {
    let verdict = "No rule found anything critical or to warn of";
    for (sample, is_quiet) in [("day-in-the-life", true), ("docker-socket-maintenance", false), ("fileless", false)] {
        let mut state = samples(&[sample]);
        press(&mut state, KeyCode::Char('1'));
        for (width, height) in [(80, 24), (120, 40)] {
            let screen = screen_text(&state, width, height);
            assert_eq!(screen.contains(verdict), is_quiet && state.alarm.is_none(), "{sample}\n{screen}");
        }
    }
    // What a person said is no rule's finding.
    let mut rows = Draft::new(story::about()).link_images();
    for (source, number) in [(Some("person"), 1), (None, 2), (None, 3)] {
        let finding = Finding {
            rule: rows.sym("quiet"),
            severity: rows.sym("info"),
            message: rows.sym(&format!("number {number}")),
            source: source.map(|source| rows.sym(source)),
            techniques: None,
        };
        rows.row(Some(story::at(number)), Who::default(), Row::Finding(finding));
    }
    let mut state = State::new(rows.finish());
    press(&mut state, KeyCode::Char('1'));
    let screen = screen_text(&state, 120, 40);
    assert!(screen.contains(&format!("{verdict}; 2 findings are information.")), "{screen}");
}

#[test]
fn where_somebody_looks_for_it_stands_what_is_never_recorded() {
    for (key, wide, narrow) in [
        ('1', &["requests to Docker", "what was in files"][..], &["connections", "files"][..]),
        ('4', &["what went over", "what Docker was asked for"], &["what went over"]),
    ] {
        let mut state = samples(&["docker-socket"]);
        press(&mut state, KeyCode::Char(key));
        for ((width, height), words) in [((120, 40), wide), ((80, 24), narrow)] {
            let screen = screen_text(&state, width, height);
            let line = screen.lines().find(|line| line.contains("not recorded:")).unwrap_or_default();
            assert!(!line.is_empty() && words.iter().all(|word| line.contains(word)), "{screen}");
        }
        screen_text(&state, 20, 8);
    }
    let mut state = samples(&["docker-socket"]);
    press(&mut state, KeyCode::Char('?'));
    assert!(screen_text(&state, 120, 200).contains("Never recorded, and so never lost:"));
}

#[test]
fn what_led_to_a_row_of_the_container_itself_is_no_process_and_the_footer_says_so() {
    let mut state = samples(&["reverse-shell"]);
    press(&mut state, KeyCode::Home);
    for key in ['a', 'b', 'p'] {
        press(&mut state, KeyCode::Char(key));
        let screen = screen_text(&state, 80, 24);
        assert!(screen.contains("the container's own row: no process"), "{screen}");
        assert!(state.filter.is_off());
    }
}
