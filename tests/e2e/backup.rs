//! `wicketgate backup` while people write, and `restore` on an empty machine.

use std::{
    os::unix::fs::{MetadataExt, chown},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::{
    journey::Person,
    support::{Installation, Shape, eventually},
};

#[tokio::test]
async fn what_was_acknowledged_before_a_backup_under_load_is_there_after_its_restore() {
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    let visitor = ada.visitor;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.tar").display().to_string();
    let data = installation.data().display().to_string();

    let done = AtomicBool::new(false);
    let writing = async {
        let mut made = 0;
        while !done.load(Ordering::Relaxed) {
            create_user(&installation, made).await;
            made += 1;
        }
        made
    };
    let saving = async {
        // Some writing has begun.
        eventually("a user", async || {
            user_exists(&installation, 0).await.then_some(())
        })
        .await;
        let output = installation
            .run(&["backup", &file, "--data", &data, "--with-key"])
            .await;
        done.store(true, Ordering::Relaxed);
        output
    };
    let (made, output) = tokio::join!(writing, saving);
    assert!(output.status.success(), "{output:?}");
    assert!(made > 0);
    let listed = std::process::Command::new("tar")
        .args(["tf", &file])
        .output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert_eq!(listed, "portal-api.db\nauth-server.db\nmaster.key\n");

    // Not over an earlier backup, and not into a running installation.
    let again = installation.run(&["backup", &file, "--data", &data]).await;
    assert!(!again.status.success());
    let running = installation
        .run(&["restore", &file, "--data", &data, "--replace"])
        .await;
    assert!(!running.status.success(), "{running:?}");
    assert!(user_exists(&installation, 0).await);

    installation.kill("up").await;
    std::fs::remove_dir_all(installation.data()).unwrap();
    let output = installation.run(&["restore", &file, "--data", &data]).await;
    assert!(output.status.success(), "{output:?}");
    installation.launch().await;
    assert!(user_exists(&installation, 0).await);
    eventually("the key works", async || {
        let url = installation.gateway() + "/petstore/v1/inventory";
        let call = installation.http.get(url).header("x-apikey", &key);
        (call.send().await.ok()?.status() == 200).then_some(())
    })
    .await;
    // The sessions of the auth server are back, too.
    let page = visitor
        .open(&(installation.portal() + "/applications"))
        .await;
    page.expect(200).expect_text("ada-shop");
}

#[tokio::test]
async fn a_file_that_is_not_whole_changes_nothing() {
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.tar");
    let data = installation.data().display().to_string();
    let name = file.display().to_string();
    let output = installation.run(&["backup", &name, "--data", &data]).await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("master key"), "{said}");
    installation.kill("up").await;

    let refused = installation.run(&["restore", &name, "--data", &data]).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("--replace"), "{said}");
    let before = std::fs::read(installation.data().join("portal-api.db")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[4096 + 512..8192].fill(0xff);
    let shorter = whole[..whole.len() * 2 / 3].to_vec();
    for content in [changed, shorter, b"no archive".to_vec(), Vec::new()] {
        std::fs::write(&file, content).unwrap();
        let output = installation
            .run(&["restore", &name, "--data", &data, "--replace"])
            .await;
        assert!(!output.status.success(), "{output:?}");
        let after = std::fs::read(installation.data().join("portal-api.db")).unwrap();
        assert!(before == after, "the database was changed");
    }
    let left = std::fs::read_dir(installation.data()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().ends_with(".restoring")),
        "{left:?}"
    );

    std::fs::write(&file, whole).unwrap();
    // What root restores is for the user who runs the service; nobody else can give files away.
    chown(installation.data(), Some(65_534), Some(65_534)).ok();
    let output = installation
        .run(&["restore", &name, "--data", &data, "--replace"])
        .await;
    assert!(output.status.success(), "{output:?}");
    let aside = installation.data().join("portal-api.db.before-restore");
    assert!(before == std::fs::read(aside).unwrap());
    let owner = |name| {
        std::fs::metadata(installation.data().join(name))
            .unwrap()
            .uid()
    };
    assert_eq!(owner("portal-api.db"), owner("."));
    installation.launch().await;
}

async fn create_user(installation: &Installation, number: usize) {
    let user = json!({"email": format!("user{number}@example.org"), "customId": format!("load:{number}"),
        "validated": true});
    let request = installation
        .http
        .post(installation.url("api") + "/users")
        .bearer_auth(installation.service_token())
        .json(&user);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
}

async fn user_exists(installation: &Installation, number: usize) -> bool {
    let request = installation
        .http
        .get(installation.url("api") + "/users")
        .query(&[("customId", format!("load:{number}"))])
        .bearer_auth(installation.service_token());
    request.send().await.unwrap().status() == 200
}
