//! `wicketgate up`: every service in one process. They talk to each other over HTTP all the same,
//! so what works here works when they are apart.

use std::{
    collections::BTreeMap, fs::File, net::TcpListener, num::NonZeroU32, path::Path, time::Duration,
};

use anyhow::{Context, bail};
use config::{Environment, Origin, Start, globals::GatewayType};
use migrations::Location;
use service::{
    ServiceName,
    health::Readiness,
    keys::{Keys, Purpose},
    settings,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    banner::Banner,
    cli::Up,
    keys,
    neighbours::Neighbours,
    ports::Ports,
    signals,
    single::{events, networks, rate_limits},
    source,
};

/// How long everything but the gateway may take to stop; the gateway goes last.
const STOP: Duration = Duration::from_secs(9);

/// Starts everything, says where it is, and returns after Ctrl-C.
pub async fn run(options: Up) -> anyhow::Result<()> {
    let shutdown = signals::shutdown()?;
    keys::prepare_folder(&options.data)?;
    let _lock = lock(&options.data)?;
    let sockets = Sockets::bind(&options)?;
    let keys = keys::from_environment_or_file(&options.data)?;
    let neighbours = Neighbours::local(&options.ports, options.listen);
    let origin = source::origin(options.config.as_deref(), &options.data)?;
    let environment = environment(&options, &origin, &neighbours, &keys)?;
    let start = source::start(&origin, &environment).await?;
    let banner = Banner::new(&options, &start.configuration);
    let installation = Installation {
        gateway: start.configuration.globals.gateway_type,
        api: api_settings(&options, &keys, &neighbours, origin, environment, start)?,
    };

    let (password, mut passwords) = mpsc::unbounded_channel();
    let mut services = Services::default();
    services.start_all(
        &options,
        &keys,
        &neighbours,
        installation,
        sockets,
        password,
    )?;

    let ready = services.until_ready();
    tokio::select! {
        () = ready => banner.print(passwords.try_recv().ok().as_deref()),
        ended = services.first_end() => {
            // A service that ends by itself has met something that waiting does not mend.
            shutdown.cancel();
            services.stop().await;
            return Err(ended);
        }
        () = shutdown.cancelled() => {}
    }
    tokio::select! {
        () = shutdown.cancelled() => services.stop().await,
        ended = services.first_end() => {
            services.stop().await;
            return Err(ended);
        }
    }
    Ok(())
}

/// One process per data folder.
pub fn lock(data: &Path) -> anyhow::Result<File> {
    let file = File::create(data.join("lock"))
        .with_context(|| format!("cannot write into {} (--data)", data.display()))?;
    if file.try_lock().is_err() {
        bail!(
            "the data folder {} is in use by another wicketgate (--data chooses another)",
            data.display()
        );
    }
    Ok(file)
}

/// All ports, bound before anything else happens: a taken one ends the start with one line.
struct Sockets {
    by_option: BTreeMap<&'static str, TcpListener>,
    gateway: gateway::Bound,
}

impl Sockets {
    fn bind(options: &Up) -> anyhow::Result<Self> {
        let mut by_option = BTreeMap::new();
        for port in options.ports.all() {
            by_option.insert(port.option, port.bind(options.listen)?);
        }
        // The gateway binds its ports itself, one socket per worker; they were free just now.
        let mut address = |option: &str| {
            let held: Option<TcpListener> = by_option.remove(option);
            held.expect("each port is bound once").local_addr()
        };
        let [proxy, admin, status] = [
            "--gateway-port",
            "--gateway-admin-port",
            "--gateway-status-port",
        ]
        .map(&mut address);
        Ok(Self {
            gateway: gateway::Bound::new(proxy?, admin?, status?)?,
            by_option,
        })
    }

    fn take(&mut self, option: &str) -> anyhow::Result<tokio::net::TcpListener> {
        let listener = self
            .by_option
            .remove(option)
            .expect("each port is taken once");
        tokio::net::TcpListener::from_std(listener).context("cannot use a bound socket")
    }
}

/// What the configuration's variables are resolved with.
pub fn environment(
    options: &Up,
    origin: &Origin,
    neighbours: &Neighbours,
    keys: &Keys,
) -> anyhow::Result<Environment> {
    let mut variables = settings::all();
    variables
        .entry("PORTAL_ECHO_URL".to_owned())
        .or_insert_with(|| trimmed(&neighbours.echo));
    // A configuration of one's own says under which names it is reached; the sample, and whoever
    // opens this machine with --public-host, is reached on the ports of this process.
    let host = match (&options.public_host, origin) {
        (Some(host), _) => Some(host.as_str()),
        (None, Origin::Memory { .. }) => Some("localhost"),
        (None, _) => None,
    };
    if let Some(host) = host {
        let Ports {
            portal_port,
            gateway_port,
            ..
        } = options.ports;
        let mut set = |name: &str, value: String| {
            variables.entry(name.to_owned()).or_insert(value);
        };
        set("PORTAL_NETWORK_SCHEMA", "http".to_owned());
        set("PORTAL_NETWORK_PORTALHOST", format!("{host}:{portal_port}"));
        set("PORTAL_NETWORK_APIHOST", format!("{host}:{gateway_port}"));
    }
    let mut environment = Environment::new(variables);
    environment.overrides.network = neighbours.network().collect();
    if let Some(host) = &options.public_host {
        let network = &mut environment.overrides.network;
        network.insert(
            "portalHost".to_owned(),
            format!("{host}:{}", options.ports.portal_port),
        );
        network.insert(
            "apiHost".to_owned(),
            format!("{host}:{}", options.ports.gateway_port),
        );
    }
    let mut auth_server = neighbours.auth_server.clone();
    auth_server.set_path("");
    environment.overrides.auth_server_url = Some(trimmed(&auth_server));
    environment.overrides.default_gateway = GatewayType::Embedded;
    environment.hash_key = Some(
        keys.derive(&Purpose::EventData)?
            .hmac_sha256(b"configuration hash"),
    );
    Ok(environment)
}

/// What the configuration decides about this process.
struct Installation {
    gateway: GatewayType,
    api: portal_api::Settings,
}

fn api_settings(
    options: &Up,
    keys: &Keys,
    neighbours: &Neighbours,
    origin: Origin,
    environment: Environment,
    start: Start,
) -> anyhow::Result<portal_api::Settings> {
    Ok(portal_api::Settings {
        database: database(&options.data, "portal-api.db")?,
        database_connections: 10,
        keys: keys.clone(),
        configuration: start.configuration,
        source: source::following(origin, environment, start.trouble)?,
        password_cost: portal_api::passwords::Cost::default(),
        data: options.data.clone(),
        neighbours: portal_api::Neighbours {
            portal: neighbours.portal.clone(),
            auth_server: neighbours.auth_server.clone(),
            gateway: neighbours.gateway.clone(),
        },
        trusted_peers: networks("PORTAL_API_TRUSTED_PEERS")?,
        allow_any_redirect_uri: settings::var("ALLOW_ANY_REDIRECT_URI").is_some(),
        unconfirmed_days: settings::parsed("UNCONFIRMED_ACCOUNTS_DAYS")?,
        rate_limits: rate_limits()?,
        events: events()?,
        health_interval: Duration::from_secs(30),
        first_admin: None,
    })
}

fn trimmed(url: &url::Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The running services.
#[derive(Default)]
struct Services {
    tasks: JoinSet<(ServiceName, anyhow::Result<()>)>,
    readiness: Vec<Readiness>,
    stop: CancellationToken,
    stop_gateway: CancellationToken,
}

impl Services {
    fn start_all(
        &mut self,
        options: &Up,
        keys: &Keys,
        neighbours: &Neighbours,
        installation: Installation,
        mut sockets: Sockets,
        password: mpsc::UnboundedSender<String>,
    ) -> anyhow::Result<()> {
        let mut api = installation.api;
        api.first_admin = Some(portal_api::FirstAdmin {
            email: options.admin.clone(),
            password,
        });
        let listener = sockets.take("--api-port")?;
        let echo = sockets.take("--echo-port")?;
        self.start(ServiceName::PortalApi, |readiness, stop| {
            portal_api::serve(api, listener, echo, readiness, stop)
        });

        let mut own_url = neighbours.auth_server.clone();
        own_url.set_path("/");
        let mut auth = auth_server::Settings::new(
            neighbours.portal_api.clone(),
            own_url,
            keys.clone(),
            &options.data,
        );
        auth.database = database(&options.data, "auth-server.db")?;
        auth.kong = auth_server::KongSettings::from_env()?;
        auth.grants = auth_server::OldGrants::from_env();
        auth.receiver_networks = networks("EVENT_ALLOWED_NETWORKS")?;
        let listener = sockets.take("--auth-port")?;
        self.start(ServiceName::AuthServer, |readiness, stop| {
            auth_server::serve(auth, listener, readiness, stop)
        });

        let portal = portal::Settings {
            fresh_login: portal::Settings::FRESH_LOGIN,
            session_limit: portal::Settings::session_limit_from_env()?,
            api_url: neighbours.portal_api.clone(),
            auth_url: neighbours.auth_server.clone(),
            keys: keys.clone(),
            external_url: None,
            issuer: None,
        };
        let listener = sockets.take("--portal-port")?;
        self.start(ServiceName::Portal, |readiness, stop| {
            portal::serve(portal, listener, readiness, stop)
        });

        let mut mailer =
            mailer::Settings::new(neighbours.portal_api.clone(), keys.clone(), &options.data);
        mailer.url = Some(neighbours.mailer.clone());
        mailer.state = Some(options.data.join("mailer"));
        mailer.rate_per_minute = NonZeroU32::new(600).expect("not zero");
        mailer.apply_env()?;
        let listener = sockets.take("--mailer-port")?;
        self.start(ServiceName::Mailer, |readiness, stop| {
            mailer::serve(mailer, listener, readiness, stop)
        });

        let mut chatbot = chatbot::Settings::new(neighbours.portal_api.clone(), keys.clone());
        chatbot.url = Some(neighbours.chatbot.clone());
        chatbot.state = Some(options.data.join("chatbot"));
        chatbot.apply_env()?;
        let listener = sockets.take("--chatbot-port")?;
        self.start(ServiceName::Chatbot, |readiness, stop| {
            chatbot::serve(chatbot, listener, readiness, stop)
        });

        let mut adapter = gateway_adapter::Settings::new(
            neighbours.portal_api.clone(),
            neighbours.gateway_admin.clone(),
            neighbours.adapter.clone(),
            keys.clone(),
        );
        adapter.apply_env()?;
        let listener = sockets.take("--adapter-port")?;
        self.start(ServiceName::GatewayAdapter, |readiness, stop| {
            gateway_adapter::serve(adapter, listener, readiness, stop)
        });

        if installation.gateway == GatewayType::Embedded {
            let mut gateway = gateway::Settings::new(sockets.gateway, options.data.clone());
            gateway.apply_env()?;
            self.start(ServiceName::Gateway, |readiness, stop| {
                gateway::serve(gateway, readiness, stop)
            });
        }
        Ok(())
    }

    fn start<F>(&mut self, name: ServiceName, serve: impl FnOnce(Readiness, CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let readiness = Readiness::new();
        self.readiness.push(readiness.clone());
        let stop = if name == ServiceName::Gateway {
            &self.stop_gateway
        } else {
            &self.stop
        };
        let serving = serve(readiness, stop.clone());
        self.tasks.spawn(async move { (name, serving.await) });
    }

    fn until_ready(&self) -> impl Future<Output = ()> + use<> {
        let all = self.readiness.clone();
        async move {
            for readiness in all {
                readiness.until_ready().await;
            }
        }
    }

    /// The error of the first service that ends although nobody told it to.
    async fn first_end(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((name, Err(error)))) => error.context(format!("{name} cannot run")),
            Some(Ok((name, Ok(())))) => anyhow::anyhow!("{name} has stopped"),
            Some(Err(panic)) => anyhow::Error::from(panic).context("a service has failed"),
            None => anyhow::anyhow!("no service is running"),
        }
    }

    /// Stops all but the gateway, then the gateway, so that calls are answered as long as possible.
    async fn stop(&mut self) {
        self.stop.cancel();
        let running = |tasks: &JoinSet<_>| tasks.len() > 1;
        let _ = tokio::time::timeout(STOP, async {
            while running(&self.tasks) && self.tasks.join_next().await.is_some() {}
        })
        .await;
        self.stop_gateway.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }
}

/// `DATABASE_URL`, else a file in the data folder.
pub fn database(data: &Path, file: &str) -> anyhow::Result<Location> {
    match settings::secret("DATABASE_URL")? {
        Some(url) => Location::parse(&url).context("DATABASE_URL"),
        None => Ok(Location::in_folder(data, file)),
    }
}
