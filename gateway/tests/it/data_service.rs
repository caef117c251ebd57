//! Statements of the configuration, served to callers that bring values.

mod mariadb;

use std::{path::Path, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;

use crate::support::{Backend, TestGateway, key_auth};

const PLUGIN: &str = "data-service";
const SCHEMA: &str = "
    create table orders (id integer primary key, customer text not null unique, total real check (total >= 0));
    insert into orders values (1, 'Ada', 10.5), (2, 'Grace', 20), (3, 'O''Hara', 0);
";

/// A gateway with a database of its own kind, published as `/data`.
struct Scene {
    gateway: TestGateway,
    database: Database,
    _directory: TempDir,
}

enum Database {
    Sqlite(std::path::PathBuf),
    MariaDb(String),
    /// The schema that is the test's own, dropped by the next one of its name.
    Postgres(String),
}

impl Database {
    async fn sqlite(directory: &Path) -> Self {
        let file = directory.join("shop.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(SCHEMA)
            .execute(&mut connection)
            .await
            .unwrap();
        Self::Sqlite(file)
    }

    /// Nothing on a machine without PostgreSQL.
    async fn postgres(name: &str) -> Option<Self> {
        let Some(url) = service::settings::var("WICKETGATE_TEST_POSTGRES_URL") else {
            let is_full = service::settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!is_full, "WICKETGATE_TEST_POSTGRES_URL is missing");
            eprintln!("skipped: no WICKETGATE_TEST_POSTGRES_URL");
            return None;
        };
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let schema = format!("data_service_{name}_{}", std::process::id());
        let sql = format!(
            "drop schema if exists {schema} cascade; create schema {schema}; set search_path = {schema}; {SCHEMA}"
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        let mark = if url.contains('?') { '&' } else { '?' };
        Some(Self::Postgres(format!(
            "{url}{mark}options=-c%20search_path%3D{schema}"
        )))
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) | Self::MariaDb(url) => url.clone(),
        }
    }

    async fn count(&self) -> i64 {
        let sql = "select count(*) from orders";
        match self {
            Self::Sqlite(file) => {
                let options = SqliteConnectOptions::new().filename(file);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
            Self::MariaDb(url) => {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
        }
    }
}

impl Scene {
    async fn new(database: Database, directory: TempDir, config: Value) -> Self {
        let gateway = TestGateway::start_with(directory.path(), |settings| {
            let url = database.url();
            let mark = if url.contains('?') { '&' } else { '?' };
            settings
                .databases
                .add("shop", &format!("{url}{mark}connections=3"))
                .unwrap();
        });
        let backend = Backend::start().await;
        let service = gateway.publish("data", backend.address, "/data").await;
        let mut all = json!({"database": "shop"});
        for (name, value) in config.as_object().unwrap() {
            all[name] = value.clone();
        }
        gateway.plugin(PLUGIN, Some(&service), None, all).await;
        Self {
            gateway,
            database,
            _directory: directory,
        }
    }

    /// On each kind of database that there is.
    async fn each(name: &str, config: Value) -> Vec<Self> {
        let mut scenes = Vec::new();
        let directory = tempfile::tempdir().unwrap();
        let sqlite = Database::sqlite(directory.path()).await;
        scenes.push(Self::new(sqlite, directory, config.clone()).await);
        if let Some(postgres) = Database::postgres(name).await {
            let directory = tempfile::tempdir().unwrap();
            scenes.push(Self::new(postgres, directory, config).await);
        }
        scenes
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/data{path}", self.gateway.proxy);
        self.gateway.http.request(method, url)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        send(self.request(Method::GET, path)).await
    }
}

async fn send(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn operations() -> Value {
    json!([
        {"path": "/orders", "sql": "select id, customer, total from orders where (:customer is null or customer = :customer) order by id limit :limit",
         "parameters": [{"name": "customer", "max_length": 100}, {"name": "limit", "type": "integer", "minimum": 1, "maximum": 100, "default": 20}]},
        {"path": "/orders/{id}", "rows": "one", "sql": "select id, customer from orders where id = :id;",
         "parameters": [{"name": "id", "in": "path", "type": "integer"}]},
        {"method": "POST", "path": "/orders", "rows": "one", "writes": true,
         "sql": "insert into orders (id, customer, total) values (:id, :customer, :total) returning id, customer",
         "parameters": [
            {"name": "id", "in": "body", "type": "integer", "required": true},
            {"name": "customer", "in": "body", "required": true},
            {"name": "total", "in": "body", "type": "number"}]},
        {"method": "DELETE", "path": "/orders/{id}", "rows": "none", "writes": true, "sql": "delete from orders where id = :id",
         "parameters": [{"name": "id", "in": "path", "type": "integer"}]},
        {"path": "/echo", "rows": "one", "sql": "select :text as text", "parameters": [{"name": "text", "max_length": 10000}]},
    ])
}

#[tokio::test]
async fn rows_are_read_and_written() {
    for scene in Scene::each("rows", all_operations()).await {
        reads_and_writes(&scene).await;
    }
}

fn all_operations() -> Value {
    json!({"operations": operations()})
}

async fn reads_and_writes(scene: &Scene) {
    let (status, rows) = scene.get("/orders?limit=2").await;
    assert_eq!(status, StatusCode::OK, "{rows}");
    assert_eq!(
        rows.to_string(),
        r#"[{"id":1,"customer":"Ada","total":10.5},{"id":2,"customer":"Grace","total":20.0}]"#
            .replace(
                "20.0",
                if rows[1]["total"].is_i64() {
                    "20"
                } else {
                    "20.0"
                }
            )
    );
    assert_eq!(
        scene.get("/orders?customer=nobody").await,
        (StatusCode::OK, json!([]))
    );
    assert_eq!(
        scene.get("/orders/3").await,
        (StatusCode::OK, json!({"id": 3, "customer": "O'Hara"}))
    );
    assert_eq!(scene.get("/orders/4").await.0, 404);
    let body = json!({"id": 4, "customer": "Edsger", "total": 1.5});
    let (status, row) = send(scene.request(Method::POST, "/orders").json(&body)).await;
    assert_eq!(
        (status, row),
        (StatusCode::CREATED, json!({"id": 4, "customer": "Edsger"}))
    );
    assert_eq!(
        send(scene.request(Method::POST, "/orders").json(&body))
            .await
            .0,
        409
    );
    let broken = json!({"id": 5, "customer": "Alan", "total": -1});
    assert_eq!(
        send(scene.request(Method::POST, "/orders").json(&broken))
            .await
            .0,
        422
    );
    assert_eq!(scene.database.count().await, 4);
    for expected in [204, 404] {
        assert_eq!(
            send(scene.request(Method::DELETE, "/orders/4")).await.0,
            expected
        );
    }
    assert_eq!(scene.get("/else").await.0, 404);
    assert_eq!(send(scene.request(Method::PUT, "/orders")).await.0, 405);
}

#[tokio::test]
async fn values_are_read_strictly_and_faults_name_their_field() {
    for scene in Scene::each("strict", all_operations()).await {
        reads_strictly(&scene).await;
    }
}

async fn reads_strictly(scene: &Scene) {
    for (path, field) in [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=1e1", "limit"),
        ("/orders?limit=", "limit"),
        ("/orders?limit=1&limit=2", "limit"),
        ("/orders?order=id", "order"),
        ("/orders?customer=a%00b", "customer"),
        ("/orders/1;drop", "id"),
        ("/orders/99999999999999999999", "id"),
    ] {
        let (status, body) = scene.get(path).await;
        assert_eq!(status, 400, "{path}");
        assert!(body["fields"][field].is_string(), "{path}: {body}");
    }
    let post = async |body: Value| send(scene.request(Method::POST, "/orders").json(&body)).await;
    let (status, body) = post(json!({"id": "4", "surplus": 1})).await;
    assert_eq!(status, 400);
    for field in ["id", "surplus", "customer"] {
        assert!(body["fields"][field].is_string(), "{field}: {body}");
    }
    assert_eq!(post(json!([1])).await.0, 400);
    let text = scene.request(Method::POST, "/orders").body("id=4");
    assert_eq!(send(text).await.0, 415);
    let large = json!({"id": 4, "customer": "x".repeat(2 << 20)});
    assert_eq!(post(large).await.0, 413);
    assert_eq!(scene.database.count().await, 3);
}

/// What has opened other doors.
const INJECTIONS: [&str; 24] = [
    "' or '1'='1",
    "' or 1=1 --",
    "'; drop table orders; --",
    "'; delete from orders where 'a'='a",
    "\" or \"\"=\"",
    "') or ('1'='1",
    "1; select pg_sleep(10)",
    "' union select id, customer, total from orders --",
    "' union all select null, null, null --",
    "\\'; drop table orders; --",
    "\\",
    "'||(select customer from orders limit 1)||'",
    "${1}",
    "$1",
    "?1",
    ":limit",
    "%' or customer like '%",
    "/*",
    "*/ or 1=1 /*",
    "--",
    "ʼ or 1=1 --",
    "＇ or 1=1 --",
    "'\n; drop table orders;\n--",
    "{{7*7}} ${jndi:ldap://x} `id`",
];

#[tokio::test]
async fn injections_are_values_like_others() {
    for scene in Scene::each("injection", all_operations()).await {
        takes_injections_for_values(&scene).await;
    }
}

async fn takes_injections_for_values(scene: &Scene) {
    for text in INJECTIONS {
        let of = |path: &str, name: &str| scene.request(Method::GET, path).query(&[(name, text)]);
        assert_eq!(
            send(of("/echo", "text")).await,
            (StatusCode::OK, json!({"text": text}))
        );
        assert_eq!(
            send(of("/orders", "customer")).await,
            (StatusCode::OK, json!([])),
            "{text}"
        );
        assert_eq!(send(of("/orders", "limit")).await.0, 400);
        let (_, fault) = send(of("/orders", text)).await;
        assert!(fault["fields"][text].is_string(), "{fault}");
        let body = json!({"id": 50, "customer": text, "total": 0});
        let (status, row) = send(scene.request(Method::POST, "/orders").json(&body)).await;
        assert_eq!(
            (status, row["customer"].as_str()),
            (StatusCode::CREATED, Some(text))
        );
        assert_eq!(
            send(scene.request(Method::DELETE, "/orders/50")).await.0,
            204
        );
    }
    assert_eq!(scene.database.count().await, 3);
}

/// Statements that only look as if they read.
#[tokio::test]
async fn nothing_is_changed_without_leave() {
    for scene in Scene::each("leave", only_looking_like_reads()).await {
        changes_nothing(&scene).await;
    }
    // SQLite has `with` in front of a statement that deletes.
    let directory = tempfile::tempdir().unwrap();
    let database = Database::sqlite(directory.path()).await;
    let operations =
        json!([{"path": "/x", "rows": "none", "sql": "with one as (select 1) delete from orders"}]);
    let scene = Scene::new(database, directory, json!({"operations": operations})).await;
    assert_eq!(scene.get("/x").await.0, 500);
    assert_eq!(scene.database.count().await, 3);
}

fn only_looking_like_reads() -> Value {
    let operations = json!([
        {"path": "/with", "sql": "with gone as (delete from orders returning id) select id from gone"},
        {"path": "/hidden", "sql": "with one as (select 1) select (select count(*) from orders) as n"},
    ]);
    json!({"operations": operations})
}

async fn changes_nothing(scene: &Scene) {
    assert_eq!(scene.get("/with").await.0, 500);
    assert_eq!(
        scene.get("/hidden").await,
        (StatusCode::OK, json!([{"n": 3}]))
    );
}

#[tokio::test]
async fn rows_and_bytes_have_limits() {
    for scene in Scene::each("limits", with_limits()).await {
        has_limits(&scene).await;
    }
}

fn with_limits() -> Value {
    let all = "select a.id from orders a, orders b, orders c order by a.id";
    let operations = json!([
        {"path": "/many", "sql": all},
        {"path": "/large", "sql": "select :text || :text as text from orders a, orders b",
         "parameters": [{"name": "text"}]},
    ]);
    let config = json!({"operations": operations, "max_rows": 10, "max_response_size": 3000});
    config
}

async fn has_limits(scene: &Scene) {
    let answer = scene.request(Method::GET, "/many").send().await.unwrap();
    assert_eq!(answer.headers()["wicketgate-truncated"], "rows");
    assert_eq!(answer.json::<Vec<Value>>().await.unwrap().len(), 10);
    let text = "x".repeat(400);
    assert_eq!(scene.get(&format!("/large?text={text}")).await.0, 422);
    let (status, rows) = scene.get("/large?text=x").await;
    assert_eq!(
        (status, rows.as_array().map(Vec::len)),
        (StatusCode::OK, Some(9))
    );
}

/// Minutes of work for SQLite.
const COUNTING: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) select max(i) as i from n";

#[tokio::test]
async fn slow_statements_end_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::sqlite(directory.path()).await;
    let operations =
        json!([{"path": "/slow", "sql": COUNTING}, {"path": "/fast", "sql": "select 1 as one"}]);
    let config = json!({"operations": operations, "timeout": 200});
    let scene = Scene::new(database, directory, config).await;
    // More than there are connections.
    let slow = (0..6).map(|_| scene.get("/slow"));
    for (status, _) in futures_util::future::join_all(slow).await {
        assert!(status == 504 || status == 503, "{status}");
    }
    // All of them have been interrupted: the connections are free.
    let fast = (0..3).map(|_| scene.get("/fast"));
    for (status, rows) in futures_util::future::join_all(fast).await {
        assert_eq!((status, rows), (StatusCode::OK, json!([{"one": 1}])));
    }
}

/// Statements with this mark that PostgreSQL works on.
async fn working(url: &str, mark: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql = "select count(*) from pg_stat_activity where state = 'active' and query like '%' || $1 || '%' and pid <> pg_backend_pid()";
    sqlx::query_scalar(sql)
        .bind(mark)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn until(url: &str, mark: &str, expected: i64) {
    let waiting = async {
        while working(url, mark).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(
        waited.is_ok(),
        "{expected} statements {mark} are expected to run"
    );
}

#[tokio::test]
async fn slow_statements_are_cancelled_at_the_database() {
    let Some(database) = Database::postgres("cancel").await else {
        return;
    };
    let mark = format!("mark_{}", std::process::id());
    let sleep = |name: &str| format!("select pg_sleep(25)::text as {mark}_{name}");
    let config = |timeout: u64| json!({"operations": [{"path": "/sleep", "sql": sleep("x")}], "timeout": timeout});
    let url = database.url();
    let scene = Scene::new(database, tempfile::tempdir().unwrap(), config(700)).await;
    // The time passes.
    let (status, _) = scene.get("/sleep").await;
    assert_eq!(status, 504);
    until(&url, &mark, 0).await;
    // The client goes.
    let Some(database) = Database::postgres("gone").await else {
        return;
    };
    let scene = Scene::new(database, tempfile::tempdir().unwrap(), config(20_000)).await;
    let request = scene.request(Method::GET, "/sleep");
    let client = tokio::spawn(request.send());
    until(&url, &mark, 1).await;
    client.abort();
    until(&url, &mark, 0).await;
}

#[tokio::test]
async fn a_database_that_was_away_comes_back_by_itself() {
    let Some(database) = Database::postgres("away").await else {
        return;
    };
    let mark = format!("away_{}", std::process::id());
    let insert = format!(
        "with {mark} as (select 2 as two) insert into orders (id, customer) select 10, 'x' from {mark} where two = 3"
    );
    let operations = json!([
        {"path": "/one", "rows": "one", "sql": format!("select 1 as {mark}")},
        {"method": "POST", "path": "/two", "sql": insert, "rows": "none", "writes": true},
    ]);
    let url = database.url();
    let config = json!({"operations": operations});
    let scene = Scene::new(database, tempfile::tempdir().unwrap(), config).await;
    for _ in 0..2 {
        assert_eq!(scene.get("/one").await, (StatusCode::OK, json!({&mark: 1})));
        assert_eq!(send(scene.request(Method::POST, "/two")).await.0, 404);
        // The database ends our connections, as at its restart.
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like '%' || $1 || '%' and pid <> pg_backend_pid()";
        let ended: i64 = sqlx::query_scalar(end)
            .bind(&mark)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(ended, 2);
    }
    // A file that is not there yet.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.db");
    let config =
        json!({"operations": [{"path": "/one", "sql": "select count(*) as n from orders"}]});
    let scene = Scene::new(Database::Sqlite(file), directory, config).await;
    let answer = scene.request(Method::GET, "/one").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let Database::Sqlite(file) = &scene.database else {
        unreachable!()
    };
    assert!(!file.exists(), "nothing is created");
    Database::sqlite(file.parent().unwrap()).await;
    assert_eq!(scene.get("/one").await, (StatusCode::OK, json!([{"n": 3}])));
}

#[tokio::test]
async fn credentials_are_seen_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_with(directory.path(), |settings| {
        // Nobody is there.
        let url = "postgres://ada:hush-hush@127.0.0.1:9/shop";
        settings.databases.add("shop", url).unwrap();
    });
    let backend = Backend::start().await;
    let service = gateway.publish("data", backend.address, "/data").await;
    let operations = json!([{"path": "/x", "sql": "select 1 as one"}]);
    let config = json!({"database": "shop", "operations": operations});
    gateway
        .plugin(PLUGIN, Some(&service), None, config.clone())
        .await;
    let answer = gateway.get("/data/x").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let mut texts = vec![answer.text().await.unwrap()];
    for path in [
        "",
        "plugins",
        "services",
        "status",
        "schemas/plugins/data-service",
    ] {
        texts.push(
            gateway
                .call(Method::GET, path, Value::Null)
                .await
                .1
                .to_string(),
        );
    }
    // An URL in the configuration is refused without being repeated.
    let mut clear = config;
    clear["database"] = json!("postgres://ada:hush-hush@127.0.0.1/shop");
    let body = json!({"name": PLUGIN, "config": clear});
    let (status, answer) = gateway.call(Method::POST, "plugins", body).await;
    assert_eq!(status, 400);
    texts.push(answer.to_string());
    for text in texts {
        assert!(!text.contains("hush"), "{text}");
    }
    let error = gateway::Places::default().add("shop", "postgres://ada:hush-hush@:x/shop");
    assert!(!format!("{:#}", error.unwrap_err()).contains("hush"));
}

#[tokio::test]
async fn the_sample_is_there_and_cannot_be_changed() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("shop", backend.address, "/shop").await;
    let config = json!({"database": "sample", "operations": [
        {"path": "/products", "sql": "select id, available from products order by id limit 3"},
        {"method": "DELETE", "path": "/products", "rows": "none", "writes": true, "sql": "delete from products"},
    ]});
    gateway.plugin(PLUGIN, Some(&service), None, config).await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    let ada = gateway.consumer("ada").await;
    gateway.key(&ada, "ada-key").await;
    assert_eq!(
        gateway.get("/shop/products").send().await.unwrap().status(),
        401
    );
    // The key among the parameters is none of theirs.
    let rows = send(gateway.get("/shop/products?apikey=ada-key")).await;
    let expected = json!([{"id": 1, "available": true}, {"id": 2, "available": true}, {"id": 3, "available": false}]);
    assert_eq!(rows, (StatusCode::OK, expected));
    let url = format!("http://{}/shop/products", gateway.proxy);
    let delete = gateway.http.delete(url).header("apikey", "ada-key");
    assert_eq!(send(delete).await.0, 500);
}

#[tokio::test]
async fn types_of_columns_become_json() {
    let Some(database) = Database::postgres("types").await else {
        return;
    };
    let sql = "select 1::smallint as a, 12345678901234567890.5::numeric as b, true as c, null::int as d, date '2026-11-22' as e, \
               timestamptz '2026-11-22 10:00:00+00' at time zone 'UTC' as f, array[1, 2] as g, '{\"x\": [1]}'::jsonb as h, :id as i, :day as j, :at as k, :n as l";
    let operations = json!([{"path": "/types", "rows": "one", "sql": sql, "parameters": [
        {"name": "id", "type": "uuid"}, {"name": "day", "type": "date"}, {"name": "at", "type": "date-time"}, {"name": "n", "type": "boolean"}]}]);
    let scene = Scene::new(
        database,
        tempfile::tempdir().unwrap(),
        json!({"operations": operations}),
    )
    .await;
    let id = "00000000-0000-4000-8000-000000000000";
    let answer = scene.request(
        Method::GET,
        &format!("/types?id={id}&day=2024-02-29&at=2024-02-29T10:00:00Z&n=true"),
    );
    let text = answer.send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#""b":12345678901234567890.5"#), "{text}");
    let mut row: Value = serde_json::from_str(&text).unwrap();
    row["b"] = Value::Null;
    row["k"] = row["k"].as_str().unwrap()[..4].into();
    let expected = json!({
        "a": 1, "b": null, "c": true, "d": null, "e": "2026-11-22", "f": "2026-11-22T10:00:00", "g": [1, 2],
        "h": {"x": [1]}, "i": id, "j": "2024-02-29", "k": "2024", "l": true,
    });
    assert_eq!(row, expected);
    let directory = tempfile::tempdir().unwrap();
    let database = Database::sqlite(directory.path()).await;
    let sql = "select 1 as a, 1.5 as b, null as c, x'00ff' as d, 'ä' as e, :id as f, :day as g";
    let operations = json!([{"path": "/types", "rows": "one", "sql": sql,
        "parameters": [{"name": "id", "type": "uuid"}, {"name": "day", "type": "date"}]}]);
    let scene = Scene::new(database, directory, json!({"operations": operations})).await;
    let (_, row) = scene.get(&format!("/types?id={id}&day=2024-02-29")).await;
    assert_eq!(
        row,
        json!({"a": 1, "b": 1.5, "c": null, "d": "AP8=", "e": "ä", "f": id, "g": "2024-02-29"})
    );
}

#[tokio::test]
async fn unknown_options_are_refused() {
    let gateway = TestGateway::start().await;
    let good =
        json!({"database": "sample", "operations": [{"path": "/x", "sql": "select 1 as one"}]});
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut config = good.clone();
        change(&mut config);
        let body = json!({"name": PLUGIN, "config": config});
        let (status, answer) = gateway.call(Method::POST, "plugins", body).await;
        assert_eq!(status, 400, "{answer}");
        answer["fields"]["config"].clone()
    };
    let fault = refused(&|config| config["surplus"] = json!(1)).await;
    assert_eq!(fault["surplus"], "unknown field");
    let fault = refused(&|config| config["operations"][0]["surplus"] = json!(1)).await;
    assert_eq!(fault["operations"]["1"]["surplus"], "unknown field");
    let fault = refused(&|config| config["operations"][0]["sql"] = json!("drop table a")).await;
    assert!(fault["operations"]["1"]["sql"].is_string());
    gateway
        .post("plugins", json!({"name": PLUGIN, "config": good}))
        .await;
}

#[test]
fn databases_are_named() {
    let add = |name: &str, url: &str| {
        let added = gateway::Places::default().add(name, url);
        added.map_err(|error| format!("{error:#}")).err()
    };
    for url in [
        "postgres://ada@db.example.org/shop?sslmode=require&connections=5",
        "sqlite:/var/lib/shop.db",
        "sqlite://shop.db?connections=1",
        "mysql://ada@db.example.org/shop?ssl-mode=REQUIRED&connections=5",
        "mariadb://ada@db.example.org/shop",
    ] {
        assert_eq!(add("shop", url), None, "{url}");
    }
    for (name, url) in [
        ("Shop", "sqlite:x"),
        ("shop", "sqlite:"),
        ("shop", "sqlite::memory:"),
        ("shop", "sqlite:x?mode=rwc"),
        ("shop", "sqlite:x?connections=0"),
        ("shop", "sqlite:x?connections=101"),
        ("shop", "postgres:"),
        ("shop", "mysql:"),
        ("shop", "http://x"),
        ("shop", ""),
    ] {
        assert!(add(name, url).is_some(), "{name} {url}");
    }
}
