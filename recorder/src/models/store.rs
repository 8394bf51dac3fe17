//! Models on disk: `models/` in the state directory, a file an image.
//!
//! A file is the model as it is exported, and a table `[recorder]` with its phase and times behind it. It is replaced
//! whole, by a thread of its own: the recording waits for no disk. One that cannot be read is set aside as `*.damaged`,
//! and the image is learned anew.

use super::model::{Model, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use taffrail_rules::model::{DOCUMENT_MAX_BYTES, Profile};
use taffrail_trace::text;

/// How many models can wait to be written; more wait where they are.
const WAITING: usize = 64;
/// Where the recorder's part of a file begins. No fact has a line break in it.
const RECORDER: &str = "\n[recorder]\n";
/// The largest recorder's part.
const STATE_MAX_BYTES: usize = 1 << 20;
const ENDING: &str = "toml";

/// The directory of models, and its writing thread.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Write { path: PathBuf, text: String },
    Remove { path: PathBuf },
}

#[derive(Serialize, Deserialize)]
struct Kept {
    recorder: State,
}

impl Store {
    /// Reads what is there and starts the thread.
    pub fn open(state_dir: &Path) -> io::Result<(Self, Vec<Model>)> {
        let dir = state_dir.join("models");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let mut paths: Vec<PathBuf> = fs::read_dir(&dir)?.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        paths.sort();
        let models = paths.iter().filter_map(|path| read_or_set_aside(path)).collect();
        let (orders, inbox) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("models".to_owned()).spawn(move || {
            while let Ok(order) = inbox.recv() {
                let (path, done) = match &order {
                    Order::Write { path, text } => (path, replace(path, text)),
                    Order::Remove { path } => (path, fs::remove_file(path)),
                };
                if let Err(error) = done {
                    tracing::warn!(path = %path.display(), %error, "a model cannot be written");
                }
            }
        })?;
        Ok((Self { dir, orders: Some(orders), thread: Some(thread) }, models))
    }

    /// Orders a model to be written. `false` where too many wait; `waits` waits for that.
    pub fn write(&mut self, state: &State, profile: &Profile, waits: bool) -> bool {
        let kept = match toml::to_string(&Kept { recorder: state.clone() }) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(key = state.key, %error, "a model cannot be written");
                return true;
            }
        };
        let text = format!("{}\n{kept}", profile.to_toml());
        self.order(Order::Write { path: self.path(&state.key), text }, waits)
    }

    /// Orders a model to be removed. Where too many wait its file stays, and is one too many for the next recorder.
    pub fn remove(&mut self, key: &str) {
        self.order(Order::Remove { path: self.path(key) }, false);
    }

    /// Waits until everything is written. Nothing can be ordered any more.
    pub fn close(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes models panicked, which is a bug");
        }
    }

    fn order(&self, order: Order, waits: bool) -> bool {
        let Some(orders) = &self.orders else { return false };
        if waits {
            return orders.send(order).is_ok();
        }
        match orders.try_send(order) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// The file of an image: a digest as it is, a name in letters that every file system takes.
    fn path(&self, key: &str) -> PathBuf {
        let plain = |ch: char| if ch.is_ascii_alphanumeric() || ".-_".contains(ch) { ch } else { '_' };
        let name: String = key.chars().take(80).map(plain).collect();
        // Two names may be one in these letters.
        let hash = text::hex(&Sha256::digest(key.as_bytes())[..4]);
        self.dir.join(format!("{name}-{hash}.{ENDING}"))
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn read_or_set_aside(path: &Path) -> Option<Model> {
    match read(path) {
        Ok(model) => Some(model),
        Err(error) => {
            let aside = path.with_extension("damaged");
            let moved = fs::rename(path, &aside).is_ok();
            tracing::warn!(path = %path.display(), %error, moved, "a model cannot be read; its image is learned anew");
            None
        }
    }
}

fn read(path: &Path) -> io::Result<Model> {
    let most = (DOCUMENT_MAX_BYTES + STATE_MAX_BYTES) as u64;
    let mut text = String::new();
    File::open(path)?.take(most).read_to_string(&mut text)?;
    let (profile, _) = text.split_once(RECORDER).ok_or_else(|| io::Error::other("it has no table [recorder]"))?;
    let kept: Kept = toml::from_str(&text[profile.len()..]).map_err(io::Error::other)?;
    if kept.recorder.key.is_empty() {
        return Err(io::Error::other("it has no key"));
    }
    let profile = Profile::from_toml(profile).map_err(io::Error::other)?;
    Ok(Model::of(kept.recorder, profile))
}
