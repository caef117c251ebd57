//! The allocator, and how soon it gives memory back.

/// A request through the gateway allocates some thirty small things, which this allocator does at
/// a quarter of the C library's cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the allocator does with memory that was freed: it keeps it for so many milliseconds.
#[cfg(unix)]
const OPTION: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "100");

/// Without the option it is a whole second, in which a portal that reads large definitions grows by a
/// sixth. The allocator reads its options from the environment before `main`, so a service that has
/// none starts over in the same process. Where that is impossible it goes on as it is.
#[cfg(unix)]
pub fn give_back_soon() {
    use std::{env, os::unix::process::CommandExt, process::Command};

    let (name, value) = OPTION;
    if env::var_os(name).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    if let (Ok(program), Some(called)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        let _ = again.arg0(called).args(arguments).env(name, value).exec();
    }
}

#[cfg(not(unix))]
pub fn give_back_soon() {}
