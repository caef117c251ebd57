//! Client and listener kit over real HTTP.
// Always true here; it lets clippy see that helpers are test code, too.
#![cfg(test)]

mod client;
mod listener;
