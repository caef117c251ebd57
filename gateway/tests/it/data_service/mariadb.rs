//! The same on MariaDB, on a server of the test's own.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use tempfile::TempDir;

use super::{Database, SCHEMA, Scene};

/// In Debian it is not in everybody's path.
const SERVER: &str = "/usr/sbin/mariadbd";
const PASSWORD: &str = "hush:hush";

/// Ends when dropped.
struct Server {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Server {
    /// Nothing where there is no MariaDB.
    async fn start() -> Option<Self> {
        if !Path::new(SERVER).exists() {
            let is_full = service::settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!is_full, "there is no mariadbd");
            eprintln!("skipped: no mariadbd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let data = format!("--datadir={}", folder.path().join("data").display());
        let installed = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                &data,
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .args(["--auth-root-authentication-method=normal"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "{said}");
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let process = Command::new(SERVER)
            .args(["--no-defaults", &data, "--bind-address=127.0.0.1"])
            .args([format!("--port={port}")])
            // Otherwise it refuses to run as root; for others it means nothing.
            .arg("--user=root")
            .arg(format!(
                "--socket={}",
                folder.path().join("socket").display()
            ))
            .args(["--skip-name-resolve", "--character-set-server=utf8mb4"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            process,
            port,
            _folder: folder,
        };
        let mut tries = 0;
        let mut connection = loop {
            match MySqlConnection::connect(&server.root()).await {
                Ok(connection) => break connection,
                Err(error) => assert!(tries < 600, "MariaDB does not start: {error}"),
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let user = format!("create user shop@'127.0.0.1' identified by '{PASSWORD}'");
        execute(&mut connection, &user).await;
        Some(server)
    }

    fn root(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
    }

    async fn as_root(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.root()).await.unwrap()
    }

    /// A database of its own, as the user of the gateway sees it.
    async fn database(&self, name: &str) -> Database {
        let mut root = self.as_root().await;
        let sql = format!(
            "create database {name}; grant all on {name}.* to shop@'127.0.0.1'; use {name}; {SCHEMA}"
        );
        execute(&mut root, &sql).await;
        let password = PASSWORD.replace(':', "%3A");
        let port = self.port;
        Database::MariaDb(format!("mysql://shop:{password}@127.0.0.1:{port}/{name}"))
    }

    async fn scene(&self, name: &str, config: Value) -> Scene {
        let database = self.database(name).await;
        Scene::new(database, tempfile::tempdir().unwrap(), config).await
    }

    /// Until so many statements with this mark are worked on.
    async fn until(&self, mark: &str, expected: i64) {
        let mut root = self.as_root().await;
        let sql = "select count(*) from information_schema.processlist where info like concat('%', ?, '%') and id <> connection_id()";
        let waiting = async {
            loop {
                let query = sqlx::query_scalar(sql).bind(mark);
                let working: i64 = query.fetch_one(&mut root).await.unwrap();
                if working == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(
            waited.is_ok(),
            "{expected} statements {mark} are expected to run"
        );
    }
}

async fn execute(connection: &mut MySqlConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

#[tokio::test]
async fn mariadb_serves_as_the_others_do() {
    let Some(server) = Server::start().await else {
        return;
    };
    let scene = server.scene("rows_of", super::all_operations()).await;
    super::reads_and_writes(&scene).await;
    super::reads_strictly(&server.scene("strict", super::all_operations()).await).await;
    let scene = server.scene("injection", super::all_operations()).await;
    super::takes_injections_for_values(&scene).await;
    let scene = server
        .scene("leave_to", super::only_looking_like_reads())
        .await;
    super::changes_nothing(&scene).await;
    super::has_limits(&server.scene("limits", super::with_limits()).await).await;
    reads_only(&server).await;
    writes_types(&server).await;
    has_limits_of_its_own(&server).await;
    cancels(&server).await;
    comes_back(&server).await;
}

/// What a function changes is a change, too.
async fn reads_only(server: &Server) {
    let operations = json!([
        {"path": "/sneaky", "sql": "select sneaky() as n"},
    ]);
    let scene = server
        .scene("reads_only", json!({"operations": operations}))
        .await;
    let mut root = server.as_root().await;
    for sql in [
        "create function reads_only.sneaky() returns int modifies sql data begin delete from reads_only.orders where id = 3; return 1; end",
        "grant execute on reads_only.* to shop@'127.0.0.1'",
    ] {
        execute(&mut root, sql).await;
    }
    assert_eq!(scene.get("/sneaky").await.0, 500);
    assert_eq!(scene.database.count().await, 3);
    // Values that do not fit, as the server says it.
    let operations = json!([{"method": "POST", "path": "/small", "rows": "none", "writes": true,
        "sql": "insert into orders (id, customer) values (:id, :customer)",
        "parameters": [{"name": "id", "in": "body", "type": "integer"}, {"name": "customer", "in": "body"}]}]);
    let scene = server
        .scene("fits", json!({"operations": operations}))
        .await;
    for (id, customer, status) in [
        (json!(4), json!("Alan"), 204),
        (json!(1), json!("Alonzo"), 409),
        (json!(99_999_999_999_i64), json!("Alonzo"), 400),
        (json!(5), json!(null), 422),
    ] {
        let body = json!({"id": id, "customer": customer});
        let answer = scene
            .request(Method::POST, "/small")
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), status, "{body}");
    }
}

async fn writes_types(server: &Server) {
    let table = "use types; create table t (a tinyint, b decimal(30, 10), c boolean, d bigint unsigned, e date, f datetime(3), \
                 g timestamp null, h time, i year, j bit(4), k float, l double, m varbinary(4), n blob, o char(3), p enum('x', 'y'), q uuid, r json, s int null)";
    let sql = "select t.*, :id as id, :day as day, :yes as yes from t where q = :id and e = :day and f >= :at and c = :yes";
    let operations = json!([{"path": "/types", "rows": "one", "sql": sql, "parameters": [
        {"name": "id", "type": "uuid"}, {"name": "day", "type": "date"}, {"name": "at", "type": "date-time"}, {"name": "yes", "type": "boolean"}]}]);
    let scene = server
        .scene("types", json!({"operations": operations}))
        .await;
    let mut root = server.as_root().await;
    execute(&mut root, table).await;
    let row = "insert into types.t values (-3, 12345678901234567890.5, true, 18446744073709551615, '2026-11-22', '2026-11-22 10:00:00.25', \
               '2026-11-22 10:00:00', '-12:30:00', 2026, b'101', 1.1, 0.25, x'00ff', x'00ff', 'ä', 'y', '00000000-0000-4000-8000-000000000000', '{\"x\": [1]}', null)";
    let session = "set time_zone = '+00:00', names utf8mb4";
    execute(&mut root, session).await;
    execute(&mut root, row).await;
    let id = "00000000-0000-4000-8000-000000000000";
    let path = format!("/types?id={id}&day=2026-11-22&at=2026-11-22T11:00:00%2B01:00&yes=true");
    let answer = scene.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains(r#""b":12345678901234567890.5000000000,"#),
        "{text}"
    );
    let mut row: Value = serde_json::from_str(&text).unwrap();
    row["b"] = Value::Null;
    let expected = json!({
        "a": -3, "b": null, "c": true, "d": u64::MAX, "e": "2026-11-22", "f": "2026-11-22T10:00:00.250",
        "g": "2026-11-22T10:00:00+00:00", "h": "-12:30:00", "i": 2026, "j": 5, "k": 1.1, "l": 0.25, "m": "AP8=", "n": "AP8=",
        "o": "ä", "p": "y", "q": id, "r": "{\"x\": [1]}", "s": null, "id": id, "day": "2026-11-22", "yes": 1,
    });
    assert_eq!(row, expected);
}

/// A `limit` of the statement is no way around ours.
async fn has_limits_of_its_own(server: &Server) {
    let sql = "select a.id from orders a, orders b, orders c limit 20";
    let operations =
        json!([{"path": "/many", "sql": sql}, {"path": "/one", "rows": "one", "sql": sql}]);
    let config = json!({"operations": operations, "max_rows": 10});
    let scene = server.scene("own_limits", config).await;
    for _ in 0..3 {
        let answer = scene.request(Method::GET, "/many").send().await.unwrap();
        assert_eq!(answer.headers()["wicketgate-truncated"], "rows");
        assert_eq!(answer.json::<Vec<Value>>().await.unwrap().len(), 10);
        assert_eq!(scene.get("/one").await.0, StatusCode::OK);
    }
}

async fn cancels(server: &Server) {
    let sleep = |mark: &str| format!("select id as {mark}, sleep(25) as s from orders");
    let config = |mark: &str, timeout: u64| json!({"operations": [{"path": "/sleep", "sql": sleep(mark)}], "timeout": timeout});
    // The time passes.
    let scene = server.scene("late", config("late_mark", 700)).await;
    assert_eq!(scene.get("/sleep").await.0, 504);
    server.until("late_mark", 0).await;
    // The client goes.
    let scene = server.scene("gone", config("gone_mark", 20_000)).await;
    let client = tokio::spawn(scene.request(Method::GET, "/sleep").send());
    server.until("gone_mark", 1).await;
    client.abort();
    server.until("gone_mark", 0).await;
}

/// After the server has ended its connections.
async fn comes_back(server: &Server) {
    let operations = json!([
        {"path": "/one", "rows": "one", "sql": "select 1 as one"},
        {"method": "DELETE", "path": "/none", "sql": "delete from orders where id = 77", "rows": "none", "writes": true},
    ]);
    let scene = server
        .scene("away", json!({"operations": operations}))
        .await;
    for _ in 0..2 {
        assert_eq!(scene.get("/one").await, (StatusCode::OK, json!({"one": 1})));
        let delete = scene.request(Method::DELETE, "/none").send().await.unwrap();
        assert_eq!(delete.status(), 404);
        execute(&mut server.as_root().await, "kill user shop@'127.0.0.1'").await;
    }
}
