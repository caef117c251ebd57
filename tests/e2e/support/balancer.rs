//! HAProxy, with the configuration that operators are given.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, process::Stdio};

use reqwest::Client;
use service::settings;
use tokio::process::Command;

pub const PORTAL_HOST: &str = "portal.localhost";
pub const API_HOST: &str = "api.localhost";

const PROGRAM: &str = "/usr/sbin/haproxy";
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../haproxy/haproxy.cfg");

/// Says so where it is missing; with `WICKETGATE_TEST_FULL` that is a failure.
pub fn is_there() -> bool {
    let is_there = Path::new(PROGRAM).exists();
    if !is_there {
        let must_be_there = settings::var("WICKETGATE_TEST_FULL").is_some();
        assert!(!must_be_there, "{PROGRAM} is needed");
        // Written past the test runner, which shows nothing of tests that pass.
        let line = format_args!("skipped: no {PROGRAM}\n");
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
    }
    is_there
}

/// A client that finds the hosts of a balanced installation, whose certificate nobody has signed.
pub fn client() -> reqwest::ClientBuilder {
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .resolve(PORTAL_HOST, here)
        .resolve(API_HOST, here)
}

/// HAProxy in the foreground, with a certificate of its own for both hosts. SIGUSR2 makes it read
/// its configuration again.
pub fn command(folder: &Path, environment: &BTreeMap<&str, String>) -> Command {
    let certificates = folder.join("certificates");
    std::fs::create_dir_all(&certificates).unwrap();
    certificate(&certificates.join("both.pem"));
    let mut command = Command::new(PROGRAM);
    command
        .args(["-W", "-db", "-f", CONFIGURATION])
        .env_clear()
        .envs(environment)
        .env("PORTAL_HOST", PORTAL_HOST)
        .env("API_HOST", API_HOST)
        .env("CERTIFICATES", certificates.join(""))
        .env("ACME_CLIENT", "127.0.0.1:1")
        .env("RESOLVER", "127.0.0.1:53")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn certificate(file: &Path) {
    let key = file.with_extension("key");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args([
            "-addext",
            &format!("subjectAltName=DNS:{PORTAL_HOST},DNS:{API_HOST}"),
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let both = std::fs::read_to_string(file).unwrap() + &std::fs::read_to_string(&key).unwrap();
    std::fs::write(file, both).unwrap();
    // HAProxy reads every file of the folder.
    std::fs::remove_file(key).unwrap();
}
