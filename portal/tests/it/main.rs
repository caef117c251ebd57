//! The portal over HTTP: a real server on a free port, in front of neighbours that answer as the
//! contract says. The journey through the real neighbours is tested with the whole program.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod account;
mod admin;
mod administration;
mod api_page;
mod browser;
mod choices;
mod colleagues;
mod console;
mod defects;
mod help;
mod login;
mod machines;
mod many;
mod neighbours;
mod ops;
mod pages;
mod publish;
mod repository;
mod safety;
mod scripts;
mod search;
mod subscribing;
mod tabs;
mod trial;
mod users;
