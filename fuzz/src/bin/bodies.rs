//! Bodies of requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portal_api::fuzz::body(input));
