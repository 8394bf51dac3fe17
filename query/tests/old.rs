//! Bundles of every format there ever was stay readable: one of each is kept for ever in `tests/old`, as it was sealed.

mod support;

use std::path::PathBuf;
use support::{open, rows};
use taffrail_query::{Session, VIEWS};
use taffrail_trace::bundle::Verdict;
use taffrail_trace::schema::TABLES;
use taffrail_trace::{FORMAT_VERSION, bundle::Bundle};

/// Formats of which a bundle is kept.
const KEPT: [u32; 3] = [1, 2, 3];

fn path(format: u32) -> PathBuf {
    PathBuf::from(format!("{}/tests/old/format-{format}.evidence.zip", env!("CARGO_MANIFEST_DIR")))
}

fn kept(format: u32) -> Session {
    open(&[path(format)]).expect("a session")
}

#[test]
fn a_bundle_of_every_kept_format_answers_every_table_and_view() {
    assert_eq!(KEPT.last(), Some(&FORMAT_VERSION), "the format of today is kept too");
    for format in KEPT {
        let bundle = Bundle::open(&path(format)).expect("a bundle");
        assert!(matches!(bundle.verify(), Ok(Verdict::Intact(_))), "format {format}");
        let session = kept(format);
        assert_eq!(session.bundles()[0].manifest().format_version, format);
        for table in TABLES {
            rows(&session, &format!("SELECT * FROM {}", table.name));
            let columns = rows(&session, &format!("DESCRIBE {}", table.name));
            assert_eq!(columns.len(), table.all_columns().count() + 2, "{}", table.name);
        }
        for view in VIEWS {
            rows(&session, &format!("SELECT * FROM {}", view.name));
        }
        let silent = "SELECT count(*) FROM timeline WHERE summary IS NULL OR op IS NULL";
        assert_eq!(rows(&session, silent), ["0"], "a missing column must not blank out a line");
    }
}

#[test]
fn what_format_1_did_not_have_is_null_or_empty_and_what_it_had_is_there() {
    let session = kept(1);
    for table in TABLES {
        let count = rows(&session, &format!("SELECT count(*) FROM {}", table.name));
        let of_old = ["process", "file", "network", "lifecycle", "finding", "gap"].contains(&table.name);
        assert!(of_old || count == ["0"], "{}: {count:?}", table.name);
    }
    let new = "SELECT count(exe_sha256), count(stderr), count(euid), count(exe_inode) > 0 FROM process";
    assert_eq!(rows(&session, new), ["0 | 0 | 0 | true"]);
    assert_eq!(rows(&session, "SELECT state_missing, state_left_out FROM bundle"), ["null | null"]);
    assert!(session.bundles()[0].manifest().container.setup.is_none());
    assert!(!rows(&session, "SELECT * FROM file_writes").is_empty());
    assert!(!rows(&session, "SELECT * FROM connections WHERE state = 'open' OR state = 'closed'").is_empty());
}

#[test]
fn a_bundle_of_format_3_tells_what_the_container_was_like() {
    let session = kept(3);
    let told = |sql: &str, expected: &[&str]| assert_eq!(rows(&session, sql), expected, "{sql}");
    told("SELECT state_missing, state_left_out FROM bundle", &["null | null"]);
    told(
        "SELECT DISTINCT p.exe, p.exe_deleted, p.seccomp, e.origin FROM state_process p JOIN process e ON e.exec_id = p.exec_id \
         WHERE p.args[2] = 'hold' ORDER BY p.exe",
        &["/bin/workloads | false | filter | exec", "/tmp/gone | true | filter | exec"],
    );
    told(
        "SELECT kind, path, deleted FROM state_file WHERE path LIKE '/data/held/%' ORDER BY path",
        &["file | /data/held/kept | false", "file | /data/held/removed | true"],
    );
    told(
        "SELECT protocol, state, count(*), count(pid) FROM state_socket GROUP BY protocol, state ORDER BY protocol, state",
        &[
            "tcp | ESTABLISHED | 4 | 2",
            "tcp | LISTEN | 2 | 2",
            "tcp | TIME_WAIT | 1 | 0",
            "udp | UNCONNECTED | 2 | 2",
            "unix | LISTEN | 2 | 2",
        ],
    );
    told("SELECT count(*) FROM state_map WHERE permissions = 'rwxp' AND path IS NULL", &["2"]);
    told("SELECT filesystem FROM state_mount WHERE path = '/'", &["overlay"]);
    let manifest = session.bundles()[0].manifest();
    let setup = manifest.container.setup.as_deref().expect("docker told");
    assert_eq!(setup.command, ["sh", "-c", "mkdir /data; sleep 600"]);
    assert!(setup.environment.iter().any(|variable| variable == "DB_PASSWORD=***"));
    assert!(
        manifest.state.init.as_ref().is_some_and(|init| init.shares_with_host == ["user", "cgroup"]),
        "{:?}",
        manifest.state
    );
    told("SELECT rule, severity FROM finding", &["manual | info"]);
    told("SELECT count(*) > 0 FROM terminal", &["true"]);
}
