//! Clients from npm. `WICKETGATE_TEST_NODE` names the folder where `.ci/run` installed them.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt as _, process::Command};

/// Runs a module with these arguments and answers what it printed; nothing where there are no
/// such clients.
pub async fn run(script: &str, arguments: &[&str]) -> Option<String> {
    let folder = service::settings::var("WICKETGATE_TEST_NODE")?;
    // Read from standard input, a module's imports are looked for in the working folder.
    let mut child = Command::new("node")
        .args(["--input-type=module", "-"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}
