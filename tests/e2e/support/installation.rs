//! A running installation in one of the shapes that users run.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use super::{balancer, eventually, postgres};

/// How the services are spread over processes, and where they keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `wicketgate up`.
    OneProcess,
    /// `wicketgate up` with `DATABASE_URL`.
    OneProcessPostgres,
    /// Each service a process.
    Apart,
    /// As `Apart`, with two portal-api, two auth servers and two portals behind a round robin.
    Doubled,
    /// Two of everything that may be there twice, behind HAProxy with TLS and two virtual hosts: the
    /// shape of docker-compose.yml.
    Balanced,
}

/// The services in the order in which they are started when apart.
const SERVICES: [&str; 7] = [
    "portal-api",
    "auth-server",
    "portal",
    "gateway-adapter",
    "mailer",
    "chatbot",
    "gateway",
];

/// Those that do with derived keys.
const MODEST: [&str; 4] = ["portal", "gateway-adapter", "mailer", "chatbot"];

/// A running installation. Everything ends when it is dropped.
pub struct Installation {
    pub shape: Shape,
    folder: TempDir,
    ports: Ports,
    /// Of those that share a port of `ports`.
    behind: Vec<u16>,
    /// Where HAProxy listens.
    balanced_port: Option<u16>,
    environment: BTreeMap<String, String>,
    /// The master keys of processes that are started from now on, if they are others by now.
    master_keys: Mutex<Vec<(&'static str, String)>>,
    /// What processes that are started from now on run.
    program: Mutex<PathBuf>,
    /// Behind a lock, so that a test can stop and start them while others use the installation.
    processes: Mutex<BTreeMap<String, Process>>,
    /// How each process that runs alone is started.
    own: Mutex<BTreeMap<String, Start>>,
    pub http: Client,
    /// Password of the first administrator, from the banner.
    password: Arc<Mutex<Option<String>>>,
}

/// The service of a process, and its own variables.
type Start = (String, BTreeMap<&'static str, String>);

struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// The ports by the name of their option.
struct Ports(BTreeMap<&'static str, u16>);

const NAMES: [&str; 10] = [
    "portal",
    "api",
    "adapter",
    "mailer",
    "chatbot",
    "echo",
    "auth",
    "gateway",
    "gateway-admin",
    "gateway-status",
];

impl Ports {
    fn free() -> Self {
        Self(NAMES.into_iter().zip(free_ports(NAMES.len())).collect())
    }

    fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.0[name])
    }
}

/// An address on which nobody listens.
pub fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_ports(1)[0]).into()
}

/// Ports on which nobody listens, and which nobody else in this process was given: those of one
/// installation are asked for at several places, and installations start beside each other.
fn free_ports(count: usize) -> Vec<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap();
    let mut ports = Vec::new();
    while ports.len() < count {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        if given.insert(port) {
            ports.push(port);
        }
    }
    ports
}

impl Installation {
    /// Starts an installation and waits until it is ready; nothing where it needs a PostgreSQL
    /// server and there is none.
    pub async fn start(shape: Shape) -> Option<Self> {
        let mut installation = Self::prepare(shape).await?;
        installation.launch().await;
        Some(installation)
    }

    /// Everything but the processes.
    pub async fn prepare(shape: Shape) -> Option<Self> {
        service::http::install_crypto();
        if shape == Shape::Balanced && !balancer::is_there() {
            return None;
        }
        let mut environment = BTreeMap::new();
        if shape != Shape::OneProcess {
            environment.insert("DATABASE_URL".to_owned(), postgres::fresh().await?);
        }
        environment.insert("LOG_LEVEL".to_owned(), "info".to_owned());
        environment.insert("LOG_PLAIN".to_owned(), "true".to_owned());
        let http = balancer::client().timeout(Duration::from_secs(10));
        let http = http.build().unwrap();
        Some(Self {
            shape,
            folder: tempfile::tempdir().unwrap(),
            ports: Ports::free(),
            behind: Vec::new(),
            balanced_port: None,
            environment,
            master_keys: Mutex::default(),
            program: Mutex::new(Self::binary().into()),
            processes: Mutex::default(),
            own: Mutex::default(),
            http,
            password: Arc::default(),
        })
    }

    /// A variable that processes are started with.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// Sets a variable for processes that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// What an operator changes for a rotation; for processes that are started from now on.
    pub fn use_master_keys(&self, current: &str, other: &str) {
        *self.master_keys.lock().unwrap() = vec![
            ("WICKETGATE_MASTER_KEY", current.to_owned()),
            ("WICKETGATE_MASTER_KEY_PREVIOUS", other.to_owned()),
        ];
    }

    /// Another release, for processes that are started from now on.
    pub fn use_program(&self, program: impl Into<PathBuf>) {
        *self.program.lock().unwrap() = program.into();
    }

    /// Takes the configuration from another place. It has the addresses of a standard installation.
    pub fn configure(&mut self, place: &str) {
        let host_of = |address: String| address.replace("http://", "");
        let (portal, gateway) = (self.portal(), self.gateway());
        self.set("WICKETGATE_CONFIG", place);
        self.set("PORTAL_NETWORK_PORTALHOST", &host_of(portal));
        self.set("PORTAL_NETWORK_APIHOST", &host_of(gateway));
    }

    pub fn launch_without_waiting(&mut self) {
        self.launch_up();
    }

    pub async fn launch(&mut self) {
        match self.shape {
            Shape::OneProcess | Shape::OneProcessPostgres => self.launch_up(),
            Shape::Apart => {
                self.share_settings();
                for service in SERVICES {
                    self.launch_service(service);
                }
            }
            Shape::Doubled => {
                self.share_settings();
                self.launch_pairs().await;
                for service in &SERVICES[3..] {
                    self.launch_service(service);
                }
            }
            Shape::Balanced => self.launch_balanced().await,
        }
        self.until_ready().await;
    }

    /// Waits until every part says that it can work.
    pub async fn until_ready(&self) {
        let parts = [
            "api",
            "auth",
            "portal",
            "adapter",
            "mailer",
            "chatbot",
            "gateway-status",
        ];
        let parts = parts.map(|name| (name.to_owned(), self.ports.url(name)));
        let behind = self.behind.iter();
        let behind = behind.map(|port| (port.to_string(), format!("http://127.0.0.1:{port}")));
        for (name, url) in parts.into_iter().chain(behind) {
            let url = format!("{url}/readyz");
            eventually(&format!("{name} is ready\n{}", self.log()), async || {
                let answer = self.http.get(&url).send().await.ok()?;
                answer.status().is_success().then_some(())
            })
            .await;
        }
        if self.shape == Shape::Balanced {
            let well_known = "/auth/.well-known/oauth-authorization-server";
            for url in [self.portal() + "/apis", self.gateway() + well_known] {
                eventually(&format!("HAProxy leads to {url}"), async || {
                    let answer = self.http.get(&url).send().await.ok()?;
                    answer.status().is_success().then_some(())
                })
                .await;
            }
        }
    }

    pub fn binary() -> &'static str {
        env!("CARGO_BIN_EXE_wicketgate")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn master_key(&self) -> String {
        let file = || std::fs::read_to_string(self.data().join("master.key")).unwrap();
        self.environment
            .get("WICKETGATE_MASTER_KEY")
            .cloned()
            .unwrap_or_else(file)
    }

    /// As the auth server proves itself to portal-api, where it may change users.
    pub fn service_token(&self) -> String {
        let key = service::keys::MasterKey::parse(&self.master_key()).unwrap();
        let keys = service::keys::Keys::from_master(key);
        service::token::Identity::new(service::ServiceName::AuthServer, keys)
            .token_for(service::ServiceName::PortalApi)
            .unwrap()
    }

    /// Base URL of a part, without a slash at the end.
    pub fn url(&self, name: &str) -> String {
        self.ports.url(name)
    }

    /// As browsers know it.
    pub fn portal(&self) -> String {
        match self.balanced_port {
            Some(port) => format!("https://{}:{port}", balancer::PORTAL_HOST),
            None => format!("http://localhost:{}", self.ports.0["portal"]),
        }
    }

    pub fn gateway(&self) -> String {
        match self.balanced_port {
            Some(port) => format!("https://{}:{port}", balancer::API_HOST),
            None => format!("http://localhost:{}", self.ports.0["gateway"]),
        }
    }

    /// Each gateway past the load balancer.
    pub fn gateways(&self) -> Vec<String> {
        let listens = |own: &Start| own.1.get("GATEWAY_LISTEN").cloned();
        let mut gateways: Vec<String> = {
            let own = self.own.lock().unwrap();
            own.values().filter_map(listens).collect()
        };
        for gateway in &mut gateways {
            gateway.insert_str(0, "http://");
        }
        if gateways.is_empty() {
            gateways.push(self.gateway());
        }
        gateways
    }

    /// Waits until `works` holds at each gateway: a change reaches one after the other.
    pub async fn at_every_gateway(&self, what: &str, works: impl AsyncFn(&str) -> bool) {
        for gateway in self.gateways() {
            eventually(&format!("{what} at {gateway}"), async || {
                works(&gateway).await.then_some(())
            })
            .await;
        }
    }

    /// Options of `up` that move every port.
    pub fn port_options(&self) -> Vec<String> {
        NAMES
            .iter()
            .flat_map(|name| [format!("--{name}-port"), self.ports.0[name].to_string()])
            .collect()
    }

    fn launch_up(&self) {
        let data = self.data();
        let mut command = self.command("up");
        command.arg("--data").arg(data).args(self.port_options());
        self.spawn("up", command);
    }

    /// What processes that are apart have to be told.
    fn share_settings(&mut self) {
        let portal_host = format!("localhost:{}", self.ports.0["portal"]);
        let api_host = format!("localhost:{}", self.ports.0["gateway"]);
        let key = service::keys::MasterKey::generate().to_text();
        let settings = [
            ("WICKETGATE_MASTER_KEY", key),
            ("WICKETGATE_GATEWAY", "embedded".to_owned()),
            ("LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("STATE_DIR", self.data().join("state").display().to_string()),
            ("PORTAL_NETWORK_SCHEMA", "http".to_owned()),
            ("PORTAL_NETWORK_PORTALHOST", portal_host),
            ("PORTAL_NETWORK_APIHOST", api_host),
            ("PORTAL_API_URL", format!("{}/", self.url("api"))),
            ("PORTAL_ECHO_URL", self.url("echo")),
            ("PORTAL_PORTAL_URL", self.url("portal")),
            ("PORTAL_AUTHSERVER_URL", self.url("auth")),
            ("PORTAL_KONG_ADAPTER_URL", self.url("adapter")),
            ("PORTAL_KONG_ADMIN_URL", self.url("gateway-admin")),
            ("PORTAL_KONG_PROXY_URL", self.url("gateway")),
            ("PORTAL_MAILER_URL", self.url("mailer")),
            ("PORTAL_CHATBOT_URL", self.url("chatbot")),
            (
                "GATEWAY_LISTEN",
                format!("127.0.0.1:{}", self.ports.0["gateway"]),
            ),
            (
                "GATEWAY_ADMIN_LISTEN",
                format!("127.0.0.1:{}", self.ports.0["gateway-admin"]),
            ),
            (
                "GATEWAY_STATUS_LISTEN",
                format!("127.0.0.1:{}", self.ports.0["gateway-status"]),
            ),
        ];
        self.environment
            .extend(settings.map(|(name, value)| (name.to_owned(), value)));
    }

    pub fn launch_service(&self, service: &str) {
        let port = match service {
            "portal-api" => "api",
            "auth-server" => "auth",
            "gateway-adapter" => "adapter",
            other => other,
        };
        let port = self.ports.0[port];
        self.launch_on(service, service, port, self.ports.0["echo"]);
    }

    fn launch_on(&self, name: &str, service: &str, port: u16, echo: u16) {
        let own = [("PORT", port.to_string()), ("ECHO_PORT", echo.to_string())];
        self.launch_with(name, service, own.into());
    }

    /// Starts a process that has a few variables for itself.
    fn launch_with(&self, name: &str, service: &str, own: BTreeMap<&'static str, String>) {
        let data = self.data().join(name);
        let mut command = self.command(service);
        command.envs(&own).env("WICKETGATE_DATA", data);
        let mut all = self.own.lock().unwrap();
        all.insert(name.to_owned(), (service.to_owned(), own));
        drop(all);
        if MODEST.contains(&service) {
            command
                .env_remove("WICKETGATE_MASTER_KEY")
                .env_remove("WICKETGATE_MASTER_KEY_PREVIOUS")
                .env("WICKETGATE_DERIVED_KEYS", self.derived_keys(service));
        }
        self.spawn(name, command);
    }

    /// What an operator gives a service in the place of the master key.
    fn derived_keys(&self, service: &str) -> String {
        let program = self.program.lock().unwrap().clone();
        let output = std::process::Command::new(program)
            .args(["keys", "derive", "--for", service])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment)
            .envs(self.master_keys.lock().unwrap().clone())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Two of each stateless service, and the known port in front of both.
    async fn launch_pairs(&mut self) {
        for (service, port) in [
            ("portal-api", "api"),
            ("auth-server", "auth"),
            ("portal", "portal"),
        ] {
            let pair = free_ports(3);
            for (number, behind) in pair[..2].iter().enumerate() {
                // Only the first portal-api has the sample backends, whose data is in memory.
                let echo = if number == 0 {
                    self.ports.0["echo"]
                } else {
                    pair[2]
                };
                self.launch_on(&format!("{service}-{number}"), service, *behind, echo);
            }
            self.behind.extend(&pair[..2]);
            forward(self.ports.0[port], pair[..2].to_vec(), |connection| {
                connection
            })
            .await;
        }
    }

    /// Two of each behind HAProxy, which is told where they are.
    async fn launch_balanced(&mut self) {
        let port = || free_ports(1)[0];
        let listens = |port: u16| format!("127.0.0.1:{port}");
        let https = port();
        let mut environment = BTreeMap::from([
            ("HTTP_BIND", listens(port())),
            ("HTTPS_BIND", listens(https)),
            ("STATISTICS_BIND", listens(port())),
            ("PUBLIC_PORT", https.to_string()),
            ("PORTAL_API_BIND", listens(self.ports.0["api"])),
            ("AUTH_SERVER_BIND", listens(self.ports.0["auth"])),
        ]);
        self.balanced_port = Some(https);
        self.share_settings();
        let host_of = |host: &str| format!("{host}:{https}");
        self.set("PORTAL_NETWORK_SCHEMA", "https");
        self.set("PORTAL_NETWORK_PORTALHOST", &host_of(balancer::PORTAL_HOST));
        self.set("PORTAL_NETWORK_APIHOST", &host_of(balancer::API_HOST));
        self.set("GATEWAY_TRUSTED_IPS", "127.0.0.1");
        self.set("KONG_ADMIN_TOKEN", "only-the-adapter");
        self.set("SHUTDOWN_DELAY_SECONDS", "3");
        // The sample backends, whose data is in memory, are those of the first one while it is there.
        let echo = [port(), port()];
        forward(self.ports.0["echo"], echo.to_vec(), |_| 0).await;
        for (number, echo) in echo.into_iter().enumerate() {
            let place = if number == 0 {
                ["PORTAL_API_1", "AUTH_SERVER_1"]
            } else {
                ["PORTAL_API_2", "AUTH_SERVER_2"]
            };
            for (service, variable) in ["portal-api", "auth-server"].into_iter().zip(place) {
                let own = port();
                environment.insert(variable, listens(own));
                self.behind.push(own);
                self.launch_on(&format!("{service}-{}", number + 1), service, own, echo);
            }
        }
        for (number, variable, port) in [
            (1, "PORTAL_1", self.ports.0["portal"]),
            (2, "PORTAL_2", port()),
        ] {
            environment.insert(variable, listens(port));
            self.behind.push(port);
            self.launch_on(&format!("portal-{number}"), "portal", port, echo[0]);
        }
        let gateways = [
            (
                ["GATEWAY_1", "GATEWAY_1_STATUS_PORT"],
                ["gateway", "gateway-admin", "gateway-status"].map(|name| self.ports.0[name]),
            ),
            (
                ["GATEWAY_2", "GATEWAY_2_STATUS_PORT"],
                [port(), port(), port()],
            ),
        ];
        let admins = gateways.map(|(_, ports)| format!("http://127.0.0.1:{}/", ports[1]));
        self.set("KONG_ADMIN_URLS", &admins.join(","));
        for (number, ([proxy, status], ports)) in gateways.into_iter().enumerate() {
            environment.insert(proxy, listens(ports[0]));
            environment.insert(status, ports[2].to_string());
            let own = [
                ("GATEWAY_LISTEN", listens(ports[0])),
                ("GATEWAY_ADMIN_LISTEN", listens(ports[1])),
                ("GATEWAY_STATUS_LISTEN", listens(ports[2])),
            ];
            self.behind.push(ports[2]);
            self.launch_with(&format!("gateway-{}", number + 1), "gateway", own.into());
        }
        for service in &SERVICES[3..6] {
            self.launch_service(service);
        }
        let command = balancer::command(self.folder.path(), &environment);
        self.spawn("haproxy", command);
    }

    /// A command of the binary with the environment of this installation.
    pub fn command(&self, subcommand: &str) -> Command {
        let program = self.program.lock().unwrap().clone();
        let mut command = Command::new(program);
        command
            .arg(subcommand)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment)
            .envs(self.master_keys.lock().unwrap().clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(super) fn spawn(&self, name: &str, mut command: Command) {
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let password = self.password.clone();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        keep(output, log.clone(), password.clone());
        keep(
            BufReader::new(child.stderr.take().unwrap()).lines(),
            log.clone(),
            password,
        );
        let mut processes = self.processes.lock().unwrap();
        processes.insert(name.to_owned(), Process { child, log });
    }

    /// `kill -9`, and start again.
    pub async fn kill_and_restart(&self, name: &str) {
        self.kill(name).await;
        self.start_again(name);
    }

    /// Starts a process that has ended, as it was.
    pub fn start_again(&self, name: &str) {
        let own = self.own.lock().unwrap().get(name).cloned();
        match own {
            Some((service, own)) => self.launch_with(name, &service, own),
            None => self.launch_up(),
        }
    }

    /// The processes that serve requests, by name.
    pub fn processes(&self) -> Vec<String> {
        self.own.lock().unwrap().keys().cloned().collect()
    }

    /// Where a process listens that has a port of its own.
    pub fn process_url(&self, name: &str) -> String {
        format!(
            "http://127.0.0.1:{}",
            self.own.lock().unwrap()[name].1["PORT"]
        )
    }

    /// Waits until a process of its own says that it can work.
    pub async fn until_process_ready(&self, name: &str) {
        let own = self.own.lock().unwrap()[name].1.clone();
        let status = own.get("GATEWAY_STATUS_LISTEN").cloned();
        let address = status.unwrap_or_else(|| format!("127.0.0.1:{}", own["PORT"]));
        let url = format!("http://{address}/readyz");
        eventually(&format!("{name} is ready"), async || {
            let answer = self.http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    pub async fn kill(&self, name: &str) {
        let mut process = self.taken(name);
        process.child.kill().await.unwrap();
    }

    /// Sends the signal of Ctrl-C and waits for the end.
    pub async fn interrupt(&self, name: &str) -> std::process::ExitStatus {
        self.signal(name, "INT");
        self.until_ended(name, 12).await
    }

    /// Sends the signal of an orderly restart and waits for the end.
    pub async fn terminate(&self, name: &str) {
        self.signal(name, "TERM");
        // The delay of this shape comes before the time for running requests.
        let status = self.until_ended(name, 15).await;
        assert!(status.success(), "{name}: {status}");
    }

    fn taken(&self, name: &str) -> Process {
        self.processes.lock().unwrap().remove(name).unwrap()
    }

    async fn until_ended(&self, name: &str, seconds: u64) -> std::process::ExitStatus {
        let mut process = self.taken(name);
        let ended = tokio::time::timeout(Duration::from_secs(seconds), process.child.wait()).await;
        ended.expect("it stops in time").unwrap()
    }

    pub fn pid(&self, name: &str) -> u32 {
        let processes = self.processes.lock().unwrap();
        processes[name].child.id().unwrap()
    }

    pub fn signal(&self, name: &str, signal: &str) {
        let pid = self.pid(name).to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Runs a command of the binary with the environment of this installation.
    pub async fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = self.command(arguments[0]);
        command.args(&arguments[1..]).output().await.unwrap()
    }

    /// Everything that the processes printed, for failures.
    pub fn log(&self) -> String {
        let processes = self.processes.lock().unwrap();
        let lines = processes.iter().flat_map(|(name, process)| {
            let log = process.log.lock().unwrap().clone();
            log.into_iter().map(move |line| format!("[{name}] {line}"))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The generated password of the first administrator.
    pub async fn admin_password(&self) -> String {
        eventually("the banner shows a password", async || {
            self.password.lock().unwrap().clone()
        })
        .await
    }

    /// The mails that were written to the outbox, newest last.
    pub fn mails(&self) -> Vec<String> {
        let folders = [
            self.data().join("outbox"),
            self.data().join("mailer/outbox"),
        ];
        let mut files: Vec<PathBuf> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
        files
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect()
    }

    /// Waits for a mail that contains all of `texts`.
    pub async fn mail_with(&self, texts: &[&str]) -> String {
        eventually(
            &format!("a mail with {texts:?}\n{}", self.log()),
            async || {
                self.mails().into_iter().rev().find(|mail| {
                    let unfolded = mail.replace("=\r\n", "").replace("=3D", "=");
                    texts.iter().all(|text| unfolded.contains(text))
                })
            },
        )
        .await
        .replace("=\r\n", "")
        .replace("=3D", "=")
    }
}

fn keep<R: tokio::io::AsyncBufRead + Unpin + Send + 'static>(
    mut lines: tokio::io::Lines<R>,
    log: Arc<Mutex<Vec<String>>>,
    password: Arc<Mutex<Option<String>>>,
) {
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(found) = line.trim().strip_prefix("Password ") {
                *password.lock().unwrap() = Some(found.trim().to_owned());
            }
            log.lock().unwrap().push(line);
        }
    });
}

/// Forwards each connection to `port`, which are numbered, to one of `behind`: to the one chosen, or
/// to the next one while that is away.
async fn forward(port: u16, behind: Vec<u16>, choose: fn(usize) -> usize) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let next = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let start = choose(next.fetch_add(1, Ordering::Relaxed));
            let behind = behind.clone();
            tokio::spawn(async move {
                for offset in 0..behind.len() {
                    let target = behind[(start + offset) % behind.len()];
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                        return;
                    }
                }
            });
        }
    });
}
