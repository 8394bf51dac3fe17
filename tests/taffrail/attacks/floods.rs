//! Too much, too short, too many.

use crate::support::Recorder;
use crate::support::container::{Container, WORKLOADS};
use crate::support::stage::Stage;

#[test]
fn a_container_that_lives_for_one_open_is_recorded_from_its_beginning_to_its_end() {
    let recorder = Recorder::start("");
    let short = Container::workloads("short", &[], &[WORKLOADS, "short-life", "/bin/busybox"]);
    crate::support::until("docker knows that it ended", || {
        crate::support::container::docker(&["inspect", "--format", "{{.State.Running}}", &short.id]) == "false"
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    let bundle = recorder.trigger(&short.id, "60s", "0s");
    let count = |sql: &str| crate::support::number(&bundle, sql);
    let opened = format!(
        "SELECT count(*) AS n FROM file f JOIN process p ON f.exec_id = p.exec_id \
         WHERE f.path = '/bin/busybox' AND f.op = 'open' AND f.container_id = '{}' AND p.args[2] = 'short-life'",
        short.id
    );
    assert_eq!(count(&opened), 1);
    assert_eq!(
        count("SELECT count(*) AS n FROM process WHERE args[2] = 'short-life' AND origin = 'exec' AND exit_code = 0"),
        1
    );
    for op in ["created", "removed"] {
        assert_eq!(count(&format!("SELECT count(*) AS n FROM lifecycle WHERE op = '{op}'")), 1, "{op}");
    }
}

#[test]
fn five_hundred_processes_at_once_are_five_hundred_rows() {
    let stage = Stage::new("bomb", &[]);
    assert_eq!(stage.act(&["fork-bomb", "500"]).number("ended"), 500);
    let evidence = stage.evidence();
    let sql = "SELECT count(*) AS n FROM process WHERE args[2] = 'fork-bomb' AND origin = 'fork' AND exit_code = 3 AND end_time >= start_time";
    assert_eq!(evidence.number(sql), 500);
    assert_eq!(evidence.children_of("fork-bomb", "fork").len(), 500, "all of one parent");
}

#[test]
fn a_flood_of_opens_hides_no_program_and_every_open_is_recorded_or_counted() {
    const OPENS: u64 = 300_000;
    let stage = Stage::new("flood", &[]);
    stage.act(&["open-flood", &OPENS.to_string(), "/data/flooded"]);
    let evidence = stage.evidence_with_losses();

    let marker = evidence.children_of("open-flood", "exec");
    assert_eq!(marker.len(), 1, "{marker:#?}");
    assert_eq!(marker[0]["exit_code"], 0);
    let seen = evidence.number("SELECT count(*) AS n FROM file WHERE path = '/data/flooded' AND op = 'open'");
    let missing = evidence.number(
        "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE own AND class = 'bulk' AND cause <> 'recorder_down'",
    );
    let vital = evidence
        .number("SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE class = 'vital' AND cause <> 'recorder_down'");
    println!("opens {OPENS}, recorded {seen}, counted as missing {missing}");
    assert_eq!(vital, 0, "bulk evicts nothing vital");
    // Other bulk events of the container can be among the missing, and they are few.
    assert!(seen <= OPENS && (OPENS..OPENS + 2000).contains(&(seen + missing)), "{seen} + {missing} against {OPENS}");
}
