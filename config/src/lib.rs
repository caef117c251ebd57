//! Static configuration: what an administrator keeps in git, read into memory.
//!
//! [`Configuration::load`] reads a folder, upgrades it in memory, decrypts and replaces variables,
//! checks everything and renders what is served. It asks neither clock, network nor process
//! environment ([`Environment`] is handed in), and it reports every problem at once. [`Origin`] says
//! where configurations come from and reads the newest one; [`git`] does so for repositories.

pub mod apis;
pub mod auth_servers;
mod builtin;
mod catalog;
mod check;
mod configuration;
pub mod content;
pub mod crypto;
mod environment;
mod files;
pub mod git;
pub mod globals;
pub mod groups;
mod hash;
mod locate;
pub mod openapi;
mod origin;
mod parts;
mod path;
pub mod plans;
pub mod pools;
mod problem;
mod read;
mod render;
pub mod sample;
pub mod schema;
mod templates;
mod tree;
mod upgrade;

pub use catalog::{Catalog, Entry};
pub use configuration::{Configuration, Loaded};
pub use environment::{Environment, Overrides};
pub use origin::{Origin, Start, Trouble};
pub use parts::{Changes, LifecycleChange, Parts};
pub use path::{JsonPath, Step};
pub use problem::{Problem, Problems, Severity};
pub use render::Rendered;
pub use templates::Templates;
pub use tree::Tree;
pub use upgrade::NEWEST as NEWEST_VERSION;
