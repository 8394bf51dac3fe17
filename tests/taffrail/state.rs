//! What a container was like when somebody pulled the cord: what is in `/proc` at that moment is in the evidence.

use crate::support::container::{Container, WORKLOADS, docker};
use crate::support::stage::Stage;
use crate::support::{Recorder, ask, number};
use serde_json::Value;
use std::path::Path;
use taffrail_trace::bundle::Bundle;
use taffrail_trace::manifest::Manifest;

/// `workloads hold` in a container, and the words that it left.
struct Held {
    words: String,
}

impl Held {
    fn begin(container: &Container, dir: &str, count: &str) -> Self {
        docker(&["exec", "-d", &container.name, WORKLOADS, "hold", dir, count]);
        container.wait_for(&format!("{dir}/ready"));
        Self { words: container.exec(&["cat", &format!("{dir}/ready")]) }
    }

    fn word(&self, name: &str) -> &str {
        let mut words = self.words.split(' ').filter_map(|word| word.split_once('='));
        words
            .find(|(known, _)| *known == name)
            .map_or_else(|| panic!("no {name} in {}", self.words), |(_, value)| value)
    }
}

fn manifest(bundle: &Path) -> Manifest {
    Bundle::open(bundle).expect("a bundle").manifest().clone()
}

/// `true` where a question has one row and all of its values are `true`.
fn holds(bundle: &Path, sql: &str) {
    let rows = ask(bundle, sql);
    let all = rows.len() == 1 && rows[0].as_object().is_some_and(|row| row.values().all(|value| *value == true));
    assert!(all, "{sql}\n{rows:#?}");
}

#[test]
fn what_is_running_open_listening_and_mounted_at_the_trigger_is_in_the_evidence() {
    let options = [
        "--env",
        "DB_PASSWORD=hunter2",
        "--env",
        "COLOUR=blue",
        "--env",
        "LANG=C",
        "--cap-add=NET_ADMIN",
        "--user=0:0",
    ];
    let stage = Stage::new("state", &options);
    let neighbour = Container::workloads("stateneighbour", &[], &["sh", "-c", "mkdir /data; sleep 600"]);
    neighbour.wait_for("/data");
    Held::begin(&neighbour, "/data/neighbours-secret", "0");
    let held = Held::begin(&stage.container, "/data/held", "0");
    let gone = "cp /bin/workloads /tmp/gone; /tmp/gone hold /data/other & while [ ! -e /data/other/ready ]; do sleep 0.05; done; rm /tmp/gone; wait";
    docker(&["exec", "-d", "--workdir=/tmp", &stage.container.name, "sh", "-c", gone]);
    stage.container.wait_for("/data/other/ready");
    while stage.container.exec(&["sh", "-c", "[ -e /tmp/gone ] && echo there || echo gone"]) == "there" {}
    let bundle = stage.recorder.trigger(&stage.container.name, "60s", "0s");

    // Processes: every one, with the image that the events tell of.
    let by = "p.args[2] = 'hold' AND p.args[3] = '/data/held'";
    holds(
        &bundle,
        &format!(
            "SELECT p.ns_pid = {pid}, p.pid <> p.ns_pid, p.comm = 'workloads', p.exe = '{WORKLOADS}', NOT p.exe_deleted, p.uid = 0, \
             p.state = 'S', p.threads = 1, p.resident_bytes > 4096, p.cwd = '/', p.root = '/', p.start_time < p.time, \
             p.seccomp IS NOT NULL, p.cap_effective & 4096 > 0, e.process_id = p.process_id, e.origin = 'exec', \
             p.time - b.trigger_time < INTERVAL '1 second', p.time >= b.trigger_time \
             FROM state_process p JOIN process e ON e.exec_id = p.exec_id JOIN bundle b ON b.id = p.bundle WHERE {by}",
            pid = held.word("pid"),
        ),
    );
    holds(
        &bundle,
        "SELECT exe_deleted, exe = '/tmp/gone', cwd = '/tmp' FROM state_process WHERE args[3] = '/data/other' AND args[1] = '/tmp/gone'",
    );
    let pids = docker(&["top", &stage.container.name, "-eo", "pid"]);
    let pids: Vec<&str> = pids.lines().skip(1).map(str::trim).collect();
    let all = format!("count(*) = {}, count(exec_id) = count(*)", pids.len());
    holds(
        &bundle,
        &format!("SELECT {all}, count(DISTINCT network_ns) = 1 FROM state_process WHERE pid IN ({})", pids.join(", ")),
    );
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM state_process"), pids.len() as u64, "and nobody else");

    // Memory: the program, and a page of code that is in no file.
    holds(
        &bundle,
        &format!(
            "SELECT count(*) > 0 AS n FROM state_map p JOIN state_process s ON s.pid = p.pid AND s.args[3] = '/data/held' WHERE p.path = '{WORKLOADS}' AND p.permissions = 'r-xp' AND NOT p.deleted"
        ),
    );
    holds(
        &bundle,
        &format!(
            "SELECT end_address - start_address = 4096, inode IS NULL, path IS NULL FROM state_map WHERE start_address = {} AND permissions = 'rwxp' AND pid = (SELECT p.pid FROM state_process p WHERE {by})",
            held.word("page")
        ),
    );
    holds(
        &bundle,
        "SELECT count(*) > 0 AS n FROM state_map WHERE path = '/tmp/gone' AND deleted AND permissions = 'r-xp'",
    );

    // Descriptors.
    let of = format!("pid = (SELECT p.pid FROM state_process p WHERE {by})");
    let file =
        |condition: &str| number(&bundle, &format!("SELECT count(*) AS n FROM state_file WHERE {of} AND {condition}"));
    assert_eq!(
        file("path = '/data/held/kept' AND kind = 'file' AND NOT deleted AND flags LIKE '%O_APPEND%' AND inode > 0"),
        1
    );
    assert_eq!(file("path = '/data/held/removed' AND deleted"), 1);
    assert_eq!(file(&format!("kind = 'memfd' AND path = '/memfd:held' AND fd = {}", held.word("memfd"))), 1);
    assert_eq!(file("kind = 'socket'"), 4);
    let counted = format!(
        "SELECT p.descriptors - count(f.fd) AS n FROM state_process p JOIN state_file f ON f.pid = p.pid WHERE {by} GROUP BY p.descriptors"
    );
    assert_eq!(number(&bundle, &counted), 0);

    // Sockets, with who has them.
    let socket = |condition: &str| {
        number(
            &bundle,
            &format!(
                "SELECT count(*) AS n FROM state_socket s JOIN state_file f ON f.inode = s.inode AND f.pid = s.pid AND f.fd = s.fd WHERE s.{of} AND {condition}"
            ),
        )
    };
    let (port, from, udp) = (held.word("port"), held.word("from"), held.word("udp"));
    assert_eq!(
        socket(&format!(
            "protocol = 'tcp' AND state = 'LISTEN' AND local_addr = '127.0.0.1' AND local_port = {port} AND backlog = 1 AND owners = 1"
        )),
        1
    );
    assert_eq!(
        socket(&format!(
            "state = 'ESTABLISHED' AND local_port = {from} AND remote_addr = '127.0.0.1' AND remote_port = {port}"
        )),
        1
    );
    assert_eq!(
        socket(&format!(
            "protocol = 'udp' AND state = 'UNCONNECTED' AND local_addr = '0.0.0.0' AND local_port = {udp}"
        )),
        1
    );
    assert_eq!(
        socket("protocol = 'unix' AND state = 'LISTEN' AND s.path = '/data/held/two\nlines' AND NOT doubtful"),
        1
    );
    holds(
        &bundle,
        &format!(
            "SELECT pid IS NULL, owners = 0, receive_queue_bytes = 6 FROM state_socket WHERE state = 'ESTABLISHED' AND local_port = {port} AND remote_port = {from}"
        ),
    );

    // Mounts.
    holds(&bundle, "SELECT filesystem = 'overlay', source <> '' FROM state_mount WHERE path = '/'");
    holds(&bundle, "SELECT count(*) = 1 AS n FROM state_mount WHERE path = '/proc' AND filesystem = 'proc'");
    holds(&bundle, "SELECT count(*) = 1 AS n FROM state_mount WHERE path = '/etc/hostname' AND root LIKE '%/hostname'");

    // Nothing of a neighbour.
    for table in ["state_process", "state_map", "state_file", "state_socket", "state_mount"] {
        let all = number(&bundle, &format!("SELECT count(*) AS n FROM {table}"));
        let own = format!(
            "SELECT count(*) AS n FROM {table} WHERE container_id = '{}' AND container_name = '{}'",
            stage.container.id, stage.container.name
        );
        assert_eq!(number(&bundle, &own), all, "{table}");
        assert!(all > 0, "{table} is empty");
    }
    let bytes = std::fs::read(&bundle).expect("bundle");
    assert!(!bytes.windows(17).any(|window| window == b"neighbours-secret"));
    setup_is_described(&bundle);
}

/// What Docker was asked for, and what the kernel made of it.
fn setup_is_described(bundle: &Path) {
    let manifest = manifest(bundle);
    assert_eq!((manifest.state.missing.clone(), manifest.state.left_out.clone()), (None, Vec::new()));
    let setup = manifest.container.setup.as_deref().expect("docker told");
    assert_eq!(setup.command, ["sh", "-c", "mkdir /data; sleep 600"]);
    assert_eq!((setup.user.as_deref(), setup.privileged), (Some("0:0"), false));
    assert!(setup.environment.iter().any(|variable| variable == "DB_PASSWORD=***"), "{:?}", setup.environment);
    assert!(setup.environment.iter().any(|variable| variable == "COLOUR=***"), "{:?}", setup.environment);
    assert!(setup.environment.iter().any(|variable| variable == "LANG=C"), "{:?}", setup.environment);
    assert_eq!(setup.network_mode.as_deref(), Some("none"));
    assert!(setup.capabilities_added.iter().any(|name| name.ends_with("NET_ADMIN")), "{:?}", setup.capabilities_added);
    let init = manifest.state.init.as_ref().expect("its first process");
    assert_eq!(init.command, ["sleep", "600"], "what its shell became");
    assert!(
        init.namespaces.mount != 0 && !init.shares_with_host.iter().any(|name| name == "mount" || name == "network")
    );
    assert!(init.shares_with_host.iter().any(|name| name == "user"), "{init:?}");
    let bounding = u64::from_str_radix(init.capabilities_bounding.as_deref().expect("known"), 16).expect("hex");
    assert!(bounding & (1 << 12) != 0 && bounding & (1 << 21) == 0, "{bounding:x}: net_admin, and not sys_admin");
    let bytes = std::fs::read(bundle).expect("bundle");
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn five_thousand_descriptors_are_counted_a_part_is_kept_and_the_recording_waits_for_none() {
    let stage = Stage::new("manyfiles", &["--ulimit", "nofile=20000:20000"]);
    Held::begin(&stage.container, "/data/held", "5000");
    let mut delays = Vec::new();
    let mut looks = Vec::new();
    let mut bundle = None;
    for _ in 0..5 {
        let path = stage.recorder.trigger(&stage.container.name, "60s", "0s");
        let manifest = manifest(&path);
        let looked = manifest.state.looked.expect("it was looked at");
        // What was before is held when the look begins.
        delays.push((looked.from_ns - manifest.trigger.time_ns) / 1000);
        looks.push((looked.to_ns - looked.from_ns) / 1000);
        bundle = Some(path);
    }
    let bundle = bundle.expect("a bundle");
    delays.sort_unstable();
    println!("from trigger to the look's begin {delays:?} us, the look itself {looks:?} us");
    assert!(delays[2] <= 5_000, "{delays:?}");
    assert!(looks.iter().all(|look_us| *look_us < 2_000_000), "{looks:?}");
    let by = "args[3] = '/data/held'";
    let counted = number(&bundle, &format!("SELECT descriptors AS n FROM state_process WHERE {by}"));
    let kept = number(
        &bundle,
        &format!("SELECT count(*) AS n FROM state_file WHERE pid = (SELECT pid FROM state_process WHERE {by})"),
    );
    assert!(counted > 5_000 && kept == 4_096, "{counted} counted, {kept} kept");
    let left = manifest(&bundle).state.left_out;
    assert_eq!((left.len(), left[0].table.as_str(), left[0].rows), (1, "state_file", Some(counted - kept)), "{left:?}");
    let told = ask(&bundle, "SELECT state_left_out AS told FROM bundle");
    assert!(
        told[0]["told"].as_str().is_some_and(|told| told.contains(&format!("{} rows", counted - kept))),
        "{told:?}"
    );
    println!("{} bytes of evidence", std::fs::metadata(&bundle).expect("metadata").len());
}

#[test]
fn a_container_in_the_hosts_network_shows_its_own_sockets_alone() {
    let outside = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    let outside = outside.local_addr().expect("its end").port();
    let recorder = Recorder::start("");
    let shared = Container::workloads_in("host", "hostnet", &["sh", "-c", "mkdir /data; sleep 600"]);
    recorder.wait_for(&shared.name);
    let held = Held::begin(&shared, "/data/held", "0");
    let bundle = recorder.trigger(&shared.name, "60s", "0s");
    let port = |port: &str| {
        number(
            &bundle,
            &format!("SELECT count(*) AS n FROM state_socket WHERE local_port = {port} AND state = 'LISTEN'"),
        )
    };
    assert_eq!(port(held.word("port")), 1);
    assert_eq!(port(&outside.to_string()), 0, "the host's sockets are not the container's");
    assert_eq!(number(&bundle, "SELECT count(*) AS n FROM state_socket WHERE owners = 0"), 0);
    let state = manifest(&bundle).state;
    assert!(
        state.left_out.iter().any(|left| left.table == "state_socket" && left.reason.contains("shared")),
        "{state:?}"
    );
    assert!(state.init.expect("its first process").shares_with_host.iter().any(|name| name == "network"));
}

#[test]
fn of_the_host_itself_no_state_is_taken_and_the_evidence_says_so() {
    let recorder = Recorder::start("");
    let bundle = recorder.trigger("host", "1s", "0s");
    let rows: Vec<Value> =
        ask(&bundle, "SELECT state_missing AS why, (SELECT count(*) FROM state_process) AS n FROM bundle");
    assert!(rows[0]["why"].as_str().is_some_and(|why| why.contains("the host is no container")), "{rows:?}");
    assert_eq!(rows[0]["n"], 0);
}
