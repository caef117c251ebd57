//! Teams own applications together (portal-api B16).

use http::Method;
use serde_json::{Value, json};

use crate::{
    market::{APPROVER, Market, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

async fn team(market: &Market, owner: &str, id: &str) {
    let body = json!({"id": id, "name": id});
    market.post(owner, "/teams", body).await.expect(201);
}

async fn put(
    market: &Market,
    by: &str,
    team: &str,
    user: &str,
    role: &str,
) -> crate::support::Answer {
    let path = format!("/teams/{team}/members/{user}");
    let body = json!({"role": role});
    market.call(by, Method::PUT, &path, body).await
}

/// `user:role` or `user:role:team`, as the application lists them.
fn owners(application: &Value) -> Vec<String> {
    let text = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
    let show = |one: &Value| {
        let via = one["via"].as_str().map(|via| format!(":{via}"));
        let (user, role) = (text(one, "userId"), text(one, "role"));
        format!("{user}:{role}{}", via.unwrap_or_default())
    };
    application["owners"]
        .as_array()
        .unwrap()
        .iter()
        .map(show)
        .collect()
}

#[tokio::test]
async fn members_are_named_by_id_or_address() {
    for market in Market::on_each_database().await {
        team(&market, DEVELOPER, "crew").await;
        let user = market.get(ADMIN, &format!("/users/{PARTNER}")).await;
        let address = user.expect(200).json()["email"]
            .as_str()
            .unwrap()
            .to_uppercase();
        let path = address.replace('@', "%40");
        put(&market, DEVELOPER, "crew", &path, "reader")
            .await
            .expect(200);
        let crew = market.get(PARTNER, "/teams/crew").await.expect(200).json();
        let members = crew["members"].as_array().unwrap();
        assert!(
            members.iter().any(|member| member["userId"] == PARTNER),
            "{members:?}"
        );
        put(&market, DEVELOPER, "crew", "nobody%40example.org", "reader")
            .await
            .expect(404);
    }
}

#[tokio::test]
async fn members_have_their_role_on_every_application_of_the_team() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        team(&market, DEVELOPER, "crew").await;
        put(&market, DEVELOPER, "crew", PARTNER, "reader")
            .await
            .expect(200);
        market.get(PARTNER, "/applications/shop").await.expect(403);
        let body = json!({"id": "shop", "team": "crew"});
        let shop = market
            .patch(DEVELOPER, "/applications/shop", body)
            .await
            .expect(200)
            .json();
        assert_eq!(shop["team"], "crew");
        assert_eq!(
            owners(&shop),
            [
                "dev-user:owner",
                "dev-user:owner:team",
                "partner-user:reader:team"
            ]
        );
        let shop = market
            .get(PARTNER, "/applications/shop")
            .await
            .expect(200)
            .json();
        assert_eq!(
            shop["owners"][2]["_links"].as_object().unwrap().len(),
            1,
            "no way to take it"
        );
        market
            .subscribe(PARTNER, "shop", PETS, "free")
            .await
            .expect(403);
        put(&market, DEVELOPER, "crew", PARTNER, "collaborator")
            .await
            .expect(200);
        market
            .subscribe(PARTNER, "shop", PETS, "free")
            .await
            .expect(201);
        let subscriptions = market
            .get(PARTNER, "/applications/shop/subscriptions")
            .await;
        assert!(subscriptions.expect(200).json()[0]["apikey"].is_string());
        // Lists know it, too.
        let user = market
            .get(PARTNER, &format!("/users/{PARTNER}"))
            .await
            .expect(200)
            .json();
        assert_eq!(user["applications"], json!([{"id": "shop"}]));
        let context = market
            .get(PARTNER, "/apis/petstore/context")
            .await
            .expect(200)
            .json();
        assert_eq!(context["applications"][0]["role"], "collaborator");
        let filter = r#"/subscriptions?embed=1&filter={"owner":"partner-user"}"#;
        let list = market.get(ADMIN, filter).await.expect(200).json();
        assert_eq!(list["count"], 1);
        assert!(
            list["items"][0]["owner"]
                .as_str()
                .unwrap()
                .contains("partner-user@")
        );
        let filter = r#"/applications?embed=1&filter={"team":"crew"}"#;
        assert_eq!(
            market.get(ADMIN, filter).await.expect(200).json()["count"],
            1
        );
        // And it ends with the membership.
        let path = format!("/teams/crew/members/{PARTNER}");
        market.delete(PARTNER, &path).await.expect(204);
        market.get(PARTNER, "/applications/shop").await.expect(403);
    }
}

#[tokio::test]
async fn roles_by_a_team_change_in_the_team_only() {
    for market in Market::on_each_database().await {
        team(&market, DEVELOPER, "crew").await;
        put(&market, DEVELOPER, "crew", PARTNER, "owner")
            .await
            .expect(200);
        let body = json!({"id": "shop", "name": "Shop", "team": "crew"});
        market
            .post(DEVELOPER, "/applications", body)
            .await
            .expect(201);
        let all = "/applications/shop/owners";
        let member = json!({"email": "partner-user@example.org", "role": "reader"});
        market
            .post(DEVELOPER, all, member.clone())
            .await
            .expect(409);
        let invitations = "/applications/shop/invitations";
        market
            .post(DEVELOPER, invitations, member)
            .await
            .expect(409);
        let path = format!("{all}?userEmail=partner-user@example.org");
        market.delete(DEVELOPER, &path).await.expect(409);
        let path = format!("{all}/{PARTNER}");
        market
            .patch(DEVELOPER, &path, json!({"role": "reader"}))
            .await
            .expect(409);
        // Whoever made it may leave: the team still owns it.
        let path = format!("{all}?userEmail=dev-user@example.org");
        let shop = market.delete(DEVELOPER, &path).await.expect(200).json();
        assert_eq!(
            owners(&shop),
            ["dev-user:owner:team", "partner-user:owner:team"]
        );
        let page = market
            .get(ADMIN, "/applications?embed=1&filter={\"id\":\"shop\"}")
            .await;
        assert_eq!(page.json()["items"][0]["ownerUserId"], DEVELOPER);
        // So it cannot leave the team now.
        let out = json!({"id": "shop", "team": null});
        let merge = market
            .api
            .user(DEVELOPER, "read_applications write_applications");
        let merge = merge.header("content-type", "application/merge-patch+json");
        let body = out.to_string().into_bytes();
        let answer = merge
            .send_bytes(Method::PATCH, "/applications/shop", body)
            .await;
        answer.expect(409);
        let body = json!({"email": "approver-user@example.org", "role": "owner"});
        market.post(DEVELOPER, all, body).await.expect(201);
        let merge = market
            .api
            .user(DEVELOPER, "read_applications write_applications");
        let merge = merge.header("content-type", "application/merge-patch+json");
        let body = out.to_string().into_bytes();
        let answer = merge
            .send_bytes(Method::PATCH, "/applications/shop", body)
            .await;
        let shop = answer.expect(200).json();
        assert_eq!(owners(&shop), ["approver-user:owner"]);
        assert!(shop.get("team").is_none());
    }
}

#[tokio::test]
async fn only_owners_change_a_team_and_one_stays() {
    for market in Market::on_each_database().await {
        team(&market, DEVELOPER, "crew").await;
        put(&market, DEVELOPER, "crew", PARTNER, "collaborator")
            .await
            .expect(200);
        let one = "/teams/crew";
        let crew = market.get(PARTNER, one).await.expect(200).json();
        assert_eq!(crew["members"][1]["role"], "collaborator");
        market.get(APPROVER, one).await.expect(403);
        market.get(DEVELOPER, "/teams/none").await.expect(404);
        market
            .patch(PARTNER, one, json!({"name": "x"}))
            .await
            .expect(403);
        put(&market, PARTNER, "crew", APPROVER, "reader")
            .await
            .expect(403);
        put(&market, DEVELOPER, "crew", "nobody", "reader")
            .await
            .expect(404);
        put(&market, DEVELOPER, "crew", PARTNER, "king")
            .await
            .expect(400);
        put(&market, DEVELOPER, "crew", DEVELOPER, "reader")
            .await
            .expect(409);
        let own = format!("{one}/members/{DEVELOPER}");
        market.delete(DEVELOPER, &own).await.expect(409);
        market.delete(PARTNER, &own).await.expect(403);
        put(&market, DEVELOPER, "crew", PARTNER, "owner")
            .await
            .expect(200);
        market.delete(DEVELOPER, &own).await.expect(204);
        market.delete(PARTNER, &own).await.expect(404);
        let name = |list: Value| list["items"][0]["name"].clone();
        let renamed = market
            .patch(PARTNER, one, json!({"name": " The crew "}))
            .await;
        assert_eq!(renamed.expect(200).json()["name"], "The crew");
        assert_eq!(name(market.get(PARTNER, "/teams").await.json()), "The crew");
        assert_eq!(market.get(DEVELOPER, "/teams").await.json()["count"], 0);
        assert_eq!(
            market.get(ADMIN, "/teams?cursor=").await.json()["items"][0]["id"],
            "crew"
        );
        let body = json!({"id": "shop", "name": "Shop", "team": "crew"});
        // Not his, and not to be found out.
        market
            .post(DEVELOPER, "/applications", body.clone())
            .await
            .expect(400);
        market
            .post(PARTNER, "/applications", body)
            .await
            .expect(201);
        market.delete(PARTNER, one).await.expect(409);
        market
            .delete(PARTNER, "/applications/shop")
            .await
            .expect(204);
        market.delete(PARTNER, one).await.expect(204);
        team(&market, PARTNER, "crew").await;
        let again = json!({"id": "crew", "name": "Again"});
        market.post(DEVELOPER, "/teams", again).await.expect(409);
    }
}

#[tokio::test]
async fn a_team_is_changed_only_from_the_state_that_was_read() {
    let market = Market::start().await;
    team(&market, DEVELOPER, "crew").await;
    let tag = market
        .get(DEVELOPER, "/teams/crew")
        .await
        .header("etag")
        .to_owned();
    let patch = async |name: &str| {
        let user = market.api.user(DEVELOPER, "write_applications");
        let user = user.header("if-match", &tag);
        user.send(Method::PATCH, "/teams/crew", Some(json!({"name": name})))
            .await
    };
    patch("One").await.expect(200);
    patch("Two").await.expect(412);
}

#[tokio::test]
async fn whoever_goes_leaves_his_teams_behind() {
    for market in Market::on_each_database().await {
        for id in ["crew", "solo"] {
            team(&market, DEVELOPER, id).await;
            let body = json!({"id": format!("app-{id}"), "name": id, "team": id});
            market
                .post(DEVELOPER, "/applications", body)
                .await
                .expect(201);
        }
        put(&market, DEVELOPER, "crew", PARTNER, "collaborator")
            .await
            .expect(200);
        let export = market
            .get(DEVELOPER, &format!("/users/{DEVELOPER}/export"))
            .await;
        let export = export.expect(200).json();
        assert_eq!(export["teams"].as_array().unwrap().len(), 2);
        assert!(!export["teams"].to_string().contains("partner-user"));
        let one = format!("/users/{DEVELOPER}");
        market.delete(DEVELOPER, &one).await.expect(409);
        let to = format!("{one}?applications=transfer:{PARTNER}");
        market.delete(ADMIN, &to).await.expect(204);
        let crew = market.get(PARTNER, "/teams/crew").await.expect(200).json();
        let members = crew["members"].as_array().unwrap();
        assert_eq!((members.len(), &members[0]["role"]), (1, &json!("owner")));
        assert_eq!(market.get(PARTNER, "/teams").await.json()["count"], 2);
        market
            .get(PARTNER, "/applications/app-solo")
            .await
            .expect(200);
        // Nobody is there to take it over.
        let one = format!("/users/{PARTNER}?applications=delete");
        market.delete(ADMIN, &one).await.expect(204);
        market.get(ADMIN, "/teams/crew").await.expect(404);
        market
            .get(ADMIN, "/applications/app-crew")
            .await
            .expect(404);
        assert_eq!(market.count("team_members").await, 0);
    }
}

#[tokio::test]
async fn a_member_without_applications_leaves_his_team_when_he_goes() {
    let market = Market::start().await;
    team(&market, DEVELOPER, "crew").await;
    put(&market, DEVELOPER, "crew", PARTNER, "reader")
        .await
        .expect(200);
    market
        .delete(DEVELOPER, &format!("/users/{DEVELOPER}"))
        .await
        .expect(409);
    market
        .delete(PARTNER, &format!("/users/{PARTNER}"))
        .await
        .expect(204);
    market
        .delete(DEVELOPER, &format!("/users/{DEVELOPER}"))
        .await
        .expect(204);
    market.get(ADMIN, "/teams/crew").await.expect(404);
}
