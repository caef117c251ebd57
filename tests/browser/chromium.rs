//! A Chromium with a fresh profile that can reach nothing but this machine.

use std::{path::PathBuf, process::Stdio};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{connection::Connection, tab::Tab};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

const OPTIONS: [&str; 16] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Its sandbox needs user namespaces, which containers rarely grant.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    // Several tabs are used at the same time.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

/// A running browser. It ends when this is dropped.
pub struct Chromium {
    connection: Connection,
    _process: Child,
    _profile: TempDir,
}

impl Chromium {
    /// Nothing, and a line that says so, where no Chromium is installed.
    pub fn start() -> Option<Self> {
        let Some(executable) = executable() else {
            let full = service::settings::var("WICKETGATE_TEST_FULL");
            assert!(
                full.is_none(),
                "WICKETGATE_TEST_FULL is set, and there is no Chromium"
            );
            // Written past the test runner, which shows nothing of tests that pass.
            let test = std::thread::current();
            let test = test.name().unwrap_or_default();
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("skipped: {test}: no Chromium\n"),
            );
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // The browser reads commands from file descriptor 3 and answers on 4. The shell moves
        // standard input and output there, which needs no unsafe code.
        let mut process = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#])
            .arg(executable)
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let connection = Connection::over(
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        Some(Self {
            connection,
            _process: process,
            _profile: profile,
        })
    }

    /// A tab with cookies of its own.
    pub async fn visitor(&self, scripts: bool) -> Tab {
        let context = self.call("Target.createBrowserContext", json!({})).await;
        let target =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = self.call("Target.createTarget", target).await;
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", target).await;
        Tab::attach(
            self.connection.clone(),
            session["sessionId"].as_str().unwrap(),
            scripts,
        )
        .await
    }

    async fn call(&self, method: &str, parameters: serde_json::Value) -> serde_json::Value {
        self.connection
            .call(None, method, parameters)
            .await
            .unwrap()
    }
}

fn executable() -> Option<PathBuf> {
    let path = service::settings::var("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    })
}
