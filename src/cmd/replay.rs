//! `taffrail replay`

use crate::Outcome;
use crate::cli::ReplayArgs;
use anyhow::{Context as _, Result, bail};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use taffrail_query::Session;
use taffrail_tui::keys::{FILE_BYTES_MAX, Keymap};
use taffrail_tui::state::{Action, Palette};
use taffrail_tui::{Animation, Bundles, Case, Desk, State};

/// The time between two frames that are written down.
const FRAME: Duration = Duration::from_millis(100);
/// The most frames of one playing: an hour.
const FRAMES_MAX: usize = 36_000;

/// The most frames of the moving picture: two minutes.
const ANIMATED_MAX: usize = 1_200;

/// Opens the bundles in the terminal, or draws them into files. The case notes are beside the first.
pub fn run(args: &ReplayArgs) -> Result<Outcome> {
    let (runtime, session) = session(&args.bundles)?;
    let mut state = taffrail_tui::load(&session)?;
    state.apply(Action::Show(args.view));
    if args.play {
        state.apply(Action::First);
        state.apply(Action::PlayOrPause);
    }
    match &args.dump_frames {
        Some(dir) => {
            state.verdict = taffrail_tui::verdict(&session)?;
            dump(state, dir, args.size)?;
        }
        None => watch(&runtime, session, state, &args.bundles[0], args.keys.as_deref())?,
    }
    Ok(Outcome::Fine)
}

/// Replays the bundle at `path` until the person quits.
#[cfg(feature = "record")]
pub fn open(path: &Path) -> Result<()> {
    let (runtime, session) = session(&[path.to_owned()])?;
    let state = taffrail_tui::load(&session)?;
    watch(&runtime, session, state, path, None)
}

fn session(paths: &[PathBuf]) -> Result<(tokio::runtime::Runtime, Arc<Session>)> {
    let runtime = super::runtime()?;
    let session = runtime.block_on(Session::open(paths))?;
    Ok((runtime, Arc::new(session)))
}

fn watch(
    runtime: &tokio::runtime::Runtime,
    session: Arc<Session>,
    mut state: State,
    bundle: &Path,
    own_keys: Option<&Path>,
) -> Result<()> {
    state.asker = Some(Arc::new(Bundles(Arc::clone(&session))));
    let mut desk = Desk::new(session, runtime.handle().clone());
    desk.verify();
    state.sql.relations = runtime.block_on(desk.relations())?.into();
    state.palette = Palette::from_env();
    state.keymap = Arc::new(keys(own_keys)?);
    let case = Case::of(bundle);
    state.notes = case.read()?;
    taffrail_tui::run(state, desk, &case)?;
    Ok(())
}

/// Writes one frame, or all of a playing, as text and as a picture; of a playing `replay.svg` moves.
fn dump(mut state: State, dir: &Path, (width, height): (u16, u16)) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut animation = state.playing.then(|| Animation::new(width, height));
    for number in 0..FRAMES_MAX {
        state.wait();
        let frames = [
            ("txt", taffrail_tui::screen_text(&state, width, height)),
            ("svg", taffrail_tui::screen_svg(&state, width, height)),
        ];
        for (kind, text) in frames {
            let path = dir.join(format!("{number:05}.{kind}"));
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let millis = FRAME.as_millis() as u64;
        if let Some(animation) = animation.as_mut().filter(|_| number < ANIMATED_MAX) {
            animation.frame(&state, millis);
        }
        if !state.playing {
            if let Some(animation) = animation {
                let path = dir.join("replay.svg");
                std::fs::write(&path, animation.svg()).with_context(|| format!("cannot write {}", path.display()))?;
            }
            return Ok(());
        }
        state.apply(Action::Tick(FRAME));
    }
    bail!("it plays longer than {FRAMES_MAX} frames")
}

/// The built-in keys, and a person's own over them.
fn keys(own: Option<&Path>) -> Result<Keymap> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
    let usual = config.map(|config| config.join("taffrail/keys.toml"));
    let Some(path) = own.or(usual.as_deref()) else { return Ok(Keymap::default()) };
    let told = || format!("the keys in {}", path.display());
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if own.is_none() && error.kind() == ErrorKind::NotFound => return Ok(Keymap::default()),
        Err(error) => return Err(error).with_context(told),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(told)?;
    Keymap::default().with(&text).with_context(told)
}
