//! What the kernel could not deliver is counted exactly, and everywhere the same.

use crate::support::container::Container;
use crate::support::{Recorder, number, signal_to};

/// Opens of one file that the container makes while the recorder stands still.
const OPENS: u64 = 3_000;

#[test]
fn an_overrun_of_a_tiny_ring_buffer_is_counted_to_the_event_in_status_and_bundle() {
    let recorder = Recorder::start("kernel_bulk_bytes = 4096\n");
    let script = format!(
        "while [ ! -e /go ]; do sleep 0.05; done; i=0; while [ $i -lt {OPENS} ]; do : < /counted; i=$((i+1)); done; : > /done; sleep 600"
    );
    let flood = Container::run("flood", &format!(": > /counted; {script}"));
    recorder.wait_for(&flood.name);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let before = recorder.status_of(&flood.name)["lost"].as_u64().expect("lost");

    // A recorder that stands still is the cruellest reader there is: its ring of one page fills at once.
    signal_to(recorder.pid(), "STOP");
    flood.exec(&["touch", "/go"]);
    flood.wait_for("/done");
    signal_to(recorder.pid(), "CONT");
    std::thread::sleep(std::time::Duration::from_millis(1500));

    let bundle = recorder.trigger(&flood.name, "120s", "0s");
    let status = recorder.status_of(&flood.name);
    let lost = status["lost"].as_u64().expect("lost");
    assert!(lost > before + OPENS / 2, "a page holds few events, yet only {lost} were lost");
    let in_bundle =
        number(&bundle, "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE own AND cause IN ('ring_full', 'refused')");
    assert_eq!(in_bundle, lost, "status and bundle agree");
    assert_eq!(
        number(
            &bundle,
            "SELECT coalesce(sum(lost), 0) AS n FROM gap WHERE own AND cause IN ('ring_full', 'refused') AND class = 'vital'"
        ),
        0
    );

    // Every open of the container was delivered or counted. Others than the counted ones (the shell's own, docker exec's)
    // can be among the lost, so the sum has them as slack, and it is small.
    let seen = number(
        &bundle,
        "SELECT count(*) AS n FROM file WHERE path = '/counted' AND op = 'open' AND flags = 'O_RDONLY|O_LARGEFILE'",
    )
    .max(number(&bundle, "SELECT count(*) AS n FROM file WHERE path = '/counted' AND op = 'open'"));
    let all = seen + lost;
    println!("opens {OPENS}, delivered {seen}, lost {lost} (of all opens of the container)");
    assert!(all >= OPENS && all < OPENS + 600, "delivered {seen} + lost {lost} against {OPENS} opens");
}
