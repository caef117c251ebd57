//! One call that several backends answer.

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query},
    response::{IntoResponse, Json, Response},
    routing::get,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Backend, TestGateway, key_auth, serve};

const PLUGIN: &str = "compose";

/// Publishes a facade as `/all`, whose backends are `pets`, which answers from memory, `echo`, and
/// those in `more`.
async fn facade(operations: Value, more: Value) -> (TestGateway, Backend) {
    let gateway = TestGateway::start().await;
    let echo = Backend::start().await;
    let service = gateway.publish("facade", echo.address, "/all").await;
    let mut backends = json!({
        "pets": {"url": format!("http://{}/v1", serve(pets()).await)},
        "echo": {"url": format!("http://{}/echo", echo.address)},
    });
    let mut config = json!({"operations": operations});
    for (name, value) in more.as_object().unwrap() {
        match value.as_str().filter(|text| text.starts_with("http")) {
            Some(url) => backends[name] = json!({"url": url, "retries": 0}),
            _ => config[name] = value.clone(),
        }
    }
    config["backends"] = backends;
    gateway.plugin(PLUGIN, Some(&service), None, config).await;
    (gateway, echo)
}

fn pets() -> Router {
    let pet = async |Path(id): Path<String>| match id.as_str() {
        "404" => StatusCode::NOT_FOUND.into_response(),
        _ => Json(json!({"id": id, "name": format!("pet {id}"), "owner": 7})).into_response(),
    };
    let owner = async |Path(id): Path<String>| Json(json!({"id": id, "pets": [1, 2, 3]}));
    Router::new()
        .route("/v1/pets/{id}", get(pet))
        .route("/v1/owners/{id}", get(owner))
}

async fn ask(gateway: &TestGateway, path: &str) -> (StatusCode, Value, Option<String>) {
    let answer = gateway.get(path).send().await.unwrap();
    let partial = answer.headers().get("wicketgate-partial");
    let partial = partial.map(|names| names.to_str().unwrap().to_owned());
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default(), partial)
}

#[tokio::test]
async fn steps_go_side_by_side_and_one_after_the_other() {
    let (gateway, echo) = facade(
        json!([{"path": "/pets/{id}", "steps": [
            {"name": "pet", "backend": "pets", "path": "/pets/{path.id}"},
            {"name": "other", "backend": "pets", "path": "/pets/{query.other}"},
            {"name": "owner", "backend": "pets", "path": "/owners/{steps.pet.owner}", "after": ["pet"]},
            {"name": "siblings", "backend": "pets", "path": "/pets/{item}", "after": ["owner"],
             "each": "steps.owner.pets"},
            {"name": "told", "backend": "echo", "method": "POST", "path": "/orders", "after": ["pet"],
             "body": "{pet: steps.pet.name, note: query.note}",
             "query": {"tag": "['a', 'b c']", "none": "query.none"},
             "headers": {"X-Pet": "steps.pet.name"}},
        ], "result": {
            "name": "steps.pet.name", "other": "steps.other.name", "owner": "steps.owner.id",
            "siblings": "steps.siblings[].name", "uri": "steps.told.uri", "none": "steps.pet.none",
        }}]),
        json!({}),
    )
    .await;
    let (status, body, partial) = ask(&gateway, "/all/pets/5?other=6&note=a%26b").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body,
        json!({
            "name": "pet 5", "other": "pet 6", "owner": "7",
            "siblings": ["pet 1", "pet 2", "pet 3"],
            "uri": "/echo/orders?tag=a&tag=b%20c",
        })
    );
    assert_eq!(partial, None);
    let seen = echo.seen.lock().unwrap()[0].clone();
    assert_eq!(seen["headers"]["x-pet"], "pet 5");
    assert_eq!(seen["headers"]["content-type"], "application/json");
    assert_eq!(seen["body"], r#"{"note":"a&b","pet":"pet 5"}"#);
}

#[tokio::test]
async fn each_kind_of_failure_follows_its_rule() {
    let late = Router::new().fallback(async || {
        std::future::pending::<()>().await;
    });
    let garbage = Router::new().fallback(async || "<html>not JSON");
    let large = Router::new().fallback(async || format!("\"{}\"", "x".repeat(5000)));
    // Its length is not announced.
    let endless = Router::new().fallback(async || {
        let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("1".repeat(999)));
        Response::new(Body::from_stream(pieces))
    });
    let cut = Router::new().fallback(async || {
        let pieces = [Ok("[1,"), Err(std::io::Error::other("gone"))];
        Response::new(Body::from_stream(futures_util::stream::iter(pieces)))
    });
    let broken = Router::new().fallback(async || StatusCode::INTERNAL_SERVER_ERROR);
    let missing = Router::new().fallback(async || StatusCode::NOT_FOUND);
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = listener.local_addr().unwrap();
    drop(listener);
    let mut kinds = vec![("dead", format!("http://{dead}"), 502)];
    for (name, app, status) in [
        ("late", late, 504),
        ("garbage", garbage, 502),
        ("large", large, 502),
        ("endless", endless, 502),
        ("cut", cut, 502),
        ("broken", broken, 502),
        ("missing", missing, 404),
    ] {
        kinds.push((name, format!("http://{}", serve(app).await), status));
    }
    let mut operations = Vec::new();
    let mut more = json!({"max_response_size": 4000});
    for (kind, url, _) in &kinds {
        more[kind] = json!(url);
        for rule in ["fail", "omit", "default"] {
            let mut step = json!({
                "name": "weak", "backend": kind, "path": "/x", "on_failure": rule, "timeout": 60_000,
            });
            if *kind == "late" {
                step["timeout"] = json!(50);
            }
            if rule == "default" {
                step["default"] = json!({"stand": "in"});
            }
            let good = json!({"name": "good", "backend": "pets", "path": "/pets/1"});
            let path = format!("/{kind}/{rule}");
            operations.push(json!({"path": path, "steps": [good, step]}));
        }
    }
    let (gateway, _) = facade(Value::Array(operations), more).await;
    let good = json!({"id": "1", "name": "pet 1", "owner": 7});
    for (kind, _, expected) in &kinds {
        let (status, body, _) = ask(&gateway, &format!("/all/{kind}/fail")).await;
        assert_eq!(status, *expected, "{kind}: {body}");
        let message = body["message"].as_str().unwrap_or_default().to_owned();
        let (status, body, partial) = ask(&gateway, &format!("/all/{kind}/omit")).await;
        assert_eq!(
            (status, &body),
            (StatusCode::OK, &json!({"good": good})),
            "{kind} {message}"
        );
        assert_eq!(partial.as_deref(), Some("weak"));
        let (status, body, partial) = ask(&gateway, &format!("/all/{kind}/default")).await;
        assert_eq!(status, StatusCode::OK, "{kind}");
        assert_eq!(
            body,
            json!({"good": good, "weak": {"stand": "in"}}),
            "{kind}"
        );
        assert_eq!(partial.as_deref(), Some("weak"));
    }
}

#[tokio::test]
async fn the_whole_has_its_time_and_its_number_of_calls() {
    let late = Router::new().fallback(async || {
        std::future::pending::<()>().await;
    });
    let slow = |name: &str, rule: &str| json!({"name": name, "backend": "late", "path": "/", "on_failure": rule});
    let (gateway, _) = facade(
        json!([
            {"path": "/strict", "steps": [slow("one", "omit"), slow("two", "fail")]},
            {"path": "/lax", "steps": [
                slow("one", "omit"), slow("two", "default"),
                {"name": "three", "backend": "pets", "path": "/pets/1", "after": ["one"], "on_failure": "omit"},
                {"name": "pet", "backend": "pets", "path": "/pets/1"},
            ], "result": "steps.pet.id"},
            {"method": "POST", "path": "/many", "steps": [
                {"name": "all", "backend": "pets", "path": "/pets/{item}", "each": "body", "on_failure": "omit"},
            ]},
        ]),
        json!({"late": format!("http://{}", serve(late).await), "timeout": 80, "max_calls": 3}),
    )
    .await;
    assert_eq!(ask(&gateway, "/all/strict").await.0, 504);
    let (status, body, partial) = ask(&gateway, "/all/lax").await;
    assert_eq!((status, body), (StatusCode::OK, json!("1")));
    assert_eq!(partial.as_deref(), Some("one, two, three"));
    for (count, is_whole) in [(3, true), (4, false)] {
        let items: Vec<i32> = (1..=count).collect();
        let url = format!("http://{}/all/many", gateway.proxy);
        let answer = gateway.http.post(url).json(&items).send().await.unwrap();
        assert_eq!(
            answer.headers().contains_key("wicketgate-partial"),
            !is_whole
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["all"].as_array().map(Vec::len), is_whole.then_some(3));
    }
}

#[tokio::test]
async fn nothing_of_a_request_leads_elsewhere() {
    let (gateway, echo) = facade(
        json!([{"path": "/x/{id}", "steps": [
            {"name": "seen", "backend": "echo", "path": "/in/{path.id}/{query.q}", "query": {"q": "query.q"}},
        ], "result": "steps.seen.uri"}]),
        json!({}),
    )
    .await;
    for (id, q, expected) in [
        ("a%2Fb", "1", Some("/echo/in/a%2Fb/1?q=1")),
        ("a%252Fb", "1", Some("/echo/in/a%252Fb/1?q=1")),
        ("%252e%252e", "1", Some("/echo/in/%252e%252e/1?q=1")),
        ("a%3Fb=%23", "1", Some("/echo/in/a%3Fb%3D%23/1?q=1")),
        ("@evil.org", "1", Some("/echo/in/%40evil.org/1?q=1")),
        (
            "http:%2F%2Fevil.org",
            "1",
            Some("/echo/in/http%3A%2F%2Fevil.org/1?q=1"),
        ),
        (
            "a",
            "b%26c%3D%2F",
            Some("/echo/in/a/b%26c%3D%2F?q=b%26c%3D%2F"),
        ),
        (
            "a",
            "%0D%0AX-Evil:1",
            Some("/echo/in/a/%0D%0AX-Evil%3A1?q=%0D%0AX-Evil%3A1"),
        ),
        ("a", "..", None),
        ("a", ".", None),
        ("a", "", None),
    ] {
        let (status, body, _) = ask(&gateway, &format!("/all/x/{id}?q={q}")).await;
        match expected {
            Some(uri) => assert_eq!((status, &body), (StatusCode::OK, &json!(uri)), "{id} {q}"),
            None => assert_eq!(status, 502, "{id} {q}: {body}"),
        }
    }
    let hosts: Vec<Value> = echo
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen["headers"]["host"].clone())
        .collect();
    assert!(hosts.iter().all(|host| *host == echo.address.to_string()));
}

#[tokio::test]
async fn backends_are_told_who_calls_and_nothing_that_a_client_invents() {
    let (gateway, echo) = facade(
        json!([{"path": "/me", "steps": [
            {"name": "one", "backend": "echo", "path": "/1"},
            {"name": "two", "backend": "echo", "path": "/2"},
        ], "result": "consumer.username"}]),
        json!({}),
    )
    .await;
    gateway.plugin("key-auth", None, None, key_auth()).await;
    let ada = gateway.consumer("ada").await;
    gateway.key(&ada, "ada-key").await;
    let answer = gateway
        .get("/all/me")
        .header("apikey", "ada-key")
        .header("X-Consumer-Username", "root")
        .header("x_consumer_username", "root")
        .header("X-Authenticated-UserId", "sub=root")
        .header("If-None-Match", "\"x\"")
        .header("Range", "bytes=0-1")
        .header("Accept-Encoding", "br")
        .header("X-Trace", "kept")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), "ada");
    let seen = echo.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        let headers = &seen["headers"];
        assert_eq!(headers["x-consumer-username"], "ada");
        assert_eq!(headers["x-forwarded-prefix"], "/all");
        assert_eq!(headers["x-trace"], "kept");
        assert!(headers["x-kong-request-id"].is_string() && headers["via"].is_string());
        for gone in [
            "x_consumer_username",
            "x-authenticated-userid",
            "if-none-match",
            "range",
            "accept-encoding",
        ] {
            assert!(headers[gone].is_null(), "{gone}: {headers}");
        }
    }
    assert_eq!(gateway.get("/all/me").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn nothing_leaks_between_requests() {
    let (gateway, _) = facade(
        json!([{"path": "/pets/{id}", "steps": [
            {"name": "pet", "backend": "pets", "path": "/pets/{path.id}", "on_failure": "omit"},
            {"name": "again", "backend": "pets", "path": "/pets/{steps.pet.id}", "after": ["pet"], "on_failure": "omit"},
        ], "result": "[steps.pet.id, steps.again.id]"}]),
        json!({}),
    )
    .await;
    let calls = (0..200).map(|number| {
        let gateway = &gateway;
        async move {
            // Every tenth pet does not exist.
            let id = if number % 10 == 0 { 404 } else { number + 1000 };
            let (_, body, _) = ask(gateway, &format!("/all/pets/{id}")).await;
            let expected = (id != 404).then(|| id.to_string());
            assert_eq!(body, json!([expected, expected]));
        }
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn other_calls_are_refused_or_passed_on() {
    let operations =
        json!([{"path": "/x", "steps": [{"name": "pet", "backend": "pets", "path": "/pets/1"}]}]);
    let (gateway, _) = facade(operations.clone(), json!({})).await;
    assert_eq!(ask(&gateway, "/all/y").await.0, 404);
    let post = gateway.http.post(format!("http://{}/all/x", gateway.proxy));
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "GET");
    let head = gateway.http.head(format!("http://{}/all/x", gateway.proxy));
    assert_eq!(head.send().await.unwrap().status(), 200);
    let (gateway, echo) = facade(operations, json!({"others": "pass"})).await;
    gateway
        .http
        .post(format!("http://{}/all/x", gateway.proxy))
        .send()
        .await
        .unwrap();
    assert_eq!(echo.seen.lock().unwrap()[0]["uri"], "/x");
}

#[tokio::test]
async fn a_body_that_is_no_json_asks_nobody() {
    let operations = json!([{"method": "POST", "path": "/x", "steps": [
        {"name": "told", "backend": "echo", "method": "POST", "path": "/x", "body": "body.a"}]}]);
    let (gateway, echo) = facade(operations, json!({})).await;
    let url = format!("http://{}/all/x", gateway.proxy);
    let send = async |body: &str| {
        gateway
            .http
            .post(&url)
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(send("{\"a\": ").await, 400);
    assert_eq!(
        send(&format!("{}1{}", "[".repeat(200), "]".repeat(200))).await,
        400
    );
    assert!(echo.seen.lock().unwrap().is_empty());
    assert_eq!(send("{\"a\": [1]}").await, 200);
    assert_eq!(echo.seen.lock().unwrap()[0]["body"], "[1]");
}

#[tokio::test]
async fn unknown_options_and_unclear_operations_are_refused() {
    let gateway = TestGateway::start().await;
    let good = json!({
        "backends": {"a": {"url": "http://a"}},
        "operations": [{"path": "/x", "steps": [{"name": "s", "backend": "a", "path": "/"}]}],
    });
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
    let fault =
        refused(&|config| config["operations"][0]["steps"][0]["url"] = json!("http://x")).await;
    assert_eq!(
        fault["operations"]["1"]["steps"]["1"]["url"],
        "unknown field"
    );
    let fault =
        refused(&|config| config["operations"][0]["steps"][0]["backend"] = json!("b")).await;
    assert!(fault["operations"]["1"]["steps"]["1"]["backend"].is_string());
    gateway
        .post("plugins", json!({"name": PLUGIN, "config": good}))
        .await;
}

/// `cargo test --release -p gateway --test it compose::three -- --ignored --nocapture`
#[tokio::test]
#[ignore = "measures, so it needs a release build and a quiet machine"]
async fn three_backends_cost_the_slowest_and_less_than_a_millisecond() {
    const SLOWEST: u64 = 30;
    let app = Router::new().fallback(async |Query(query): Query<Value>| {
        let wait = query["ms"].as_str().unwrap().parse().unwrap();
        let started = Instant::now();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        Json(json!(started.elapsed().as_secs_f64() * 1000.0))
    });
    let url = format!("http://{}", serve(app).await);
    let step = |name: &str, wait: u64| json!({"name": name, "backend": "slow", "path": "/", "query": {"ms": format!("'{wait}'")}});
    let steps = json!([
        step("a", SLOWEST),
        step("b", SLOWEST / 2),
        step("c", SLOWEST / 3)
    ]);
    let (gateway, _) = facade(
        json!([{"path": "/x", "steps": steps, "result": "max([steps.a, steps.b, steps.c])"}]),
        json!({"slow": url}),
    )
    .await;
    let mut costs = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        let (_, slowest, _) = ask(&gateway, "/all/x").await;
        costs.push(started.elapsed().as_secs_f64() * 1000.0 - slowest.as_f64().unwrap());
    }
    costs.sort_by(f64::total_cmp);
    println!(
        "above the slowest backend: median {:.3} ms, p90 {:.3} ms",
        costs[100], costs[180]
    );
    assert!(costs[100] < 1.0, "{:.3} ms", costs[100]);
}
