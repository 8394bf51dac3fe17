//! `replay BUNDLE`: the screen on a bundle. `replay BUNDLE --text|--svg [WIDTH HEIGHT]` writes it down instead.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taffrail_query::Session;
use taffrail_tui::{Bundles, Case, Desk};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args.first().ok_or("usage: replay BUNDLE [--text|--svg [WIDTH HEIGHT]]")?;
    let size = |at: usize, default: u16| args.get(at).map_or(Ok(default), |text| text.parse());
    let (width, height) = (size(2, 120)?, size(3, 40)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let session = Arc::new(runtime.block_on(Session::open(&[PathBuf::from(path)]))?);
    let mut state = taffrail_tui::load(&session)?;
    state.verdict = taffrail_tui::verdict(&session)?;
    state.asker = Some(Arc::new(Bundles(Arc::clone(&session))));
    let desk = Desk::new(session, runtime.handle().clone());
    state.sql.relations = runtime.block_on(desk.relations())?.into();
    let mut out = std::io::stdout();
    match args.get(1).map(String::as_str) {
        Some("--text") => out.write_all(taffrail_tui::screen_text(&state, width, height).as_bytes())?,
        Some("--svg") => out.write_all(taffrail_tui::screen_svg(&state, width, height).as_bytes())?,
        _ => taffrail_tui::run(state, desk, &Case::of(Path::new(path)))?,
    }
    Ok(())
}
