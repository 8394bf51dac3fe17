//! The daemon: starts everything in the right order, and ends on a signal with everything written.
//!
//! Hooks are attached before `/proc` is read, so that no process falls between the two.

mod chain;
mod evidence;
mod governor;
mod incidents;
mod recording;
mod sealer;

use crate::alarm::{self, Alarm, AlarmError, Door, Taken};
use crate::config::{Config, ConfigError};
use crate::control::access::Access;
use crate::control::{AccessError, LevelRequest, TriggerRequest, server};
use crate::enrich::accounts::{Accounts, Clerk};
use crate::enrich::containers::{self, Containers, Details};
use crate::enrich::digest::{Answer, Digests};
use crate::enrich::environment::Selection;
use crate::enrich::naming::{self, Question, Runtimes};
use crate::enrich::processes::Processes;
use crate::enrich::scan;
use crate::health::Status;
use crate::host;
use crate::models::{ModelAnswer, ModelRequest, Models};
use crate::pipeline::{Parts, Pipeline};
use crate::ring::{RecordedBy, Ring, RingError};
use crate::seal::Proof;
use crate::trigger::Watch;
use crate::trigger::rules::{self, RulesError};
use recording::{Begun, Recording};
use sealer::Sealer;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_probes::{LoadError, Options, Probes};
use taffrail_rules::matcher::RuleSet;
use taffrail_trace::ids::ContainerKey;
use taffrail_trace::signature::Signer;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// How many commands can wait for the recording thread.
const COMMANDS: usize = 1024;
/// How many containers can wait to be named.
const QUESTIONS: usize = 1024;

/// Why the recorder did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The kernel programs cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Not root, which comes before everything else that would fail for it.
    #[error("recording needs root (CAP_BPF, CAP_PERFMON and read access to /proc); run it with sudo")]
    NotRoot,
    /// The state directory cannot be used.
    #[error("cannot use the state directory {}: {source}; choose another with --state-dir", path.display())]
    State {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another recorder has it.
    #[error("another recorder is using {}; end it, or choose another --state-dir", path.display())]
    Locked {
        /// The state directory.
        path: PathBuf,
    },
    /// The control group cannot be let in.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The rules are wrong, or cannot be read.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The key that the configuration names cannot sign.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Alarms cannot be taken as configured.
    #[error(transparent)]
    Alarm(#[from] AlarmError),
    /// No unified cgroup hierarchy.
    #[error(
        "no cgroup v2 hierarchy is mounted, so containers cannot be told apart; mount one with `mount -t cgroup2 none /sys/fs/cgroup/unified`"
    )]
    NoCgroups,
    /// The ring cannot be opened.
    #[error("cannot open the ring: {0}")]
    Ring(#[from] RingError),
    /// The runtime for signals and sockets cannot be started, or `/proc` not be read.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The recording thread ended by itself: a fault of this program.
    #[error("the recording thread ended: {0}")]
    Ended(String),
}

/// What the recording thread is asked.
#[derive(Debug)]
pub(crate) enum Command {
    /// How things are.
    Status(oneshot::Sender<Status>),
    /// Seal a container's history.
    Trigger(TriggerRequest, oneshot::Sender<Result<PathBuf, String>>),
    /// A runtime told of a container.
    Bind(ContainerKey, Details),
    /// Record more or less of a container.
    Level(LevelRequest, oneshot::Sender<Result<(), String>>),
    /// Something is wrong with containers, others say; who wants to know what became of it.
    Alarms(Vec<Alarm>, Option<oneshot::Sender<Vec<Taken>>>),
    /// Seal every container that the configuration has sealed at a signal.
    Signalled,
    /// Have a frozen container go on.
    Thaw(String, oneshot::Sender<Result<(), String>>),
    /// Ask these rules from now on.
    Rules(Arc<RuleSet>),
    /// About models; the text is the one that is imported.
    Model(ModelRequest, String, oneshot::Sender<Result<ModelAnswer, String>>),
    /// An executable was hashed.
    Digest(Answer),
    /// A container's users and groups have these names.
    Accounts(ContainerKey, Accounts),
    /// Write everything and end.
    Stop,
}

/// Looks whether a recorder on this machine would take a configuration: its rules and responses, its group, its key and
/// its token. Nothing is changed, and only who may read these files can say.
///
/// # Errors
/// What [`record`] would say.
pub fn check(config: &Config) -> Result<(), RecordError> {
    checked(config).map(drop)
}

/// What a configuration names, looked at before anything is recorded with it.
fn checked(config: &Config) -> Result<(Access, Arc<RuleSet>), RecordError> {
    let access = Access::of(config)?;
    Door::check(config)?;
    config.check_key()?;
    Ok((access, rules::load(config)?))
}

/// Records until SIGINT or SIGTERM. `ready` is called once, with one line for a person, when nothing is missed any
/// more.
///
/// # Errors
/// [`RecordError`].
pub fn record(config: Config, ready: impl FnOnce(&str)) -> Result<(), RecordError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(RecordError::NotRoot);
    }
    let (access, rules) = checked(&config)?;
    let _lock = lock(&config.state_dir)?;
    let proof = proof(&config);
    remove_cut_short(&config.evidence_dir());
    host::open_many_files();
    let boot = host::boot_id().map_err(|source| RecordError::System { what: "cannot read the boot id", source })?;
    let cgroups = containers::unified_root().ok_or(RecordError::NoCgroups)?;
    let (mut ring, kept) = Ring::open(&config.state_dir, config.budget(), config.sync_ms == 0)?;

    let environment = Selection::of(&config);
    let options = Options {
        vital_bytes: config.kernel_vital_bytes,
        bulk_bytes: config.kernel_bulk_bytes,
        ignore_pid: Some(std::process::id()),
        environment: !environment.is_empty(),
        terminal_bytes: config.terminal_bytes,
    };
    let probes = Probes::load(&options)?;
    let attached = host::anchor();
    let machine = host::describe(&boot);
    ring.recorded_by(RecordedBy {
        host: machine.clone(),
        hooks: recording::describe_hooks(&probes),
        host_ancestors: config.host_ancestors,
        config_sha256: proof.config_sha256.clone(),
    });
    let (mut found, changes) = Containers::new(boot.clone(), cgroups);
    for container in kept {
        found.adopt(container);
    }
    let processes = Processes::new(boot.clone());
    let opened = config.models.then(|| Models::open(&config)).transpose();
    let models = opened.map_err(|source| RecordError::State { path: config.state_dir.join("models"), source })?;
    let watch = Watch::new(rules, models, attached, machine.hostname.clone());
    let parts = Parts { containers: found, processes, ring, environment, host_mounts: scan::own_mounts(), watch };
    let mut pipeline = Pipeline::new(parts, attached);
    pipeline.found(&changes);
    pipeline.adopt_processes(scan::all(&boot), attached.boot_ns);

    let line = format!(
        "recording {} containers and the host, history in {}",
        changes.len().saturating_sub(1),
        config.state_dir.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| RecordError::System { what: "cannot start the runtime", source })?;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (questions, asked) = mpsc::channel(QUESTIONS);
    let answers = commands.clone();
    let digests = Digests::start(move |answer| answers.blocking_send(Command::Digest(answer)).is_ok())
        .map_err(|source| RecordError::System { what: "cannot start the thread for digests", source })?;
    pipeline.hash_with(digests);
    let told = commands.clone();
    let clerk = Clerk::start(move |key, accounts| told.blocking_send(Command::Accounts(key, accounts)).is_ok())
        .map_err(|source| RecordError::System { what: "cannot start the thread for accounts", source })?;
    let sealer = Sealer::start(access.clone(), config.evidence_dir())
        .map_err(|source| RecordError::System { what: "cannot start the thread for sealing", source })?;
    let recording = Recording::new(
        Begun { probes, pipeline, sealer, proof, inbox, questions, clerk },
        config.clone(),
        machine,
        attached,
    );
    let result = runtime.block_on(run(&config, access, recording, changes, commands, asked, move || ready(&line)));
    // Rules that are being read from a disk that hangs are not waited for.
    runtime.shutdown_background();
    result
}

async fn run(
    config: &Config,
    access: Access,
    mut recording: Recording,
    found: Vec<containers::Change>,
    commands: mpsc::Sender<Command>,
    asked: mpsc::Receiver<Question>,
    ready: impl FnOnce(),
) -> Result<(), RecordError> {
    let signals = |source| RecordError::System { what: "cannot listen for signals", source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let hangup = signal(SignalKind::hangup()).map_err(signals)?;
    let mut user1 = signal(SignalKind::user_defined1()).map_err(signals)?;
    let socket = Config::socket_of(&config.state_dir);
    let listener = server::bind(&socket).map_err(|source| RecordError::State { path: socket.clone(), source })?;
    access.open(&config.state_dir)?;

    let bind = commands.clone();
    let (docker, environment) = (config.docker_socket.clone(), Selection::of(config));
    let runtimes = Runtimes { docker, environment, root: PathBuf::from("/") };
    tokio::spawn(naming::answer(runtimes, asked, move |key, details| {
        if bind.try_send(Command::Bind(key, details)).is_err() {
            tracing::warn!(container = %key, "too much to do, a container's name was not bound");
        }
    }));
    if let Some(door) = Door::open(config, &access).await? {
        tokio::spawn(alarm::serve(door, commands.clone()));
    }
    let raise = commands.clone();
    tokio::spawn(alarm::watch_docker(config.docker_socket.clone(), config.alarm_docker.clone(), move |alarm| {
        if raise.try_send(Command::Alarms(vec![alarm], None)).is_err() {
            tracing::warn!("too much to do, an alarm of Docker's was not taken");
        }
    }));
    tokio::spawn(server::serve(listener, access, commands.clone()));
    tokio::spawn(reload(hangup, config.clone(), commands.clone()));

    let (ended, end) = oneshot::channel();
    recording.name(&found);
    let thread = std::thread::Builder::new()
        .name("recording".to_owned())
        .spawn(move || {
            let result = recording.run();
            // Nobody listens any more only where the main thread is gone too.
            let _ = ended.send(result);
        })
        .map_err(|source| RecordError::System { what: "cannot start the recording thread", source })?;

    ready();
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let mut end = std::pin::pin!(end);
    let result = loop {
        tokio::select! {
            _ = interrupt.recv() => break stop(&commands, &mut end).await,
            _ = terminate.recv() => break stop(&commands, &mut end).await,
            // A recording that takes no commands any more is about to end.
            _ = user1.recv() => drop(commands.send(Command::Signalled).await),
            result = &mut end => break result,
        }
    };
    let _ = fs::remove_file(&socket);
    let joined = thread.join();
    match (result, joined) {
        (Ok(Ok(())), Ok(())) => Ok(()),
        (Ok(Err(reason)), _) => Err(RecordError::Ended(reason)),
        _ => Err(RecordError::Ended("it panicked, which is a bug".to_owned())),
    }
}

/// Reads the rules again at each hangup, one after the other, beside what is served: a disk may be slow. Where they are
/// wrong the old ones stay.
async fn reload(mut hangup: Signal, config: Config, commands: mpsc::Sender<Command>) {
    let config = Arc::new(config);
    while hangup.recv().await.is_some() {
        let config = Arc::clone(&config);
        match tokio::task::spawn_blocking(move || rules::load(&config)).await {
            Ok(Ok(rules)) => {
                tracing::info!(rules = rules.rules().len(), "rules read again");
                // A recording that takes no commands any more is about to end.
                let _ = commands.send(Command::Rules(rules)).await;
            }
            Ok(Err(error)) => tracing::error!(%error, "the rules were not read again, the old ones stay"),
            Err(error) => tracing::error!(%error, "the rules were not read again, which is a bug; the old ones stay"),
        }
    }
}

async fn stop<F: Future + Unpin>(commands: &mpsc::Sender<Command>, end: &mut F) -> F::Output {
    // A recording that takes no commands any more is about to end by itself.
    let _ = commands.send(Command::Stop).await;
    end.await
}

/// Makes the state directory, closed to everybody else, and takes its lock. The lock goes with the process.
fn lock(dir: &Path) -> Result<File, RecordError> {
    let state = |source| RecordError::State { path: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(state)?;
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(state)?;
    let file = File::create(dir.join("lock")).map_err(state)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RecordError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(state(source)),
    }
}

/// What binds this recorder's evidence to it: the operator's key, else one of its own, made at its first run. Without its
/// own it records all the same, and says that nothing is signed.
fn proof(config: &Config) -> Proof {
    let key = config.signing_key();
    let signer = if config.signing_key.is_some() {
        Signer::read(&key)
    } else {
        let host = nix::unistd::gethostname();
        let host = host.map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned());
        Signer::read_or_make(&key, &format!("taffrail@{host}"))
    };
    match &signer {
        Ok(signer) => tracing::info!(key = %key.display(), fingerprint = signer.fingerprint(), "evidence is signed"),
        Err(error) => tracing::error!(%error, "evidence is not signed"),
    }
    Proof {
        signing_key: signer.is_ok().then(|| std::path::absolute(&key).unwrap_or(key)),
        custody: Some(Config::custody_of(&config.state_dir)),
        config_sha256: config.sha256(),
    }
}

/// Removes what a recorder left that was killed while it wrote a bundle: half of one is none.
fn remove_cut_short(evidence_dir: &Path) {
    for entry in fs::read_dir(evidence_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.to_string_lossy().ends_with(".evidence.partial")
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "a bundle that was cut short cannot be removed");
        }
    }
}
