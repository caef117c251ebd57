//! Everything that is logged in this process, at every level.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::fmt::MakeWriter;

/// As in production, where libraries speak up only for warnings, but everything of our own.
const FILTER: &str =
    "trace,sqlx=warn,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,sea_orm_migration=warn";

/// What was written since the first call of [`Logs::all`]. All tests write into the same one.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub fn all() -> Self {
        static LOGS: OnceLock<Logs> = OnceLock::new();
        let start = || {
            let logs = Self::default();
            tracing_subscriber::fmt()
                .with_env_filter(FILTER)
                .with_writer(logs.clone())
                .init();
            logs
        };
        LOGS.get_or_init(start).clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Logs {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
