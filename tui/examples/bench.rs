//! `bench [EVENTS]`: what the replay takes with so many events (10 million by default): memory, the first frame, and how
//! long each key takes until its frame is drawn. `cargo xtask bench tui` runs it. Reading the bundle is not in it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};
use taffrail_tui::state::draft::{Draft, NewImage, Row, Rows, Who};
use taffrail_tui::state::recording::{About, File, Flow, Image, ImageMore, Io, Origin, Severity};
use taffrail_tui::{State, screen_text};

const SECOND: i64 = 1_000_000_000;
/// An hour.
const WINDOW: i64 = 3_600 * SECOND;
const PROCESSES: i64 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let events: i64 = std::env::args().nth(1).map_or(Ok(10_000_000), |text| text.parse())?;
    let mut out = std::io::stdout();
    let recording = rows(events).finish();
    let before = resident_mib();
    let began = Instant::now();
    let mut state = State::new(recording);
    let indexed = began.elapsed();
    let began = Instant::now();
    screen_text(&state, 120, 40);
    writeln!(
        out,
        "{} events: {before} MiB resident, {} with the views' indices",
        state.recording.events.len(),
        resident_mib()
    )?;
    writeln!(out, "indices {indexed:.1?}, first frame after that {:.1?}", began.elapsed())?;
    let moves = "1jjjj2llllhhjjkk}}{{3jjzjkz4jjjk5jjjk6jj2+l+l--t";
    let mut took = Vec::new();
    for _ in 0..20 {
        took.extend(moves.chars().map(|key| press(&mut state, key)));
    }
    report(&mut out, "moving through all views", &mut took)?;
    let mut took: Vec<Duration> = "/cache/77".chars().map(|key| press(&mut state, key)).collect();
    report(&mut out, "typing a search", &mut took)?;
    enter(&mut state);
    let mut took: Vec<Duration> = "nnnnNN".chars().map(|key| press(&mut state, key)).collect();
    report(&mut out, "from match to match", &mut took)?;
    let mut took: Vec<Duration> = "f77".chars().map(|key| press(&mut state, key)).collect();
    report(&mut out, "typing a filter", &mut took)?;
    writeln!(out, "{} MiB resident at the end", resident_mib())?;
    Ok(())
}

fn report(out: &mut impl std::io::Write, what: &str, took: &mut [Duration]) -> std::io::Result<()> {
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied();
    let [median, most, worst] = [50, 99, 100].map(|percent| at(percent).unwrap_or_default());
    writeln!(out, "{what}: {} keys, median {median:.1?}, 99 % within {most:.1?}, longest {worst:.1?}", took.len())
}

/// A key until its frame is there.
fn press(state: &mut State, key: char) -> Duration {
    take(state, KeyCode::Char(key))
}

fn enter(state: &mut State) {
    take(state, KeyCode::Enter);
}

fn take(state: &mut State, code: KeyCode) -> Duration {
    let began = Instant::now();
    let event = KeyEvent::new(code, KeyModifiers::NONE);
    if let Some(action) = state.keymap.clone().action(state, &event) {
        state.apply(action);
    }
    screen_text(state, 120, 40);
    began.elapsed()
}

/// A busy container: three in four events open a file, the others read, write and connect.
fn rows(events: i64) -> Rows {
    let trigger = 1_769_860_800 * SECOND;
    let about = About {
        container: "busy".to_owned(),
        containers: 1,
        image: None,
        runtime: "docker".to_owned(),
        host: "bench".to_owned(),
        rule: "manual".to_owned(),
        severity: Severity::Info,
        reason: String::new(),
        trigger,
        from: trigger - WINDOW,
        to: trigger,
    };
    let mut draft = Draft::new(about);
    for number in 0..PROCESSES {
        let start = trigger - WINDOW + number * WINDOW / PROCESSES;
        let id = number as u64 + 1;
        let image = Image {
            exec_id: id,
            process: 0,
            parent: None,
            pid: 100 + number as u32,
            ppid: None,
            uid: 33,
            gid: 33,
            comm: draft.sym("worker"),
            exe: Some(draft.sym("/usr/bin/worker")),
            cmdline: draft.sym(&format!("worker --number {number}")),
            cwd: draft.sym("/"),
            stdin: draft.sym("pipe"),
            stdout: draft.sym("pipe"),
            origin: Origin::Exec,
            start,
            end: (number % 2 == 1).then_some(start + 10 * SECOND),
            exit_code: (number % 2 == 1).then_some(0),
            exit_signal: None,
            args_cut: false,
            exe_deleted: false,
            inside: true,
            more: ImageMore::default(),
        };
        draft.image(NewImage { image, process_id: id, parent_exec_id: (number > 0).then_some(1) });
    }
    let mut rows = draft.link_images();
    let names = ["open", "kernel", "O_RDONLY", "x86_64", "connect", "tcp", "172.17.0.2:5"].map(|name| rows.sym(name));
    let [open, kernel, flags, abi, connect, tcp, local] = names;
    let paths: Vec<_> =
        (0..20_000).map(|number| rows.sym(&format!("/srv/cache/{:02}/{number}.html", number % 100))).collect();
    let hosts: Vec<_> = (0..200).map(|number| rows.sym(&format!("10.0.{}.{}:443", number / 50, number % 50))).collect();
    for number in 0..events {
        let time = trigger - WINDOW + number * (WINDOW / events.max(1));
        let id = (number * PROCESSES / events.max(1)) as u64 + 1;
        let who = Who {
            exec_id: Some(id),
            pid: Some(99 + id as u32),
            tid: None,
            comm: Some("worker"),
            uid: Some(33),
            container: None,
        };
        let path = paths[(number * 7_919 % 20_000) as usize];
        let row = match number % 16 {
            0 => Row::Flow(Flow {
                op: connect,
                protocol: tcp,
                local,
                remote: Some(hosts[(number / 16 % 200) as usize]),
                server_name: None,
                source: kernel,
                start: time,
                end: None,
                sent: None,
                received: None,
                result: 0,
                flow_id: Some(number as u64),
            }),
            1..=3 => {
                Row::Io(Io { path, fd: Some(3), inode: None, read: 100, written: (number % 2) as u64, closed: true })
            }
            _ => Row::File(File {
                op: open,
                path,
                new_path: None,
                source: kernel,
                rewritten_from: None,
                other_mounts: false,
                flags,
                mode: None,
                given: None,
                result: Some(0),
                fd: Some(3),
                inode: None,
                abi: Some(abi),
            }),
        };
        rows.row(Some(time), who, row);
    }
    rows
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
