//! The icon set: 16 grid, drawn in `assets/icons.svg`, shown through one inline sprite.

use std::fmt;

use askama::{FastWritable, Values, filters::HtmlSafe};

/// Name and symbol of each icon, so that a misspelt icon does not compile.
macro_rules! icons {
    ($($name:ident = $id:literal),* $(,)?) => {
        /// One icon of the sprite. In a template: `{{ Icon::Key }}`.
        ///
        /// Icons are decoration (`aria-hidden`): a word stands beside them, or the control has a
        /// label of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon { $($name),* }

        impl Icon {
            /// Every icon of the set.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Id of the symbol in the sprite, without the prefix `i-`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }
        }
    };
}

icons! {
    Search = "search",
    Check = "check",
    OkCircle = "ok-circle",
    X = "x",
    XCircle = "x-circle",
    Warning = "warning",
    Clock = "clock",
    Info = "info",
    Key = "key",
    Shield = "shield",
    Open = "open",
    Copy = "copy",
    Download = "download",
    Rotate = "rotate",
    ChevronDown = "chevron-down",
    ChevronRight = "chevron-right",
    Plus = "plus",
    Sun = "sun",
    Moon = "moon",
    Users = "users",
    User = "user",
    Application = "application",
    Plug = "plug",
    Bell = "bell",
    Heartbeat = "heartbeat",
    Git = "git",
    Commit = "commit",
    List = "list",
    Book = "book",
    Gate = "gate",
    Bolt = "bolt",
    Dots = "dots",
    Menu = "menu",
    External = "external",
    Mail = "mail",
    Calendar = "calendar",
    Send = "send",
    Eye = "eye",
    Trash = "trash",
    Pen = "pen",
    Chart = "chart",
    Layers = "layers",
    Flag = "flag",
    Filter = "filter",
    Log = "log",
    Passkey = "passkey",
    IdentityProvider = "identity-provider",
    Play = "play",
    ArrowDown = "arrow-down",
}

/// Mirrored when text runs from right to left.
fn points(icon: Icon) -> bool {
    matches!(icon, Icon::ChevronRight | Icon::Send | Icon::Play)
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if points(*self) { "i i-flip" } else { "i" };
        write!(
            f,
            r##"<svg class="{class}" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-{}"/></svg>"##,
            self.id()
        )
    }
}

impl FastWritable for Icon {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        write!(dest, "{self}").map_err(askama::Error::from)
    }
}

impl HtmlSafe for Icon {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_icon_has_a_symbol_in_the_sprite() {
        for icon in Icon::ALL {
            let symbol = format!(r#"<symbol id="i-{}""#, icon.id());
            assert!(crate::assets::SPRITE.contains(&symbol), "{symbol}");
        }
    }
}
