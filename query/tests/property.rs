//! What was recorded is what is read: any events, assembled, written as a bundle, and asked for in SQL.

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{open, written};
use taffrail_query::{Format, Session, Style};
use taffrail_trace::assemble::{Source, assemble};
use taffrail_trace::bundle;
use taffrail_trace::clock::{Anchor, Clock};
use taffrail_trace::event::{
    Abi, Actor, Body, Class, Event, FileEvent, FileOp, Finding, FindingSource, Gap, GapCause, IoEvent, PathSource,
    Severity,
};
use taffrail_trace::fixture;
use taffrail_trace::ids::ExecId;
use taffrail_trace::manifest::Window;

const WINDOW: Window = Window { from_ns: 1_000, to_ns: 9_000 };
const UTC_NS: i64 = 1_773_478_800_000_000_000;

/// An event of the tables file, finding or gap; some lie outside the window.
fn event() -> impl Strategy<Value = Event> {
    let text = || prop_oneof![".{0,12}", "/[a-z\\u{0}-\\u{1f}\"'\\\\]{0,20}"];
    let file = (
        (proptest::sample::select(FileOp::ALL), text(), proptest::option::of(text()), any::<bool>()),
        (proptest::option::of(any::<u32>()), proptest::option::of(-200..1_i32), proptest::option::of(any::<u64>())),
    );
    let body = prop_oneof![
        file.prop_map(|((op, path, new_path, kernel), (mode, result, size_bytes))| {
            Body::File(Box::new(FileEvent {
                op,
                path,
                new_path,
                path_source: if kernel { PathSource::Kernel } else { PathSource::User },
                rewritten_from: None,
                new_rewritten_from: None,
                other_mounts: kernel,
                flags: 0,
                mode,
                owner: None,
                attribute: None,
                size_bytes,
                result,
                fd: result,
                inode: size_bytes,
                dev: mode,
                abi: Abi::X86_64,
            }))
        }),
        (text(), any::<(i32, u64, u64, bool)>()).prop_map(|(path, (fd, bytes_read, bytes_written, closed))| {
            let io = IoEvent { path, other_mounts: false, fd, inode: None, bytes_read, bytes_written, closed };
            Body::Io(Box::new(io))
        }),
        (text(), text()).prop_map(|(rule, message)| {
            Body::Finding(Box::new(Finding::new(&rule, FindingSource::Rule, Severity::Warning, message)))
        }),
        (1_000..5_000_u64, 5_000..9_000_u64, proptest::option::of(any::<u64>()), any::<bool>()).prop_map(
            |(from_ns, to_ns, lost, own)| {
                Body::Gap(Gap { class: Class::Bulk, cause: GapCause::RingFull, lost, from_ns, to_ns, own })
            }
        ),
    ];
    let actor = (any::<(u64, u32, u32, u32)>(), text()).prop_map(|((id, pid, tid, uid), comm)| Actor {
        exec_id: ExecId(id),
        pid,
        tid,
        uid,
        comm,
    });
    (500..9_500_u64, proptest::option::of(actor), body).prop_map(|(time_ns, actor, body)| {
        // Nobody does a gap.
        match &body {
            Body::Gap(gap) => Event { time_ns: gap.from_ns, actor: None, body },
            _ => Event { time_ns, actor, body },
        }
    })
}

/// The row that an event must come back as.
fn expected(event: &Event) -> (&'static str, Value) {
    let utc = |boot_ns: u64| UTC_NS + boot_ns.cast_signed();
    let actor = event.actor.as_ref();
    let who = json!([
        utc(event.time_ns),
        actor.map(|actor| actor.exec_id.0.to_string()),
        actor.map(|actor| actor.pid),
        actor.map(|actor| actor.tid),
        actor.map(|actor| &actor.comm),
        actor.map(|actor| actor.uid),
    ]);
    let (table, rest) = match &event.body {
        Body::File(file) => {
            let dev = file.dev.map(|dev| format!("{}:{}", dev >> 20, dev & 0xf_ffff));
            let (op, source) = (file.op.as_str(), file.path_source.as_str());
            let row = json!([
                op,
                file.path,
                file.new_path,
                source,
                file.other_mounts,
                file.mode,
                file.size_bytes,
                file.result,
                file.fd,
                file.inode,
                dev,
                null,
                null,
                null
            ]);
            ("file", row)
        }
        Body::Io(io) => {
            let row = json!([
                "io",
                io.path,
                null,
                "kernel",
                false,
                null,
                null,
                null,
                io.fd,
                null,
                null,
                io.bytes_read,
                io.bytes_written,
                io.closed
            ]);
            ("file", row)
        }
        Body::Finding(finding) => ("finding", json!([finding.rule, "warning", finding.message])),
        Body::Gap(gap) => ("gap", json!(["bulk", "ring_full", gap.lost, utc(gap.from_ns), utc(gap.to_ns), gap.own])),
        other => panic!("no such event is made: {other:?}"),
    };
    (table, json!([who, rest]))
}

fn read(session: &Session, table: &str) -> Vec<Value> {
    let columns = match table {
        "file" => {
            "op, path, new_path, path_source, other_mounts, mode, size_bytes, result, fd, inode, dev, bytes_read, \
             bytes_written, closed"
        }
        "finding" => "rule, severity, message",
        _ => "class, cause, lost, CAST(from_time AS BIGINT) AS f, CAST(to_time AS BIGINT) AS t, own",
    };
    let sql = format!("SELECT CAST(time AS BIGINT) AS at, exec_id, pid, tid, comm, uid, {columns} FROM {table}");
    let text = written(session, &sql, Style::new(Format::Ndjson)).expect("an answer");
    let names: Vec<&str> = "at, exec_id, pid, tid, comm, uid".split(", ").collect();
    let rest: Vec<&str> = columns.split(", ").map(|column| column.rsplit(' ').next().unwrap_or(column)).collect();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let of = |names: &[&str]| names.iter().map(|name| row[*name].clone()).collect::<Vec<_>>();
        json!([of(&names), of(&rest)])
    };
    text.lines().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_was_recorded_is_what_is_read(events in proptest::collection::vec(event(), 0..40)) {
        let (manifest, _) = fixture::incident();
        let clock = Clock::new(vec![Anchor { boot_ns: 0, utc_ns: UTC_NS }]);
        let source = Source {
            container: &manifest.container,
            window: WINDOW,
            clock: &clock,
            live: Vec::new(),
            ancestors_outside: true,
            state: None,
            events: events.clone(),
        };
        let tables = assemble(source, &mut std::iter::empty()).expect("the events fit").tables;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("any.evidence.zip");
        bundle::write(&path, &manifest, tables).expect("a bundle");
        let session = open(&[path]).expect("a session");
        for table in ["file", "finding", "gap"] {
            let inside = |event: &&Event| (WINDOW.from_ns..=WINDOW.to_ns).contains(&event.time_ns);
            let mut wanted: Vec<String> = events.iter().filter(inside).map(expected)
                .filter(|(of, _)| *of == table).map(|(_, row)| row.to_string()).collect();
            let mut found: Vec<String> = read(&session, table).iter().map(Value::to_string).collect();
            wanted.sort();
            found.sort();
            prop_assert_eq!(found, wanted, "{}", table);
        }
    }
}
