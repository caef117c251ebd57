//! Small numbers as header values, made once: most latencies and remaining counts are small, and
//! a clone costs no allocation.

use std::cell::OnceCell;

use http::HeaderValue;

const PREPARED: u64 = 512;

thread_local! {
    static VALUES: OnceCell<Vec<HeaderValue>> = const { OnceCell::new() };
}

pub fn header(number: u64) -> HeaderValue {
    let Some(index) = usize::try_from(number).ok().filter(|_| number < PREPARED) else {
        return HeaderValue::from(number);
    };
    VALUES.with(|values| {
        values.get_or_init(|| (0..PREPARED).map(HeaderValue::from).collect())[index].clone()
    })
}
