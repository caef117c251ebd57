//! Configurations that change while they are served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use config::Origin;
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{
    ADMIN, DEVELOPER, Remote, TestApi,
    remote::{PROMPT, follow},
};

/// Ways to break a configuration, each found at another place.
const FAULTS: [fn(&Remote); 8] = [
    |remote| remote.write("plans/plans.json", "{\"plans\": ["),
    |remote| remote.remove("globals.json"),
    |remote| {
        let mut apis = remote.read_json("apis/apis.json");
        apis["apis"][0]["plans"] = json!(["no-such-plan"]);
        remote.write("apis/apis.json", &apis.to_string());
    },
    |remote| {
        let mut config = remote.read_json("apis/petstore/config.json");
        config["api"]["upstream_url"] = "${ACME_NOT_DEFINED}".into();
        remote.write("apis/petstore/config.json", &config.to_string());
    },
    |remote| remote.remove("apis/orders/config.json"),
    |remote| {
        let mut globals = remote.read_json("globals.json");
        globals["network"]["schema"] = "gopher".into();
        remote.write("globals.json", &globals.to_string());
    },
    |remote| remote.write("groups/groups.json", "[]"),
    |remote| {
        std::os::unix::fs::symlink("/etc/passwd", remote.path().join("static/content/p.md"))
            .unwrap();
    },
];

/// Callers who notice every request that fails.
struct Callers {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<Vec<String>>,
}

impl Callers {
    fn start(api: &Arc<TestApi>) -> Self {
        let (stop, calls) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let task = tokio::spawn({
            let (api, stop, calls) = (api.clone(), stop.clone(), calls.clone());
            async move {
                let mut failures = Vec::new();
                let mut hash = String::new();
                while !stop.load(Ordering::Relaxed) {
                    for path in [
                        "/apis",
                        "/apis/petstore/config",
                        "/plans",
                        "/pools",
                        "/globals",
                    ] {
                        // Like the components, with the hash that was read some time ago.
                        let mut caller = api.user(DEVELOPER, "read_apis read_plans");
                        if !hash.is_empty() {
                            caller = caller.header("x-config-hash", hash.clone());
                        }
                        let answer = caller.get(path).await;
                        calls.fetch_add(1, Ordering::Relaxed);
                        if answer.status != 200 {
                            failures.push(format!("{path}: {} {}", answer.status, answer.text()));
                        }
                    }
                    hash = api.anonymous().get("/confighash").await.expect(200).text();
                }
                failures
            }
        });
        Self { stop, calls, task }
    }

    /// How many calls there were; none failed.
    async fn finish(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.task.await.unwrap();
        assert!(failures.is_empty(), "{failures:#?}");
        self.calls.load(Ordering::Relaxed)
    }
}

/// Pushes `count` times, every third time something broken; after each notice the right
/// configuration has to be served promptly.
async fn push_many(count: usize) {
    let remote = Remote::new();
    let api = Arc::new(TestApi::with(&[], remote.followed()).await);
    let callers = Callers::start(&api);
    let mut good = remote.commit("nothing changed");
    let mut slowest = Duration::ZERO;
    for number in 1..=count {
        let is_broken = number % 3 == 0;
        remote.restore(&good);
        if is_broken {
            FAULTS[number / 3 % FAULTS.len()](&remote);
        } else {
            remote.retitle(&format!("Title {number}"));
        }
        let pushed = remote.commit(&format!("push {number}"));
        let started = Instant::now();
        api.notice().await;
        let status = api
            .until_status(|status| status["newest"]["commit"] == pushed.as_str())
            .await;
        slowest = slowest.max(started.elapsed());
        if !is_broken {
            good = pushed;
        }
        assert_eq!(status["newest"]["refused"], is_broken, "{status:#}");
        assert_eq!(status["serving"]["commit"], good.as_str());
        if is_broken {
            let first = &status["newest"]["problems"][0];
            assert_eq!(first["severity"], "error");
        } else {
            let globals = api
                .service(ServiceName::Portal)
                .get("/globals")
                .await
                .json();
            assert_eq!(globals["title"], format!("Title {number}"));
        }
    }
    let calls = callers.finish().await;
    eprintln!("{count} pushes, slowest served after {slowest:?}, {calls} calls in between");
    assert!(slowest < PROMPT && calls > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_push_is_served_promptly_or_refused_and_no_call_fails() {
    push_many(6).await;
}

/// `cargo test -p portal-api --test it a_hundred_pushes -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn a_hundred_pushes_are_each_served_promptly_or_refused() {
    push_many(100).await;
}

/// The remote goes away, for `long`; everything but news goes on.
async fn lose_the_remote(long: Duration) {
    let remote = Remote::new();
    let api = Arc::new(
        TestApi::with(&[], |settings| {
            remote.followed()(settings);
            settings.source.poll = Duration::from_millis(50);
        })
        .await,
    );
    let callers = Callers::start(&api);
    remote.vanish();
    let started = Instant::now();
    let status = api.until_status(|status| !status["error"].is_null()).await;
    assert_eq!(status["newest"]["refused"], false);
    let health = api
        .user(ADMIN, "health")
        .get("/systemhealth")
        .await
        .expect(200)
        .json();
    let own = health
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "api")
        .unwrap();
    assert!(
        own["error"].as_str().unwrap().contains("cannot fetch"),
        "{own}"
    );
    while started.elapsed() < long {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    remote.come_back();
    remote.retitle("Back again");
    let pushed = remote.commit("back");
    let status = api
        .until_status(|status| status["serving"]["commit"] == pushed.as_str())
        .await;
    assert!(status["error"].is_null(), "{status:#}");
    callers.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_goes_away_is_survived() {
    lose_the_remote(Duration::ZERO).await;
}

/// `cargo test -p portal-api --test it away_for_a_minute -- --ignored`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn a_remote_that_is_away_for_a_minute_is_survived() {
    lose_the_remote(Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_the_remote_serves_what_was_served() {
    let remote = Remote::new();
    let api = TestApi::with(&[], remote.followed()).await;
    let hash = api.anonymous().get("/confighash").await.text();
    remote.retitle("Second");
    let second = remote.commit("second");
    api.notice().await;
    api.until_status(|status| status["serving"]["commit"] == second.as_str())
        .await;
    remote.vanish();
    let api = api.restart_with(&[], remote.followed()).await;
    let status = api.config_status().await;
    assert_eq!(status["serving"]["commit"], second.as_str());
    assert!(!status["error"].is_null());
    // Components that have not heard of the second one yet are let in for a while.
    let portal = api
        .service(ServiceName::Portal)
        .header("x-config-hash", hash);
    portal.get("/globals").await.expect(200);
}

#[tokio::test]
async fn a_notice_without_the_right_signature_is_refused() {
    let closed = TestApi::start().await;
    closed
        .anonymous()
        .post("/config/hook", json!({}))
        .await
        .expect(401);
    let remote = Remote::new();
    let api = TestApi::with(&[], remote.followed()).await;
    for (header, value) in [
        ("x-hub-signature-256", format!("sha256={}", "0".repeat(64))),
        ("x-gitlab-token", "guessed".to_owned()),
        ("authorization", "Basic eDp5".to_owned()),
    ] {
        let caller = api.anonymous().header(header, value);
        caller.post("/config/hook", json!({})).await.expect(401);
    }
    let gitlab = api
        .anonymous()
        .header("x-gitlab-token", "shared with the git host");
    gitlab.post("/config/hook", json!({})).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_read_again_when_an_administrator_says_so() {
    let folder = Remote::new();
    let origin = Origin::Folder(folder.path().to_owned());
    let api = TestApi::with(&[], |settings| follow(settings, origin)).await;
    let before = api.anonymous().get("/confighash").await.text();
    let admin = api.user(ADMIN, "restart_api health");
    folder.retitle("Changed");
    admin.post("/kill", json!({})).await.expect(204);
    api.until_status(|status| status["serving"]["hash"] != before.as_str())
        .await;
    let after = api.anonymous().get("/confighash").await.text();
    assert_ne!(before, after);
    for hash in [before, after.clone()] {
        let portal = api
            .service(ServiceName::Portal)
            .header("x-config-hash", hash);
        portal.get("/globals").await.expect(200);
    }
    folder.write("globals.json", "{}");
    admin.post("/config/fetch", json!({})).await.expect(202);
    let status = api
        .until_status(|status| status["newest"]["refused"] == true)
        .await;
    assert_eq!(status["serving"]["hash"], after);
    assert!(status["newest"]["problems"].as_array().unwrap().len() > 1);
    for user in [DEVELOPER, "nobody"] {
        let caller = api.user(user, "restart_api");
        caller.post("/kill", json!({})).await.expect(403);
        caller.post("/config/fetch", json!({})).await.expect(403);
    }
}

/// A listener that wants to hear of configurations.
async fn listen(api: &TestApi) {
    let listener = json!({
        "id": "watcher", "url": "https://93.184.215.14/hook",
        "events": ["config.updated", "api.lifecycle", "user.add"],
    });
    let admin = api.user(ADMIN, "webhooks");
    admin
        .put("/webhooks/listeners/watcher", listener)
        .await
        .expect(200);
}

async fn events(api: &TestApi, entity: &str) -> Vec<Value> {
    let admin = api.user(ADMIN, "webhooks");
    let all = admin
        .get("/webhooks/events/watcher")
        .await
        .expect(200)
        .json();
    let all = all.as_array().unwrap().iter();
    all.filter(|event| event["entity"] == entity)
        .map(|event| event["data"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_want_to_know_hear_what_changed() {
    let remote = Remote::new();
    let api = TestApi::with(&[], remote.followed()).await;
    listen(&api).await;
    let before = api.anonymous().get("/confighash").await.text();
    let mut apis = remote.read_json("apis/apis.json");
    apis["apis"][0]["lifecycle"] =
        json!({"state": "deprecated", "sunsetOn": "2027-06-30", "successor": "orders"});
    remote.write("apis/apis.json", &apis.to_string());
    remote.write("content/help.md", "Another text");
    let mut globals = remote.read_json("globals.json");
    globals["initialUsers"].as_array_mut().unwrap().push(json!({
        "id": "late", "email": "late@example.org", "groups": ["dev"],
    }));
    remote.write("globals.json", &globals.to_string());
    let pushed = remote.commit("several changes");
    api.notice().await;
    api.until_status(|status| status["serving"]["commit"] == pushed.as_str())
        .await;
    let started = Instant::now();
    while events(&api, "config").await.is_empty() {
        assert!(started.elapsed() < PROMPT);
    }
    let after = api.anonymous().get("/confighash").await.text();
    assert_eq!(
        events(&api, "config").await,
        [json!({
            "hash": after, "previousHash": before, "commit": pushed,
            "changed": {
                "globals": true, "content": true, "apis": ["petstore"],
                "plans": [], "groups": [], "authServers": [], "pools": [],
            },
        })]
    );
    assert_eq!(
        events(&api, "api").await,
        [json!({
            "apiId": "petstore", "from": "published", "to": "deprecated",
            "sunsetOn": "2027-06-30", "successor": "orders",
        })]
    );
    assert_eq!(events(&api, "user").await[0]["userId"], "late");
    let adapter = api.service(ServiceName::GatewayAdapter);
    let snapshot = adapter.get("/gateway/snapshot").await.expect(200).json();
    assert!(snapshot["revision"].as_str().unwrap().starts_with(&after));
    // The same again is no news, also not for the next start.
    let api = api.restart_with(&[], remote.followed()).await;
    assert_eq!(events(&api, "config").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_goes_away_with_subscriptions_is_reported_and_survived() {
    let remote = Remote::new();
    let api = TestApi::with(&[], remote.followed()).await;
    let scopes = "write_applications write_subscriptions read_applications read_subscriptions";
    let admin = api.user(ADMIN, scopes);
    admin
        .post("/applications", json!({"id": "shop", "name": "Shop"}))
        .await
        .expect(201);
    let plan = remote.read_json("apis/apis.json")["apis"][0]["plans"][0].clone();
    admin
        .post(
            "/applications/shop/subscriptions",
            json!({"application": "shop", "api": "petstore", "plan": plan}),
        )
        .await
        .expect(201);
    let apis = remote.read_json("apis/apis.json");
    let mut without = apis.clone();
    without["apis"].as_array_mut().unwrap().remove(0);
    remote.write("apis/apis.json", &without.to_string());
    let gone = remote.commit("no pets any more");
    api.notice().await;
    let status = api
        .until_status(|status| {
            let problems = status["newest"]["problems"].as_array().unwrap();
            status["serving"]["commit"] == gone.as_str()
                && problems.iter().any(|problem| {
                    problem["message"]
                        .as_str()
                        .unwrap()
                        .contains("1 subscription(s)")
                })
        })
        .await;
    assert_eq!(status["newest"]["refused"], false);
    for path in [
        "/applications/shop/subscriptions",
        "/applications/shop/subscriptions/petstore",
        "/applications/shop",
        "/subscriptions?embed=1",
    ] {
        admin.get(path).await.expect(200);
    }
    let adapter = api.service(ServiceName::GatewayAdapter);
    adapter.get("/gateway/snapshot").await.expect(200);
    let api = api.restart_with(&[], remote.followed()).await;
    api.until_status(|status| !status["newest"]["problems"].as_array().unwrap().is_empty())
        .await;
    remote.write("apis/apis.json", &apis.to_string());
    let back = remote.commit("pets again");
    api.notice().await;
    api.until_status(|status| {
        status["serving"]["commit"] == back.as_str()
            && status["newest"]["problems"].as_array().unwrap().is_empty()
    })
    .await;
    let admin = api.user(ADMIN, scopes);
    admin
        .delete("/applications/shop/subscriptions/petstore")
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_instances_on_one_database_follow_and_one_of_them_tells() {
    let remote = Remote::new();
    let Some(one) = TestApi::start_on_postgres_with(remote.followed()).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let other = one
        .another_with(|settings| {
            settings.data = folder.path().to_owned();
            remote.followed()(settings);
        })
        .await;
    listen(&one).await;
    for number in 1..=3 {
        remote.retitle(&format!("Title {number}"));
        let pushed = remote.commit("another title");
        one.notice().await;
        for instance in [&one, &other] {
            instance
                .until_status(|status| status["serving"]["commit"] == pushed.as_str())
                .await;
        }
        let started = Instant::now();
        while events(&one, "config").await.len() < number {
            assert!(started.elapsed() < PROMPT);
        }
    }
    assert_eq!(events(&other, "config").await.len(), 3);
}
