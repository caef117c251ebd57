//! Numbers that every request needs.
use std::cell::OnceCell;

use http::HeaderValue;

const PREPARED: u64 = 512;

thread_local! {
    static VALUES: OnceCell<Vec<HeaderValue>> = const { OnceCell::new() };
}

/// A number as a header value. Small ones are made once: most latencies and remaining counts are
/// small, and a clone costs no allocation.
pub fn header(number: u64) -> HeaderValue {
    let Some(index) = usize::try_from(number).ok().filter(|_| number < PREPARED) else {
        return HeaderValue::from(number);
    };
    VALUES.with(|values| {
        values.get_or_init(|| (0..PREPARED).map(HeaderValue::from).collect())[index].clone()
    })
}

/// Which of `parts` equal parts the hash belongs to. By its middle bits: tables inside the parts find
/// their places by the low ones and compare the high ones.
pub fn part_of(hash: u64, parts: usize) -> usize {
    usize::try_from((hash >> 32) & 0xffff).unwrap_or_default() % parts
}
