//! The terminal: taken over, drawn on, and given back whatever happens.

use crate::error::TuiError;
use crate::keys;
use crate::state::{Action, State};
use crate::view::{self, Theme};
use crossterm::event::{self, Event};
use ratatui::DefaultTerminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// A frame while time passes: about 30 a second. While it does not, nothing runs until a key comes.
const FRAME: Duration = Duration::from_millis(33);

/// Shows a recording until the person quits.
///
/// # Errors
/// [`TuiError::NoTerminal`] where there is none to draw on; [`TuiError::Terminal`] where it fails or goes away.
pub fn run(mut state: State) -> Result<(), TuiError> {
    if !std::io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let signals = restore_on_signals()?;
    // Also restores the terminal before a panic is reported.
    let terminal = ratatui::try_init()?;
    let outcome = watch(terminal, &mut state);
    let restored = ratatui::try_restore();
    signals.close();
    outcome?;
    Ok(restored?)
}

fn watch(mut terminal: DefaultTerminal, state: &mut State) -> Result<(), TuiError> {
    let theme = Theme::from_env();
    let mut frame_began = Instant::now();
    while !state.quit {
        state.pages = view::pages(state, terminal.size()?.into());
        terminal.draw(|frame| view::draw(frame, state, theme))?;
        let was_playing = state.playing;
        if !was_playing || event::poll(FRAME.saturating_sub(frame_began.elapsed()))? {
            take_keys(state)?;
        }
        let passed = frame_began.elapsed();
        if !was_playing {
            frame_began = Instant::now();
        } else if passed >= FRAME {
            frame_began = Instant::now();
            state.apply(Action::Tick(passed));
        }
    }
    Ok(())
}

/// Waits for an event and takes all that are there: a held key must not make the screen lag behind it.
fn take_keys(state: &mut State) -> Result<(), TuiError> {
    loop {
        if let Event::Key(key) = event::read()?
            && let Some(action) = keys::action(state, &key)
        {
            state.apply(action);
        }
        if state.quit || !event::poll(Duration::ZERO)? {
            return Ok(());
        }
    }
}

/// A program that is told to end gives the terminal back first. In raw mode Ctrl-C is a key and does not come here.
fn restore_on_signals() -> Result<signal_hook::iterator::Handle, TuiError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // The terminal may be gone already; ending is all that is left then.
            let _ = ratatui::try_restore();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(handle)
}
