//! The wire contract of Wicketgate as Rust types, a typed client for portal-api and a kit for
//! webhook listeners, with the templates their messages are made from.
//!
//! Field names, paths and status codes are those of the portal-api document; portal-api itself and
//! all its callers use the same [`types`], so the two sides cannot drift apart.
//!
//! # Calling portal-api
//!
//! A [`Client`] has one method per operation. [`Auth`] says who calls, [`Optional`] turns "not
//! found" into `None`, and [`Error`] tells what to show and whether to try again.
//!
//! ```no_run
//! use sdk::{Auth, Client, Error, Optional, types::Secret};
//!
//! # async fn call() -> Result<(), Error> {
//! let base = "http://portal-api:3001/".parse().expect("an address");
//! let client = Client::new(base, Auth::Bearer(Secret::from("the token of a user")));
//! for api in client.apis().await?.apis {
//!     println!("{}", api.id);
//! }
//! if let Some(application) = client.application("orders").await.optional()? {
//!     println!("{:?}", application.name);
//! }
//! # Ok(()) }
//! ```
//!
//! # Listening to events
//!
//! A [`Listener`] registers itself, checks signatures, and acknowledges what is done; its
//! [`Receiver`](listener::Receiver) is a router to serve. [`listener`] has an example. Programs that
//! receive webhooks in another way need [`signature`] alone.
//!
//! # Testing
//!
//! With the feature `testing`, `sdk::testing` is the event bus in small: it takes registrations and
//! delivers events to a listener under test.

pub mod client;
pub mod language;
pub mod listener;
pub mod signature;
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;
pub mod unsubscribe;

pub use client::{ApiError, Auth, Client, Error, Optional, Person, Renew};
pub use listener::{Listener, Outcome};
