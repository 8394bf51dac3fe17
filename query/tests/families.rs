//! What each family of events looks like in its table, and in the views made for it, on the made-up incident.

mod support;

use support::{incident, open, rows};
use taffrail_trace::fixture::{self, HOSTILE};
use taffrail_trace::schema::{DNS, TABLES, TERMINAL};
use taffrail_trace::table::{Cell, Tables};

#[test]
fn every_table_has_rows_of_its_family() {
    let (_dir, session) = incident();
    for table in TABLES {
        assert_ne!(rows(&session, &format!("SELECT count(*) FROM {}", table.name)), ["0"], "{}", table.name);
    }
}

#[test]
fn tables_are_sorted_by_time_as_they_state() {
    let (_, tables) = fixture::incident();
    for table in tables.iter() {
        let batch = table.to_batch().expect("a batch");
        let times = batch.column(0).to_data();
        let times: &[i64] = times.buffer(0);
        assert!(times[..batch.num_rows()].is_sorted(), "{}", table.spec().name);
    }
}

#[test]
fn an_image_says_what_its_file_and_its_powers_were() {
    let (_dir, session) = incident();
    let sql = "SELECT exe_upper, exe_deleted, exe_dev, octal(exe_mode), left(exe_sha256, 8), euid, threads, \
               left(capabilities(cap_effective), 26), mount_ns, environment \
               FROM process WHERE pid = 5014 AND origin = 'exec'";
    let implant = "true | false | 0:43 | 100755 | abababab | 0 | 0 | cap_chown,cap_dac_override | 4026532400 \
                   | [\"PATH=/usr/bin:/bin\"]";
    assert_eq!(rows(&session, sql), [implant]);
    let unread = "SELECT count(exe_sha256) FROM process WHERE exe = '/usr/bin/curl'";
    assert_eq!(rows(&session, unread), ["0"], "a digest that could not be made is none");
    let host = "SELECT exe_inode, exe_deleted, euid, cap_bounding, tty FROM process WHERE pid = 800";
    assert_eq!(rows(&session, host), ["null | null | null | null | null"]);
}

#[test]
fn a_flow_has_the_name_that_was_asked_for_over_it() {
    let (_dir, session) = incident();
    let sql = "SELECT server_name, source, abi FROM network WHERE flow_id = 5";
    assert_eq!(rows(&session, sql), ["beacon.example | kernel | null"]);
    let sockets = "SELECT op, protocol, path, source, abi FROM network WHERE flow_id IS NULL";
    let expected = [
        "connect | unix | /var/run/docker.sock | user | x86_64",
        "connect | tcp | null | user | x86_64",
        "socket | raw | null | kernel | x86_64",
    ];
    assert_eq!(rows(&session, sockets), expected);
}

#[test]
fn file_rows_keep_what_only_their_call_has() {
    let (_dir, session) = incident();
    let sql = "SELECT op, owner_uid, owner_gid, attribute, size_bytes, flags, result, abi FROM file \
               WHERE op IN ('chown', 'setxattr', 'truncate', 'io') OR abi = 'io_uring' ORDER BY time";
    let expected = "\
io | null | null | null | null |  | null | null
io | null | null | null | null |  | null | null
chown | 33 | null | null | null |  | 0 | x86_64
truncate | null | null | null | 0 |  | 0 | x86_64
setxattr | null | null | security.capability | null | XATTR_CREATE | -1 | x86_64
unlink | null | null | null | null |  | null | io_uring";
    assert_eq!(rows(&session, sql).join("\n"), expected);
}

#[test]
fn a_terminal_is_kept_as_it_was_and_as_text_that_is_safe() {
    let (_dir, session) = incident();
    let typed = rows(&session, "SELECT text FROM terminal WHERE direction = 'typed'");
    assert_eq!(typed, ["id\n", "cat /tmp/note\n"]);
    let printed = "SELECT text, encode(data, 'hex'), cut FROM terminal WHERE cut";
    let hex = taffrail_trace::text::hex(HOSTILE.as_bytes());
    let safe = "\\e]0;owned\\u{7}\\e[31m\\u{202e}exe.txt\\u{9b}2J\\r\n";
    assert_eq!(rows(&session, printed), [format!("{safe} | {hex} | true")]);
}

#[test]
fn a_lookup_is_a_question_with_its_answer() {
    let (_dir, session) = incident();
    let sql = "SELECT qtype, name, rcode, answers, ms, remote, cmdline FROM dns_lookups WHERE pid = 5014";
    assert_eq!(rows(&session, sql), ["A | beacon.example | NOERROR | 198.51.100.7 | 11 | 172.17.0.1:53 | /tmp/.x"]);
    assert_eq!(rows(&session, "SELECT rcode, answers, ms FROM dns_lookups WHERE pid = 5015"), ["null | null | null"]);
}

#[test]
fn an_answer_goes_to_its_own_question_and_an_answer_alone_is_not_hidden() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let mut add = |ms: i64, response: bool, name: &'static str, id: u16| {
        let cells: Vec<Cell<'_>> = DNS
            .all_columns()
            .map(|column| match column.name {
                "time" => Cell::Time(ms * 1_000_000),
                "container_id" | "container_name" | "local_addr" | "remote_addr" => Cell::Text("web"),
                "op" => Cell::Text(if response { "response" } else { "query" }),
                "sent" => Cell::Bool(!response),
                "name" => Cell::Text(name),
                "qtype" => Cell::Text("A"),
                "answers" => Cell::TextList(&[]),
                "rcode" if response => Cell::Text("NXDOMAIN"),
                "id" => Cell::U16(id),
                "flow_id" => Cell::U64(1),
                _ => Cell::Null,
            })
            .collect();
        tables.of(&DNS).expect("a table").push(&cells).expect("a row");
    };
    add(1, true, "late.example", 1);
    add(2, false, "a.example", 7);
    add(3, false, "b.example", 8);
    add(5, true, "B.example", 8);
    add(9, true, "b.example", 8);
    let path = dir.path().join("dns.evidence.zip");
    taffrail_trace::bundle::write(&path, &manifest, tables).expect("a bundle");
    let session = open(&[path]).expect("a session");
    let expected =
        ["late.example | NXDOMAIN | null | null", "a.example | null | null | 2", "b.example | NXDOMAIN | 2 | 3"];
    let sql = "SELECT name, rcode, ms, CAST(asked_time AS BIGINT) / 1000000 FROM dns_lookups";
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn privilege_changes_name_the_powers_after_them() {
    let (_dir, session) = incident();
    let sql = "SELECT op, syscall, detail, failure, euid, right(effective, 11), cmdline FROM privilege_changes";
    let expected = [
        "setuid | setresuid | uid 0, effective 0, saved 0 | null | 0 | cap_setfcap | /tmp/.x",
        "unshare | unshare | CLONE_NEWUSER | not permitted | 0 | cap_setfcap | /tmp/.x",
    ];
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn a_session_says_who_sat_there_and_what_was_typed_first() {
    let (_dir, session) = incident();
    let sql = "SELECT session_id, bytes_typed, bytes_printed, first_line, programs, comm, uid, login_uid, tty, \
               time, end_time FROM sessions";
    let expected = "9 | 17 | 1063 | id | 1 | sh | 0 | 1000 | pts/0 | 2026-03-14T09:00:15.100000000Z \
                    | 2026-03-14T09:00:17.010000000Z";
    assert_eq!(rows(&session, sql), [expected]);
}

#[test]
fn what_a_budget_cut_counts_for_a_session_and_names_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let (manifest, _) = fixture::incident();
    let mut tables = Tables::default();
    let mut add = |ms: i64, exec_id: Option<u64>, direction: &'static str, text: &'static str, bytes: u64| {
        let cells: Vec<Cell<'_>> = TERMINAL
            .all_columns()
            .map(|column| match column.name {
                "time" => Cell::Time(ms * 1_000_000),
                "container_id" | "container_name" => Cell::Text("web"),
                "exec_id" => exec_id.into(),
                "comm" if exec_id.is_some() => Cell::Text("bash"),
                "session_id" => Cell::U64(1),
                "direction" => Cell::Text(direction),
                "fd" => Cell::I32(0),
                "text" => Cell::Text(text),
                "data" => Cell::Binary(text.as_bytes()),
                "bytes" => Cell::U64(bytes),
                "cut" => Cell::Bool(bytes > text.len() as u64),
                _ => Cell::Null,
            })
            .collect();
        tables.of(&TERMINAL).expect("a table").push(&cells).expect("a row");
    };
    add(1, None, "printed", "", 500);
    add(2, Some(7), "typed", "\\r", 1);
    add(3, Some(7), "typed", "wh", 2);
    add(4, Some(8), "typed", "o\\r", 2);
    let path = dir.path().join("terminal.evidence.zip");
    taffrail_trace::bundle::write(&path, &manifest, tables).expect("a bundle");
    let session = open(&[path]).expect("a session");
    let sql = "SELECT bytes_typed, bytes_printed, first_line, programs, comm, exec_id FROM sessions";
    assert_eq!(rows(&session, sql), ["5 | 500 | who | 2 | bash | 7"]);
    assert_eq!(rows(&session, "SELECT summary FROM timeline LIMIT 1"), ["printed \"…\""]);
}

#[test]
fn who_came_from_outside_is_joined_to_who_sent_them() {
    let (_dir, session) = incident();
    let sql = "SELECT way, cmdline, ran, login_uid, sender_container, sender_pid, sender_cmdline FROM entered";
    assert_eq!(rows(&session, sql), ["cgroup | sh | sh | 1000 | host | 800 | dockerd -H fd://"]);
}

#[test]
fn a_rewritten_name_shows_both_names() {
    let (_dir, session) = incident();
    let sql = "SELECT op, which, began_as, became, path_source, failure, cmdline FROM rewritten";
    let expected = [
        "open | path | /etc/motd | /etc/passwd | kernel | null | /tmp/.x",
        "symlink | new_path | /tmp | /dev/null | user | null | /tmp/.x",
        "mount | target | /tmp | /mnt | user | not permitted | /tmp/.x",
    ];
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn system_calls_are_summed_up_by_name() {
    let (_dir, session) = incident();
    let sql = "SELECT syscall, calls, errors, timed, total_ns, p99_ns FROM syscall_summary";
    let expected = [
        "read | 4 | 1 | 3 | 906000 | 900000",
        "getpid | 1 | 0 | 1 | 300 | 300",
        "syscall_9999 | 1 | 1 | 1 | 150 | 150",
    ];
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn the_state_at_the_trigger_joins_the_events() {
    let (_dir, session) = incident();
    let listening = "SELECT protocol, local, loopback, owners, comm, cmdline FROM listening";
    assert_eq!(rows(&session, listening), ["tcp | [::]:8080 | false | 1 | httpd | httpd -f -p 8080"]);
    let shell = "SELECT p.comm, p.exe_deleted, e.origin, count(f.fd) FROM state_process p JOIN process e ON e.exec_id = p.exec_id \
                 JOIN state_file f ON f.pid = p.pid GROUP BY p.comm, p.exe_deleted, e.origin ORDER BY p.comm";
    assert_eq!(rows(&session, shell), ["httpd | false | exec | 2", "sh | true | exec | 3"]);
    let both = "SELECT s.remote_addr, s.owners, f.comm, f.fd FROM state_socket s JOIN state_file f ON f.inode = s.inode \
                WHERE s.state = 'ESTABLISHED' ORDER BY f.fd";
    assert_eq!(rows(&session, both), ["203.0.113.9 | 2 | sh | 0", "203.0.113.9 | 2 | httpd | 4"]);
    let code = "SELECT count(*) FROM state_map WHERE path IS NULL AND permissions LIKE '__x%'";
    assert_eq!(rows(&session, code), ["1"]);
    let left = "SELECT state_missing, state_left_out FROM bundle";
    let told = "null | state_file: 2 rows (a process has more than are kept of one)";
    assert_eq!(rows(&session, left), [told]);
}
