//! Measurements, printed as tables. Nothing is asserted: a number is for a person to judge, beside
//! the floor or the peer that was measured in the same run.
//!
//! `cargo build --release && cargo run --release -p bench -- gateway` (or `up`).

mod adapter;
mod api;
mod auth;
mod events;
mod floor;
mod gateway;
mod load;
mod login;
mod nginx;
mod portal;
mod portal_api;
mod process;
mod sample;
mod scale;
mod table;
mod up;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

/// Measures a release build of wicketgate.
#[derive(Parser)]
struct Cli {
    /// The binary to measure
    #[arg(long, default_value = "target/release/wicketgate")]
    binary: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// CPU time per request, throughput and latency of the gateway, beside nginx, and with tokens
    Gateway(gateway::Extent),
    /// Memory of the gateway with many routes and consumers, how soon a change is visible, and what
    /// 100 changes a second cost
    GatewayScale {
        #[arg(long, default_value_t = 1000)]
        routes: usize,
        #[arg(long, default_value_t = 100_000)]
        consumers: usize,
        /// Seconds of load, with changes and without
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// What the gateway answers in a backend's place: rows of a database beside axum with sqlx, three
    /// backends in one call beside the slowest
    GatewayAnswers {
        #[command(flatten)]
        comparison: Comparison,
    },
    /// The bare handler, started by `gateway-answers`
    #[command(hide = true)]
    GatewayAnswersFloor(gateway::AnswersFloor),
    /// How soon a microgateway with 20 APIs serves, and its memory
    Microgateway,
    /// The gateway at half load; a line with its memory every minute
    GatewaySoak {
        #[arg(long, default_value_t = 60)]
        minutes: u64,
    },
    /// A proxy on hyper that does nothing else; the gateway's floor, started by `gateway`
    #[command(hide = true)]
    Floor {
        listen: SocketAddr,
        backend: SocketAddr,
    },
    /// Reads and writes of portal-api, beside bare handlers that return the same
    Api {
        #[command(flatten)]
        comparison: Comparison,
    },
    /// The bare handlers, started by `api`
    #[command(hide = true)]
    ApiFloor(api::Floor),
    /// Tokens, introspections and refreshes of the auth server, beside bare handlers
    Auth {
        #[command(flatten)]
        comparison: Comparison,
        /// Tokens after which memory is looked at
        #[arg(long, default_value_t = 1_000_000)]
        tokens: u64,
    },
    /// The bare handlers, started by `auth`
    #[command(hide = true)]
    AuthFloor(auth::Floor),
    /// Lists, start, a change of the configuration and memory of portal-api with 10,000 users,
    /// 5,000 applications, 50,000 subscriptions and 1,000 APIs
    Scale {
        /// An empty database; SQLite if there is none
        #[arg(long, env = "DATABASE_URL")]
        database: Option<String>,
    },
    /// The gateway adapter with a large installation: time and memory of a comparison, calls of a
    /// single change
    Adapter {
        /// Subscriptions, two for each application
        #[arg(long, default_value_t = 100_000)]
        subscriptions: usize,
    },
    /// Delivery of events beside a bare loop that posts the same bodies, with a backlog
    Events {
        /// An empty database, for the backlog in single events; SQLite and all modes if there is none
        #[arg(long, env = "DATABASE_URL")]
        database: Option<String>,
        /// Events of the largest backlog
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
    },
    /// Pages of the portal with 1,000 APIs, 50,000 operations and a definition of 11 MB
    Portal,
    /// Time to ready, memory, and how soon a new subscription works
    Up {
        /// Subscriptions to make
        #[arg(long, default_value_t = 200)]
        subscriptions: usize,
    },
}

/// Options of a service that is measured beside its floors.
#[derive(clap::Args)]
struct Comparison {
    /// An empty database; SQLite if there is none
    #[arg(long, env = "DATABASE_URL")]
    database: Option<String>,
    /// Seconds per row and round
    #[arg(long, default_value_t = 1)]
    seconds: u64,
    /// Rounds; rows take turns, so that a drifting machine meets all of them
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

impl Comparison {
    fn rounds(&self) -> table::Rounds {
        table::Rounds {
            count: self.rounds,
            time: Duration::from_secs(self.seconds),
        }
    }
}

fn main() -> anyhow::Result<()> {
    service::http::install_crypto();
    let cli = Cli::parse();
    if let What::Floor { listen, backend } = cli.what {
        return floor::run(listen, backend);
    }
    tokio::runtime::Runtime::new()?.block_on(measure(cli))
}

async fn measure(cli: Cli) -> anyhow::Result<()> {
    match cli.what {
        What::Floor { .. } => Ok(()),
        What::Api { comparison } => {
            let database = comparison.database.as_deref();
            api::run(&cli.binary, database, comparison.rounds()).await
        }
        What::ApiFloor(floor) => floor.run().await,
        What::Auth { comparison, tokens } => {
            let database = comparison.database.as_deref();
            auth::run(&cli.binary, database, comparison.rounds(), tokens).await
        }
        What::AuthFloor(floor) => floor.run().await,
        What::Events { database, events } => {
            events::run(&cli.binary, database.as_deref(), events).await
        }
        What::Gateway(extent) => gateway::run(&cli.binary, extent).await,
        What::GatewayScale {
            routes,
            consumers,
            seconds,
        } => gateway::scale(&cli.binary, routes, consumers, seconds).await,
        What::GatewayAnswers { comparison } => {
            let database = comparison.database.as_deref();
            gateway::answers(&cli.binary, database, comparison.rounds()).await
        }
        What::GatewayAnswersFloor(floor) => floor.run().await,
        What::Microgateway => gateway::alone(&cli.binary).await,
        What::GatewaySoak { minutes } => gateway::soak(&cli.binary, minutes).await,
        What::Scale { database } => scale::run(&cli.binary, database.as_deref()).await,
        What::Adapter { subscriptions } => adapter::run(&cli.binary, subscriptions).await,
        What::Portal => portal::run(&cli.binary).await,
        What::Up { subscriptions } => up::run(&cli.binary, subscriptions).await,
    }
}
