//! A client for the Admin API, of Kong and of the embedded gateway alike.

mod client;
mod error;
mod node;
mod tokens;

pub use client::{Client, ConfigOutcome, Page};
pub use error::Error;
pub use node::{Configuration, Node};
pub use tokens::Oauth2Token;
