//! The report: what a bundle tells, on one page that needs nothing else.
//!
//! ```text
//! ask        queries whose answers are small, however many events there are
//! facts      what they give: a Chapter per bundle
//! lineage    which programs came of what a rule named
//! setup      how the container was set up
//! state      the container as it was at the trigger
//! story      the facts of that branch in sentences, in order
//! page       HTML: no script, no outside reference, light and dark, for screen, phone and paper
//! drawing    the timeline and the graph, as SVG inside the page
//! markdown   the same for a ticket
//! notes      what people wrote down beside it
//! foreign    text of a trace, which only comes out escaped
//! rows       rows of an answer by column name
//! ```
//!
//! ```text
//! let report = Report::of(&session).await?;
//! let page = report.html();
//! ```
//!
//! What always holds: a text of a trace reaches the page as [`foreign::Foreign`] or not at all; every list is cut, and says
//! by how much.

mod ask;
mod drawing;
mod facts;
mod foreign;
mod lineage;
mod markdown;
mod notes;
mod page;
mod rows;
mod setup;
mod state;
mod story;
mod units;

use crate::error::QueryError;
use crate::session::Session;
use facts::Chapter;
pub use notes::Note;

/// What the open bundles tell, ready to be written.
#[derive(Debug)]
pub struct Report {
    chapters: Vec<Chapter>,
    notes: Vec<Note>,
}

impl Report {
    /// Asks all bundles of the session, one after the other.
    ///
    /// # Errors
    /// [`QueryError`] where a table is damaged.
    pub async fn of(session: &Session) -> Result<Self, QueryError> {
        let mut chapters = Vec::new();
        for index in 0..session.bundles().len() {
            chapters.push(ask::chapter(session, index).await?);
        }
        Ok(Self { chapters, notes: Vec::new() })
    }

    /// With what people wrote down.
    #[must_use]
    pub fn noted(mut self, notes: Vec<Note>) -> Self {
        self.notes = notes;
        self
    }

    /// The same with another file name for the first bundle: that of the file that it is about to become.
    #[must_use]
    pub fn named(mut self, file: &str) -> Self {
        if let Some(chapter) = self.chapters.first_mut() {
            chapter.file = foreign::Foreign::new(file);
        }
        self
    }

    /// As one HTML page.
    pub fn html(&self) -> String {
        page::page(&self.chapters, &self.notes)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        markdown::document(&self.chapters, &self.notes)
    }
}
