//! `taffrail replay`: an evidence bundle on the screen, moved through in time.
//!
//! ```text
//! load              tables -> Recording: images, findings and gaps at once, of the rest the pages that are looked at
//! state             what is known: the recording, the playhead, filters, focus; keys become actions, actions a new state
//! keys              the one table of commands and the keymap: dispatcher, help, palette and footer read them
//! view              pure drawing of a State into a Frame
//! ask               conditions of the filter bar, asked about the bundles
//! desk              answers questions in SQL, on other threads
//! case              the case notes beside the bundle
//! run               takes the terminal over and gives it back, whatever happens
//! picture           the same screen as text, as an SVG picture, as a moving one
//! ```
//!
//! Invariants: `state` never draws and `view` never changes anything. Every text that comes out of a bundle passes
//! `taffrail_trace::text::shown` on its way to a cell (`view::text` is the only door). What is missing is on the
//! screen: in the header, on the time strip and in the list, and no filter by kind or process hides it.
//!
//! Not here: how evidence is read (query), what it means (rules), how it came to be (recorder).

mod ask;
mod case;
mod desk;
mod error;
pub mod keys;
mod load;
mod picture;
mod run;
pub mod state;
pub mod view;

pub use ask::Bundles;
pub use case::Case;
pub use desk::{Desk, verdict};
pub use error::TuiError;
pub use load::{load, load_cut};
pub use picture::{Animation, screen_svg, screen_text};
pub use run::run;
pub use state::State;
