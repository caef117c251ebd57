//! A repository behind ssh: a real sshd, real keys.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use config::{
    Configuration, Environment, Origin,
    git::{Author, Credentials, Edit, Mirror, RepositoryAddress, Source},
};
use tempfile::TempDir;

/// sshd on a free port of this machine; ends with this value.
struct Sshd {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Sshd {
    /// Lets the key `user` in. Nothing, and a line that says so, where there is no sshd; with
    /// `WICKETGATE_TEST_FULL` that is a failure.
    fn start() -> Option<Self> {
        let Some(program) = program() else {
            let must_be_there = std::env::var_os("WICKETGATE_TEST_FULL").is_some();
            assert!(!must_be_there, "sshd, ssh-keygen and git are needed");
            // Written past the test runner, which shows nothing of tests that pass.
            let line = format_args!("skipped: no sshd, ssh-keygen or git\n");
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("host", "ed25519"),
            ("user", "ed25519"),
            ("user-rsa", "rsa"),
            ("stranger", "ed25519"),
        ] {
            make_key(&folder.path().join(name), kind);
        }
        let allowed = ["user.pub", "user-rsa.pub"]
            .map(|name| fs::read_to_string(folder.path().join(name)).unwrap())
            .concat();
        fs::write(folder.path().join("authorized_keys"), allowed).unwrap();
        // sshd of a root user wants a folder that a service manager usually makes.
        fs::create_dir_all("/run/sshd").ok();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n",
            path("host"),
            path("authorized_keys"),
        );
        fs::write(folder.path().join("sshd_config"), settings).unwrap();
        let child = Command::new(program)
            .args(["-D", "-f", &path("sshd_config"), "-E", &path("log")])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let sshd = Self {
            child,
            folder,
            port,
        };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{}",
                sshd.log()
            );
            std::thread::yield_now();
        }
        Some(sshd)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A line of `known_hosts` with the key `name`.
    fn known(&self, name: &str) -> String {
        let key = self.text(&format!("{name}.pub"));
        format!("[127.0.0.1]:{} {key}", self.port)
    }

    fn source(&self, repository: &Path, key: &str, known_hosts: &str) -> Source {
        let user =
            String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let address = format!(
            "ssh://{}@127.0.0.1:{}{}",
            user.trim(),
            self.port,
            repository.display()
        );
        Source {
            address: RepositoryAddress::parse(&address).unwrap(),
            branch: None,
            revision: None,
            credentials: Credentials {
                user_password: None,
                ssh_key: Some(self.text(key)),
                known_hosts: Some(known_hosts.to_owned()),
            },
        }
    }
}

fn program() -> Option<PathBuf> {
    let is_there = |name: &str| Command::new(name).arg("-?").output().is_ok();
    let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].map(PathBuf::from);
    let sshd = sshd.into_iter().find(|path| path.is_file())?;
    (is_there("ssh-keygen") && is_there("git")).then_some(sshd)
}

fn make_key(path: &Path, kind: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", kind, "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A bare repository with the sample.
fn repository(folder: &Path) -> PathBuf {
    let work = folder.join("work");
    config::sample::write_to(&work.join("static")).unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(arguments)
            .current_dir(&work)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    git(&["clone", "-q", "--bare", ".", "../config.git"]);
    folder.join("config.git")
}

fn read(source: Source, data: &Path) -> Result<String, String> {
    let origin = Origin::Git(Mirror::new(source, data).unwrap());
    match origin.newest(&Environment::default(), None) {
        Ok(configuration) => Ok(title(&configuration.unwrap())),
        Err(trouble) => Err(trouble.to_string()),
    }
}

fn title(configuration: &Configuration) -> String {
    configuration.globals.title.clone()
}

#[test]
fn a_repository_behind_ssh_is_read_with_a_key_if_the_host_is_the_right_one() {
    let Some(sshd) = Sshd::start() else { return };
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = repository(folder.path());
    let attempt = |key: &str, known: &str| {
        let source = sshd.source(&repository, key, known);
        let shown = format!("{source:?}");
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
        read(source, data.path())
    };
    let known = sshd.known("host");
    for key in ["user", "user-rsa"] {
        assert_eq!(
            attempt(key, &known),
            Ok("Wicketgate".to_owned()),
            "{}",
            sshd.log()
        );
    }
    // Somebody else in between, or a host that nobody has vouched for.
    for known in [sshd.known("stranger"), String::new()] {
        let refusal = attempt("user", &known).unwrap_err();
        assert!(refusal.contains("GIT_SSH_KNOWN_HOSTS"), "{refusal}");
        assert!(refusal.contains("ssh-ed25519 SHA256:"), "{refusal}");
    }
    let refusal = attempt("stranger", &known).unwrap_err();
    for secret in ["PRIVATE", sshd.text("stranger").lines().nth(1).unwrap()] {
        assert!(!refusal.contains(secret), "{refusal}");
    }
}

#[test]
fn a_change_is_pushed_by_ssh() {
    let Some(sshd) = Sshd::start() else { return };
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = repository(folder.path());
    let source = sshd.source(&repository, "user", &sshd.known("host"));
    let mirror = Mirror::new(source.clone(), data.path()).unwrap();
    let base = mirror.fetch().unwrap();
    let globals = mirror.file(&base, "globals.json").unwrap().unwrap();
    let globals = String::from_utf8(globals.to_vec()).unwrap();
    let edit = Edit {
        path: "globals.json".to_owned(),
        content: Some(globals.replacen("\"Wicketgate\"", "\"By ssh\"", 1)),
    };
    let author = Author {
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
    };
    let draft = mirror.draft(&base, &[edit]).unwrap();
    mirror.push(&draft, "Another title", &author, None).unwrap();
    assert_eq!(read(source, data.path()), Ok("By ssh".to_owned()));
}
