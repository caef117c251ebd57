//! What the gateway answers in a backend's place: rows of a database beside a bare handler that reads
//! the same ones, and three backends in one call beside the slowest of them alone.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Path as Segment, State},
    http::StatusCode,
    routing::get,
};
use clap::Args;
use sea_orm::sqlx::{
    self, AssertSqlSafe, ConnectOptions, Connection, PgPool, SqlitePool,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use serde::Serialize;
use serde_json::json;
use tokio::process::Command;

use super::{Place, free, wait};
use crate::{
    load::Requests,
    sample::Subject,
    table::{Rounds, Row, compare, print_head},
};

const CONNECTIONS: u32 = 10;
const COLUMNS: &str = "select id, name, category, price, available from bench_products";
const LIST: &str = "order by price, id limit 20";
/// Milliseconds that the three backends take.
const TAKES: [u64; 3] = [20, 10, 5];

pub async fn run(binary: &Path, database: Option<&str>, rounds: Rounds) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    fill_sqlite(&file).await?;
    let mut databases = vec![("SQLite", format!("sqlite:{}", file.display()))];
    if let Some(url) = database {
        fill_postgres(url).await?;
        databases.push(("PostgreSQL", url.to_owned()));
    }
    for (name, url) in databases {
        println!("\nRows of {name}, beside axum with sqlx\n");
        print_head();
        data(binary, &url, rounds).await?;
    }
    println!("\nThree backends in one call, beside the slowest alone ({TAKES:?} ms)\n");
    print_head();
    composed(binary, rounds).await
}

async fn data(binary: &Path, url: &str, rounds: Rounds) -> anyhow::Result<()> {
    let mark = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{mark}connections={CONNECTIONS}");
    let place = Place::start_with(binary, &[("GATEWAY_DATABASE_BENCH", own)]).await?;
    place.publish("rows").await?;
    let operations = json!([
        {"path": "/products", "sql": format!("{COLUMNS} {LIST}")},
        {"path": "/products/{id}", "rows": "one", "sql": format!("{COLUMNS} where id = :id"),
         "parameters": [{"name": "id", "in": "path", "type": "integer"}]},
    ]);
    let config = json!({"database": "bench", "operations": operations});
    place.plugin("rows", "data-service", config).await?;
    let [address] = free()?;
    let floor = Command::new(std::env::current_exe()?)
        .args(["gateway-answers-floor", "--listen", &address.to_string()])
        .args(["--url", url])
        .kill_on_drop(true)
        .spawn()?;
    wait(address).await?;
    let pid = floor.id().context("the floor has ended")?;
    for (what, path) in [("one row", "products/7"), ("20 rows", "products")] {
        for connections in [1, 64] {
            let get = |prefix: &str| {
                let path = format!("{prefix}/{path}");
                Requests::same(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"))
            };
            let subject = Subject {
                address,
                pids: vec![pid],
                status: 200,
            };
            let rows = vec![
                Row::new("axum with sqlx", get(""), subject),
                Row::new("data-service", get("/rows"), place.subject()?),
            ];
            compare(what, connections, rows, rounds).await?;
        }
    }
    Ok(())
}

async fn composed(binary: &Path, rounds: Rounds) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let slow = async |Segment(ms): Segment<u64>| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Json(json!({"id": ms, "name": "a name", "tags": ["one", "two"]}))
    };
    let app = Router::new().route("/slow/{ms}", get(slow));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let place = Place::start(binary).await?;
    place.publish("all").await?;
    let steps = TAKES.map(|ms| {
        json!({"name": format!("after_{ms}"), "backend": "slow", "path": format!("/slow/{ms}")})
    });
    let config = json!({
        "backends": {"slow": {"url": format!("http://{address}")}},
        "operations": [{"path": "/x", "steps": steps}],
    });
    place.plugin("all", "compose", config).await?;
    let get = |path: String| Requests::same(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"));
    for connections in [1, 64] {
        let slowest = Subject {
            address,
            pids: vec![std::process::id()],
            status: 200,
        };
        let rows = vec![
            Row::new("slowest alone", get(format!("/slow/{}", TAKES[0])), slowest),
            Row::new("compose", get("/all/x".to_owned()), place.subject()?),
        ];
        compare("three backends", connections, rows, rounds).await?;
    }
    Ok(())
}

const TABLE: &str = "drop table if exists bench_products; create table bench_products \
    (id integer primary key, name text not null, category text not null, \
    price double precision not null, available boolean not null)";

fn insert() -> String {
    let rows = (1..=1000).map(|id| {
        let (name, category) = (format!("Product number {id}"), ["camping", "maps"][id % 2]);
        format!(
            "({id}, '{name}', '{category}', {}.5, {})",
            id * 37 % 500,
            id % 3 == 0
        )
    });
    let rows: Vec<String> = rows.collect();
    format!("insert into bench_products values {}", rows.join(", "))
}

async fn fill_sqlite(file: &Path) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(insert()))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

async fn fill_postgres(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(insert()))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// axum with sqlx, reading the same rows, until it is killed.
#[derive(Args)]
pub struct Floor {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    url: String,
}

type Columns = (i32, String, String, f64, bool);

#[derive(Serialize)]
struct Product {
    id: i32,
    name: String,
    category: String,
    price: f64,
    available: bool,
}

impl From<Columns> for Product {
    fn from((id, name, category, price, available): Columns) -> Self {
        Self {
            id,
            name,
            category,
            price,
            available,
        }
    }
}

impl Floor {
    pub async fn run(self) -> anyhow::Result<()> {
        let app = if let Some(file) = self.url.strip_prefix("sqlite:") {
            let options = SqliteConnectOptions::new().filename(file).read_only(true);
            let pool = PoolOptions::new()
                .max_connections(CONNECTIONS)
                .test_before_acquire(false);
            sqlite(pool.connect_lazy_with(options.disable_statement_logging()))
        } else {
            let options = self.url.parse::<PgConnectOptions>()?;
            let pool = PoolOptions::new()
                .max_connections(CONNECTIONS)
                .test_before_acquire(false);
            postgres(pool.connect_lazy_with(options.disable_statement_logging()))
        };
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        Ok(axum::serve(listener, app).await?)
    }
}

fn products(rows: Vec<Columns>) -> Vec<Product> {
    rows.into_iter().map(Product::from).collect()
}

fn json_of<T: Serialize>(found: Result<T, sqlx::Error>) -> Result<Json<T>, StatusCode> {
    found
        .map(Json)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn sqlite(pool: SqlitePool) -> Router {
    let one = async |State(pool): State<SqlitePool>, Segment(id): Segment<i64>| {
        let sql = format!("{COLUMNS} where id = ?1");
        let query = sqlx::query_as::<_, Columns>(AssertSqlSafe(sql)).bind(id);
        json_of(query.fetch_one(&pool).await.map(Product::from))
    };
    let list = async |State(pool): State<SqlitePool>| {
        let query = sqlx::query_as::<_, Columns>(AssertSqlSafe(format!("{COLUMNS} {LIST}")));
        json_of(query.fetch_all(&pool).await.map(products))
    };
    Router::new()
        .route("/products/{id}", get(one))
        .route("/products", get(list))
        .with_state(pool)
}

fn postgres(pool: PgPool) -> Router {
    let one = async |State(pool): State<PgPool>, Segment(id): Segment<i64>| {
        let sql = format!("{COLUMNS} where id = $1");
        let query = sqlx::query_as::<_, Columns>(AssertSqlSafe(sql)).bind(id);
        json_of(query.fetch_one(&pool).await.map(Product::from))
    };
    let list = async |State(pool): State<PgPool>| {
        let query = sqlx::query_as::<_, Columns>(AssertSqlSafe(format!("{COLUMNS} {LIST}")));
        json_of(query.fetch_all(&pool).await.map(products))
    };
    Router::new()
        .route("/products/{id}", get(one))
        .route("/products", get(list))
        .with_state(pool)
}
