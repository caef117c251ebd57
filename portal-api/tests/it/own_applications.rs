//! `GET /users/{user}/applications`, and subscriptions with their credentials.

use serde_json::{Value, json};

use crate::{
    market::{APPROVER, Market, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn applications_of_a_user_come_with_subscriptions_rights_and_no_secrets() {
    for market in Market::on_each_database().await {
        let path = format!("/users/{DEVELOPER}/applications");
        let none = market.get(DEVELOPER, &path).await.expect(200).json();
        assert_eq!(none, json!([]));
        for id in ["shop", "till"] {
            market.application(DEVELOPER, id).await;
        }
        market.application(PARTNER, "foreign").await;
        market.role(PARTNER, "foreign", DEVELOPER, "reader").await;
        market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201);

        let all = market.get(DEVELOPER, &path).await.expect(200).json();
        assert_eq!(ids(&all), ["foreign", "shop", "till"]);
        let [foreign, shop, till] = &all.as_array().unwrap()[..] else {
            panic!("{all}")
        };
        let one = market.get(DEVELOPER, "/applications/shop").await;
        let mut one = one.expect(200).json();
        let list = "/applications/shop/subscriptions?secrets=false";
        one["subscriptions"] = market.get(DEVELOPER, list).await.expect(200).json();
        assert_eq!(*shop, one, "as the calls for one application show it");
        assert!(shop["subscriptions"][0]["apikey"].is_null());
        assert_eq!(till["subscriptions"], json!([]));
        assert!(foreign["_links"].get("addSubscription").is_none());
        assert_eq!(foreign["owners"].as_array().unwrap().len(), 2);
        let reveals = market.count("audit_log where action = 'reveal'").await;
        assert_eq!(reveals, 0);

        let first = format!("{path}?cursor=&limit=2");
        let first = market.get(DEVELOPER, &first).await.expect(200).json();
        assert_eq!(ids(&first["items"]), ["foreign", "shop"]);
        let next = first["next"].as_str().unwrap();
        let rest = format!("{path}?cursor={next}&limit=2");
        let rest = market.get(DEVELOPER, &rest).await.expect(200).json();
        assert_eq!(ids(&rest["items"]), ["till"]);
        assert!(rest.get("next").is_none());

        market.get(PARTNER, &path).await.expect(403);
        market.get(APPROVER, &path).await.expect(403);
        let by_admin = market.get(ADMIN, &path).await.expect(200).json();
        let links = &by_admin[0]["_links"];
        assert!(links.get("deleteApplication").is_some(), "his own rights");
        let nobody = "/users/nobody/applications";
        market.get(ADMIN, nobody).await.expect(404);
    }
}

#[tokio::test]
async fn credentials_come_with_subscriptions_for_those_who_may_list_them() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201);
        let list = "/applications/shop/subscriptions?secrets=false&credentials=true";
        let shown = market.get(DEVELOPER, list).await.expect(200).json();
        let single = "/applications/shop/subscriptions/petstore/credentials";
        let single = market.get(DEVELOPER, single).await.expect(200).json();
        assert_eq!(shown[0]["credentials"], single);
        assert!(shown[0]["credentials"][0].get("secret").is_none());
        assert!(shown[0]["apikey"].is_null());
        let plain = market.get(DEVELOPER, "/applications/shop/subscriptions");
        assert!(
            plain.await.expect(200).json()[0]
                .get("credentials")
                .is_none()
        );
        let by_approver = market.get(APPROVER, list).await.expect(200).json();
        let mut hidden = by_approver.as_array().unwrap().iter();
        assert!(hidden.all(|one| one.get("credentials").is_none()));
    }
}
