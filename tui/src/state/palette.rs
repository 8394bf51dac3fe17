//! The colours that a person may choose from.

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// For dark grounds.
    #[default]
    Dark,
    /// For light grounds.
    Light,
    /// Told apart also by people who see few colours: blue, orange and lightness (after Okabe and Ito).
    Safe,
    /// None: bold, dim, reversed and signs alone.
    Plain,
}

impl Palette {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::Safe, Self::Plain];

    /// What the person wants: none where `NO_COLOR` is set and not empty.
    pub fn from_env() -> Self {
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) { Self::Plain } else { Self::Dark }
    }

    /// The next in the round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Safe,
            Self::Safe => Self::Plain,
            Self::Plain => Self::Dark,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Safe => "colour-blind safe",
            Self::Plain => "no colours",
        }
    }
}
