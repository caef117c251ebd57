//! A PostgreSQL server of a test's own.

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt, path::PathBuf};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use service::settings;
use tempfile::TempDir;
use tokio::process::Command;

/// A server that a test may stop and whose databases it may destroy.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

const DATABASE: &str = "wicketgate";

impl Cluster {
    /// Nothing where no PostgreSQL is installed.
    pub async fn start() -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        let programs = versions.map(|entry| entry.unwrap().path().join("bin"));
        let Some(programs) = programs.max() else {
            let must_be_there = settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!must_be_there, "/usr/lib/postgresql is needed");
            let line = format_args!("skipped: no /usr/lib/postgresql\n");
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            programs,
            port: port.local_addr().unwrap().port(),
        };
        drop(port);
        if is_root() {
            let folder = cluster.folder.path();
            let owned = Command::new("chown").arg("postgres").arg(folder).status();
            assert!(owned.await.unwrap().success());
        }
        let data = cluster.data();
        let options = [
            "-U",
            "postgres",
            "--auth",
            "trust",
            "--no-sync",
            "-D",
            &data,
        ];
        cluster.run("initdb", &options).await;
        cluster.control("start").await;
        cluster
            .run(
                "createdb",
                &[
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &cluster.port(),
                    "-U",
                    "postgres",
                    DATABASE,
                ],
            )
            .await;
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// All connections end; new ones are refused until it is there again.
    pub async fn restart(&self) {
        self.control("restart").await;
    }

    /// Writes down everything in the database, as of one moment.
    pub async fn dump(&self) {
        let (file, url) = (self.dump_file(), self.url());
        self.run("pg_dump", &["--format=custom", "--file", &file, &url])
            .await;
    }

    fn dump_file(&self) -> String {
        let file = self.folder.path().join("database.dump");
        file.display().to_string()
    }

    /// An empty database in the place of the one that is there.
    pub async fn destroy(&self) {
        let place = ["-h", "127.0.0.1", "-p", &self.port(), "-U", "postgres"];
        let dropped = [&place[..], &["--force", DATABASE]].concat();
        self.run("dropdb", &dropped).await;
        self.run("createdb", &[&place[..], &[DATABASE]].concat())
            .await;
    }

    /// What was written down, into an empty database.
    pub async fn restore(&self) {
        let (file, url) = (self.dump_file(), self.url());
        self.run("pg_restore", &["--exit-on-error", "--dbname", &url, &file])
            .await;
    }

    /// The applications with a subscription, after a look that each of these has its key.
    pub async fn applications_with_keys(&self) -> BTreeSet<String> {
        let database = Database::connect(self.url()).await.unwrap();
        let ask = async |statement: &str| {
            let statement = Statement::from_string(DbBackend::Postgres, statement);
            let rows = database.query_all_raw(statement).await.unwrap();
            let names = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
            names.collect::<BTreeSet<String>>()
        };
        let subscribed = ask("select application_id from wicketgate.subscriptions").await;
        let with_keys = "select s.application_id from wicketgate.subscriptions s \
                         join wicketgate.credentials c on c.subscription_id = s.id";
        assert_eq!(ask(with_keys).await, subscribed);
        subscribed
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn port(&self) -> String {
        self.port.to_string()
    }

    async fn control(&self, action: &str) {
        let folder = self.folder.path().display();
        let options = format!(
            "-h 127.0.0.1 -p {} -k {folder} -c fsync=off -c max_connections=200",
            self.port
        );
        let log = format!("{folder}/log");
        let arguments = [
            "-D",
            &self.data(),
            "-o",
            &options,
            "-l",
            &log,
            "-m",
            "fast",
            "-w",
            action,
        ];
        self.run("pg_ctl", &arguments).await;
    }

    async fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments).output().await.unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let arguments = ["-D", &self.data(), "-m", "immediate", "-W", "stop"];
        let mut command = self.command("pg_ctl", &arguments);
        let _ = command.as_std_mut().output();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
