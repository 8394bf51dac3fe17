//! The screen as text, and as an SVG picture: the very cells that a terminal would get.

mod animation;
mod lines;
mod palette;

pub use animation::Animation;

use crate::state::State;
use crate::view::{self, Theme};
use lines::drawn;
use palette::{BACKGROUND, FOREGROUND, hex, mixed};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// One cell's size in the picture.
const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: f32 = 17.0;
const MARGIN: f32 = 16.0;
/// From the top of a cell to the line that letters stand on.
const BASELINE: f32 = 12.9;

/// The screen as text, one line per row, blanks at the ends left out.
pub fn screen_text(state: &State, width: u16, height: u16) -> String {
    let mut out = String::new();
    let buffer = drawn_buffer(state, width, height, Theme::PLAIN);
    for row in rows(&buffer) {
        let line: String = row.iter().map(|(_, cell)| cell.symbol()).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The screen as an SVG picture: monospaced cells with their colours on a dark, rounded ground.
pub fn screen_svg(state: &State, width: u16, height: u16) -> String {
    let buffer = drawn_buffer(state, width, height, Theme::COLOUR);
    let mut svg = open_svg(width, height);
    for (y, row) in rows(&buffer).enumerate() {
        push_row(&mut svg, y, &row);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Appends a row of cells, those of one style together.
fn push_row(svg: &mut String, y: usize, row: &[(u16, &Cell)]) {
    let mut rest = row;
    while let Some((x, first)) = rest.first() {
        let length = rest.iter().take_while(|(_, cell)| same_run(first, cell)).count().max(1);
        let (run, after) = rest.split_at(length);
        push_run(svg, *x, y, run);
        rest = after;
    }
}

/// The beginning of a picture: its size, its letters, its ground.
fn open_svg(width: u16, height: u16) -> String {
    let (wide, high) = (f32::from(width) * CELL_WIDTH + 2.0 * MARGIN, f32::from(height) * CELL_HEIGHT + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.1} {high:.1}\" width=\"{wide:.1}\" \
         height=\"{high:.1}\" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', \
         monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{}\"/>\n",
        hex(BACKGROUND)
    )
}

fn drawn_buffer(state: &State, width: u16, height: u16, theme: Theme) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| view::draw(frame, state, theme));
    terminal.backend().buffer().clone()
}

/// The cells of each row with their columns; the second half of a wide character is left out.
fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<(u16, &Cell)>> {
    let area = buffer.area;
    (area.y..area.bottom()).map(move |y| {
        let mut cells = Vec::with_capacity(usize::from(area.width));
        let mut x = area.x;
        while x < area.right() {
            let Some(cell) = buffer.cell((x, y)) else { break };
            cells.push((x, cell));
            x = x.saturating_add(u16::try_from(cell.symbol().width()).unwrap_or(1).max(1));
        }
        cells
    })
}

/// Whether two neighbours can be one piece of text. What is drawn as shapes and what is wider than a cell stands alone.
fn same_run(first: &Cell, cell: &Cell) -> bool {
    let plain = |cell: &Cell| cell.symbol().width() == 1 && drawn(cell.symbol()).is_none();
    first.style() == cell.style() && plain(first) && plain(cell)
}

/// Appends cells of one style.
fn push_run(svg: &mut String, x: u16, y: usize, run: &[(u16, &Cell)]) {
    let Some((_, cell)) = run.first() else { return };
    let text: String = run.iter().map(|(_, cell)| cell.symbol()).collect();
    let columns = text.width().max(1);
    let (left, top) = (f32::from(x) * CELL_WIDTH + MARGIN, y as f32 * CELL_HEIGHT + MARGIN);
    let wide = columns as f32 * CELL_WIDTH;
    let has = |modifier| cell.modifier.contains(modifier);
    let (mut fill, mut ground) = (palette::rgb(cell.fg, FOREGROUND), palette::rgb(cell.bg, BACKGROUND));
    if has(Modifier::REVERSED) {
        std::mem::swap(&mut fill, &mut ground);
    }
    if has(Modifier::DIM) {
        fill = mixed(fill, ground);
    }
    // Writing into a String cannot fail.
    if ground != BACKGROUND {
        let ground = hex(ground);
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{ground}\"/>"
        );
    }
    if let Some(shapes) = drawn(&text) {
        let _ =
            writeln!(svg, "<path d=\"{}\" fill=\"{}\"/>", shapes.path(left, top, CELL_WIDTH, CELL_HEIGHT), hex(fill));
        return;
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if has(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let line = match (has(Modifier::CROSSED_OUT), has(Modifier::UNDERLINED)) {
        (true, _) => " text-decoration=\"line-through\"",
        (_, true) => " text-decoration=\"underline\"",
        _ => "",
    };
    // The length is stated, so that columns stay columns whatever font the reader has.
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\"{weight}{line}>{}</text>",
        top + BASELINE,
        hex(fill),
        escaped(&text)
    );
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        match ch {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML, not even escaped; no such character reaches a cell, and if one did it ends here.
            ch if ch.is_control() => out.push('\u{fffd}'),
            // Collapsing blanks would break the columns in viewers that do not know xml:space.
            ' ' => out.push('\u{a0}'),
            ch => out.push(ch),
        }
    }
    out
}
