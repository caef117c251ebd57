//! What portal and auth server show alike: page frame, components, one style sheet, the icon
//! sprite, and every text: English and German compiled in, others from files.
//!
//! A page is a struct with a field `frame: Frame` and a template that begins with
//! `{% extends "frame.html" %}` (or `"auth.html"` for log-in and consent) and fills the blocks
//! `title` and `main`. A crate finds these base templates with this `askama.toml` beside its
//! `Cargo.toml`:
//!
//! ```toml
//! [general]
//! dirs = ["templates", "../ui/templates"]
//! ```
//!
//! Nothing here knows a business rule, and no page needs script, inline style or another origin.

// `texts!` takes one step for each text of a group.
#![recursion_limit = "512"]

pub mod assets;
mod component;
mod drawing;
pub mod format;
mod frame;
mod html;
mod icon;
mod lang;
mod languages;
mod password;
mod preferences;
mod registration;
mod respond;
pub mod security;
pub mod texts;
mod theme;

pub use component::{Breakable, Copyable, Field, FieldKind, Tile, initials, tint};
pub use drawing::Drawing;
pub use frame::{About, Entry, Frame, Kind, Message, RootLink, Site, User};
pub use html::Html;
pub use icon::Icon;
pub use lang::{Base, Lang};
pub use languages::{Files as TextFiles, Languages};
pub use password::{NewPassword, PasswordRule};
pub use preferences::{Preferences, cookie, local_path};
pub use registration::{RegistrationField, registration_answer};
pub use respond::{document, no_store, page};
pub use theme::Theme;
