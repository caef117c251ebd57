//! What a stranger sends, given to the code that reads it, without a server in between: the fuzz
//! targets of `fuzz/` call this, and a test feeds it their seeds.
//!
//! Whatever comes in is either taken or refused with 4xx. Anything else is a panic here.

mod bodies;
mod lists;

pub use bodies::body;
pub use lists::Lists;

use crate::ApiError;

/// Fails for an answer that a stranger must not be able to cause.
fn expect_refusal(error: &ApiError) {
    match error {
        ApiError::Refused(problem) => {
            let status = problem.status;
            assert!(status.is_client_error(), "{status}: {}", problem.message);
            assert!(problem.message.len() < 8192, "the refusal repeats too much");
        }
        other => panic!("this would be a 500: {other:?}"),
    }
}
