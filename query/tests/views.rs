//! Each view on the made-up incident.

mod support;

use support::{incident, rows};

#[test]
fn views_tell_the_incident_in_order() {
    let (_dir, session) = incident();
    let story = rows(
        &session,
        "SELECT date_part('second', time), kind, op, pid, summary, result FROM timeline WHERE op <> 'fork' AND coalesce(pid, 0) <> 5015",
    );
    let expected = "";
    assert_eq!(story.join("\n"), expected);
}

#[test]
fn tree() {
    let (_dir, session) = incident();
    println!(
        "{}",
        rows(&session, "SELECT depth, tree, exit, in_container, path FROM process_tree WHERE origin <> 'fork'")
            .join("\n")
    );
    println!(
        "{}",
        rows(
            &session,
            "SELECT direction, local, remote, state, bytes_sent, bytes_received, duration_ms, cmdline FROM connections"
        )
        .join("\n")
    );
    println!(
        "{}",
        rows(&session, "SELECT op, path, new_path, mode, flags, path_source, cmdline FROM file_writes").join("\n")
    );
    println!("{}", rows(&session, "SELECT * FROM coverage").join("\n"));
    panic!();
}
