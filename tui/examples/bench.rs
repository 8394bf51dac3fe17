//! `bench [EVENTS]`: what the replay takes with a bundle of so many events (10 million by default): time until the first
//! frame, memory, and how long each key takes until its frame is drawn. `cargo xtask bench tui` runs it.

#[path = "bench/busy.rs"]
mod busy;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use taffrail_query::Session;
use taffrail_tui::{State, load, screen_text};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, events, path] = args.as_slice()
        && word == "write"
    {
        return busy::write(events.parse()?, Path::new(path), |number| number);
    }
    let events = args.first().map_or("10000000", String::as_str);
    let mut out = std::io::stdout();
    let dir = std::env::temp_dir().join(format!("taffrail-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let path = dir.join("busy.evidence.zip");
    // In a process of its own, so that its memory is not counted.
    let written = Command::new(std::env::current_exe()?).args(["write", events]).arg(&path).status()?;
    let measured = if written.success() { measure(&path, &mut out) } else { Err("no bundle was written".into()) };
    std::fs::remove_dir_all(&dir)?;
    measured
}

fn measure(path: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "bundle of {} MiB", std::fs::metadata(path)?.len() >> 20)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let began = Instant::now();
    let session = runtime.block_on(Session::open(&[path.to_owned()]))?;
    let opened = began.elapsed();
    let mut state = load(&session)?;
    let loaded = began.elapsed();
    screen_text(&state, 120, 40);
    let drawn = began.elapsed();
    let events = state.timeline.len();
    writeln!(
        out,
        "{events} events: first frame after {drawn:.1?} (opened {opened:.1?}, loaded {loaded:.1?}), {}",
        memory()
    )?;
    // The keys come while everything is read for the first time, as a person's do.
    moves(&mut state, out, "moving through all views while the recording is read")?;
    state.wait();
    writeln!(out, "all read after {:.1?}, {}", began.elapsed(), memory())?;
    moves(&mut state, out, "moving through all views")?;
    type_in(&mut state, out, "typing a search", "/cache/77")?;
    take(&mut state, KeyCode::Enter);
    type_in(&mut state, out, "from match to match", "nnnnNN")?;
    state.wait();
    type_in(&mut state, out, "typing a search for what is nowhere", "/no such text")?;
    let took = meanwhile(&mut state, out, &mut |_| {})?;
    writeln!(out, "searched to the end after {took:.1?}")?;
    take(&mut state, KeyCode::Esc);
    let began = Instant::now();
    type_in(&mut state, out, "typing a filter", "f77.html")?;
    let mut first = None;
    meanwhile(&mut state, out, &mut |state| {
        if first.is_none() && !state.visible.is_empty() {
            first = Some(began.elapsed());
        }
    })?;
    let found = state.visible.len();
    writeln!(
        out,
        "filter: first events after {:.1?}, all {found} after {:.1?}",
        first.unwrap_or_default(),
        began.elapsed()
    )?;
    take(&mut state, KeyCode::Enter);
    moves(&mut state, out, "moving through all views, filtered")?;
    writeln!(out, "at the end {}", memory())?;
    Ok(())
}

/// Draws, as the program's loop does, until nothing is being read any more: how long that took.
fn meanwhile(state: &mut State, out: &mut impl Write, look: &mut dyn FnMut(&State)) -> std::io::Result<Duration> {
    let (began, mut frames) = (Instant::now(), Vec::new());
    while state.waits() {
        let frame = Instant::now();
        state.catch_up();
        screen_text(state, 120, 40);
        frames.push(frame.elapsed());
        look(state);
        std::thread::sleep(Duration::from_millis(33));
    }
    report(out, "frames meanwhile", &mut frames)?;
    Ok(began.elapsed())
}

fn moves(state: &mut State, out: &mut impl Write, what: &str) -> std::io::Result<()> {
    let moves = "1jjjj2llllhhjjkk}}{{3jjzjkz4jjjk5jjjk6jj2+l+l--t";
    let mut took = Vec::new();
    for _ in 0..20 {
        took.extend(moves.chars().map(|key| take(state, KeyCode::Char(key))));
    }
    report(out, what, &mut took)
}

fn type_in(state: &mut State, out: &mut impl Write, what: &str, keys: &str) -> std::io::Result<()> {
    let mut took: Vec<Duration> = keys.chars().map(|key| take(state, KeyCode::Char(key))).collect();
    report(out, what, &mut took)
}

fn report(out: &mut impl Write, what: &str, took: &mut [Duration]) -> std::io::Result<()> {
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied();
    let [median, most, worst] = [50, 99, 100].map(|percent| at(percent).unwrap_or_default());
    writeln!(out, "{what}: {} times, median {median:.1?}, 99 % within {most:.1?}, longest {worst:.1?}", took.len())
}

/// A key until its frame is there, as the program's loop does it.
fn take(state: &mut State, code: KeyCode) -> Duration {
    let began = Instant::now();
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    if let Some(action) = state.keymap.clone().action(state, &event) {
        state.apply(action);
    }
    state.catch_up();
    screen_text(state, 120, 40);
    began.elapsed()
}

/// What is in memory now, and the most there was.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    format!("{} MiB resident, at most {}", mib("VmRSS:"), mib("VmHWM:"))
}
