//! The main path in a real browser: every page that a newcomer sees, operated by keyboard only,
//! with JavaScript and without.
//!
//! It needs Chromium. Findings about looks are gathered on the way and reported together at the
//! end: sideways scrolling, messages in the console, requests to strangers and, where
//! `WICKETGATE_TEST_AXE` names an `axe.min.js`, everything that axe finds. Pictures of the pages
//! are left in `screens/` of the build folder's `tmp/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod axe;
mod chromium;
mod colleagues;
mod connection;
mod every_page;
mod keyboard;
mod looks;
mod path;
mod publisher;
mod support;
mod tab;
mod watch;
