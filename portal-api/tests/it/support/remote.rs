//! A git repository on this machine, and a portal-api that follows it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use config::{
    Environment, Origin,
    git::{Credentials, Mirror, RepositoryAddress, Source},
};
use portal_api::Settings;
use ring::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ADMIN, TestApi, tree};

pub const HOOK_SECRET: &str = "shared with the git host";
/// How soon after its notice a push has to be served.
pub const PROMPT: Duration = Duration::from_secs(2);

/// The remote repository, with the test configuration in `static/`.
pub struct Remote {
    folder: TempDir,
}

impl Remote {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        git2::Repository::init(folder.path()).unwrap();
        let remote = Self { folder };
        for (path, bytes) in tree(&[]).iter() {
            remote.write(path, std::str::from_utf8(bytes).unwrap());
        }
        remote.commit("first");
        remote
    }

    /// Takes pushes from now on: the working folder is not followed any more.
    pub fn bare(self) -> Self {
        let url = format!("file://{}", self.folder.path().display());
        let folder = tempfile::tempdir().unwrap();
        git2::build::RepoBuilder::new()
            .bare(true)
            .clone(&url, folder.path())
            .unwrap();
        Self { folder }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("static").join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap()
    }

    pub fn read_json(&self, path: &str) -> Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.file(path)).unwrap();
    }

    /// Replaces the title of the portal.
    pub fn retitle(&self, title: &str) {
        let mut globals = self.read_json("globals.json");
        globals["title"] = title.into();
        self.write("globals.json", &globals.to_string());
    }

    /// Commits everything; the id of the commit.
    pub fn commit(&self, message: &str) -> String {
        let repository = git2::Repository::open(self.folder.path()).unwrap();
        let mut index = repository.index().unwrap();
        index
            .add_all(["."], git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.update_all(["."], None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::now("Ada", "ada@example.org").unwrap();
        let parent = repository
            .head()
            .ok()
            .and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        repository
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
            .unwrap()
            .to_string()
    }

    /// Throws away what was not committed and makes the last commit the parent of the next.
    pub fn restore(&self, commit: &str) {
        let repository = git2::Repository::open(self.folder.path()).unwrap();
        let commit = repository.revparse_single(commit).unwrap();
        let mut everything = git2::build::CheckoutBuilder::new();
        everything.force().remove_untracked(true);
        repository
            .checkout_tree(&commit, Some(&mut everything))
            .unwrap();
    }

    /// Nobody reaches the repository from now on.
    pub fn vanish(&self) {
        let folder = self.folder.path();
        fs::rename(folder.join(".git"), folder.join("away")).unwrap();
    }

    pub fn come_back(&self) {
        let folder = self.folder.path();
        fs::rename(folder.join("away"), folder.join(".git")).unwrap();
    }

    /// Makes a portal-api follow this repository.
    pub fn followed(&self) -> impl FnOnce(&mut Settings) + use<> {
        let address = format!("file://{}", self.folder.path().display());
        move |settings| {
            let source = Source {
                address: RepositoryAddress::parse(&address).unwrap(),
                branch: None,
                revision: None,
                credentials: Credentials::default(),
            };
            let mirror = Mirror::new(source, &settings.data.join("config")).unwrap();
            follow(settings, Origin::Git(mirror));
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a portal-api begin with what `origin` has, and follow it.
pub fn follow(settings: &mut Settings, origin: Origin) {
    let start = origin
        .start(&Environment::default())
        .unwrap_or_else(|trouble| panic!("{trouble}"));
    settings.configuration = start.configuration;
    settings.source.trouble = start.trouble;
    settings.source.origin = origin;
    settings.source.hook_secret = Some(HOOK_SECRET.into());
}

impl TestApi {
    /// A git host tells of a push.
    pub async fn notice(&self) {
        let body = json!({"ref": "refs/heads/main"});
        let key = hmac::Key::new(hmac::HMAC_SHA256, HOOK_SECRET.as_bytes());
        let digest = hmac::sign(&key, &serde_json::to_vec(&body).unwrap());
        self.anonymous()
            .header(
                "x-hub-signature-256",
                format!("sha256={}", hex::encode(digest)),
            )
            .post("/config/hook", body)
            .await
            .expect(202);
    }

    pub async fn config_status(&self) -> Value {
        let admin = self.user(ADMIN, "health");
        admin.get("/config/status").await.expect(200).json()
    }

    /// Waits until `/config/status` is as wanted, and not too long.
    pub async fn until_status(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let status = self.config_status().await;
            if wanted(&status) {
                return status;
            }
            assert!(started.elapsed() < PROMPT, "{status:#}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
