//! Static configuration: what an administrator keeps in git, read into memory.
//!
//! [`Configuration::load`] reads a folder, upgrades it in memory, decrypts and replaces variables,
//! checks everything and renders what is served. It asks neither clock, network nor process
//! environment ([`Environment`] is handed in), and it reports every problem at once:
//!
//! ```
//! use config::{Configuration, Environment, Tree};
//!
//! // What is served later has been checked now.
//! let environment = Environment::new([("NODE_ENV".to_owned(), "default".to_owned())]);
//! let loaded = Configuration::sample(&environment)?;
//! let petstore = loaded.configuration.api("petstore").expect("the sample has it");
//! assert!(loaded.configuration.plan_of(petstore, "free").is_some());
//!
//! // One letter too few: a plan that does not exist is an error with file, line and place.
//! let mut tree = Tree::sample();
//! let apis = tree.text("apis/apis.json").expect("the sample has it");
//! tree.insert("apis/apis.json", apis.replace("\"free\"", "\"fre\""));
//! let problems = Configuration::from_tree(&tree, "an example", &environment).unwrap_err();
//! assert!(problems.refuse());
//! assert!(problems.to_string().contains("error: apis/apis.json:"));
//! # Ok::<(), config::Problems>(())
//! ```
//!
//! | To | Use |
//! |---|---|
//! | read and check a folder | [`Configuration::load`], [`Configuration::check`] |
//! | follow a folder or repository | [`Origin`]; [`git`] fetches, keeps and pushes commits |
//! | change it: difference, check, save | [`Proposal`] |
//! | ask for APIs, plans, pools … | the fields of [`Configuration`], typed in a module per file |
//! | answer `GET /globals` and the like | [`Configuration::globals_view`], [`Rendered`] |
//! | tell what a new configuration changes | [`Parts`], [`Changes`] |
//! | encrypt and decrypt values | [`crypto::ConfigKey`] |
//! | describe the files to editors | [`schema`] |
//!
//! Invariant: whoever holds a [`Configuration`] holds one without errors. It never changes; a newer
//! one replaces it as a whole.

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
mod native;
pub mod openapi;
mod origin;
mod parts;
mod path;
pub mod plans;
pub mod pools;
mod problem;
mod proposal;
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
pub use proposal::{Proposal, ProposeError};
pub use render::Rendered;
pub use templates::Templates;
pub use tree::Tree;
pub use upgrade::NEWEST as NEWEST_VERSION;
