//! Other programs pull the cord: over HTTP, through Docker, with a signal. Each ends in a bundle that says who it was.

use crate::support::container::Container;
use crate::support::{Recorder, ask, record_refuses, signal_to, told, until};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TOKEN: &str = "a-token-that-is-long-enough";
/// The container's own work, while somebody outside looks at it.
const WORK: &str = "while :; do echo x > /tmp/beat; sleep 0.1; done";
const WINDOWS: &str = "after_seconds = 1\nbefore_seconds = 30\ndefault_rules = false\nmodels = false\n";

/// A recorder with a door, on a port that nobody else has.
struct Door {
    recorder: Recorder,
    address: String,
}

impl Door {
    fn open(more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let token = token_in(&dir, &format!("{TOKEN}\n"), 0o600);
        let address = free_address();
        let config = format!(
            "{WINDOWS}alarm_listen = \"{address}\"\nalarm_token_file = \"{}\"\nalarm_docker = []\n{more}",
            token.display()
        );
        Self { recorder: Recorder::start_in(dir, &config), address }
    }

    /// Raises an alarm with the token, and gives the status and the answer.
    fn raise(&self, body: &Value) -> (u16, Value) {
        let header = format!("Authorization: Bearer {TOKEN}");
        curl(&["-H", &header, "--data-binary", &body.to_string(), &format!("http://{}/alarm", self.address)])
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

fn token_in(dir: &TempDir, text: &str, mode: u32) -> PathBuf {
    let path = dir.path().join("token");
    fs::write(&path, text).expect("write");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
    path
}

/// Status and answer of a request.
fn curl(args: &[&str]) -> (u16, Value) {
    let output = Command::new("curl").args(["-sS", "-m", "30", "-w", "\n%{http_code}"]).args(args).output();
    let (code, out, err) = told(output.expect("curl is installed"));
    assert_eq!(code, 0, "{args:?}: {err}");
    let (body, status) = out.rsplit_once('\n').expect("a status");
    (status.parse().expect("a status"), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// What a bundle says of its trigger, once it is sealed.
fn trigger_of(bundle: &Path) -> (String, String) {
    until(&format!("{} is sealed", bundle.display()), || bundle.exists());
    let row = ask(bundle, "SELECT trigger_rule, trigger_reason FROM bundle").remove(0);
    let text = |key: &str| row[key].as_str().expect("text").to_owned();
    (text("trigger_rule"), text("trigger_reason"))
}

/// The bundle that becomes of an alarm.
fn bundle_in(answer: &Value) -> PathBuf {
    PathBuf::from(answer["alarms"][0]["bundle"].as_str().unwrap_or_else(|| panic!("no bundle in {answer}")))
}

/// The bundles of a container where evidence goes by itself, once there is one.
fn sealed_of(recorder: &Recorder, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    until(&format!("a bundle of {name}"), || {
        found = recorder.bundles();
        found.retain(|path| path.file_name().unwrap_or_default().to_string_lossy().starts_with(name));
        !found.is_empty()
    });
    found
}

#[test]
fn each_form_of_alarm_yields_a_bundle_that_says_who_raised_it() {
    let door = Door::open("");
    let containers: Vec<Container> = (0..3).map(|_| Container::run("alarmed", WORK)).collect();
    let [plain, falco, manager] = &containers[..] else { unreachable!() };
    containers.iter().for_each(|container| door.recorder.wait_for(&container.name));
    let said = [
        json!({"container": plain.name, "reason": "ticket 4711", "before": "20s", "after": "1s"}),
        json!({
            "rule": "Terminal shell in container", "priority": "Critical", "output": "A shell was spawned",
            "time": "2026-01-01T00:00:00.000000000Z", "source": "syscall", "tags": ["shell"],
            "output_fields": {"container.id": &falco.id[..12], "container.name": falco.name, "proc.name": "sh"},
        }),
        json!({
            "version": "4", "status": "firing", "receiver": "taffrail",
            "alerts": [
                {"status": "firing", "labels": {"alertname": "SlowShop", "name": manager.name, "severity": "critical"},
                 "annotations": {"summary": "half of all orders fail"}},
                {"status": "resolved", "labels": {"alertname": "Other", "name": plain.name}},
            ],
        }),
    ];
    let expected = [
        ("alarm", "ticket 4711 (webhook from 127.0.0.1:"),
        (
            "Terminal shell in container",
            "Terminal shell in container: A shell was spawned (Falco, webhook from 127.0.0.1:",
        ),
        ("SlowShop", "SlowShop: half of all orders fail (Alertmanager, webhook from 127.0.0.1:"),
    ];
    for ((body, container), (rule, reason)) in said.iter().zip(&containers).zip(expected) {
        let (status, answer) = door.raise(body);
        let first = &answer["alarms"][0];
        assert_eq!((status, &first["outcome"], &first["container"]), (202, &json!("opened"), &json!(container.name)));
        let bundle = bundle_in(&answer);
        let (found_rule, found_reason) = trigger_of(&bundle);
        assert_eq!(found_rule, rule);
        assert!(found_reason.starts_with(reason), "{found_reason}");
        let findings = ask(&bundle, "SELECT source, rule FROM finding");
        assert!(findings.iter().any(|row| row["source"] == "alarm" && row["rule"] == rule), "{findings:?}");
        assert!(!ask(&bundle, "SELECT path FROM file WHERE path = '/tmp/beat' LIMIT 1").is_empty(), "what was before");
    }
}

#[test]
fn what_comes_while_an_incident_is_open_joins_it_and_what_comes_again_right_after_is_held_back() {
    let door = Door::open("rule_pause_seconds = 600\n");
    let container = Container::run("again", WORK);
    door.recorder.wait_for(&container.name);
    let body = json!({"container": container.name, "reason": "first"});
    let (_, first) = door.raise(&body);
    assert_eq!(first["alarms"][0]["outcome"], "opened", "{first}");
    let (status, second) = door.raise(&body);
    assert_eq!((status, &second["alarms"][0]["outcome"]), (202, &json!("joined")));
    assert_eq!(bundle_in(&second), bundle_in(&first));
    trigger_of(&bundle_in(&first));
    let (status, third) = door.raise(&body);
    assert_eq!((status, &third["alarms"][0]["outcome"]), (202, &json!("held_back")));
    assert!(third["alarms"][0]["why"].as_str().is_some_and(|why| why.contains("600 s")), "{third}");
}

#[test]
fn who_asks_badly_is_told_why_and_costs_nothing() {
    let door = Door::open("");
    let url = format!("http://{}/alarm", door.address);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let alarm = json!({"container": "nobody-is-called-so", "reason": "r"}).to_string();
    let long = json!({"container": "c", "reason": "r".repeat(70_000)}).to_string();
    let known = ["-H", bearer.as_str()];
    for (args, status, words) in [
        (vec!["-d", &alarm, &url], 401, "Authorization: Bearer"),
        (vec!["-H", "Authorization: Bearer another-token-just-as-long", "-d", &alarm, &url], 401, "show the token"),
        (vec!["-H", "Authorization: Basic !!", "-d", &alarm, &url], 401, "show the token"),
        ([&known[..], &["-d", &alarm, &url.replace("/alarm", "/")]].concat(), 404, "POST /alarm"),
        ([&known[..], &[&url]].concat(), 405, "POST /alarm"),
        ([&known[..], &["-X", "PUT", "-d", &alarm, &url]].concat(), 405, "POST /alarm"),
        ([&known[..], &["-d", &long, &url]].concat(), 413, "at most 65536 bytes"),
        ([&known[..], &["-d", "{", &url]].concat(), 400, "no JSON"),
        ([&known[..], &["-d", "{}", &url]].concat(), 400, "none of the forms"),
        ([&known[..], &["-d", &alarm, &url]].concat(), 404, "no container nobody-is-called-so here"),
        (vec!["-u", &format!("falco:{TOKEN}"), "-d", &alarm, &url], 404, "no container nobody-is-called-so here"),
    ] {
        let (found, answer) = curl(&args);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(words), "{args:?}\n{found} {answer}");
    }
    let resolved = json!({"version": "4", "alerts": [{"status": "resolved", "labels": {}}]});
    assert_eq!(door.raise(&resolved), (202, json!({"alarms": [], "resolved": 1})));
    assert_eq!(door.recorder.status()["incidents_open"], 0);
}

#[test]
fn who_comes_too_often_has_to_wait_and_strangers_take_nobodys_place() {
    let door = Door::open("");
    let alarm = json!({"container": "nobody", "reason": "r"});
    let url = format!("http://{}/alarm", door.address);
    let stranger = |_| curl(&["-d", "{}", &url]).0;
    let strangers: Vec<u16> = (0..120).map(stranger).collect();
    assert!(strangers.contains(&401) && strangers.contains(&429), "{strangers:?}");
    assert_eq!(door.raise(&alarm).0, 404, "who has the token is answered");
    let known: Vec<u16> = (0..200).map(|_| door.raise(&alarm).0).collect();
    assert!(known[..20].iter().all(|status| *status == 404) && known.contains(&429), "{known:?}");
    until("the rate lets one in again", || door.raise(&alarm).0 == 404);
}

#[test]
fn who_says_nothing_is_let_go_and_others_get_in() {
    let door = Door::open("");
    let began = Instant::now();
    // More than are let in at once; one of them says a byte now and then.
    let mut silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&door.address).expect("a connection")).collect();
    silent[0].write_all(b"P").expect("a byte");
    let mut slow = TcpStream::connect(&door.address).expect("a connection");
    let head =
        format!("POST /alarm HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{");
    slow.write_all(head.as_bytes()).expect("a head");
    let (status, _) = door.raise(&json!({"container": "nobody", "reason": "r"}));
    assert_eq!(status, 404);
    println!("beside 21 silent visitors an alarm was answered after {:.1} s", began.elapsed().as_secs_f64());
    let mut answer = String::new();
    slow.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(25));
    assert_eq!(door.recorder.status()["pid"], door.recorder.pid());
}

#[test]
fn a_socket_in_the_file_system_needs_no_token_and_lets_nobody_else_in() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    let socket = dir.path().join("alarm.sock");
    let config = format!("{WINDOWS}alarm_docker = []\nalarm_listen = \"unix:{}\"\n", socket.display());
    let recorder = Recorder::start_in(dir, &config);
    let container = Container::run("by-socket", WORK);
    recorder.wait_for(&container.name);
    assert_eq!(fs::metadata(&socket).expect("a socket").mode() & 0o777, 0o600);
    let path = socket.to_string_lossy();
    let body = json!({"container": container.name, "reason": "by socket"}).to_string();
    let request = ["--unix-socket", &path, "-d", &body, "http://localhost/alarm"];
    let (status, answer) = curl(&request);
    assert_eq!(status, 202, "{answer}");
    assert_eq!(trigger_of(&bundle_in(&answer)), ("alarm".to_owned(), "by socket (webhook from uid 0)".to_owned()));
    let as_nobody = |request: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "curl", "-sS", "-m", "10"]).args(request);
        told(command.output().expect("setpriv"))
    };
    assert_ne!(as_nobody(&request).0, 0, "the mode keeps others out");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("mode");
    let (_, out, _) = as_nobody(&request);
    assert!(out.contains("only root is answered"), "{out}");
    let (code, _dir) = recorder.end("TERM");
    assert_eq!(code, Some(0));
    assert!(!socket.exists(), "it goes with the recorder");
}

#[test]
fn a_door_that_would_be_open_to_others_is_not_opened_at_all() {
    let dir = tempfile::tempdir().expect("a directory");
    let token = token_in(&dir, TOKEN, 0o644);
    let token = token.display();
    for (config, words) in [
        ("alarm_listen = \"0.0.0.0:9911\"\n".to_owned(), "loopback only"),
        ("alarm_listen = \"127.0.0.1:9911\"\n".to_owned(), "needs alarm_token_file"),
        (format!("alarm_listen = \"127.0.0.1:9911\"\nalarm_token_file = \"{token}\"\n"), "chmod 600"),
        ("alarm_docker = [\"sad\"]\n".to_owned(), "unknown variant `sad`"),
    ] {
        let err = record_refuses(&config);
        assert!(err.contains(words) && err.trim().lines().count() == 1, "{config}: {err}");
    }
}

#[test]
fn what_docker_tells_of_a_container_is_an_alarm() {
    let recorder = Recorder::start(&format!("{WINDOWS}alarm_docker = [\"died\", \"oom\", \"unhealthy\"]\n"));
    let stopped = Container::workloads("stopped", &[], &["sleep", "600"]);
    let died = Container::workloads("died", &[], &["sh", "-c", "sleep 2; exit 7"]);
    let fine = Container::workloads("fine", &[], &["sh", "-c", "sleep 1; exit 0"]);
    let hungry = Container::workloads(
        "hungry",
        &["--memory=16m"],
        &["sh", "-c", "sleep 2; tail /dev/zero; echo $? > /tmp/was; sleep 600"],
    );
    let unhealthy = Container::workloads(
        "unhealthy",
        &["--health-cmd=test -e /tmp/well", "--health-interval=1s", "--health-retries=1"],
        &["sleep", "600"],
    );
    crate::support::container::docker(&["stop", "-t", "1", &stopped.name]);
    for (container, rule, reason) in [
        (&died, "container died", "ended with code 7 (Docker)"),
        (&hungry, "container out of memory", "ran out of memory (Docker)"),
        (&unhealthy, "container unhealthy", "is unhealthy (Docker)"),
    ] {
        let bundles = sealed_of(&recorder, &container.name);
        assert_eq!(trigger_of(&bundles[0]), (rule.to_owned(), format!("{} {reason}", container.name)));
    }
    let dir = fs::read_dir(recorder.state_dir().join("evidence")).expect("evidence").flatten();
    let others: Vec<PathBuf> = dir.map(|entry| entry.path()).collect();
    let is_of = |name: &str| others.iter().any(|path| path.to_string_lossy().contains(name));
    assert!(!is_of(&stopped.name) && !is_of(&fine.name), "nobody is alarmed by these: {others:?}");
}

#[test]
fn a_signal_seals_every_running_container_that_it_is_meant_for() {
    let recorder = Recorder::start(&format!("{WINDOWS}alarm_docker = []\nalarm_signal = [\"*signalled*\"]\n"));
    let containers: Vec<Container> = (0..2).map(|_| Container::run("signalled", WORK)).collect();
    let other = Container::run("left-out", WORK);
    containers.iter().chain([&other]).for_each(|container| recorder.wait_for(&container.name));
    signal_to(recorder.pid(), "USR1");
    for container in &containers {
        let bundles = sealed_of(&recorder, &container.name);
        let expected = ("signal".to_owned(), "somebody asked for every container (SIGUSR1)".to_owned());
        assert_eq!(trigger_of(&bundles[0]), expected);
    }
    let status = recorder.status();
    assert_eq!((&status["sealed"], &status["incidents_open"]), (&json!(2), &json!(0)), "and nobody else's");
}
