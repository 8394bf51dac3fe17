//! Evidence bundles as SQL tables: DataFusion over the Parquet inside the ZIP, read in place.
//!
//! ```text
//! session      Session: bundles opened, tables and views in place, statements run
//! rows         the rows of an answer on their way, a bounded number of bytes at a time
//! store        the only thing the engine can read: members of the open bundles, by position
//! tables       one table per family over all bundles, and the table `bundle`
//! catalog      tables, views and table functions by name; a view is planned when a question names it first
//! words        what is asked of a text is asked of each word once: filters, groupings
//! views        views/*.sql: timeline, process_tree, connections, file_changes, dns_lookups, sessions, ...
//! functions    the SQL functions that are ours
//! condition    Falco's conditions asked about a bundle's events
//! report       what a bundle tells, on one page
//! output       rows -> table, CSV, JSON, NDJSON, Parquet
//! error        why a query has no answer, in one line
//! ```
//!
//! What always holds: a bundle is hostile, so damage and even a panic inside a Parquet decoder is an error of that one
//! query; SQL reaches the bundles and nothing else (no file system, no network); nothing is written, not even to a
//! temporary directory; memory is capped.
//!
//! Not here: what a bundle is (trace), and what it looks like on a screen (tui).

mod catalog;
mod condition;
mod error;
mod functions;
mod output;
pub mod report;
mod rows;
mod session;
mod store;
mod tables;
mod views;
mod words;

pub use condition::{Condition, Fault, Met, Sort, calls as condition_calls, fields as condition_fields};
pub use datafusion::arrow;
pub use error::QueryError;
pub use functions::{FUNCTIONS, Function, TABLE_FUNCTIONS, capability_names};
pub use output::{Format, Style, Writer, Written, write};
pub use rows::Rows;
pub use session::{MEMORY_MAX_BYTES, Relation, RelationColumn, Session};
pub use taffrail_trace::bundle::Bundle;
pub use views::{VIEWS, View};
