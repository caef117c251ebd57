use std::{path::Path, process::Stdio};

use tokio::{
    process::{Child, Command},
    sync::Mutex,
};

use super::free_address;

/// A Redis of a test's own.
pub struct Redis {
    port: u16,
    server: Mutex<Child>,
}

impl Redis {
    const PROGRAM: &str = "/usr/bin/redis-server";

    /// Nothing where none is installed.
    pub fn start() -> Option<Self> {
        if !Path::new(Self::PROGRAM).exists() {
            let must_be_there = service::settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!must_be_there, "{} is needed", Self::PROGRAM);
            // Written past the test runner, which shows nothing of tests that pass.
            let line = format_args!("skipped: no {}\n", Self::PROGRAM);
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
            return None;
        }
        let port = free_address().port();
        let server = Mutex::new(Self::server(port));
        Some(Self { port, server })
    }

    fn server(port: u16) -> Child {
        Command::new(Self::PROGRAM)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, with everything that it has counted.
    pub async fn stop(&self) {
        self.server.lock().await.kill().await.unwrap();
    }

    pub async fn start_again(&self) {
        *self.server.lock().await = Self::server(self.port);
    }
}
