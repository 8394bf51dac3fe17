//! Bars and box lines as shapes: fonts leave seams between them, shapes do not.

use std::fmt::Write as _;

/// What a cell's symbol looks like.
pub enum Shapes {
    /// A bar from the bottom, in eighths of the cell.
    Bar(u8),
    /// Lines from the middle: up, down, left, right, and their thickness.
    Lines([bool; 4], f32),
    /// A pattern of dots.
    Shade,
}

/// The shapes of a symbol that is not a letter.
pub fn drawn(symbol: &str) -> Option<Shapes> {
    let mut chars = symbol.chars();
    let (Some(ch), None) = (chars.next(), chars.next()) else { return None };
    let thin = |lines: [u8; 4]| Some(Shapes::Lines(lines.map(|line| line == 1), 1.0));
    let thick = |lines: [u8; 4]| Some(Shapes::Lines(lines.map(|line| line == 1), 2.2));
    match ch {
        '\u{2581}'..='\u{2588}' => Some(Shapes::Bar((u32::from(ch) - 0x2580) as u8)),
        '\u{2591}' => Some(Shapes::Shade),
        '\u{2500}' => thin([0, 0, 1, 1]),
        '\u{2502}' => thin([1, 1, 0, 0]),
        '\u{250c}' => thin([0, 1, 0, 1]),
        '\u{2510}' => thin([0, 1, 1, 0]),
        '\u{2514}' => thin([1, 0, 0, 1]),
        '\u{2518}' => thin([1, 0, 1, 0]),
        '\u{251c}' => thin([1, 1, 0, 1]),
        '\u{2501}' => thick([0, 0, 1, 1]),
        '\u{2503}' => thick([1, 1, 0, 0]),
        '\u{250f}' => thick([0, 1, 0, 1]),
        '\u{2513}' => thick([0, 1, 1, 0]),
        '\u{2517}' => thick([1, 0, 0, 1]),
        '\u{251b}' => thick([1, 0, 1, 0]),
        _ => None,
    }
}

impl Shapes {
    /// The outline in a cell at `left`, `top`.
    pub fn path(&self, left: f32, top: f32, width: f32, height: f32) -> String {
        let mut path = String::new();
        // Writing into a String cannot fail.
        let mut rect = |x: f32, y: f32, w: f32, h: f32| {
            let _ = write!(path, "M{:.2} {:.2}h{w:.2}v{h:.2}h{:.2}z", left + x, top + y, -w);
        };
        match self {
            Self::Bar(eighths) => {
                let high = height * f32::from(*eighths) / 8.0;
                // A hair of room between bars.
                rect(0.3, height - high, width - 0.6, high);
            }
            Self::Lines([up, down, to_left, to_right], thick) => {
                let half = thick / 2.0;
                let (x, y) = (width / 2.0, height / 2.0);
                let from = if *up { 0.0 } else { y - half };
                let to = if *down { height } else { y + half };
                if *up || *down {
                    rect(x - half, from, *thick, to - from);
                }
                let from = if *to_left { 0.0 } else { x - half };
                let to = if *to_right { width } else { x + half };
                if *to_left || *to_right {
                    rect(from, y - half, to - from, *thick);
                }
            }
            Self::Shade => {
                for (row, shift) in [(0.1, 0.0), (0.35, 0.5), (0.6, 0.0), (0.85, 0.5)] {
                    for column in [0.05, 0.55] {
                        rect(width * (column + shift / 2.0), height * row, 1.6, 1.6);
                    }
                }
            }
        }
        path
    }
}
