//! Invitations, roles, preferences, announcements, and what pages ask for (portal-api B5, B6, B17).

use serde_json::{Value, json};
use service::{ServiceName, keys::Purpose};

use crate::{
    market::{APPROVER, CLOCK, Market, ORDERS, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

/// The token of an invitation of somebody to `application`, as the mailer gets it.
pub async fn invited(market: &Market, application: &str, role: &str) -> String {
    let mailer = market.api.service(ServiceName::Mailer);
    let listener =
        json!({"id": "mailer", "url": "http://127.0.0.1:9/", "events": ["invitation.add"]});
    mailer
        .put("/webhooks/listeners/mailer", listener)
        .await
        .expect(200);
    let body = json!({"email": "somebody@example.org", "role": role});
    let path = format!("/applications/{application}/invitations");
    market.post(DEVELOPER, &path, body).await.expect(201);
    let events = mailer
        .get("/webhooks/events/mailer")
        .await
        .expect(200)
        .json();
    let event = events.as_array().unwrap().last().unwrap().clone();
    assert_eq!(event["data"]["email"], "somebody@example.org");
    let link = event["data"]["link"].as_str().unwrap();
    assert!(link.ends_with("/invitations/{{id}}"), "{link}");
    event["data"]["id"].as_str().unwrap().to_owned()
}

fn members(application: &Value) -> Vec<String> {
    let members = application["owners"].as_array().unwrap();
    members
        .iter()
        .map(|one| {
            format!(
                "{}:{}",
                one["userId"].as_str().unwrap(),
                one["role"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn whoever_gets_the_mail_takes_the_role_once() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        let token = invited(&market, "shop", "collaborator").await;
        let all = "/applications/shop/invitations";
        let open = market.get(DEVELOPER, all).await.expect(200).json();
        assert_eq!(
            (&open[0]["email"], &open[0]["role"]),
            (&json!("somebody@example.org"), &json!("collaborator"))
        );
        assert!(!open.to_string().contains(&token));
        market.get(PARTNER, all).await.expect(403);
        let accept = async |user: &str, token: &str| {
            market
                .post(user, "/invitations/accept", json!({"token": token}))
                .await
        };
        accept(PARTNER, "wrong").await.expect(404);
        accept(DEVELOPER, &token).await.expect(409);
        let application = accept(PARTNER, &token).await.expect(200).json();
        assert_eq!(
            members(&application),
            ["dev-user:owner", "partner-user:collaborator"]
        );
        accept(APPROVER, &token).await.expect(404);
        assert_eq!(market.get(DEVELOPER, all).await.json(), json!([]));
        for (wrong, status) in [
            (json!({}), 400),
            (json!({"email": "x@example.org", "role": "king"}), 400),
            (json!({"email": "nobody", "role": "reader"}), 400),
            (
                json!({"email": "PARTNER-user@example.org", "role": "reader"}),
                409,
            ),
        ] {
            market.post(DEVELOPER, all, wrong).await.expect(status);
        }
        let body = json!({"email": "x@example.org", "role": "reader"});
        let made = market
            .post(DEVELOPER, all, body.clone())
            .await
            .expect(201)
            .json();
        market.post(DEVELOPER, all, body).await.expect(409);
        market
            .post(
                PARTNER,
                all,
                json!({"email": "y@example.org", "role": "reader"}),
            )
            .await
            .expect(403);
        let one = format!("{all}/{}", made["id"].as_str().unwrap());
        let again = market
            .post(DEVELOPER, &format!("{one}/resend"), Value::Null)
            .await
            .expect(200)
            .json();
        assert!(again["expiresAt"].as_str() > made["expiresAt"].as_str());
        market.delete(DEVELOPER, &one).await.expect(204);
        market.delete(DEVELOPER, &one).await.expect(404);
    }
}

#[tokio::test]
async fn roles_change_in_place_and_somebody_stays_owner() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.role(DEVELOPER, "shop", PARTNER, "reader").await;
        market.listen().await;
        let one = |user: &str| format!("/applications/shop/owners/{user}");
        let owner = json!({"role": "owner"});
        market
            .patch(PARTNER, &one(PARTNER), owner.clone())
            .await
            .expect(403);
        market
            .patch(DEVELOPER, &one(DEVELOPER), json!({"role": "reader"}))
            .await
            .expect(409);
        market
            .patch(DEVELOPER, &one(APPROVER), owner.clone())
            .await
            .expect(404);
        market
            .patch(DEVELOPER, &one(PARTNER), json!({"role": "king"}))
            .await
            .expect(400);
        let application = market
            .patch(DEVELOPER, &one(PARTNER), owner)
            .await
            .expect(200)
            .json();
        assert_eq!(
            members(&application),
            ["dev-user:owner", "partner-user:owner"]
        );
        market
            .patch(PARTNER, &one(DEVELOPER), json!({"role": "reader"}))
            .await
            .expect(200);
        let kinds: Vec<_> = market
            .events()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(
            kinds,
            ["owner.delete", "owner.add", "owner.delete", "owner.add"]
        );
        let path = "/applications/shop/owners?userEmail=dev-user@example.org";
        market.delete(DEVELOPER, path).await.expect(200);
    }
}

#[tokio::test]
async fn users_say_which_mails_they_want() {
    for market in Market::on_each_database().await {
        let path = format!("/users/{DEVELOPER}/preferences");
        let none = market.get(DEVELOPER, &path).await.expect(200).json();
        assert_eq!(none, json!({"mails": {}, "digest": false}));
        let wanted = json!({"mails": {"announcement": false, "subscription_approved": true}, "digest": true, "language": "pt-br"});
        let put = market
            .call(DEVELOPER, http::Method::PUT, &path, wanted.clone())
            .await;
        assert_eq!(put.expect(200).json(), wanted);
        assert_eq!(market.get(DEVELOPER, &path).await.json(), wanted);
        let mailer = market.api.service(ServiceName::Mailer);
        assert_eq!(mailer.get(&path).await.expect(200).json(), wanted);
        market.get(PARTNER, &path).await.expect(403);
        market
            .get(ADMIN, "/users/nobody/preferences")
            .await
            .expect(404);
        for wrong in [
            json!({"mails": []}),
            json!({"mails": {"A b": true}}),
            json!({"mails": {"a": "yes"}}),
            json!({"language": "German"}),
        ] {
            market
                .call(DEVELOPER, http::Method::PUT, &path, wrong)
                .await
                .expect(400);
        }
    }
}

#[tokio::test]
async fn a_link_of_a_mail_stops_mails_of_its_kind_and_nothing_else() {
    for market in Market::on_each_database().await {
        let key = market.api.keys().derive(&Purpose::Unsubscribe).unwrap();
        let path = format!("/users/{DEVELOPER}/preferences");
        let before = json!({"mails": {"announcement": false}, "digest": true, "language": "de"});
        let put = http::Method::PUT;
        market.call(DEVELOPER, put, &path, before).await.expect(200);
        let anonymous = market.api.anonymous();
        let stop = async |token: &str| {
            let body = json!({"token": token});
            anonymous.post("/unsubscribe", body).await
        };
        let token = sdk::unsubscribe::sign(&key, DEVELOPER, "welcome");
        for _ in 0..2 {
            let answer = stop(&token).await.expect(200).json();
            assert_eq!(answer, json!({"mail": "welcome"}));
        }
        let after = market.get(DEVELOPER, &path).await.expect(200).json();
        let mails = json!({"announcement": false, "welcome": false});
        assert_eq!(
            after,
            json!({"mails": mails, "digest": true, "language": "de"})
        );
        let nobody = sdk::unsubscribe::sign(&key, "nobody", "welcome");
        for wrong in ["", "nonsense", &token[..token.len() - 2], &nobody] {
            stop(wrong).await.expect(404);
        }
    }
}

#[tokio::test]
async fn whoever_may_decide_about_an_api_can_be_found() {
    for market in Market::on_each_database().await {
        let mailer = market.api.service(ServiceName::Mailer);
        let approvers = async |api: &str| {
            let answer = mailer.get(&format!("/users?approverOf={api}")).await;
            let users = answer.expect(200).json();
            let ids = users.as_array().unwrap().iter();
            ids.map(|user| user["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(approvers(CLOCK).await, [APPROVER]);
        assert!(approvers(PETS).await.is_empty(), "it needs no group");
        mailer.get("/users?approverOf=none").await.expect(404);
        let path = format!("/users?approverOf={CLOCK}");
        market.get(DEVELOPER, &path).await.expect(403);
    }
}

#[tokio::test]
async fn who_is_told_of_an_api_can_be_read_in_pages_with_all_that_a_mail_needs() {
    for market in Market::on_each_database().await {
        let mailer = market.api.service(ServiceName::Mailer);
        let put = http::Method::PUT;
        let path = format!("/users/{DEVELOPER}/preferences");
        let german = json!({"language": "de"});
        market.call(DEVELOPER, put, &path, german).await.expect(200);
        let auth_server = market.api.service(ServiceName::AuthServer);
        let registration = format!("/registrations/pools/wicked/users/{PARTNER}");
        let name = json!({"name": "Pat Partner"});
        auth_server.put(&registration, name).await.expect(204);
        for (owner, application) in [(DEVELOPER, "shop"), (DEVELOPER, "stall"), (PARTNER, "mart")] {
            market.application(owner, application).await;
            let plan = market.subscribe(owner, application, PETS, "free").await;
            plan.expect(201);
        }
        market.role(DEVELOPER, "shop", APPROVER, "reader").await;
        let page = async |api: &str, query: &str| {
            let path = format!("/apis/{api}/subscribers{query}");
            mailer.get(&path).await.expect(200).json()
        };
        let all = page(PETS, "").await;
        assert_eq!(all["count"], 2, "each once, and no reader: {all}");
        let first = page(PETS, "?limit=1").await;
        let second = page(PETS, "?limit=1&offset=1").await;
        assert_eq!(first["items"][0]["id"], DEVELOPER);
        assert_eq!(first["items"][0]["preferences"]["language"], "de");
        assert_eq!(first["items"][0]["registrations"], json!([]));
        assert_eq!(second["items"][0]["id"], PARTNER);
        assert_eq!(
            second["items"][0]["email"],
            format!("{PARTNER}@example.org")
        );
        assert_eq!(
            second["items"][0]["registrations"][0]["name"],
            "Pat Partner"
        );
        assert_eq!(page(ORDERS, "").await["count"], 0);
        let locked = json!({"disabled": true});
        let path = format!("/users/{PARTNER}");
        market.patch(ADMIN, &path, locked).await.expect(200);
        assert_eq!(page(PETS, "").await["count"], 1);
        let path = format!("/apis/{PETS}/subscribers");
        market.get(DEVELOPER, &path).await.expect(403);
    }
}

#[tokio::test]
async fn announcements_are_events() {
    let market = Market::start().await;
    market.listen().await;
    let path = "/apis/petstore/announcements";
    let body = json!({"subject": " Maintenance ", "text": "On Sunday."});
    let api = &market.api;
    let made = api
        .user(ADMIN, "write_apis")
        .post(path, body.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(made["subject"], "Maintenance");
    let (kind, data) = market.events().await.remove(0);
    assert_eq!(kind, "announcement.add");
    assert_eq!(
        (&data["apiId"], &data["text"], &data["announcementId"]),
        (&json!("petstore"), &json!("On Sunday."), &made["id"])
    );
    api.user(DEVELOPER, "write_apis")
        .post(path, body.clone())
        .await
        .expect(403);
    api.user(ADMIN, "write_apis")
        .post("/apis/none/announcements", body)
        .await
        .expect(404);
    for wrong in [
        json!({}),
        json!({"subject": "x", "text": " "}),
        json!({"subject": "x".repeat(257), "text": "x"}),
    ] {
        api.user(ADMIN, "write_apis")
            .post(path, wrong)
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn the_page_of_an_api_needs_one_call() {
    for market in Market::on_each_database().await {
        market.application(PARTNER, "shop").await;
        market.application(PARTNER, "kiosk").await;
        market
            .subscribe(PARTNER, "shop", CLOCK, "free")
            .await
            .expect(201);
        let context = market
            .get(PARTNER, "/apis/timezones/context")
            .await
            .expect(200)
            .json();
        assert_eq!(context["api"]["name"], "Clock");
        assert_eq!(context["plans"].as_array().unwrap().len(), 2);
        let applications = context["applications"].as_array().unwrap();
        assert_eq!(applications.len(), 2);
        assert!(
            applications[0].get("subscription").is_none(),
            "kiosk has none"
        );
        let subscription = &applications[1]["subscription"];
        assert_eq!(
            (&subscription["plan"], &subscription["apikey"]),
            (&json!("free"), &Value::Null)
        );
        let partner = json!({"subscribe": true, "approve": false, "seeUsage": false, "announce": false, "edit": false});
        assert_eq!(context["rights"], partner);
        market
            .get(DEVELOPER, "/apis/timezones/context")
            .await
            .expect(403);
        let decides = market
            .get(APPROVER, "/apis/timezones/context")
            .await
            .expect(200)
            .json();
        assert_eq!(decides["rights"]["approve"], true);
        let portal = market.api.service(ServiceName::Portal);
        let visitor = portal
            .get(&format!("/apis/{PETS}/context"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&visitor["plans"], &visitor["applications"]),
            (&json!([]), &json!([]))
        );
        assert_eq!(visitor["rights"]["subscribe"], false);
        market
            .get(ADMIN, &format!("/apis/{ORDERS}/context"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn first_steps_are_ticked_off() {
    let market = Market::start().await;
    let done = |setup: &Value, id: &str| {
        let steps = setup["steps"].as_array().unwrap().clone();
        steps.into_iter().find(|step| step["id"] == id).unwrap()["done"].clone()
    };
    let setup = market.get(ADMIN, "/setup").await.expect(200).json();
    assert_eq!(
        (&setup["hidden"], done(&setup, "first-application")),
        (&json!(false), json!(false))
    );
    market.application(DEVELOPER, "shop").await;
    let body = json!({"hidden": true});
    let setup = market
        .call(ADMIN, http::Method::PUT, "/setup", body)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&setup["hidden"], done(&setup, "first-application")),
        (&json!(true), json!(true))
    );
    market.get(DEVELOPER, "/setup").await.expect(403);
    market
        .call(ADMIN, http::Method::PUT, "/setup", json!({"hidden": "x"}))
        .await
        .expect(400);
}
