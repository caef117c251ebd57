//! Routes of the gateway, and requests that are looked up among them.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gateway::fuzz::routes(input));
