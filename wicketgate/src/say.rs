//! What commands print. A reader that has seen enough (`wicketgate config texts | head`) is no
//! fault: the command goes on to its end. `println!` would panic.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

/// `println!`, except that nobody has to read it.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say::text(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// The same without an end of line, for what ends with one.
///
/// # Panics
/// Where standard output cannot be written for another reason, as on a full disk: whoever keeps
/// what is printed must not take a part for the whole.
pub fn text(words: impl fmt::Display) {
    let mut out = io::stdout().lock();
    match write!(out, "{words}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            panic!("standard output cannot be written: {error}")
        }
        _ => {}
    }
}
