//! Events as a busy web container makes them.

use std::net::IpAddr;
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::{BootNs, UtcNs};
use taffrail_trace::container::{Container, HOST, Runtime};
use taffrail_trace::event::{
    Abi, Actor, Body, Credentials, DnsEvent, Endpoint, Event, ExeFile, FileEvent, FileOp, FlowEvent, FlowOp, FlowPhase,
    Image, IoEvent, Origin, PathSource, Protocol, Stdio,
};
use taffrail_trace::ids::{ContainerKey, ExecId, ProcessId};

/// What a runtime leaves a container by default.
const CAPABILITIES: u64 = 0xa804_25fb;
const SECOND: u64 = 1_000_000_000;

/// Programs that run, as thread name, executable and arguments.
const PROGRAMS: [(&str, &str, &[&str]); 8] = [
    ("nginx", "/usr/sbin/nginx", &["nginx", "-g", "daemon off;"]),
    ("node", "/usr/local/bin/node", &["node", "--max-old-space-size=512", "/srv/shop/server.js", "--port", "8080"]),
    ("sh", "/bin/dash", &["sh", "-c", "/usr/local/bin/healthcheck --url http://127.0.0.1:8080/healthz --timeout 2"]),
    ("curl", "/usr/bin/curl", &["curl", "-fsS", "http://127.0.0.1:8080/healthz"]),
    ("python3", "/usr/bin/python3.13", &["python3", "-m", "shop.worker", "--queue", "orders", "--concurrency", "4"]),
    ("cat", "/bin/cat", &["cat", "/proc/loadavg"]),
    ("logrotate", "/usr/sbin/logrotate", &["logrotate", "/etc/logrotate.conf"]),
    (
        "java",
        "/opt/java/bin/java",
        &["java", "-Xmx1g", "-cp", "/srv/search/lib/*", "com.example.search.Main", "--index", "/var/search"],
    ),
];

/// Files that are opened.
const FILES: [&str; 16] = [
    "/srv/shop/static/css/site.4f2a9c1b.css",
    "/srv/shop/node_modules/express/lib/router/index.js",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/etc/ld.so.cache",
    "/var/lib/shop/uploads/2026/03/14/3f2a9c1b7d5e.jpg",
    "/proc/self/status",
    "/usr/share/zoneinfo/Europe/Berlin",
    "/etc/resolv.conf",
    "/tmp/shop-cache/session-7d5e4f60718293a4",
    "/var/log/nginx/access.log",
    "/usr/lib/python3.13/encodings/__pycache__/utf_8.cpython-313.pyc",
    "/dev/null",
    "/sys/fs/cgroup/memory.current",
    "/etc/nsswitch.conf",
    "/srv/search/index/segments_4711",
    "/etc/passwd",
];

/// A made-up event in its scene.
pub struct Made<'a> {
    event: Event,
    world: &'a World,
    program: usize,
}

/// Programs and the container that they run in.
pub struct World {
    container: Container,
    lineages: Vec<Vec<Image>>,
}

impl Scene for Made<'_> {
    fn event(&self) -> &Event {
        &self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        self.world.lineages[self.program].get(generation)
    }

    fn container(&self) -> &Container {
        &self.world.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        i64::try_from(boot_ns).unwrap_or(i64::MAX)
    }
}

impl World {
    /// A container called `shop`.
    pub fn new() -> Self {
        let container = Container {
            created_ns: Some(SECOND),
            image: Some("registry.example/teams/shop:1.4".to_owned()),
            labels: [("io.kubernetes.pod.namespace".to_owned(), "shop".to_owned())].into(),
            ..Container::new(
                ContainerKey(7),
                "3f2a9c1b7d5e4f60718293a4b5c6d7e8".to_owned(),
                "shop-web-0".to_owned(),
                Runtime::Containerd,
                "/kubepods/burstable/pod1/shop".to_owned(),
            )
        };
        let lineages = (0..PROGRAMS.len()).map(|program| lineage(program, &container)).collect();
        Self { container, lineages }
    }

    /// The mix, and each sort of event by itself.
    pub fn shares(&self) -> Vec<(&'static str, Vec<Made<'_>>)> {
        type Body = fn(usize, &Image) -> taffrail_trace::event::Body;
        let sorts: [(&str, usize, Body); 6] = [
            ("opens", 60, |at, _| open(at)),
            ("io", 14, |at, _| io(at)),
            ("flows", 12, |at, _| flow(at)),
            ("names", 6, |at, _| dns(at)),
            ("execs", 4, |_, image| taffrail_trace::event::Body::Image(Box::new(image.clone()))),
            ("removals", 4, |at, _| file(FileOp::Unlink, FILES[at % 8], 0)),
        ];
        let mut mix = Vec::new();
        let mut shares = Vec::new();
        for (name, share, body) in sorts {
            let made = |at: usize| {
                let program = at * 7 % PROGRAMS.len();
                self.made(at, program, body(at, &self.lineages[program][0]))
            };
            mix.extend((0..share * 20).map(made));
            shares.push((name, (0..1000).map(made).collect()));
        }
        // Neighbours of one sort would be kinder to caches than a real stream is.
        let count = mix.len();
        let mut mixed: Vec<Option<Made<'_>>> = mix.into_iter().map(Some).collect();
        let stream = (0..count).filter_map(|at| mixed[at * 997 % count].take()).collect();
        shares.insert(0, ("mix", stream));
        shares
    }

    /// What Sigma's rules are about: a mix of it, and each sort by itself.
    pub fn sigma(&self) -> Vec<(&'static str, Vec<Made<'_>>)> {
        type Body = fn(usize, &Image) -> taffrail_trace::event::Body;
        let sorts: [(&str, usize, Body); 3] = [
            ("creations", 6, |at, _| file(FileOp::Create, FILES[at * 3 % FILES.len()], 0o1101)),
            ("flows", 12, |at, _| flow(at)),
            ("execs", 4, |_, image| taffrail_trace::event::Body::Image(Box::new(image.clone()))),
        ];
        let made = |body: Body, at: usize| {
            let program = at * 7 % PROGRAMS.len();
            self.made(at, program, body(at, &self.lineages[program][0]))
        };
        let mix = (0..2000).map(|at| {
            let (_, _, body) = sorts[if at % 22 < 6 { 0 } else { 1 + usize::from(at % 22 >= 18) }];
            made(body, at)
        });
        let mut shares = vec![("mix", mix.collect())];
        shares.extend(sorts.iter().map(|(name, _, body)| (*name, (0..1000).map(|at| made(*body, at)).collect())));
        shares
    }

    fn made(&self, at: usize, program: usize, body: Body) -> Made<'_> {
        let image = &self.lineages[program][0];
        let actor =
            Actor { exec_id: image.exec_id, pid: image.pid, tid: image.pid, uid: image.uid, comm: image.comm.clone() };
        let event = Event { time_ns: 100 * SECOND + at as u64, actor: Some(actor), body };
        Made { event, world: self, program }
    }
}

/// A program, a shell, the container's init, and three of the host's.
fn lineage(program: usize, container: &Container) -> Vec<Image> {
    let (comm, exe, args) = PROGRAMS[program];
    vec![
        image(comm, exe, args, 5000, &container.id),
        image("sh", "/bin/dash", &["sh", "/entrypoint.sh"], 4001, &container.id),
        image("tini", "/usr/bin/tini", &["tini", "--", "/entrypoint.sh"], 4000, &container.id),
        image(
            "containerd-shim",
            "/usr/bin/containerd-shim-runc-v2",
            &["containerd-shim", "-namespace", "k8s.io"],
            3000,
            HOST,
        ),
        image("containerd", "/usr/bin/containerd", &["containerd"], 900, HOST),
        image("systemd", "/usr/lib/systemd/systemd", &["/sbin/init"], 1, HOST),
    ]
}

fn image(comm: &str, exe: &str, args: &[&str], pid: u32, container_id: &str) -> Image {
    Image {
        exec_id: ExecId(u64::from(pid)),
        process_id: ProcessId(u64::from(pid)),
        parent_exec_id: None,
        origin: Origin::Exec,
        time_ns: 10 * SECOND,
        pid,
        ppid: 1,
        uid: 1000,
        gid: 1000,
        credentials: Some(Credentials {
            uid: 1000,
            euid: 1000,
            permitted: CAPABILITIES,
            effective: CAPABILITIES,
            bounding: CAPABILITIES,
            ..Credentials::default()
        }),
        namespaces: None,
        login_uid: None,
        tty: None,
        comm: comm.to_owned(),
        exe: exe.to_owned(),
        exe_file: Some(ExeFile {
            inode: 1,
            dev: 43,
            mode: 0o100_755,
            bytes: 1,
            ctime_ns: SECOND,
            deleted: false,
            memfd: false,
            upper: false,
        }),
        script: None,
        environment: vec!["PATH=/usr/bin:/bin".to_owned()],
        entered: None,
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        args_cut: false,
        cwd: "/srv/shop".to_owned(),
        stdio: [Stdio::Pipe; 3],
        container_id: container_id.to_owned(),
        container_name: "shop-web-0".to_owned(),
    }
}

/// One in eight is for writing, one in sixteen fails.
fn open(at: usize) -> Body {
    let flags = if at.is_multiple_of(8) { 0o1101 } else { 0o2_000_000 };
    let mut body = file(FileOp::Open, FILES[at * 3 % FILES.len()], flags);
    if let (true, Body::File(file)) = (at.is_multiple_of(16), &mut body) {
        (file.fd, file.result) = (None, Some(-2));
    }
    body
}

fn file(op: FileOp, path: &str, flags: u32) -> Body {
    Body::File(Box::new(FileEvent {
        op,
        path: path.to_owned(),
        new_path: None,
        path_source: PathSource::Kernel,
        rewritten_from: None,
        new_rewritten_from: None,
        other_mounts: false,
        flags,
        mode: None,
        owner: None,
        attribute: None,
        size_bytes: None,
        result: Some(0),
        fd: matches!(op, FileOp::Open | FileOp::Create).then_some(9),
        inode: Some(1),
        dev: Some(43),
        abi: Abi::X86_64,
    }))
}

fn io(at: usize) -> Body {
    Body::Io(Box::new(IoEvent {
        path: FILES[at % FILES.len()].to_owned(),
        other_mounts: false,
        fd: 9,
        inode: Some(1),
        bytes_read: 4096,
        bytes_written: 0,
        closed: true,
    }))
}

fn end(addr: [u8; 4], port: u16) -> Endpoint {
    Endpoint { addr: IpAddr::from(addr), port }
}

/// A third are calls out, the others calls in.
fn flow(at: usize) -> Body {
    let op = if at.is_multiple_of(3) { FlowOp::Connect } else { FlowOp::Accept };
    let (local, remote) = if op == FlowOp::Connect {
        (end([10, 1, 2, 3], 40_000), end([10, 1, 7, at as u8], 5432))
    } else {
        (end([10, 1, 2, 3], 8080), end([10, 1, 9, at as u8], 50_000))
    };
    Body::Flow(Box::new(FlowEvent {
        flow_id: at as u64,
        phase: FlowPhase::Begin,
        protocol: Protocol::Tcp,
        op,
        start_ns: 1,
        local,
        remote: Some(remote),
        bytes_sent: 0,
        bytes_received: 0,
        result: 0,
    }))
}

fn dns(at: usize) -> Body {
    Body::Dns(Box::new(DnsEvent {
        flow_id: at as u64,
        response: false,
        sent: true,
        id: at as u16,
        name: "postgres.shop.svc.cluster.local".to_owned(),
        qtype: "A".to_owned(),
        answers: Vec::new(),
        rcode: None,
        local: end([10, 1, 2, 3], 40_000),
        remote: end([10, 96, 0, 10], 53),
    }))
}
