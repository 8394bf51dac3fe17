//! Frames as one moving picture: SVG whose rows are shown while they stand on the screen, and hidden else. Most rows stay
//! for many frames and are written once.

use super::{drawn_buffer, open_svg, push_row, rows};
use crate::state::State;
use crate::view::Theme;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Frames on their way into a picture.
#[derive(Debug)]
pub struct Animation {
    size: (u16, u16),
    /// For each row what stood there, in the order in which it came up.
    rows: Vec<Vec<Stand>>,
    places: Vec<HashMap<String, usize>>,
    /// For how long each frame stands, in milliseconds.
    frames: Vec<u64>,
}

/// The content of a row, and the frames in which it stood there: from, to, the end not included.
#[derive(Debug)]
struct Stand {
    svg: String,
    spans: Vec<(usize, usize)>,
}

impl Animation {
    /// No frames yet, of so many columns and rows.
    pub fn new(width: u16, height: u16) -> Self {
        let rows = usize::from(height);
        Self {
            size: (width, height),
            rows: std::iter::repeat_with(Vec::new).take(rows).collect(),
            places: vec![HashMap::new(); rows],
            frames: Vec::new(),
        }
    }

    /// Adds the screen as it is now, for so many milliseconds.
    pub fn frame(&mut self, state: &State, millis: u64) {
        let number = self.frames.len();
        self.frames.push(millis);
        let buffer = drawn_buffer(state, self.size.0, self.size.1, Theme::COLOUR);
        for (y, row) in rows(&buffer).enumerate() {
            let mut svg = String::new();
            push_row(&mut svg, y, &row);
            let (Some(stands), Some(places)) = (self.rows.get_mut(y), self.places.get_mut(y)) else { continue };
            let place = *places.entry(svg).or_insert_with_key(|svg| {
                stands.push(Stand { svg: svg.clone(), spans: Vec::new() });
                stands.len() - 1
            });
            match stands[place].spans.last_mut() {
                Some((_, end)) if *end == number => *end = number + 1,
                _ => stands[place].spans.push((number, number + 1)),
            }
        }
    }

    /// The picture. It begins anew when it has ended.
    pub fn svg(&self) -> String {
        let mut begins: Vec<u64> = vec![0];
        begins.extend(self.frames.iter().scan(0, |at, millis| {
            *at += millis;
            Some(*at)
        }));
        let whole = begins.last().copied().unwrap_or(0).max(1);
        let mut svg = open_svg(self.size.0, self.size.1);
        for stand in self.rows.iter().flatten().filter(|stand| !stand.svg.is_empty()) {
            if stand.spans == [(0, self.frames.len())] {
                svg.push_str(&stand.svg);
                continue;
            }
            // The first value holds from 0 on.
            let mut turns: Vec<(u64, bool)> = vec![(0, false)];
            for (from, to) in &stand.spans {
                turns.extend([(begins[*from], true), (begins[*to], false)]);
            }
            turns.dedup_by(|next, before| {
                next.0 == before.0 && {
                    before.1 = next.1;
                    true
                }
            });
            turns.retain(|(at, _)| *at < whole);
            let values: Vec<&str> = turns.iter().map(|(_, on)| if *on { "inline" } else { "none" }).collect();
            let times: Vec<String> = turns.iter().map(|(at, _)| part(*at, whole)).collect();
            // Writing into a String cannot fail.
            let _ = writeln!(
                svg,
                "<g display=\"none\"><animate attributeName=\"display\" calcMode=\"discrete\" values=\"{}\" keyTimes=\"{}\" \
                 dur=\"{whole}ms\" repeatCount=\"indefinite\"/>\n{}</g>",
                values.join(";"),
                times.join(";"),
                stand.svg
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A moment as a part of the whole, as SVG has it.
fn part(at: u64, whole: u64) -> String {
    let text = format!("{:.5}", at as f64 / whole as f64);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_parts_of_the_whole() {
        assert_eq!(["0", "0.5", "0.33333"], [part(0, 8), part(4, 8), part(1, 3)].each_ref().map(String::as_str));
    }
}
