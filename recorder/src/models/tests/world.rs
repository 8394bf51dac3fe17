//! Containers of an image, in which nginx runs programs, and a recorder's models of them.

use crate::config::Config;
use crate::models::{Models, Phase};
use taffrail_rules::scene::Scene;
use taffrail_trace::clock::{Anchor, BootNs, UtcNs};
use taffrail_trace::container::{Container, Runtime};
use taffrail_trace::event::{Actor, Body, Event, Finding, Image, Lifecycle, LifecycleOp, Origin, Stdio};
use taffrail_trace::ids::{ContainerKey, ExecId, ProcessId};
use tempfile::TempDir;

pub const SECOND: u64 = 1_000_000_000;
pub const DIGEST: &str = "sha256:c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// A program was run by nginx.
pub struct Ran {
    pub event: Event,
    pub lineage: [Image; 2],
    pub container: Container,
}

impl Scene for Ran {
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
        i64::try_from(boot_ns).expect("a time")
    }
}

pub fn container(number: u64) -> Container {
    Container::new(
        ContainerKey(number),
        format!("{number:064x}"),
        format!("{number:012x}"),
        Runtime::Docker,
        "/docker/x".to_owned(),
    )
}

pub fn web(number: u64) -> Container {
    let (image, image_digest) = (Some("nginx:1.27".to_owned()), Some(DIGEST.to_owned()));
    Container { name: "web".to_owned(), image, image_digest, ..container(number) }
}

pub fn image(exe: &str, container: &Container) -> Image {
    let name = exe.rsplit('/').next().unwrap_or(exe).to_owned();
    Image {
        exec_id: ExecId(7),
        process_id: ProcessId(7),
        parent_exec_id: None,
        origin: Origin::Exec,
        time_ns: 1,
        pid: 7,
        ppid: 1,
        uid: 33,
        gid: 33,
        credentials: None,
        namespaces: None,
        login_uid: None,
        tty: None,
        comm: name.clone(),
        exe: exe.to_owned(),
        exe_file: None,
        script: None,
        environment: Vec::new(),
        entered: None,
        args: vec![name, "-c".to_owned(), "id; uname -a".to_owned()],
        args_cut: false,
        cwd: "/".to_owned(),
        stdio: [Stdio::Unknown; 3],
        container_id: container.id.clone(),
        container_name: container.name.clone(),
    }
}

pub fn ran(container: &Container, program: &str, second: u64) -> Ran {
    let lineage = [image(program, container), image("/usr/sbin/nginx", container)];
    let own = &lineage[0];
    let actor = Actor { exec_id: own.exec_id, pid: 7, tid: 7, uid: 33, comm: own.comm.clone() };
    let event = Event { time_ns: second * SECOND, actor: Some(actor), body: Body::Image(Box::new(own.clone())) };
    Ran { event, lineage, container: container.clone() }
}

pub fn ended(container: &Container) -> Ran {
    let mut scene = ran(container, "/x", 0);
    let moment = Lifecycle { op: LifecycleOp::Removed, cgroup_path: String::new(), detail: None };
    scene.event.body = Body::Lifecycle(moment);
    scene
}

pub fn at(second: u64) -> Anchor {
    Anchor {
        boot_ns: second * SECOND,
        utc_ns: i64::try_from(1_773_478_800 * SECOND + second * SECOND).expect("a time"),
    }
}

/// A recorder's models, in a directory that outlives them.
pub struct Bench {
    pub dir: TempDir,
    pub models: Models,
    pub second: u64,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let models = open(&dir);
        Self { dir, models, second: 0 }
    }

    /// A model of `web` that is active and knows that nginx runs envsubst and date.
    pub fn active() -> Self {
        let mut bench = Self::new();
        bench.see(&web(1), "/usr/bin/envsubst");
        bench.see(&web(1), "/bin/date");
        bench.wait(30);
        assert_eq!(bench.phase(), Phase::Active);
        bench
    }

    /// The only finding of an event, if there is one.
    pub fn see(&mut self, container: &Container, program: &str) -> Option<Finding> {
        let found = self.models.see(&ran(container, program, self.second)).found;
        assert!(found.len() < 2, "{found:?}");
        found.into_iter().map(|found| found.finding).next()
    }

    /// The numbers that are due, as they are told.
    pub fn overdue(&mut self) -> Vec<String> {
        self.models.overdue(self.second * SECOND).into_iter().map(|(_, _, finding)| finding.message).collect()
    }

    pub fn wait(&mut self, seconds: u64) {
        for _ in 0..=seconds {
            self.models.tick(at(self.second));
            self.second += 1;
        }
        self.second -= 1;
    }

    /// Ends the recorder in order and starts another.
    pub fn restart(&mut self) {
        self.models.close(at(self.second));
        self.models = open(&self.dir);
    }

    pub fn phase(&self) -> Phase {
        self.models.show(DIGEST).expect("a model").status.phase
    }
}

/// Ten seconds of learning, twenty of dry run.
pub fn open(dir: &TempDir) -> Models {
    let state_dir = dir.path().to_owned();
    let config = Config { state_dir, model_learn_seconds: 10, model_dry_run_seconds: 20, ..Config::default() };
    Models::open(&config).expect("models")
}
