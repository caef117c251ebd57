//! Configurations: reading, upgrading, decrypting, substituting, checking.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::configuration::run(input));
