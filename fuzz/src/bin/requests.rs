//! Requests on their way through the gateway's plugins.
#![no_main]

use gateway::fuzz::Requests;

thread_local! {
    static REQUESTS: Requests = Requests::default();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| REQUESTS.with(|requests| requests.run(input)));
