//! Colour scheme chosen by the reader.

use crate::texts::Shared;

/// `System` leaves the choice to the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// All choices, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Value in the cookie, the form and `data-theme`.
    pub fn value(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Name in the menu.
    pub fn label(self, t: Shared) -> &'static str {
        match self {
            Self::System => t.theme_system(),
            Self::Light => t.theme_light(),
            Self::Dark => t.theme_dark(),
        }
    }

    /// The theme with this value.
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.value() == value)
    }
}
