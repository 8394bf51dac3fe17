//! The terminal: taken over, drawn on, and given back whatever happens.

use crate::case::Case;
use crate::desk::Desk;
use crate::error::TuiError;
use crate::state::{Action, Move, State};
use crate::view::{self, Theme};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{self, DisableMouseCapture, EnableMouseCapture, Event, MouseButton, MouseEventKind};
use ratatui::DefaultTerminal;
use ratatui::layout::{Position, Rect};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// A frame while time passes: about 30 a second. While it does not, nothing runs until a key comes.
const FRAME: Duration = Duration::from_millis(33);
/// The most that is given to the clipboard: more than terminals take.
const COPY_BYTES_MAX: usize = 64 << 10;

/// Shows a recording until the person quits.
///
/// # Errors
/// [`TuiError::NoTerminal`] where there is none to draw on; [`TuiError::Terminal`] where it fails or goes away.
pub fn run(mut state: State, mut desk: Desk, case: &Case) -> Result<(), TuiError> {
    if !std::io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let signals = restore_on_signals()?;
    // Also restores the terminal before a panic is reported.
    let terminal = ratatui::try_init()?;
    let outcome = watch(terminal, &mut state, &mut desk, case);
    let mouse_off = crossterm::execute!(std::io::stdout(), DisableMouseCapture);
    let restored = ratatui::try_restore();
    signals.close();
    outcome?;
    mouse_off?;
    Ok(restored?)
}

fn watch(mut terminal: DefaultTerminal, state: &mut State, desk: &mut Desk, case: &Case) -> Result<(), TuiError> {
    let mut frame_began = Instant::now();
    let mut mouse = false;
    while !state.quit {
        let area = terminal.size()?.into();
        state.pages = view::pages(state, area);
        terminal.draw(|frame| view::draw(frame, state, Theme::of(state.palette)))?;
        let was_playing = state.playing;
        let waits = was_playing || desk.is_busy() || state.waits();
        if !waits || event::poll(FRAME.saturating_sub(frame_began.elapsed()))? {
            take_events(state, area)?;
        }
        let passed = frame_began.elapsed();
        if !waits {
            frame_began = Instant::now();
        } else if passed >= FRAME {
            frame_began = Instant::now();
            if was_playing {
                state.apply(Action::Tick(passed));
            }
        }
        desk.serve(state);
        state.catch_up();
        case.keep(state);
        if let Some(text) = state.copied.take() {
            copy(&text)?;
            state.notice = Some("copied, where the terminal allows it".to_owned());
        }
        if mouse != state.mouse {
            mouse = state.mouse;
            if mouse {
                crossterm::execute!(std::io::stdout(), EnableMouseCapture)?;
            } else {
                crossterm::execute!(std::io::stdout(), DisableMouseCapture)?;
            }
        }
    }
    Ok(())
}

/// Waits for an event and takes all that are there: a held key must not make the screen lag behind it.
fn take_events(state: &mut State, area: Rect) -> Result<(), TuiError> {
    loop {
        let action = match event::read()? {
            Event::Key(key) => state.keymap.action(state, &key),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollUp => Some(Action::Move(Move::Line(-3))),
                MouseEventKind::ScrollDown => Some(Action::Move(Move::Line(3))),
                MouseEventKind::Down(MouseButton::Left) => clicked(state, area, Position::new(mouse.column, mouse.row)),
                _ => None,
            },
            _ => None,
        };
        if let Some(action) = action {
            state.apply(action);
        }
        if state.quit || !event::poll(Duration::ZERO)? {
            return Ok(());
        }
    }
}

/// A click on the strip goes to that moment.
fn clicked(state: &State, area: Rect, at: Position) -> Option<Action> {
    let strip = view::strip_area(state, area);
    strip.contains(at).then(|| {
        let thousandths = u32::from(at.x - strip.x) * 1000 / u32::from(strip.width.max(1));
        Action::StripAt(u16::try_from(thousandths).unwrap_or(1000))
    })
}

/// Gives a text to the person's clipboard by way of their terminal (OSC 52). In base64 nothing of it can act.
fn copy(text: &str) -> Result<(), TuiError> {
    let end = text.floor_char_boundary(COPY_BYTES_MAX);
    let mut out = std::io::stdout();
    write!(out, "\x1b]52;c;{}\x07", STANDARD.encode(&text[..end]))?;
    Ok(out.flush()?)
}

/// A program that is told to end gives the terminal back first. In raw mode Ctrl-C is a key and does not come here.
fn restore_on_signals() -> Result<signal_hook::iterator::Handle, TuiError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // The terminal may be gone already; ending is all that is left then.
            let _ = crossterm::execute!(std::io::stdout(), DisableMouseCapture);
            let _ = ratatui::try_restore();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(handle)
}
