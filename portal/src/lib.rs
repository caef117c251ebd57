//! The developer portal: HTML rendered on the server, a browser session in an encrypted cookie,
//! and every piece of data from portal-api.
//!
//! It is an ordinary OAuth client: a person's requests carry that person's own access token, so
//! portal-api decides what is allowed and the pages only decide what to draw. The portal stores
//! nothing; any instance serves any request.

mod access;
mod account;
mod admin;
mod apis;
mod applications;
mod approvals;
mod catalogue;
mod chart;
mod console;
mod content;
mod csv;
mod discovery;
mod failure;
mod form;
mod help;
mod host;
mod installation;
mod json;
mod layout;
mod links;
mod listeners;
mod login;
mod mails;
mod markdown;
mod mcp;
mod mine;
mod openapi;
mod ops;
mod pager;
mod plain;
mod plans;
mod preview;
mod publish;
mod redirect;
mod reference;
mod routes;
mod search;
mod secret;
mod serve;
mod session;
mod settings;
mod state;
mod subscriptions;
mod teams;
mod trial;
mod usage;
mod users;
mod visit;
mod visitor;
mod worker;

pub use serve::serve;
pub use settings::Settings;
