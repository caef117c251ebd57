//! How the Admin API is reached: by name, over TLS, in a workspace, with a token.

use std::net::SocketAddr;

use gateway_adapter::Settings;
use serde_json::json;
use service::health::State;
use tokio::net::TcpListener;
use url::Url;

use crate::{authority::Authority, double::Double, kong_world::KongWorld};

#[tokio::test]
async fn every_address_of_a_name_is_a_node() {
    let first = Double::start(false).await;
    let port = first.url.port().unwrap();
    // Wherever the name leads on this machine.
    let mut nodes = Vec::new();
    for address in tokio::net::lookup_host(("localhost", port)).await.unwrap() {
        let is_first = address == SocketAddr::from(([127, 0, 0, 1], port));
        nodes.push(if is_first {
            first.clone()
        } else {
            let listener = TcpListener::bind(address).await.unwrap();
            Double::on(listener, false, "3.10.0")
        });
    }
    let by_name = |settings: &mut Settings| {
        settings.gateway_admin_urls = vec![at("http", port)];
        settings.discovers_gateways = true;
    };
    let world = KongWorld::with_double(first.clone(), |_| {}, by_name).await;
    world.subscribe("my-app", "keyed", "limited", "k").await;
    let document = first.state().text.clone();
    assert!(!nodes.is_empty());
    for node in &nodes {
        assert_eq!(node.state().text, document);
        assert_eq!(node.state().store.of("consumers").len(), 1);
    }
    let status = world
        .portal
        .until_status(|status| status.nodes.len() == nodes.len());
    assert!(status.await.nodes.iter().all(|node| node.in_sync));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_waited_for() {
    let double = Double::start(false).await;
    let to_nowhere = |settings: &mut Settings| {
        let nowhere = Url::parse("http://nowhere.invalid:8001/").unwrap();
        settings.gateway_admin_urls = vec![nowhere];
        settings.discovers_gateways = true;
    };
    let world = KongWorld::before_double(double, |_| {}, to_nowhere).await;
    until_waiting(&world, "no address").await;
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_when_its_file_is_named() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    for discovers in [false, true] {
        let double = Double::start(true).await;
        let port = authority.cover(&double.url, "localhost").await;
        let over_tls = |settings: &mut Settings| {
            settings.gateway_admin_urls = vec![at("https", port)];
            settings.gateway_admin_ca = Some(file.clone());
            settings.discovers_gateways = discovers;
        };
        let world = KongWorld::with_double(double, |_| {}, over_tls).await;
        world.entity("services", "name", "keyed").await;
    }
}

#[tokio::test]
async fn without_it_or_under_another_name_nothing_is_believed() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    for (name, ca) in [("localhost", None), ("other.test", Some(file))] {
        let double = Double::start(true).await;
        let port = authority.cover(&double.url, name).await;
        let over_tls = |settings: &mut Settings| {
            settings.gateway_admin_urls = vec![at("https", port)];
            settings.gateway_admin_ca = ca;
        };
        let world = KongWorld::before_double(double.clone(), |_| {}, over_tls).await;
        until_waiting(&world, "localhost").await;
        assert_eq!(double.state().requests, 0, "{name}");
    }
}

#[tokio::test]
async fn a_file_without_an_authority_is_refused_at_the_start() {
    service::http::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for text in ["", "nonsense"] {
        std::fs::write(&file, text).unwrap();
        let nowhere = Url::parse("http://127.0.0.1:9/").unwrap();
        let master = service::keys::MasterKey::generate();
        let keys = service::keys::Keys::from_master(master);
        let mut settings = Settings::new(nowhere.clone(), nowhere.clone(), nowhere, keys);
        settings.gateway_admin_ca = Some(file.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = gateway_adapter::serve(
            settings,
            listener,
            service::health::Readiness::new(),
            tokio_util::sync::CancellationToken::new(),
        );
        let error = served.await.unwrap_err().to_string();
        assert!(error.contains("KONG_ADMIN_CA"), "{error}");
    }
}

#[tokio::test]
async fn entities_of_a_workspace_are_called_by_its_name_and_shown_the_token() {
    for database in [true, false] {
        let double = Double::start(database).await;
        double.state().workspace = Some("team a".to_owned());
        double.state().token = Some("hush".to_owned());
        let inside = |settings: &mut Settings| {
            settings.workspace = Some("team a".to_owned());
            settings.gateway_admin_token = Some("hush".to_owned().into());
        };
        let world = KongWorld::with_double(double.clone(), |_| {}, inside).await;
        world.subscribe("my-app", "keyed", "limited", "k").await;
        assert_eq!(world.resync("").await["actions"], json!([]));
        assert_eq!(double.state().store.of("keyauth_credentials").len(), 1);
        let calls = double.take_calls();
        let outside = |path: &str| path == "/" || path == "/status";
        let mut paths = calls.iter().map(|(_, path)| path);
        assert!(paths.all(|path| outside(path) || path.starts_with("/team%20a/")));
    }
}

fn at(scheme: &str, port: u16) -> Url {
    Url::parse(&format!("{scheme}://localhost:{port}/")).unwrap()
}

async fn until_waiting(world: &KongWorld, reason: &str) {
    let waits = |state| matches!(state, State::Waiting(text) if text.contains(reason));
    while !waits(world.readiness.state()) {
        tokio::task::yield_now().await;
    }
}
