//! The real embedded gateway, on free ports.

use std::net::{Ipv4Addr, SocketAddr};

use service::health::Readiness;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub struct Gateway {
    pub admin: Url,
    pub proxy: String,
    state: TempDir,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Gateway {
    pub fn start() -> Self {
        Self::start_at(ANY, ANY, tempfile::tempdir().unwrap())
    }

    fn start_at(proxy: SocketAddr, admin: SocketAddr, state: TempDir) -> Self {
        let bound = gateway::Bound::new(proxy, admin, ANY).unwrap();
        let admin = bound.admin.local_addr().unwrap();
        let proxy = bound.proxy_address().unwrap();
        let mut settings = gateway::Settings::new(bound, state.path().to_owned());
        settings.node_name = String::from("node-1");
        let stop = CancellationToken::new();
        let task = tokio::spawn(gateway::serve(settings, Readiness::new(), stop.clone()));
        Self {
            admin: Url::parse(&format!("http://{admin}/")).unwrap(),
            proxy: format!("http://{proxy}"),
            state,
            stop,
            task,
        }
    }

    /// Stops it, and gives back what is needed to start it again at the same place.
    pub async fn stop(self) -> Stopped {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        let address = |url: &Url| url.socket_addrs(|| None).unwrap()[0];
        Stopped {
            admin: address(&self.admin),
            proxy: address(&Url::parse(&self.proxy).unwrap()),
            _state: self.state,
        }
    }
}

pub struct Stopped {
    admin: SocketAddr,
    proxy: SocketAddr,
    _state: TempDir,
}

impl Stopped {
    /// The same addresses, but nothing of what the gateway knew.
    pub fn start_empty(self) -> Gateway {
        Gateway::start_at(self.proxy, self.admin, tempfile::tempdir().unwrap())
    }
}
