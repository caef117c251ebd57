//! Credentials of subscriptions (portal-api A5, 29.2).

use serde_json::json;

use crate::{
    market::{Market, ORDERS, Options, PETS},
    support::{DEVELOPER, PARTNER},
};

const PATH: &str = "/applications/shop/subscriptions/petstore/credentials";

async fn shop(options: Options) -> Market {
    let market = Market::with(options).await;
    market.application(DEVELOPER, "shop").await;
    market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .expect(201);
    market
}

#[tokio::test]
async fn a_credential_is_made_renamed_rotated_and_revoked() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201);
        market.listen().await;
        let body = json!({"name": "ci", "note": "build", "expiresAt": "2999-01-01T00:00:00Z"});
        let made = market.post(DEVELOPER, PATH, body).await.expect(201).json();
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.ends_with(made["last4"].as_str().unwrap()));
        assert_eq!(
            (&made["kind"], &made["classic"]),
            (&json!("key"), &json!(false))
        );
        let one = format!("{PATH}/{}", made["id"].as_str().unwrap());

        let changed = market
            .patch(DEVELOPER, &one, json!({"name": "cd"}))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&changed["name"], &changed["note"]),
            (&json!("cd"), &json!("build"))
        );
        assert!(changed.get("secret").is_none());

        market
            .post(
                DEVELOPER,
                &format!("{one}/rotate"),
                json!({"overlapSeconds": 604_801}),
            )
            .await
            .expect(400);
        let rotated = market
            .post(
                DEVELOPER,
                &format!("{one}/rotate"),
                json!({"overlapSeconds": 60}),
            )
            .await;
        let rotated = rotated.expect(201).json();
        assert_ne!(rotated["secret"], made["secret"]);
        let two = format!("{PATH}/{}", rotated["id"].as_str().unwrap());
        market
            .delete(DEVELOPER, &format!("{two}?reason=leaked"))
            .await
            .expect(204);
        market.delete(DEVELOPER, &two).await.expect(204);
        market
            .patch(DEVELOPER, &two, json!({"name": "x"}))
            .await
            .expect(409);
        market
            .patch(DEVELOPER, &format!("{PATH}/none"), json!({"name": "x"}))
            .await
            .expect(404);

        let list = market.get(DEVELOPER, PATH).await.expect(200).json();
        assert_eq!(list.as_array().unwrap().len(), 3);
        assert!(
            list[1]["expiresAt"].as_str().unwrap() < "2999",
            "the old one ends after the overlap"
        );
        assert_eq!(list[2]["revokedReason"], "leaked");
        let events = market.events().await;
        assert_eq!(events.len(), 4, "made, renamed, rotated, revoked");
        assert!(
            events
                .iter()
                .all(|(kind, data)| kind == "subscription.update"
                    && data["changes"] == json!(["credentials"]))
        );
    }
}

#[tokio::test]
async fn readers_see_credentials_and_collaborators_change_them() {
    let market = shop(Options::default()).await;
    market.role(DEVELOPER, "shop", PARTNER, "reader").await;
    market.get(PARTNER, PATH).await.expect(200);
    market
        .post(PARTNER, PATH, json!({"name": "x"}))
        .await
        .expect(403);
    let path = "/applications/shop/owners?userEmail=partner-user@example.org";
    market.delete(DEVELOPER, path).await.expect(200);
    market.get(PARTNER, PATH).await.expect(403);
    market
        .role(DEVELOPER, "shop", PARTNER, "collaborator")
        .await;
    market
        .post(PARTNER, PATH, json!({"name": "x"}))
        .await
        .expect(201);
    for wrong in [
        json!({}),
        json!({"name": " "}),
        json!({"name": "x".repeat(129)}),
        json!({"name": "x", "expiresAt": "2001-01-01T00:00:00Z"}),
        json!({"name": "x", "expiresAt": "soon"}),
    ] {
        market.post(DEVELOPER, PATH, wrong).await.expect(400);
    }
    market
        .subscribe(DEVELOPER, "shop", ORDERS, "team")
        .await
        .expect(201);
    let pending = PATH.replace(PETS, ORDERS);
    market
        .post(DEVELOPER, &pending, json!({"name": "x"}))
        .await
        .expect(409);
}

#[tokio::test]
async fn only_classic_credentials_are_shown_again_unless_all_are() {
    for (reveal, shown_again) in [("classic", false), ("always", true)] {
        let market = shop(Options {
            reveal,
            ..Options::default()
        })
        .await;
        let made = market
            .post(DEVELOPER, PATH, json!({"name": "ci"}))
            .await
            .expect(201)
            .json();
        let read = market
            .get(DEVELOPER, "/applications/shop/subscriptions/petstore")
            .await
            .json();
        assert!(
            read["apikey"].is_string(),
            "the one made with the subscription"
        );
        assert_eq!(read["apikey"] == made["secret"], shown_again);
        let read = market.get(DEVELOPER, PATH).await.json();
        assert!(
            read.as_array()
                .unwrap()
                .iter()
                .all(|one| one.get("secret").is_none())
        );
    }
}

#[tokio::test]
async fn showing_a_secret_is_on_record() {
    let market = shop(Options::default()).await;
    let reveals = async || market.count("audit_log where action = 'reveal'").await;
    market.get(DEVELOPER, PATH).await.expect(200);
    let list = "/applications/shop/subscriptions";
    let hints = market
        .get(DEVELOPER, &format!("{list}?secrets=false"))
        .await;
    let hints = hints.expect(200).json();
    assert!(hints[0]["apikey"].is_null() && hints[0]["apikeyHint"].is_string());
    assert_eq!(reveals().await, 0, "hints are not secrets");
    let full = market.get(DEVELOPER, list).await.expect(200).json();
    assert!(full[0]["apikey"].is_string());
    assert_eq!(reveals().await, 1);
    market
        .get(DEVELOPER, "/applications/shop/subscriptions/petstore")
        .await
        .expect(200);
    assert_eq!(reveals().await, 2);
}
