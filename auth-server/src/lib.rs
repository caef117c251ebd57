//! The authorization server: identifies people, asks for registration and consent where needed,
//! and issues, refreshes, describes and revokes tokens (OAuth 2.0, RFC 9068 access tokens).
//!
//! It keeps no business data: users, applications, subscriptions, consent and registrations are
//! portal-api's. Its own are sessions, pending requests, codes, token families and keys, all in
//! the database, so any instance can answer any request.

// For `ui::texts!`, which goes down one step per text.
#![recursion_limit = "256"]

// Protocol and pages.
mod account;
mod authorize;
mod backchannel;
mod consent;
mod content;
mod devices;
mod federated;
mod interaction;
mod introspection;
mod invitations;
mod links;
mod local;
mod logout;
mod metadata;
mod pages;
mod passthrough;
mod registration;
mod resources;
mod revocation;
mod saml;
mod token;
mod upstream;
mod userinfo;

// What they are made of.
mod apis;
mod assertions;
mod brake;
mod callout;
mod clients;
mod codes;
mod factors;
mod families;
mod flows;
mod foreign;
mod keys;
mod kong;
mod oauth;
mod openid;
mod oxide;
mod personal;
mod records;
mod revoked;
mod scopes;
mod sessions;
mod subject;
mod tokens;

// Around them.
mod address;
mod cache;
mod captcha;
mod configuration;
mod cookies;
mod cors;
mod events;
mod housekeeping;
mod portal_api;
mod pushed;
mod rotation;
mod routes;
mod secret;
mod server;
mod settings;
mod state;
mod visitor;

pub use server::serve;
pub use settings::{KongSettings, OldGrants, PasswordGrant, Settings};
