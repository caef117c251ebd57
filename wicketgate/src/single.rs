//! One service alone, with the settings of its environment. Variables are named as existing
//! deployments name them (static-config 3.7, 24.1).

mod portal_api_service;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;
use ipnet::IpNet;
use service::{ServiceName, health::Readiness, settings};
use tokio::net::TcpListener;

use crate::{cli::Service, keys, ports, signals};

/// Runs `service` until it is told to stop.
pub async fn run(service: Service) -> anyhow::Result<()> {
    let readiness = Readiness::new();
    let delay = settings::parsed("SHUTDOWN_DELAY_SECONDS")?.unwrap_or(0);
    let shutdown = signals::shutdown_after(Duration::from_secs(delay), readiness.clone())?;
    let data = data();
    match service {
        Service::PortalApi => portal_api_service::run(&data, readiness, shutdown).await,
        Service::AuthServer => {
            keys::prepare_folder(&data)?;
            let mut settings = auth_server::Settings::from_env(keys::required()?, &data)?;
            settings.receiver_networks = networks("EVENT_ALLOWED_NETWORKS")?;
            auth_server::serve(
                settings,
                listen(ServiceName::AuthServer)?,
                readiness,
                shutdown,
            )
            .await
        }
        Service::Portal => {
            let settings = portal::Settings::from_env(keys::required()?)?;
            portal::serve(settings, listen(ServiceName::Portal)?, readiness, shutdown).await
        }
        Service::GatewayAdapter => {
            let settings = gateway_adapter::Settings::from_env(keys::required()?)?;
            gateway_adapter::serve(
                settings,
                listen(ServiceName::GatewayAdapter)?,
                readiness,
                shutdown,
            )
            .await
        }
        Service::Mailer => {
            keys::prepare_folder(&data)?;
            let settings = mailer::Settings::from_env(keys::required()?, &data)?;
            mailer::serve(settings, listen(ServiceName::Mailer)?, readiness, shutdown).await
        }
        Service::Chatbot => {
            let settings = chatbot::Settings::from_env(keys::required()?)?;
            chatbot::serve(settings, listen(ServiceName::Chatbot)?, readiness, shutdown).await
        }
        Service::Gateway {
            config, take_over, ..
        } => {
            keys::prepare_folder(&data)?;
            let mut settings = gateway::Settings::from_env(data, take_over)?;
            if config.is_some() {
                settings.mode = gateway::Mode::Memory;
                settings.config = config;
            }
            gateway::serve(settings, readiness, shutdown).await
        }
    }
}

/// `WICKETGATE_DATA`, else `./data`.
pub fn data() -> PathBuf {
    settings::var("WICKETGATE_DATA").map_or_else(|| PathBuf::from("data"), PathBuf::from)
}

/// Where this service listens: at `PORT`, else its own port; on all addresses, or on
/// `LISTEN_ADDRESS`. The gateway has settings of its own.
pub fn address(service: ServiceName) -> anyhow::Result<SocketAddr> {
    address_at("PORT", ports::own(service))
}

fn address_at(variable: &str, default: u16) -> anyhow::Result<SocketAddr> {
    let port = settings::parsed(variable)?.unwrap_or(default);
    let address: IpAddr =
        settings::parsed("LISTEN_ADDRESS")?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Ok(SocketAddr::new(address, port))
}

fn listen(service: ServiceName) -> anyhow::Result<TcpListener> {
    listen_on("PORT", ports::own(service))
}

/// For a service with more than one port.
pub fn listen_on(variable: &str, default: u16) -> anyhow::Result<TcpListener> {
    let socket = ports::bind(address_at(variable, default)?, "this service", variable)?;
    Ok(TcpListener::from_std(socket)?)
}

/// A comma list of networks; a bare address stands for itself.
pub fn networks(variable: &str) -> anyhow::Result<Vec<IpNet>> {
    let Some(list) = settings::var(variable) else {
        return Ok(Vec::new());
    };
    list.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .with_context(|| {
                    format!("{variable}: `{text}` is neither an address nor a network")
                })
        })
        .collect()
}

/// `EVENT_…`: how events are delivered, and where to.
pub fn events() -> anyhow::Result<portal_api::EventSettings> {
    let default = portal_api::EventSettings::default();
    let list = |name: &str| {
        let text = settings::var(name)?;
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        Some(items.map(str::to_owned).collect::<Vec<_>>())
    };
    let ports = match list("EVENT_ALLOWED_PORTS") {
        None => default.ports,
        Some(ports) if ports == ["*"] => None,
        Some(ports) => {
            let ports = ports.iter().map(|port| {
                port.parse::<u16>()
                    .with_context(|| format!("EVENT_ALLOWED_PORTS: `{port}` is not a port"))
            });
            Some(ports.collect::<anyhow::Result<_>>()?)
        }
    };
    let at_least_one = |name: &str| settings::parsed::<NonZeroU32>(name);
    Ok(portal_api::EventSettings {
        max_parallel: at_least_one("EVENT_MAX_PARALLEL")?
            .map_or(default.max_parallel, |most| most.get() as usize),
        retention_days: at_least_one("EVENT_RETENTION_DAYS")?
            .map_or(default.retention_days, NonZeroU32::get),
        networks: networks("EVENT_ALLOWED_NETWORKS")?,
        hosts: list("EVENT_ALLOWED_INTERNAL_HOSTS"),
        ports,
        disable_after: default.disable_after,
        pace: portal_api::Pace {
            // As in wicked, but never less often than by default.
            poll: settings::parsed("PORTAL_API_HOOK_INTERVAL")?
                .map_or(default.pace.poll, Duration::from_millis)
                .clamp(Duration::from_millis(50), default.pace.poll),
            ..default.pace
        },
    })
}

/// `PORTAL_API_RATE_LIMIT`, `…_ANONYMOUS` and `…_SENSITIVE`: calls per minute, 0 for no limit.
pub fn rate_limits() -> anyhow::Result<portal_api::RateLimits> {
    let default = portal_api::RateLimits::default();
    let limit = |name: &str, default| {
        Ok::<_, settings::SettingsError>(match settings::parsed::<u32>(name)? {
            None => default,
            Some(limit) => NonZeroU32::new(limit),
        })
    };
    Ok(portal_api::RateLimits {
        caller: limit("PORTAL_API_RATE_LIMIT", default.caller)?,
        anonymous: limit("PORTAL_API_RATE_LIMIT_ANONYMOUS", default.anonymous)?,
        sensitive: limit("PORTAL_API_RATE_LIMIT_SENSITIVE", default.sensitive)?,
    })
}
