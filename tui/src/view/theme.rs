//! Roles to styles. Colours are of middle lightness, so that they read on dark and on light; every role that means
//! something also has a letter, a word or a modifier, so that nothing relies on colour alone.

use crate::state::Palette;
use crate::state::recording::{Kind, Severity};
use ratatui::style::{Color, Modifier, Style};

/// How roles look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
}

/// What a piece of the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Labels, frames, what is beside the point.
    Quiet,
    /// Headlines.
    Strong,
    /// The frame of the focused pane, keys in the footer.
    Focus,
    /// The line that the focused pane stands on.
    Selected,
    /// The line that an unfocused pane stands on.
    Here,
    /// An event of this kind.
    Kind(Kind),
    /// How serious.
    Severity(Severity),
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Just begun.
    New,
    /// Just ended.
    Ended,
    /// What the text filter found.
    Found,
    /// Where the playhead is on the strip.
    Playhead,
    /// Typed by somebody at a terminal.
    Typed,
}

/// A hue by its use; each palette has its own shade of it.
#[derive(Clone, Copy)]
enum Hue {
    Red,
    Orange,
    Green,
    Blue,
    Violet,
    Teal,
    Pink,
    Gold,
    Olive,
    Grey,
}

impl Hue {
    fn colour(self, palette: Palette) -> Option<Color> {
        let shades = match self {
            Self::Red => [167, 124, 166],
            Self::Orange => [172, 130, 178],
            Self::Green => [71, 28, 36],
            Self::Blue => [68, 25, 32],
            Self::Violet => [134, 91, 175],
            Self::Teal => [37, 30, 74],
            Self::Pink => [169, 126, 132],
            Self::Gold => [136, 94, 178],
            Self::Olive => [107, 64, 74],
            Self::Grey => [244, 241, 244],
        };
        let shade = match palette {
            Palette::Dark => shades[0],
            Palette::Light => shades[1],
            Palette::Safe => shades[2],
            Palette::Plain => return None,
        };
        Some(Color::Indexed(shade))
    }
}

impl Theme {
    /// Colours for a dark ground.
    pub const COLOUR: Self = Self { palette: Palette::Dark };
    /// No colours: only bold, dim, reversed and the like.
    pub const PLAIN: Self = Self { palette: Palette::Plain };

    /// The theme of a palette.
    pub fn of(palette: Palette) -> Self {
        Self { palette }
    }

    /// Whether colours are used at all.
    pub fn has_colours(self) -> bool {
        self.palette != Palette::Plain
    }

    /// How a role looks.
    pub fn style(self, role: Role) -> Style {
        let (hue, modifier) = look(role);
        let style = Style::new().add_modifier(modifier);
        match hue.and_then(|hue| hue.colour(self.palette)) {
            Some(colour) => style.fg(colour),
            // Without colours, quiet things still step back.
            None if role == Role::Quiet => style.add_modifier(Modifier::DIM),
            None => style,
        }
    }
}

fn look(role: Role) -> (Option<Hue>, Modifier) {
    match role {
        Role::Quiet => (Some(Hue::Grey), Modifier::empty()),
        Role::Strong => (None, Modifier::BOLD),
        Role::Focus => (Some(Hue::Blue), Modifier::BOLD),
        Role::Selected => (None, Modifier::REVERSED),
        Role::Here => (None, Modifier::BOLD),
        Role::Kind(Kind::Process) => (Some(Hue::Green), Modifier::empty()),
        Role::Kind(Kind::File) => (Some(Hue::Blue), Modifier::empty()),
        Role::Kind(Kind::Network) => (Some(Hue::Violet), Modifier::empty()),
        Role::Kind(Kind::Dns) => (Some(Hue::Pink), Modifier::empty()),
        Role::Kind(Kind::Privilege) => (Some(Hue::Gold), Modifier::BOLD),
        Role::Kind(Kind::Kernel) => (Some(Hue::Gold), Modifier::empty()),
        Role::Kind(Kind::Terminal) => (Some(Hue::Olive), Modifier::empty()),
        Role::Kind(Kind::Lifecycle) => (Some(Hue::Teal), Modifier::empty()),
        Role::Kind(Kind::Finding) => (Some(Hue::Red), Modifier::BOLD),
        Role::Kind(Kind::Gap) => (Some(Hue::Red), Modifier::BOLD),
        Role::Severity(Severity::Critical) => (Some(Hue::Red), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Severity(Severity::Warning) => (Some(Hue::Orange), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Severity(Severity::Info) => (Some(Hue::Blue), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Good => (Some(Hue::Green), Modifier::empty()),
        Role::Bad => (Some(Hue::Red), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::New => (Some(Hue::Green), Modifier::BOLD),
        Role::Ended => (Some(Hue::Grey), Modifier::CROSSED_OUT.union(Modifier::DIM)),
        Role::Found => (Some(Hue::Orange), Modifier::UNDERLINED.union(Modifier::BOLD)),
        Role::Typed => (Some(Hue::Gold), Modifier::BOLD),
        Role::Playhead => (None, Modifier::BOLD),
    }
}
