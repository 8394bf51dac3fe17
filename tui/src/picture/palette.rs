//! Terminal colours as RGB, for the picture.

use ratatui::style::Color;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// The ground of the picture.
pub const BACKGROUND: Rgb = (13, 17, 23);
/// Text without a colour of its own.
pub const FOREGROUND: Rgb = (214, 219, 226);

/// The sixteen named colours as most terminals have them.
const NAMED: [Rgb; 16] = [
    (1, 1, 1),
    (205, 49, 49),
    (13, 188, 121),
    (229, 229, 16),
    (36, 114, 200),
    (188, 63, 188),
    (17, 168, 205),
    (229, 229, 229),
    (102, 102, 102),
    (241, 76, 76),
    (35, 209, 139),
    (245, 245, 67),
    (59, 142, 234),
    (214, 112, 214),
    (41, 184, 219),
    (255, 255, 255),
];

/// A cell's colour, or `reset` where it has none.
pub fn rgb(colour: Color, reset: Rgb) -> Rgb {
    let named = match colour {
        Color::Reset => return reset,
        Color::Rgb(red, green, blue) => return (red, green, blue),
        Color::Indexed(index) => return indexed(index),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    NAMED[named]
}

/// xterm's 256 colours: sixteen named, a cube of six steps a side, and a ramp of greys.
fn indexed(index: u8) -> Rgb {
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match index {
        0..16 => NAMED[usize::from(index)],
        16..232 => {
            let cube = index - 16;
            (step(cube / 36), step(cube / 6 % 6), step(cube % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// Half way between two colours.
pub fn mixed(one: Rgb, other: Rgb) -> Rgb {
    (one.0.midpoint(other.0), one.1.midpoint(other.1), one.2.midpoint(other.2))
}

/// `#rrggbb`.
pub fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_colours_are_those_of_xterm() {
        assert_eq!(hex(indexed(167)), "#d75f5f");
        assert_eq!(hex(indexed(244)), "#808080");
        assert_eq!(hex(indexed(231)), "#ffffff");
    }
}
