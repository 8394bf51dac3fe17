//! Roles to styles. Colours are of middle lightness, so that they read on dark and on light; every role that means
//! something also has a letter, a word or a modifier, so that nothing relies on colour alone.

use crate::state::recording::{Kind, Severity};
use ratatui::style::{Color, Modifier, Style};

/// With or without colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
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
}

const RED: Color = Color::Indexed(167);
const ORANGE: Color = Color::Indexed(172);
const GREEN: Color = Color::Indexed(71);
const BLUE: Color = Color::Indexed(68);
const VIOLET: Color = Color::Indexed(134);
const TEAL: Color = Color::Indexed(37);
const PINK: Color = Color::Indexed(169);
const GOLD: Color = Color::Indexed(136);
const OLIVE: Color = Color::Indexed(107);
const GREY: Color = Color::Indexed(244);

impl Theme {
    /// Colours.
    pub const COLOUR: Self = Self { colour: true };
    /// No colours: only bold, dim, reversed and the like.
    pub const PLAIN: Self = Self { colour: false };

    /// What the person wants: no colours where `NO_COLOR` is set and not empty.
    pub fn from_env() -> Self {
        Self { colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// How a role looks.
    pub fn style(self, role: Role) -> Style {
        let (colour, modifier) = look(role);
        let style = Style::new().add_modifier(modifier);
        match colour.filter(|_| self.colour) {
            Some(colour) => style.fg(colour),
            // Without colours, quiet things still step back.
            None if role == Role::Quiet => style.add_modifier(Modifier::DIM),
            None => style,
        }
    }
}

fn look(role: Role) -> (Option<Color>, Modifier) {
    match role {
        Role::Quiet => (Some(GREY), Modifier::empty()),
        Role::Strong => (None, Modifier::BOLD),
        Role::Focus => (Some(BLUE), Modifier::BOLD),
        Role::Selected => (None, Modifier::REVERSED),
        Role::Here => (None, Modifier::BOLD),
        Role::Kind(Kind::Process) => (Some(GREEN), Modifier::empty()),
        Role::Kind(Kind::File) => (Some(BLUE), Modifier::empty()),
        Role::Kind(Kind::Network) => (Some(VIOLET), Modifier::empty()),
        Role::Kind(Kind::Dns) => (Some(PINK), Modifier::empty()),
        Role::Kind(Kind::Privilege) => (Some(GOLD), Modifier::BOLD),
        Role::Kind(Kind::Kernel) => (Some(GOLD), Modifier::empty()),
        Role::Kind(Kind::Terminal) => (Some(OLIVE), Modifier::empty()),
        Role::Kind(Kind::Lifecycle) => (Some(TEAL), Modifier::empty()),
        Role::Kind(Kind::Finding) => (Some(RED), Modifier::BOLD),
        Role::Kind(Kind::Gap) => (Some(ORANGE), Modifier::BOLD),
        Role::Severity(Severity::Critical) => (Some(RED), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Severity(Severity::Warning) => (Some(ORANGE), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Severity(Severity::Info) => (Some(BLUE), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::Good => (Some(GREEN), Modifier::empty()),
        Role::Bad => (Some(RED), Modifier::BOLD.union(Modifier::REVERSED)),
        Role::New => (Some(GREEN), Modifier::BOLD),
        Role::Ended => (Some(GREY), Modifier::CROSSED_OUT.union(Modifier::DIM)),
        Role::Found => (Some(ORANGE), Modifier::UNDERLINED.union(Modifier::BOLD)),
        Role::Playhead => (None, Modifier::BOLD),
    }
}
