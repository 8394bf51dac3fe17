//! Scenes of one container, by who acts in it.

use super::stage::{self, Stage, end, image};
use taffrail_rules::model::{Judge, Profile, Reader};
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::BootNs;
use taffrail_trace::container::{Container, HOST};
use taffrail_trace::event::{
    Abi, Body, DnsEvent, FileOp, FlowOp, Image, Origin, PathSource, Protocol, ServerName, SocketEvent, SocketOp,
};

pub const OWN: &str = "3f2a9c1b7d5e4f60";

/// A scene whose container knows one name of one address.
#[derive(Clone, Debug)]
pub struct Named(pub Stage, pub Option<&'static str>);

impl Scene for Named {
    fn event(&self) -> &taffrail_trace::event::Event {
        self.0.event()
    }

    fn image(&self, generation: usize) -> Option<&Image> {
        self.0.image(generation)
    }

    fn container(&self) -> &Container {
        self.0.container()
    }

    fn utc(&self, boot_ns: BootNs) -> i64 {
        self.0.utc(boot_ns)
    }

    fn names_of(&self, _: std::net::IpAddr, eye: &mut dyn FnMut(&str) -> bool) -> bool {
        self.1.is_some_and(eye)
    }
}

/// `body`, done by a program that another one made.
pub fn by(parent: &str, program: &str, body: Body) -> Stage {
    let mut stage = stage::stage(body);
    let outside = image("containerd-shim", "/usr/bin/containerd-shim", &["shim"], 20, HOST);
    let mut lineage = vec![own(program, 40)];
    if parent != "outside" {
        lineage.push(own(parent, 30));
    }
    lineage.push(outside);
    stage.lineage = lineage;
    stage
}

/// A program is run.
pub fn run(parent: &str, program: &str) -> Stage {
    run_with(parent, program, |_| {})
}

/// A program is run in a way of its own.
pub fn run_with(parent: &str, program: &str, change: impl FnOnce(&mut Image)) -> Stage {
    let mut stage = by(parent, program, stage::file(FileOp::Open, "/"));
    change(&mut stage.lineage[0]);
    stage.event.body = Body::Image(Box::new(stage.lineage[0].clone()));
    stage
}

/// nginx does something.
pub fn nginx(body: Body) -> Stage {
    by("outside", "/usr/sbin/nginx", body)
}

pub fn write(path: &str) -> Body {
    stage::file(FileOp::Create, path)
}

pub fn connect(addr: [u8; 4], port: u16) -> Body {
    stage::flow(Protocol::Tcp, FlowOp::Connect, end(addr, port))
}

pub fn listen(port: u16) -> Body {
    match stage::flow(Protocol::Tcp, FlowOp::Listen, end([0; 4], 0)) {
        Body::Flow(mut flow) => {
            flow.local.port = port;
            Body::Flow(flow)
        }
        body => body,
    }
}

pub fn unix(path: &str) -> Body {
    Body::Socket(Box::new(SocketEvent {
        op: SocketOp::Connect,
        protocol: Protocol::Unix,
        path: Some(path.to_owned()),
        source: PathSource::User,
        remote: None,
        result: 0,
        abi: Abi::X86_64,
    }))
}

pub fn raw_socket() -> Body {
    Body::Socket(Box::new(SocketEvent {
        op: SocketOp::Socket,
        protocol: Protocol::Raw,
        path: None,
        source: PathSource::User,
        remote: None,
        result: 0,
        abi: Abi::X86_64,
    }))
}

pub fn ask(name: &str) -> Body {
    Body::Dns(Box::new(DnsEvent {
        flow_id: 1,
        response: false,
        sent: true,
        id: 1,
        name: name.to_owned(),
        qtype: "A".to_owned(),
        answers: Vec::new(),
        rcode: None,
        local: end([10, 1, 2, 3], 40_000),
        remote: end([10, 1, 2, 1], 53),
    }))
}

pub fn hello(name: &str) -> Body {
    Body::ServerName(Box::new(ServerName { flow_id: 1, name: name.to_owned() }))
}

/// What is learned of scenes.
pub fn learned(scenes: &[Stage]) -> Profile {
    let (mut profile, mut reader) = (Profile::default(), Reader::default());
    for scene in scenes {
        profile.learn(&mut reader, scene);
    }
    profile
}

/// A web server as it is every day.
pub fn web() -> Profile {
    learned(&[
        run("outside", "/docker-entrypoint.sh"),
        run("outside", "/usr/sbin/nginx"),
        run("/docker-entrypoint.sh", "/usr/bin/envsubst"),
        run("/usr/sbin/nginx", "/usr/sbin/nginx"),
        run("/usr/sbin/nginx", "/usr/bin/envsubst"),
        nginx(listen(80)),
        nginx(write("/var/log/nginx/access.log")),
        nginx(write("/var/cache/nginx/4711/x")),
        nginx(connect([10, 9, 8, 7], 8080)),
        nginx(ask("api.example.org")),
        nginx(stage::privilege(taffrail_trace::event::PrivilegeOp::Setuid, "setuid", "uid 33")),
    ])
}

/// What a model of `profile` says of a scene.
pub fn said(profile: &Profile, scene: &dyn Scene) -> Option<String> {
    let mut judge = Judge::new(profile.clone());
    judge.deviation(scene).map(|deviation| judge.words(&deviation))
}

fn own(program: &str, pid: u32) -> Image {
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut image = image(name, program, &[name], pid, OWN);
    image.origin = Origin::Exec;
    if program.ends_with(".sh") {
        image.exe = "/bin/dash".to_owned();
        image.script = Some(program.to_owned());
    }
    image
}
