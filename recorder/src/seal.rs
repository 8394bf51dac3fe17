//! Sealing: pinned segments to a bundle.
//!
//! A running recorder has it done by another process ([`serve`]): what a window takes of memory goes with that, and where
//! there is too little, the recorder is not the one that ends.

mod bulk;
mod chains;

use crate::host;
use crate::ring::{Before, RingFile, Sequence, Waiting, find_segments};
use crate::state::Told;
use bulk::Bulk;
use chains::Chains;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_trace::FORMAT_VERSION;
use taffrail_trace::assemble::{self, Source};
use taffrail_trace::bundle::{self, Bundle, Ending, More, OpenError, Verdict, WriteError};
use taffrail_trace::clock::{Anchor, BootNs, Clock, utc_now};
use taffrail_trace::container::Container;
use taffrail_trace::custody::{self, Act, CustodyError, Deed};
use taffrail_trace::event::{Body, Class, Event, Gap, GapCause, Image};
use taffrail_trace::manifest::{self, Hook, Host, Joined, Manifest, TableRef, Trigger, Window};
use taffrail_trace::segment::Whole;
use taffrail_trace::signature::Signer;
use taffrail_trace::state::State;
use taffrail_trace::table::RowError;

/// What sealed it, as manifests and lines of custody say.
const TOOL: &str = concat!("taffrail ", env!("CARGO_PKG_VERSION"));

/// Everything that a seal needs; nothing of it is shared with the recording. To another process it goes as JSON, with the
/// files as handles of this one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// Where the bundle goes.
    pub bundle: PathBuf,
    /// Its short id.
    pub id: String,
    /// Whose history.
    pub container: Container,
    /// Why.
    pub trigger: Trigger,
    /// The most severe of what joined it, where that is more severe than the trigger.
    pub most_severe: Option<Joined>,
    /// Which stretch.
    pub window: Window,
    /// Where it was recorded.
    pub host: Host,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The files to read.
    #[serde(with = "handed_over")]
    pub files: Vec<Arc<RingFile>>,
    /// What is in no segment of theirs; a recorder writes everything before.
    #[serde(skip)]
    pub waiting: Vec<Waiting>,
    /// Images alive at the trigger and at the end, with their ancestors: the quiet ones that no segment names.
    pub live: Vec<Image>,
    /// Whether the host's processes above the container are named.
    pub host_ancestors: bool,
    /// Gaps that no segment tells: what the ring let go, and the time before the recorder.
    pub gaps: Vec<Gap>,
    /// Both clocks now.
    pub anchor: Anchor,
    /// The state at the trigger, packed, or why there is none.
    #[serde(with = "in_base64")]
    pub state: Told,
    /// What binds it to who made it.
    pub proof: Proof,
}

/// What binds a bundle to who made it. Keys go to another process as places, never as themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Proof {
    /// The private key that signs it.
    pub signing_key: Option<PathBuf>,
    /// The custody log that gets a line.
    pub custody: Option<PathBuf>,
    /// SHA-256 of the configuration that it was recorded with, in hex.
    pub config_sha256: Option<String>,
}

/// Why a bundle could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its directory cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A row did not fit: a fault of this program.
    #[error(transparent)]
    Row(#[from] RowError),
    /// What was written cannot be read back.
    #[error("the sealed bundle cannot be read back: {0}")]
    ReadBack(#[from] OpenError),
    /// What was written is not what was meant.
    #[error("the sealed bundle {} does not verify", path.display())]
    Verify {
        /// The bundle, left for a look.
        path: PathBuf,
    },
}

/// `<container>-<UTC time>-<short id>.evidence.zip`, with nothing in it that a shell or a file system minds.
pub fn file_name(container: &Container, utc_ns: i64, id: &str) -> String {
    let time = taffrail_trace::clock::rfc3339(utc_ns);
    let time: String = time.chars().take(19).filter(|ch| !matches!(ch, '-' | ':')).collect();
    format!("{}-{time}Z-{id}{}", name_in_file(container), bundle::SUFFIX)
}

/// What a container is called in the names of its bundles.
pub fn name_in_file(container: &Container) -> String {
    let harmless = |ch: char| if ch.is_ascii_alphanumeric() || matches!(ch, '_' | '-') { ch } else { '_' };
    container.name.chars().take(64).map(harmless).collect()
}

mod handed_over {
    use super::{Arc, PathBuf, RingFile};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(files: &[Arc<RingFile>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(files.iter().map(|file| (file.handle(), file.path().to_owned(), file.nonce())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<RingFile>>, D::Error> {
        let handles = Vec::<(PathBuf, PathBuf, u64)>::deserialize(from)?;
        let open = |(handle, path, nonce): (PathBuf, PathBuf, u64)| RingFile::open_by_handle(&handle, &path, nonce);
        handles.into_iter().map(|it| open(it).map(Arc::new).map_err(de::Error::custom)).collect()
    }
}

mod in_base64 {
    use super::Told;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub fn serialize<S: Serializer>(told: &Told, to: S) -> Result<S::Ok, S::Error> {
        told.as_ref().map(|packed| STANDARD.encode(packed)).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Told, D::Error> {
        let told = Result::<String, String>::deserialize(from)?;
        told.map(|text| STANDARD.decode(text).map_err(de::Error::custom))
            .map_or_else(|none| Ok(Err(none)), |it| it.map(Ok))
    }
}

/// Seals what a recorder orders on standard input, a [`Job`] as JSON, and tells it the outcome on standard output; `more`
/// makes further members of each bundle. Takes the CPU that nobody else wants, and is the first to go where memory runs
/// out.
///
/// # Errors
/// Where the order cannot be read or the outcome not be told.
pub fn serve(order: impl Read, outcome: impl Write, more: Option<&More<'_>>) -> Result<(), serde_json::Error> {
    host::end_with_parent();
    host::lowest_priority();
    host::first_to_go();
    let result = serde_json::from_reader::<_, Job>(BufReader::new(order))
        .map_err(|error| format!("the order to seal cannot be read: {error}"))
        .and_then(|job| seal(job, more).map_err(|error| error.to_string()));
    serde_json::to_writer(outcome, &result)
}

/// Reads, assembles, writes, signs, reads back and verifies.
///
/// # Errors
/// [`SealError`]; no half bundle is left. A key that cannot be used costs the signature, and is said; never the evidence.
pub fn seal(job: Job, more: Option<&More<'_>>) -> Result<PathBuf, SealError> {
    let mut gathered = gather(&job);
    for Waiting { anchor, content, .. } in job.waiting {
        gathered.anchors.extend(anchor);
        gathered.live.extend(content.live);
        gathered.events.extend(content.events.into_iter().filter(|event| belongs(event, job.window)));
    }
    gathered.live.extend(job.live);
    gathered.events.extend(job.gaps.into_iter().map(gap_event));
    let (state, described) = unpacked(job.state);
    let clock = Clock::new(gathered.anchors);
    let source = Source {
        container: &job.container,
        window: job.window,
        clock: &clock,
        live: gathered.live,
        ancestors_outside: job.host_ancestors,
        state: state.as_ref(),
        events: gathered.events,
    };
    let assembled = assemble::assemble(source, &mut gathered.bulk)?;
    let tables = assembled
        .tables
        .iter()
        .map(|table| TableRef { name: table.spec().name.to_owned(), rows: table.rows() })
        .collect();
    let (segments, chain_heads) = gathered.chains.told();
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        tool: TOOL.to_owned(),
        id: job.id,
        sealed_utc_ns: utc_now(),
        container: job.container,
        trigger: job.trigger,
        most_severe: job.most_severe,
        window: job.window,
        host: job.host,
        clock,
        hooks: job.hooks,
        losses: assembled.losses,
        segments,
        tables,
        state: described,
        chain_heads,
        config_sha256: job.proof.config_sha256,
        signature_namespace: None,
        redaction: None,
    };
    make_directory_of(&job.bundle)?;
    let signer = job.proof.signing_key.and_then(|path| {
        let signer = Signer::read(&path);
        signer.inspect_err(|error| tracing::error!(%error, "this bundle is sealed without a signature")).ok()
    });
    bundle::seal(&job.bundle, &manifest, assembled.tables, Ending { more, signer: signer.as_ref() })?;
    let sealed = Bundle::open(&job.bundle)?;
    let Verdict::Intact(_) = sealed.verify()? else { return Err(SealError::Verify { path: job.bundle }) };
    if let Some(log) = &job.proof.custody
        && let Err(error) = taken_into_custody(&sealed, log, signer.as_ref())
    {
        tracing::error!(%error, bundle = manifest.id, "evidence is sealed and its custody not written down");
    }
    Ok(job.bundle)
}

fn taken_into_custody(sealed: &Bundle, log: &Path, signer: Option<&Signer>) -> Result<(), CustodyError> {
    let deed = Deed {
        act: Act::Seal,
        tool: TOOL.to_owned(),
        bundle: sealed.manifest().id.clone(),
        file: sealed.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        sums_sha256: sealed.sums_sha256().ok(),
        original: None,
        original_sums_sha256: None,
        export: None,
    };
    custody::append(log, deed, signer)
}

/// The state at the trigger, and how the manifest speaks of it.
fn unpacked(told: Told) -> (Option<State>, manifest::State) {
    let state = told.and_then(|packed| State::unpack(&packed).map_err(|error| error.to_string()));
    match state {
        Ok(state) => {
            let described = manifest::State {
                looked: Some(Window { from_ns: state.from_ns, to_ns: state.to_ns }),
                missing: state.processes.is_empty().then(|| "the container had no process any more".to_owned()),
                left_out: state.left_out.clone(),
                init: state.describe_init(),
            };
            (Some(state), described)
        }
        Err(reason) => (None, manifest::State { missing: Some(reason), ..manifest::State::default() }),
    }
}

fn make_directory_of(path: &Path) -> Result<(), SealError> {
    let Some(dir) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(dir).map_err(|source| SealError::Directory { path: dir.to_owned(), source })
}

struct Gathered {
    live: Vec<Image>,
    /// Vital ones, which others refer to.
    events: Vec<Event>,
    bulk: Bulk,
    anchors: Vec<Anchor>,
    chains: Chains,
}

/// What the pinned files hold. Images, ends and flows older than the window are kept, since the window refers to them.
fn gather(job: &Job) -> Gathered {
    let mut gathered = Gathered {
        live: Vec::new(),
        events: Vec::new(),
        bulk: Bulk::of(job.window),
        anchors: vec![job.anchor],
        chains: Chains::default(),
    };
    let mut named = HashSet::new();
    let mut sequences = Class::ALL.map(|_| Sequence::default());
    // Damage in the middle is a hole between two segments; what is not shows at least as a gap of the whole window.
    let mut untold = Class::ALL.map(|_| 0);
    for file in &job.files {
        let class = class_of(file);
        let mut take = |at, segment: Whole<'_>| {
            let head = segment.head;
            gathered.anchors.push(head.anchor);
            if let Before::Hole { since_ns } = sequences[head.class as usize].next(&head) {
                untold[head.class as usize] = 0;
                gathered.events.push(damaged(head.class, since_ns, head.first_ns));
            }
            let is_inside = head.last_ns >= job.window.from_ns && head.first_ns <= job.window.to_ns;
            gathered.chains.take(&segment, is_inside);
            // What a window refers to beyond its ends is vital, all of it.
            let live = match head.class {
                Class::Bulk if !is_inside => return Ok(()),
                Class::Bulk => {
                    let live = segment.live()?;
                    gathered.bulk.add(file, at, &head);
                    live
                }
                Class::Vital => {
                    let content = segment.content()?;
                    gathered.events.extend(content.events.into_iter().filter(|event| belongs(event, job.window)));
                    content.live
                }
            };
            gathered.live.extend(live.into_iter().filter(|image| named.insert(image.exec_id)));
            Ok(())
        };
        let found = find_segments(file, &mut take).unwrap_or_else(|error| {
            tracing::error!(%error, "ring file cannot be read");
            1
        });
        untold[class as usize] += found;
    }
    for class in Class::ALL.into_iter().filter(|class| untold[*class as usize] > 0) {
        gathered.events.push(damaged(class, job.window.from_ns, job.window.to_ns));
    }
    gathered.bulk.begin();
    gathered
}

/// Whether a window is told by an event: it lies in it, or what lies in it refers to it. What was found out about a
/// program later is true of it before.
fn belongs(event: &Event, window: Window) -> bool {
    match &event.body {
        Body::Digest(_) => true,
        Body::Image(_) | Body::Exit(_) | Body::Flow(_) | Body::ServerName(_) => event.time_ns <= window.to_ns,
        // It is told when it is over or looked at, which may be after the window's end.
        Body::Gap(gap) => gap.from_ns <= window.to_ns,
        _ => (window.from_ns..=window.to_ns).contains(&event.time_ns),
    }
}

fn class_of(file: &RingFile) -> Class {
    let vital = file.path().file_name().is_some_and(|name| name.to_string_lossy().starts_with(Class::Vital.as_str()));
    if vital { Class::Vital } else { Class::Bulk }
}

fn damaged(class: Class, from_ns: BootNs, to_ns: BootNs) -> Event {
    gap_event(Gap { class, cause: GapCause::Damaged, lost: None, from_ns, to_ns, own: true })
}

fn gap_event(gap: Gap) -> Event {
    Event { time_ns: gap.from_ns, actor: None, body: Body::Gap(gap) }
}
