//! Conversations with a server whose recorder is a fake: it answers with a status as long as the test wants, and never
//! seals a bundle.

use super::access::Access;
use super::server;
use crate::config::Config;
use crate::health::Status;
use crate::record::Command;
use nix::unistd::{Group, getegid};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

const STATUS: &str = "{\"do\":\"status\"}\n";
const TRIGGER: &str = "{\"do\":\"trigger\",\"container\":\"web\",\"reason\":\"a test asks\",\"before_ns\":1,\"after_ns\":1,\"out_dir\":null,\"wait\":true}\n";
/// As many as are answered at a time.
const PLACES: usize = 64;

struct Server {
    socket: PathBuf,
    _dir: TempDir,
}

impl Server {
    fn start(status_bytes: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = Config::socket_of(dir.path());
        let listener = server::bind(&socket).expect("a socket");
        let (commands, mut inbox) = mpsc::channel(PLACES * 2);
        tokio::spawn(server::serve(listener, Access::default(), commands));
        tokio::spawn(async move {
            let mut never_sealed = Vec::new();
            while let Some(command) = inbox.recv().await {
                match command {
                    Command::Status(reply) => drop(reply.send(status(status_bytes))),
                    Command::Trigger(_, reply) => never_sealed.push(reply),
                    _ => {}
                }
            }
        });
        Self { socket, _dir: dir }
    }

    async fn connect(&self, request: &str) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        stream
    }

    async fn ask(&self, request: &str) -> Value {
        answer(self.connect(request).await).await
    }
}

fn status(bytes: usize) -> Status {
    let status = json!({
        "version": "v".repeat(bytes), "pid": 1, "since": "", "events": 0, "lost_anywhere": 0, "sealed": 0,
        "seals_failed": 0, "seals_waiting": 0, "incidents_open": 0, "disk_full_seconds": null, "hooks": [], "containers": [],
        "cost": {
            "cpu_centipercent": 0, "cpu_cap_percent": 0, "memory_bytes": 0, "memory_cap_bytes": 0, "lowered": [],
        },
        "rules": { "loaded": 0, "matched": 0, "counted": 0, "joined": 0, "held_back": 0, "refused": 0, "late": 0, "resting": 0, "forgotten": 0 },
    });
    serde_json::from_value(status).expect("a status")
}

async fn answer(stream: UnixStream) -> Value {
    let mut line = String::new();
    let read = timeout(Duration::from_secs(20), BufReader::new(stream).read_line(&mut line)).await;
    read.expect("in time").expect("an answer");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[tokio::test]
async fn a_client_that_never_reads_its_reply_gives_its_place_back() {
    let server = Server::start(4 << 20);
    let mut never_read = Vec::new();
    for _ in 0..PLACES {
        never_read.push(server.connect(STATUS).await);
    }
    let refused = server.ask(STATUS).await;
    assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains("too many ask at once")), "{refused}");
    sleep(Duration::from_secs(7)).await;
    assert_eq!(server.ask(STATUS).await["is"], "status");
}

#[tokio::test]
async fn an_asker_who_hangs_up_while_his_bundle_is_made_gives_his_place_back() {
    let server = Server::start(0);
    let mut waiting = Vec::new();
    for _ in 0..PLACES {
        waiting.push(server.connect(TRIGGER).await);
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.ask(STATUS).await["is"], "refused", "who waits for a bundle keeps his place");
    drop(waiting);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.ask(STATUS).await["is"], "status");
}

#[tokio::test]
async fn who_has_no_more_to_say_is_answered_all_the_same() {
    let server = Server::start(0);
    let mut stream = server.connect(STATUS.trim_end()).await;
    stream.shutdown().await.expect("the end of what is sent");
    assert_eq!(answer(stream).await["is"], "status");
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_and_not_only_hung_up_on() {
    let server = Server::start(0);
    for nonsense in ["\n", "{}\n", "{\"do\":\"everything\"}\n", "\u{1b}[2J\n"] {
        let refused = server.ask(nonsense).await;
        assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains("cannot be read")), "{refused}");
    }
}

#[test]
fn a_group_that_nobody_knows_is_refused_with_how_it_is_made() {
    let config = Config { control_group: Some("taffrail-nobody".to_owned()), ..Config::default() };
    let message = Access::of(&config).expect_err("no such group").to_string();
    assert!(message.contains("control_group") && message.contains("groupadd --system taffrail-nobody"), "{message}");
}

#[test]
fn an_evidence_directory_that_somebody_made_elsewhere_keeps_its_mode() {
    let dir = tempfile::tempdir().expect("a directory");
    let (state, kept) = (dir.path().join("state"), dir.path().join("kept"));
    fs::create_dir_all(state.join("ring")).expect("a ring");
    fs::create_dir(&kept).expect("a directory");
    fs::set_permissions(&kept, Permissions::from_mode(0o701)).expect("mode");
    fs::write(state.join("lock"), "").expect("a lock");
    let _socket = std::os::unix::net::UnixListener::bind(Config::socket_of(&state)).expect("a socket");
    let own = Group::from_gid(getegid()).expect("groups").expect("a group of one's own");
    let new = dir.path().join("not/there/yet");
    for (evidence, expected) in [(&kept, 0o701), (&new, 0o750), (&state.join("evidence"), 0o750)] {
        let (evidence_dir, control_group) = (Some(evidence.clone()), Some(own.name.clone()));
        let access = Access::of(&Config { evidence_dir, control_group, ..Config::default() }).expect("a group");
        access.open(&state).expect("modes");
        let mode = fs::metadata(evidence).expect("metadata").mode() & 0o7777;
        assert_eq!(mode, expected, "{}", evidence.display());
    }
}
