//! Work on a thread of its own: what it finds is taken as it comes, nobody waits for it, and it stops where nobody wants
//! it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The work, for who wants it done. Letting go of it stops it.
#[derive(Debug)]
pub struct Errand<T> {
    inbox: Receiver<T>,
    stop: Arc<AtomicBool>,
}

/// Where the work tells what it finds.
#[derive(Debug)]
pub struct Outbox<T> {
    outbox: Sender<T>,
    stop: Arc<AtomicBool>,
}

/// Nobody listens any more.
#[derive(Debug)]
pub struct Gone;

/// The work ended without a last word: its thread could not begin, or panicked.
#[derive(Debug)]
pub struct Ended;

impl<T: Send + 'static> Errand<T> {
    /// Begins.
    pub fn begin(name: &str, work: impl FnOnce(&Outbox<T>) -> Result<(), Gone> + Send + 'static) -> Self {
        let (sender, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let outbox = Outbox { outbox: sender, stop: Arc::clone(&stop) };
        // Where there is no thread the inbox is closed at once, and tells so.
        let _ = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Nobody listens any more where this fails.
            let _ = work(&outbox);
        });
        Self { inbox, stop }
    }

    /// What comes within `patience`, if anything does.
    ///
    /// # Errors
    /// [`Ended`] where nothing will come any more.
    pub fn news(&self, patience: Duration) -> Result<Option<T>, Ended> {
        match self.inbox.recv_timeout(patience) {
            Ok(news) => Ok(Some(news)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Ended),
        }
    }
}

impl<T> Drop for Errand<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl<T> Outbox<T> {
    /// Tells something.
    ///
    /// # Errors
    /// [`Gone`] where the work is to stop.
    pub fn say(&self, news: T) -> Result<(), Gone> {
        self.go_on()?;
        self.outbox.send(news).map_err(|_| Gone)
    }

    /// # Errors
    /// [`Gone`] where the work is to stop.
    pub fn go_on(&self) -> Result<(), Gone> {
        if self.stop.load(Ordering::Relaxed) { Err(Gone) } else { Ok(()) }
    }
}
