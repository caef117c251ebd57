//! Declarative documents, and bodies of the gateway's Admin API.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gateway::fuzz::document(input));
