//! The audit log (portal-api 22, A9).

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use service::{ServiceName, keys::Purpose};

use crate::{
    authorization::ROUTES,
    market::{APPROVER, FAXES, Market, ORDERS, PETS},
    receiver::{Receiver, Reply},
    support::{ADMIN, Answer, Client, DEVELOPER, PARTNER},
};

const SCOPES: &str = "read_auditlog write_auditlog read_approvals read_subscriptions login \
    write_applications write_subscriptions write_users write_registrations write_namespaces \
    write_grants write_verifications read_verifications webhooks write_apis read_applications restart_api";

/// Writes of the machinery, many per minute: they change nothing that people decide about.
const MACHINERY: [(&str, &str); 15] = [
    // On record, where the configuration comes out of git.
    ("POST", "/config/commits"),
    // Nobody else sees them before they are committed.
    ("PUT", "/config/draft"),
    ("DELETE", "/config/draft"),
    ("POST", "/config/hook"),
    ("PUT", "/gateway/status"),
    ("PUT", "/leases/{name}"),
    ("DELETE", "/leases/{name}"),
    ("POST", "/usage/records"),
    ("POST", "/webhooks/events/{listener}/ack"),
    ("DELETE", "/webhooks/events/{listener}/{event}"),
    // A request outside the queue.
    ("POST", "/webhooks/listeners/{listener}/test"),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/test",
    ),
    // Compares and changes nothing; that it failed is on record.
    ("POST", "/subscriptions/{client_id}/verify"),
    // Reads; the token is in no address.
    ("POST", "/registrations/invitations/open"),
    // Puts records in.
    ("POST", "/auditlog/records"),
];

/// Makes calls and looks at the log after each.
struct Walk<'m> {
    market: &'m Market,
    steps: u32,
    done: BTreeSet<(String, String)>,
}

impl Walk<'_> {
    async fn step(&mut self, user: &str, route: &str, path: &str, body: Value) -> Answer {
        let client = self.market.api.user(user, SCOPES);
        self.step_by(client, route, path, body).await
    }

    async fn step_by(
        &mut self,
        client: Client<'_>,
        route: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let (method, pattern) = route.split_once(' ').unwrap();
        self.steps += 1;
        let id = format!("walk-{}.", self.steps);
        let client = client.header("correlation-id", &id);
        let body = Some(body).filter(|body| !body.is_null());
        let verb: Method = method.parse().unwrap();
        let answer = client.send(verb, path, body).await;
        assert!(
            answer.status < 300,
            "{route}: {} {}",
            answer.status,
            answer.text()
        );
        let what = format!("audit_log where correlation_id = '{id}'");
        assert!(
            self.market.count(&what).await > 0,
            "{route} is not on record"
        );
        let newest = records(self.market, &json!({"correlationId": id})).await;
        for record in &newest {
            assert_eq!(record["outcome"], "ok", "{route}");
            assert!(
                record["actor"]["id"].is_string() || record["via"].is_string(),
                "{route}"
            );
            assert!(record["sourceAddress"].is_string(), "{route}");
        }
        self.done.insert((method.to_owned(), pattern.to_owned()));
        answer
    }
}

/// The records that match, the newest first.
async fn records(market: &Market, filter: &Value) -> Vec<Value> {
    let admin = market.api.user(ADMIN, SCOPES);
    let filter: String =
        url::form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect();
    let page = admin
        .get(&format!("/auditlog?embed=1&filter={filter}"))
        .await
        .expect(200)
        .json();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_write_is_on_record() {
    for market in Market::on_each_database().await {
        market.listen().await;
        let mut walk = Walk {
            market: &market,
            steps: 0,
            done: BTreeSet::new(),
        };
        people(&mut walk).await;
        applications(&mut walk).await;
        subscriptions(&mut walk).await;
        operations(&mut walk).await;
        archive(&mut walk).await;
        let writes: BTreeSet<_> = ROUTES
            .iter()
            .filter(|(method, ..)| *method != "GET")
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
            .filter(|(method, path)| !MACHINERY.contains(&(method.as_str(), path.as_str())))
            .collect();
        assert_eq!(writes, walk.done);
    }
}

async fn people(walk: &mut Walk<'_>) {
    let body = json!({"email": "eve@example.org", "password": "Very-s3cret", "validated": true});
    let eve = walk.step(ADMIN, "POST /users", "/users", body).await.json();
    let eve = eve["id"].as_str().unwrap().to_owned();
    let machine = json!({"customId": "internal:test", "email": "test@example.org"});
    let adapter = walk.market.api.service(ServiceName::AuthServer);
    walk.step_by(adapter, "POST /users/machine", "/users/machine", machine)
        .await;
    let body = json!({"email": "eve@example.org", "password": "Very-s3cret"});
    walk.step_by(
        walk.market.api.service(ServiceName::AuthServer),
        "POST /login",
        "/login",
        body,
    )
    .await;
    let path = format!("/users/{eve}");
    walk.step(
        ADMIN,
        "PATCH /users/{user}",
        &path,
        json!({"password": "Even-m0re-secret"}),
    )
    .await;
    let body = json!({"name": "Eve"});
    let registration = format!("/registrations/pools/wicked/users/{eve}");
    walk.step(
        ADMIN,
        "PUT /registrations/pools/{pool}/users/{user}",
        &registration,
        body,
    )
    .await;
    walk.step(
        ADMIN,
        "DELETE /registrations/pools/{pool}/users/{user}",
        &registration,
        Value::Null,
    )
    .await;
    let link =
        json!({"type": "email", "email": "eve@example.org", "link": "https://x.example/{{id}}"});
    walk.step(ADMIN, "POST /verifications", "/verifications", link.clone())
        .await;
    let admin = walk.market.api.user(ADMIN, SCOPES);
    let open = admin.get("/verifications").await.expect(200).json();
    let id = open[0]["id"].as_str().unwrap().to_owned();
    walk.step(
        ADMIN,
        "DELETE /verifications/{id}",
        &format!("/verifications/{id}"),
        Value::Null,
    )
    .await;
    walk.step(ADMIN, "POST /verifications", "/verifications", link)
        .await;
    let open = admin.get("/verifications").await.expect(200).json();
    let token = json!({"token": open[0]["id"]});
    walk.step(
        ADMIN,
        "POST /verifications/consume",
        "/verifications/consume",
        token,
    )
    .await;
    walk.step(
        ADMIN,
        "DELETE /users/{user}/password",
        &format!("{path}/password"),
        Value::Null,
    )
    .await;
    walk.step(ADMIN, "DELETE /users/{user}", &path, Value::Null)
        .await;
    guests(walk).await;
    namespaces(walk).await;
}

async fn namespaces(walk: &mut Walk<'_>) {
    let namespace = "/pools/tenants/namespaces/acme";
    walk.step(
        ADMIN,
        "PUT /pools/{pool}/namespaces/{namespace}",
        namespace,
        json!({"description": "Acme"}),
    )
    .await;
    walk.step(
        ADMIN,
        "DELETE /pools/{pool}/namespaces/{namespace}",
        namespace,
        Value::Null,
    )
    .await;
}

async fn applications(walk: &mut Walk<'_>) {
    let body = json!({"id": "shop", "name": "Shop", "clientType": "confidential"});
    walk.step(DEVELOPER, "POST /applications", "/applications", body)
        .await;
    let body = json!({"id": "shop", "name": "The Shop"});
    walk.step(
        DEVELOPER,
        "PATCH /applications/{application}",
        "/applications/shop",
        body,
    )
    .await;
    let body = json!({"email": "partner-user@example.org", "role": "reader"});
    walk.step(
        DEVELOPER,
        "POST /applications/{application}/owners",
        "/applications/shop/owners",
        body,
    )
    .await;
    let path = "/applications/shop/owners?userEmail=partner-user@example.org";
    walk.step(
        DEVELOPER,
        "DELETE /applications/{application}/owners",
        path,
        Value::Null,
    )
    .await;
    invitations(walk).await;
    teams(walk).await;
    let grant = format!("/grants/{DEVELOPER}/applications/shop/apis/orders");
    let route = "/grants/{user}/applications/{application}/apis/{api}";
    let body = json!({"grants": [{"scope": "read_orders"}]});
    walk.step(DEVELOPER, &format!("PUT {route}"), &grant, body.clone())
        .await;
    walk.step(DEVELOPER, &format!("DELETE {route}"), &grant, Value::Null)
        .await;
    walk.step(DEVELOPER, &format!("PUT {route}"), &grant, body)
        .await;
    walk.step(
        DEVELOPER,
        "DELETE /grants/{user}",
        &format!("/grants/{DEVELOPER}"),
        Value::Null,
    )
    .await;
}

async fn archive(walk: &mut Walk<'_>) {
    let operator = walk.market.api.service(ServiceName::PortalApi);
    let archive = walk
        .step_by(operator, "POST /export", "/export", Value::Null)
        .await;
    let operator = walk.market.api.service(ServiceName::PortalApi);
    let operator = operator.header("correlation-id", "walk-import.");
    let (path, bytes) = ("/import?replace=true", archive.bytes().to_vec());
    operator
        .send_bytes(Method::POST, path, bytes)
        .await
        .expect(200);
    let found = records(walk.market, &json!({"correlationId": "walk-import."})).await;
    assert_eq!(found[0]["entity"], "import");
    walk.done.insert(("POST".to_owned(), "/import".to_owned()));
}

async fn teams(walk: &mut Walk<'_>) {
    let body = json!({"id": "crew", "name": "Crew"});
    walk.step(DEVELOPER, "POST /teams", "/teams", body).await;
    let (one, body) = ("/teams/crew", json!({"name": "The crew"}));
    walk.step(DEVELOPER, "PATCH /teams/{team}", one, body).await;
    let route = "/teams/{team}/members/{user}";
    let member = format!("/teams/crew/members/{PARTNER}");
    let body = json!({"role": "reader"});
    walk.step(DEVELOPER, &format!("PUT {route}"), &member, body)
        .await;
    walk.step(DEVELOPER, &format!("DELETE {route}"), &member, Value::Null)
        .await;
    walk.step(DEVELOPER, "DELETE /teams/{team}", one, Value::Null)
        .await;
}

async fn guests(walk: &mut Walk<'_>) {
    let all = "/registrations/pools/guests/invitations";
    let route = "/registrations/pools/{pool}/invitations";
    let body = json!({"email": "guest@example.org"});
    let made = walk
        .step(ADMIN, &format!("POST {route}"), all, body)
        .await
        .json();
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    let resend = format!("POST {route}/{{id}}/resend");
    walk.step(ADMIN, &resend, &format!("{one}/resend"), Value::Null)
        .await;
    walk.step(ADMIN, &format!("DELETE {route}/{{id}}"), &one, Value::Null)
        .await;
}

async fn invitations(walk: &mut Walk<'_>) {
    let all = "/applications/shop/invitations";
    let route = "/applications/{application}/invitations";
    let body = json!({"email": "new@example.org", "role": "reader"});
    let made = walk
        .step(DEVELOPER, &format!("POST {route}"), all, body)
        .await;
    let one = format!("{all}/{}", made.json()["id"].as_str().unwrap());
    let resend = format!("POST {route}/{{id}}/resend");
    walk.step(DEVELOPER, &resend, &format!("{one}/resend"), Value::Null)
        .await;
    let events = walk.market.get(ADMIN, "/webhooks/events/test").await.json();
    assert!(
        !events.to_string().contains("\"link\""),
        "only the mailer may see it"
    );
    walk.step(
        DEVELOPER,
        &format!("DELETE {route}/{{id}}"),
        &one,
        Value::Null,
    )
    .await;
    let token = super::collaboration::invited(walk.market, "shop", "reader").await;
    let body = json!({"token": token});
    walk.step(
        PARTNER,
        "POST /invitations/accept",
        "/invitations/accept",
        body,
    )
    .await;
    let role = json!({"role": "owner"});
    let path = format!("/applications/shop/owners/{PARTNER}");
    walk.step(
        DEVELOPER,
        "PATCH /applications/{application}/owners/{user}",
        &path,
        role,
    )
    .await;
}

async fn subscriptions(walk: &mut Walk<'_>) {
    let all = "/applications/shop/subscriptions";
    let route = "/applications/{application}/subscriptions";
    let body = |api: &str, plan: &str| json!({"application": "shop", "api": api, "plan": plan});
    walk.step(DEVELOPER, &format!("POST {route}"), all, body(PETS, "free"))
        .await;
    let pets = format!("{all}/{PETS}");
    let one = format!("{route}/{{api}}");
    walk.step(
        ADMIN,
        &format!("PATCH {one}"),
        &pets,
        json!({"trusted": true}),
    )
    .await;
    let credentials = format!("{pets}/credentials");
    let made = walk
        .step(
            DEVELOPER,
            &format!("POST {one}/credentials"),
            &credentials,
            json!({"name": "ci"}),
        )
        .await
        .json();
    let credential = format!("{credentials}/{}", made["id"].as_str().unwrap());
    walk.step(
        DEVELOPER,
        &format!("PATCH {one}/credentials/{{id}}"),
        &credential,
        json!({"name": "cd"}),
    )
    .await;
    let rotate = format!("{credential}/rotate");
    let body_of_rotation = json!({"overlapSeconds": 60});
    walk.step(
        DEVELOPER,
        &format!("POST {one}/credentials/{{id}}/rotate"),
        &rotate,
        body_of_rotation,
    )
    .await;
    walk.step(
        DEVELOPER,
        &format!("DELETE {one}/credentials/{{id}}"),
        &credential,
        Value::Null,
    )
    .await;
    walk.step(DEVELOPER, &format!("DELETE {one}"), &pets, Value::Null)
        .await;
    decisions(walk).await;
    walk.step(
        ADMIN,
        "DELETE /apis/{api}/subscriptions",
        &format!("/apis/{FAXES}/subscriptions"),
        Value::Null,
    )
    .await;
    walk.step(
        DEVELOPER,
        "DELETE /applications/{application}",
        "/applications/shop",
        Value::Null,
    )
    .await;
}

async fn decisions(walk: &mut Walk<'_>) {
    let all = "/applications/shop/subscriptions";
    let route = "/applications/{application}/subscriptions";
    let body = json!({"application": "shop", "api": ORDERS, "plan": "team"});
    for decision in ["approve", "decline"] {
        walk.step(DEVELOPER, &format!("POST {route}"), all, body.clone())
            .await;
        let open = walk
            .market
            .get(ADMIN, "/approvals")
            .await
            .expect(200)
            .json();
        let id = open[0]["id"].as_str().unwrap();
        let body = json!({"assignee": ADMIN});
        walk.step(
            ADMIN,
            "PATCH /approvals/{id}",
            &format!("/approvals/{id}"),
            body,
        )
        .await;
        let comments = format!("/approvals/{id}/comments");
        let body = json!({"text": "Hello"});
        walk.step(ADMIN, "POST /approvals/{id}/comments", &comments, body)
            .await;
        let path = format!("/approvals/{}/{decision}", open[0]["id"].as_str().unwrap());
        walk.step(
            ADMIN,
            &format!("POST /approvals/{{id}}/{decision}"),
            &path,
            json!({"reason": "so"}),
        )
        .await;
        if decision == "approve" {
            walk.step(
                DEVELOPER,
                &format!("DELETE {route}/{{api}}"),
                &format!("{all}/{ORDERS}"),
                Value::Null,
            )
            .await;
        }
    }
}

async fn operations(walk: &mut Walk<'_>) {
    let body = json!({"mails": {"announcement": false}});
    let path = format!("/users/{DEVELOPER}/preferences");
    walk.step(DEVELOPER, "PUT /users/{user}/preferences", &path, body)
        .await;
    let key = walk
        .market
        .api
        .keys()
        .derive(&Purpose::Unsubscribe)
        .unwrap();
    let token = sdk::unsubscribe::sign(&key, DEVELOPER, "welcome");
    let body = json!({"token": token});
    walk.step(DEVELOPER, "POST /unsubscribe", "/unsubscribe", body)
        .await;
    let body = json!({"subject": "Hello", "text": "World"});
    let path = "/apis/petstore/announcements";
    walk.step(ADMIN, "POST /apis/{api}/announcements", path, body)
        .await;
    walk.step(ADMIN, "PUT /setup", "/setup", json!({"hidden": true}))
        .await;
    let listener = "/webhooks/listeners/crm-sync";
    let body = json!({"id": "crm-sync", "url": "https://crm.example.org/"});
    walk.step(ADMIN, "PUT /webhooks/listeners/{listener}", listener, body)
        .await;
    walk.step(
        ADMIN,
        "DELETE /webhooks/events/{listener}",
        "/webhooks/events/crm-sync",
        Value::Null,
    )
    .await;
    walk.step(
        ADMIN,
        "DELETE /webhooks/listeners/{listener}",
        listener,
        Value::Null,
    )
    .await;
    listeners(walk).await;
    for route in ["POST /config/fetch", "POST /kill"] {
        let path = route.trim_start_matches("POST ");
        walk.step(ADMIN, route, path, json!({})).await;
    }
    let path = "/auditlog/2999-01-01";
    let deleted = walk
        .step(ADMIN, "DELETE /auditlog/{date}", path, Value::Null)
        .await;
    assert!(deleted.json().as_u64().unwrap() > 30);
    assert_eq!(
        walk.market.count("audit_log").await,
        1,
        "the deletion itself"
    );
}

/// What operators do with a listener, and developers with one of their application.
async fn listeners(walk: &mut Walk<'_>) {
    let receiver = Receiver::start(|request| {
        // Everything but tests is refused for good.
        let failed = request
            .events
            .iter()
            .filter(|event| event["entity"] != "ping");
        let failed = failed.map(|event| json!({"id": event["id"], "retry": false}));
        Reply::json(&json!({"acked": ["none"], "failed": failed.collect::<Vec<_>>()}))
    })
    .await;
    let body = json!({"id": "refuser", "url": receiver.url, "mode": "ack"});
    let route = "/webhooks/listeners/{listener}";
    let path = "/webhooks/listeners/refuser";
    walk.step(ADMIN, &format!("PUT {route}"), path, body).await;
    let queues = [
        ("/webhooks/dead/{listener}", "/webhooks/dead/refuser"),
        ("/webhooks/replay/{listener}", "/webhooks/replay/refuser"),
    ];
    one_listener(walk, (route, path), queues).await;
    walk.market.application(ADMIN, "listening").await;
    let body = json!({"url": receiver.url});
    let all = "/applications/{application}/listeners";
    let path = "/applications/listening/listeners";
    let made = walk
        .step(ADMIN, &format!("POST {all}"), path, body.clone())
        .await
        .json();
    let id = made["listener"]["id"].as_str().unwrap();
    let (route, path) = (format!("{all}/{{listener}}"), format!("{path}/{id}"));
    walk.step(ADMIN, &format!("PUT {route}"), &path, body).await;
    let (dead, replay) = (format!("{path}/dead"), format!("{path}/replay"));
    let routes = (format!("{route}/dead"), format!("{route}/replay"));
    let queues = [(&*routes.0, &*dead), (&*routes.1, &*replay)];
    one_listener(walk, (&route, &path), queues).await;
    walk.step(ADMIN, &format!("DELETE {route}"), &path, Value::Null)
        .await;
}

/// Routes and paths of the listener, its dead letters and its replay.
async fn one_listener(
    walk: &mut Walk<'_>,
    (route, path): (&str, &str),
    [(dead_route, dead), (replay_route, replay)]: [(&str, &str); 2],
) {
    for (what, body) in [
        ("disable", json!({"reason": "tired"})),
        ("enable", json!({})),
    ] {
        let (route, path) = (format!("POST {route}/{what}"), format!("{path}/{what}"));
        walk.step(ADMIN, &route, &path, body).await;
    }
    let secrets = format!("{path}/secret");
    let secret = walk
        .step(ADMIN, &format!("POST {route}/secret"), &secrets, json!({}))
        .await
        .json();
    let secret = format!("{secrets}/{}", secret["keyId"].as_str().unwrap());
    let route = format!("DELETE {route}/secret/{{key}}");
    walk.step(ADMIN, &route, &secret, Value::Null).await;
    let one_dead = async |walk: &Walk<'_>| {
        let name = service::random::hex_id();
        let market = walk.market;
        if dead.starts_with("/webhooks") {
            market.application(ADMIN, &name[..20]).await;
        } else {
            let body = json!({"id": "listening", "name": name});
            let path = "/applications/listening";
            market.patch(ADMIN, path, body).await.expect(200);
        }
        loop {
            let letters = market.get(ADMIN, dead).await.json();
            if let Some(id) = letters["items"][0]["event"]["id"].as_str() {
                return id.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let id = one_dead(walk).await;
    let route = format!("POST {dead_route}/{{event}}/retry");
    walk.step(ADMIN, &route, &format!("{dead}/{id}/retry"), json!({}))
        .await;
    let id = one_dead(walk).await;
    let route = format!("DELETE {dead_route}/{{event}}");
    walk.step(ADMIN, &route, &format!("{dead}/{id}"), Value::Null)
        .await;
    one_dead(walk).await;
    let route = format!("POST {dead_route}/retry");
    walk.step(ADMIN, &route, &format!("{dead}/retry"), json!({}))
        .await;
    let route = format!("DELETE {dead_route}");
    walk.step(ADMIN, &route, dead, Value::Null).await;
    let route = format!("POST {replay_route}");
    walk.step(ADMIN, &route, replay, json!({"from": 1})).await;
}

#[tokio::test]
async fn what_changed_is_on_record_without_secrets() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market
            .patch(
                DEVELOPER,
                "/applications/shop",
                json!({"id": "shop", "name": "New"}),
            )
            .await
            .expect(200);
        let update = records(&market, &json!({"activity": "update application"})).await;
        assert_eq!(
            (&update[0]["before"]["name"], &update[0]["after"]["name"]),
            (&json!("shop"), &json!("New"))
        );
        assert_eq!(
            (&update[0]["application"], &update[0]["role"]),
            (&json!("shop"), &json!("User"))
        );
        assert_eq!(update[0]["email"], "dev-user@example.org");
        assert_eq!(update[0]["data"]["user"]["email"], "dev-user@example.org");
        let path = format!("/users/{PARTNER}");
        let body = json!({"password": "A new passw0rd!"});
        market.patch(ADMIN, &path, body).await.expect(200);
        let update = records(&market, &json!({"entity": "user", "action": "update"})).await;
        assert_eq!(update[0]["after"]["passwordChanged"], true);
        assert_eq!(
            update[0]["data"]["updatedUser"]["email"],
            "partner-user@example.org"
        );
        assert!(!update[0].to_string().contains("A new passw0rd!"));
        market.delete(ADMIN, &path).await.expect(204);
        let gone = records(&market, &json!({"entity": "user", "action": "delete"})).await;
        assert_eq!(
            gone[0]["data"]["updatedUser"]["email"],
            "partner-user@example.org"
        );
        assert_eq!(gone[0]["before"]["groups"], json!(["dev", "partners"]));
    }
}

#[tokio::test]
async fn refused_operations_and_failed_logins_are_on_record() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    market
        .delete(PARTNER, "/applications/shop")
        .await
        .expect(403);
    market
        .delete(PARTNER, "/applications/shop")
        .await
        .expect(403);
    market.get(PARTNER, "/users").await.expect(403);
    market.get(PARTNER, "/applications/shop").await.expect(403);
    let auth = market.api.service(ServiceName::AuthServer);
    auth.post("/login", json!({"email": "x@example.org", "password": "y"}))
        .await
        .expect(404);
    let refused = records(&market, &json!({"outcome": "refused"})).await;
    let seen: Vec<_> = refused
        .iter()
        .map(|one| (one["activity"].as_str().unwrap(), &one["entityId"]))
        .collect();
    assert_eq!(
        seen,
        [
            ("login_failed user", &Value::Null),
            ("denied operation", &json!("GET /users")),
            (
                "denied operation",
                &json!("DELETE /applications/{application}")
            ),
        ],
        "the repeated one once, the read of somebody without a role not at all"
    );
    assert_eq!(refused[2]["actor"]["id"], PARTNER);
    assert_eq!(refused[2]["data"]["path"], "/applications/shop");
}

#[tokio::test]
async fn the_log_is_filtered_ordered_paged_and_only_for_administrators() {
    for market in Market::on_each_database().await {
        market
            .api
            .user(ADMIN, "")
            .get("/auditlog")
            .await
            .expect(403);
        market.get(DEVELOPER, "/auditlog?embed=1").await.expect(403);
        market.get(APPROVER, "/auditlog?embed=1").await.expect(403);
        for id in ["shop", "market", "kiosk"] {
            market.application(DEVELOPER, id).await;
        }
        let get = async |query: &str| {
            market
                .get(ADMIN, &format!("/auditlog{query}"))
                .await
                .expect(200)
                .json()
        };
        let ids = get("").await;
        assert_eq!(
            ids["items"][0].as_object().unwrap().len(),
            1,
            "only ids without embed"
        );
        let added = r#"?embed=true&filter={"activity":"ADD app","email":"DEV-user"}"#;
        let page = get(&format!("{added}&limit=2")).await;
        assert_eq!(
            (&page["count"], page["items"].as_array().unwrap().len()),
            (&json!(3), 2)
        );
        assert_eq!(page["items"][0]["application"], "kiosk", "the newest first");
        let page = get(&format!("{added}&order_by=created_at%20asc")).await;
        assert_eq!(page["items"][0]["application"], "shop");
        let period = |start: &str, end: &str| {
            format!(r#"?embed=1&filter={{"startdate":"{start}","enddate":"{end}"}}"#)
        };
        assert_eq!(get(&period("2000-01-01", "2001-01-01")).await["count"], 0);
        assert!(
            get(&period("2000-01-01", "2999-01-01T00:00:00Z")).await["count"].as_u64() > Some(3)
        );
        market
            .get(
                ADMIN,
                &format!("/auditlog{}", period("yesterday", "2999-01-01")),
            )
            .await
            .expect(400);
        for hostile in [
            r#"{"created_at":"x"}"#,
            r#"{"x; drop table audit_log":"1"}"#,
        ] {
            assert_eq!(get(&format!("?embed=1&filter={hostile}")).await["count"], 0);
        }
        let admin = market.api.user(ADMIN, SCOPES);
        admin.delete("/auditlog/yesterday").await.expect(400);
        market
            .api
            .user(DEVELOPER, SCOPES)
            .delete("/auditlog/2020-01-01")
            .await
            .expect(403);
        assert_eq!(
            admin
                .delete("/auditlog/2020-01-01")
                .await
                .expect(200)
                .json(),
            0
        );
    }
}

#[tokio::test]
async fn the_export_is_a_chain_that_shows_what_is_missing() {
    for market in Market::on_each_database().await {
        for id in ["shop", "market", "kiosk"] {
            market.application(DEVELOPER, id).await;
        }
        let export = async || {
            let admin = market
                .api
                .user(ADMIN, SCOPES)
                .header("accept", "application/x-ndjson");
            let text = admin.get("/auditlog").await.expect(200).text();
            let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
            text.lines().map(read).collect::<Vec<_>>()
        };
        let all = export().await;
        assert!(all.len() > 5);
        assert!(all[0].get("previousHash").is_none());
        for (before, after) in all.iter().zip(&all[1..]) {
            assert_eq!(before["hash"], after["previousHash"]);
        }
        assert!(all.iter().all(|record| hash(record) == record["hash"]));
        let admin = market.api.user(ADMIN, SCOPES);
        admin.delete("/auditlog/2999-01-01").await.expect(200);
        let left = export().await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["data"]["lastHash"], all.last().unwrap()["hash"]);
        let csv = market.api.user(ADMIN, SCOPES).header("accept", "text/csv");
        let filter = r#"/auditlog?filter={"action":"delete"}"#;
        let csv = csv.get(filter).await.expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(csv.text().lines().count(), 2);
    }
}

/// As described to those who keep an export.
fn hash(record: &Value) -> Value {
    fn canonical(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let sorted: std::collections::BTreeMap<_, _> = members.iter().collect();
                let members = sorted
                    .into_iter()
                    .map(|(name, value)| format!("{}:{}", json!(name), canonical(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            Value::Array(entries) => {
                format!(
                    "[{}]",
                    entries.iter().map(canonical).collect::<Vec<_>>().join(",")
                )
            }
            other => other.to_string(),
        }
    }
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove("hash");
    let digest = ring::digest::digest(&ring::digest::SHA256, canonical(&record).as_bytes());
    hex::encode(digest).into()
}

#[tokio::test]
async fn services_add_records_and_a_login_is_an_event() {
    for market in Market::on_each_database().await {
        market.listen().await;
        let auth = market.api.service(ServiceName::AuthServer);
        let login = json!({
            "id": "login-1", "actor": {"id": DEVELOPER, "type": "user"}, "action": "login", "entity": "user",
            "entityId": DEVELOPER, "after": {"authMethod": "local", "accessToken": "abc"},
            "sourceAddress": "192.0.2.7", "outcome": "ok",
        });
        auth.post("/auditlog/records", json!([login]))
            .await
            .expect(204);
        auth.post("/auditlog/records", json!([login]))
            .await
            .expect(204);
        let events = market.events().await;
        assert_eq!(
            events,
            [(
                "user.login".to_owned(),
                json!({"userId": DEVELOPER, "authMethod": "local"})
            )]
        );
        let logins = records(&market, &json!({"activity": "login user"})).await;
        assert_eq!(logins.len(), 1, "the second call repeated the first");
        let record = &logins[0];
        assert_eq!(
            (&record["via"], &record["sourceAddress"]),
            (&json!("auth-server"), &json!("192.0.2.7"))
        );
        assert_eq!(record["after"]["accessToken"], "***");
        assert_eq!(record["email"], "dev-user@example.org");
        for (wrong, field) in [
            (json!([{"entity": "user"}]), "[0].action"),
            (
                json!([{"action": "x".repeat(33), "entity": "user"}]),
                "[0].action",
            ),
            (
                json!([{"action": "a", "entity": "b", "outcome": "maybe"}]),
                "[0].outcome",
            ),
            (
                json!([{"action": "a", "entity": "b", "time": "2001-01-01T00:00:00Z"}]),
                "[0].time",
            ),
            (
                json!([{"action": "a", "entity": "b", "sourceAddress": "here"}]),
                "[0].sourceAddress",
            ),
        ] {
            let answer = auth
                .post("/auditlog/records", wrong)
                .await
                .expect(400)
                .json();
            assert_eq!(answer["errors"][0]["field"], field);
        }
        market
            .api
            .user(ADMIN, SCOPES)
            .post("/auditlog/records", json!([]))
            .await
            .expect(403);
    }
}
