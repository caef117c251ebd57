//! The auth server over HTTP: a real server on a real database, against a portal-api that holds
//! its data in memory and answers the calls this server makes as the contract says.
// Always true here; it lets clippy see that helpers are test code, too.
#![cfg(test)]

mod account;
mod assertions;
mod attacks;
mod client_logout;
mod clients;
mod codes;
mod consent;
mod cors;
mod devices;
mod documents;
mod external;
mod factors;
mod foreign;
mod forms;
mod instances;
mod invitations;
mod kong;
mod ldap;
mod login;
mod logout;
#[path = "../../../tests/node/run.rs"]
mod node;
mod old_clients;
mod old_codes;
mod old_grants;
mod opaque;
mod openid;
mod operators;
mod passthrough;
mod profile;
mod pushed;
mod records;
mod refresh;
mod resources;
mod revoked;
mod saml;
mod scope;
mod secrets;
mod signup;
mod support;
mod tokens;
mod upstream;
