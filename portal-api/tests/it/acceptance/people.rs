//! Checks 3 to 7, 17 and 18: users, passwords, registrations, grants.

use serde_json::json;

use super::*;

const PLAIN: &str = "$2a$10$abcdefghijklmnopqrstuuuhKnzQaTe2LLOD4y9gzDlfJhKCnIvr6";
const METEOR: &str = "$2a$10$abcdefghijklmnopqrstuuERTX7HoGx.Xveg.iMdnHqKYISg4PRyu";
const UNICODE: &str = "$2a$10$abcdefghijklmnopqrstuuLy3KcSYByppTxW6VA7WBBw/QKQeKCRC";

#[tokio::test]
async fn check_03_users_are_created_by_the_rules() {
    for api in installations().await {
        let admin = old(&api, ADMIN);
        let body = json!({"email": "Ada@Example.ORG", "customId": "google:1", "validated": true,
            "name": "Ada", "firstName": "Ada", "lastName": "L", "unknown": 1});
        let ada = admin.post("/users", body).await.expect(201).json();
        assert_eq!(ada["email"], "ada@example.org");
        assert_eq!(ada["customId"], "google:1");
        assert_eq!(
            ada["groups"],
            json!(["dev"]),
            "the group for validated users"
        );
        assert_eq!(
            (&ada["admin"], &ada["approver"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(ada["applications"], json!([]));
        let id = ada["id"].as_str().unwrap();
        assert_eq!(id.len(), 40);
        assert_eq!(ada["_links"]["self"]["href"], format!("/users/{id}"));
        assert_eq!(ada["_links"]["groups"]["href"], "/groups");
        for dropped in [
            "name",
            "firstName",
            "lastName",
            "password",
            "hasPassword",
            "unknown",
        ] {
            assert!(ada.get(dropped).is_none(), "{dropped}");
        }
        for (body, status) in [
            (json!({"email": "ADA@example.org"}), 409),
            (
                json!({"email": "other@example.org", "customId": "google:1"}),
                409,
            ),
            (json!({"email": "other@example.org", "id": id}), 409),
            (json!({}), 400),
            (json!({"customId": "google:2"}), 400),
            (json!({"email": "nonsense"}), 400),
            (json!({"email": "a@b"}), 400),
            (
                json!({"email": "eve@example.org", "password": "short"}),
                400,
            ),
        ] {
            admin.post("/users", body).await.expect(status);
        }
        let eve = json!({"email": "eve@example.org", "validated": false});
        let eve = admin.post("/users", eve).await.expect(201).json();
        assert_eq!(eve["groups"], json!([]));
        for caller in [old(&api, DEVELOPER), old(&api, "nobody")] {
            caller
                .post("/users", json!({"email": "x@example.org"}))
                .await
                .expect(403);
        }
        for query in [
            "customId=google:1",
            "email=ADA@example.org",
            "customId=google:1&email=x",
        ] {
            // No user is needed.
            let anyone = api
                .anonymous()
                .header("x-authenticated-scope", "read_users");
            let found = anyone
                .get(&format!("/users?{query}"))
                .await
                .expect(200)
                .json();
            assert_eq!(
                found,
                json!([{"id": id, "email": "ada@example.org", "customId": "google:1"}])
            );
            anyone
                .get("/users?email=nobody@example.org")
                .await
                .expect(404);
            anyone.get("/users").await.expect(403);
        }
        old(&api, "nobody").get("/users").await.expect(400);
        old(&api, DEVELOPER).get("/users").await.expect(403);
    }
}

#[tokio::test]
async fn check_04_users_change_only_themselves_and_only_some_things() {
    for api in installations().await {
        let (admin, dev) = (old(&api, ADMIN), old(&api, DEVELOPER));
        let own = format!("/users/{DEVELOPER}");
        dev.get(&own).await.expect(200);
        dev.get(&format!("/users/{ADMIN}")).await.expect(403);
        dev.get("/users/nobody").await.expect(403);
        admin.get("/users/nobody").await.expect(404);
        old(&api, "nobody").get("/users/nobody").await.expect(404);
        with_scopes(&api, "nobody", ALL_SCOPES)
            .patch("/users/nobody", json!({}))
            .await
            .expect(404);
        dev.patch(&format!("/users/{ADMIN}"), json!({}))
            .await
            .expect(403);
        let patched = dev
            .patch(&own, json!({"name": "Only a name"}))
            .await
            .expect(200)
            .json();
        assert!(patched.get("hasPassword").is_none() && patched.get("name").is_none());
        for (body, status) in [
            (json!({"groups": ["dev"]}), 403),
            (json!({"validated": false}), 403),
            (json!({"validated": true}), 200),
            (json!({"customId": "google:9"}), 400),
            (json!({"mustChangePassword": false}), 403),
            (json!({"password": "short"}), 400),
            (
                json!({"password": "short", "forcePasswordUpdate": true}),
                403,
            ),
            (json!({"password": PLAIN, "passwordIsHashed": true}), 403),
        ] {
            dev.patch(&own, body).await.expect(status);
        }
        let body = json!({"groups": ["partners"], "validated": true, "mustChangePassword": true,
            "email": "New@example.org"});
        let changed = admin.patch(&own, body).await.expect(200).json();
        assert_eq!(changed["groups"], json!(["partners", "dev"]));
        assert_eq!(changed["email"], "new@example.org");
        let list = admin.get("/users").await.expect(200).json();
        let listed = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["id"] == DEVELOPER);
        assert_eq!(listed.unwrap()["email"], "new@example.org", "at once");
        admin
            .patch(&own, json!({"email": "admin-user@example.org"}))
            .await
            .expect(409);
        // An own change of address is unproven again.
        let moved = dev
            .patch(&own, json!({"email": "moved@example.org"}))
            .await
            .expect(200)
            .json();
        assert_eq!(moved["validated"], false);
        // With a password of its own an account keeps its address.
        admin
            .patch(&own, json!({"password": "secret1"}))
            .await
            .expect(200);
        admin
            .patch(&own, json!({"email": "again@example.org"}))
            .await
            .expect(400);
        admin
            .patch(&own, json!({"email": "MOVED@example.org"}))
            .await
            .expect(200);
        let shown = dev.get(&own).await.expect(200).json();
        assert_eq!(shown["hasPassword"], true);
        admin
            .patch("/users/nobody", json!({"password": "short"}))
            .await
            .expect(400);
        admin
            .patch("/users/nobody", json!({"password": "secret1"}))
            .await
            .expect(404);
    }
}

#[tokio::test]
async fn check_05_a_user_goes_after_his_applications() {
    for api in installations().await {
        let (admin, dev) = (old(&api, ADMIN), old(&api, DEVELOPER));
        let own = format!("/users/{DEVELOPER}");
        application(&api, DEVELOPER, "shop").await;
        let shown = dev.get(&own).await.expect(200).json();
        assert_eq!(shown["applications"], json!([{"id": "shop"}]));
        dev.put(
            &format!("/registrations/pools/wicked/users/{DEVELOPER}"),
            json!({"name": "D"}),
        )
        .await
        .expect(204);
        let grant = format!("/grants/{DEVELOPER}/applications/shop/apis/orders");
        dev.put(&grant, json!({"grants": [{"scope": "read_orders"}]}))
            .await
            .expect(204);
        let body =
            json!({"type": "email", "email": "dev-user@example.org", "link": "https://p/{{id}}"});
        admin.post("/verifications", body).await.expect(204);
        dev.delete(&own).await.expect(409);
        old(&api, PARTNER).delete(&own).await.expect(403);
        dev.delete("/applications/shop").await.expect(204);
        dev.delete(&own).await.expect(204);
        admin.delete(&own).await.expect(404);
        admin
            .get(&format!("/registrations/users/{DEVELOPER}"))
            .await
            .expect(404);
        admin.get(&format!("/grants/{DEVELOPER}")).await.expect(404);
        assert_eq!(
            admin.get("/verifications").await.expect(200).json(),
            json!([])
        );
        let list = admin
            .get("/registrations/pools/wicked")
            .await
            .expect(200)
            .json();
        assert_eq!(list["count"], 0);
    }
}

#[tokio::test]
async fn check_06_passwords_of_all_kinds_log_in() {
    for api in installations().await {
        let admin = old(&api, ADMIN);
        let mut created = Vec::new();
        for (number, (hash, password)) in [
            (PLAIN, "super$3cret!"),
            (METEOR, "super$3cret!"),
            (UNICODE, "p\u{e4}ssw\u{f6}rd \u{20ac}"),
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("user{number}@example.org");
            let body = json!({"email": email, "password": hash, "passwordIsHashed": true});
            let user = admin.post("/users", body).await.expect(201).json();
            // Twice: the second time against the hash that replaced the old one.
            for _ in 0..2 {
                let body = json!({"username": email.to_uppercase(), "password": password});
                let users = admin.post("/login", body).await.expect(200).json();
                assert_eq!(users.as_array().unwrap().len(), 1);
                assert_eq!(users[0]["id"], user["id"]);
                assert!(users[0].get("password").is_none());
            }
            created.push(user["id"].as_str().unwrap().to_owned());
        }
        let login = |email: &str, password: &str| json!({"email": email, "password": password});
        admin
            .post("/login", login("user0@example.org", "wrong"))
            .await
            .expect(403);
        admin
            .post("/login", login("nobody@example.org", "wrong"))
            .await
            .expect(404);
        admin
            .post("/login", json!({"email": "user0@example.org"}))
            .await
            .expect(400);
        for caller in [old(&api, DEVELOPER), old(&api, "nobody")] {
            caller
                .post("/login", login("user0@example.org", "super$3cret!"))
                .await
                .expect(403);
        }
        let path = format!("/users/{}/password", created[0]);
        old(&api, "nobody").delete(&path).await.expect(400);
        old(&api, DEVELOPER).delete(&path).await.expect(403);
        admin.delete("/users/nobody/password").await.expect(404);
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect(204);
        admin
            .post("/login", login("user0@example.org", "super$3cret!"))
            .await
            .expect(400);
        admin
            .patch(
                &format!("/users/{}", created[0]),
                json!({"password": "again-1"}),
            )
            .await
            .expect(200);
        admin
            .post("/login", login("user0@example.org", "again-1"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn check_07_machine_users_are_made_inside_only() {
    for api in installations().await {
        let nobody = api.anonymous();
        let body = json!({"customId": "internal:portal", "firstName": "Portal", "lastName": "Machine",
            "email": "portal@wicked.haufe.io", "validated": true, "groups": ["admin"]});
        let made = nobody
            .post("/users/machine", body.clone())
            .await
            .expect(201)
            .json();
        assert_eq!(made["admin"], true);
        nobody
            .post("/users/machine", body.clone())
            .await
            .expect(409);
        let outside = api.anonymous().header("x-consumer-custom-id", "consumer");
        let refused = outside
            .post("/users/machine", body.clone())
            .await
            .expect(403)
            .json();
        assert_eq!(refused["code"], 403);
        outside.get("/globals").await.expect(403);
        for (member, value) in [
            ("customId", json!(null)),
            ("customId", json!("google:1")),
            ("password", json!("secret1")),
            ("id", json!(made["id"])),
        ] {
            let mut other = body.clone();
            other["customId"] = "internal:other".into();
            other["email"] = "other@wicked.haufe.io".into();
            other[member] = value;
            let status = nobody.post("/users/machine", other).await.status;
            assert_eq!(status, if member == "id" { 409 } else { 400 }, "{member}");
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn check_17_registrations_follow_their_pool() {
    for api in installations().await {
        let (admin, dev) = (old(&api, ADMIN), old(&api, DEVELOPER));
        let own = format!("/registrations/pools/wicked/users/{DEVELOPER}");
        for body in [
            json!({}),
            json!({"name": ""}),
            json!({"name": "x".repeat(256)}),
            json!({"name": 7}),
        ] {
            dev.put(&own, body).await.expect(400);
        }
        let body = json!({"name": "Dev", "shoe": "7", "id": "x", "poolId": "y", "userId": "z"});
        dev.put(&own, body).await.expect(204);
        let shown = dev.get(&own).await.expect(200).json();
        assert_eq!((&shown["count"], shown.get("limit")), (&json!(1), None));
        let registration = &shown["items"][0];
        assert_eq!(registration["poolId"], "wicked");
        assert_eq!(registration["userId"], DEVELOPER);
        assert_eq!(registration["email"], "dev-user@example.org");
        assert!(registration.get("shoe").is_none());
        old(&api, PARTNER).get(&own).await.expect(403);
        old(&api, PARTNER)
            .put(&own, json!({"name": "x"}))
            .await
            .expect(403);
        old(&api, "nobody").get(&own).await.expect(403);
        admin.get(&own).await.expect(200);
        admin
            .get("/registrations/pools/wicked/users/nobody")
            .await
            .expect(404);
        admin.get("/registrations/pools/Wicked").await.expect(400);
        admin.get("/registrations/pools/unknown").await.expect(404);
        admin
            .get("/registrations/pools/wicked?namespace=acme")
            .await
            .expect(400);
        dev.get("/registrations/pools/wicked").await.expect(403);

        let tenants = format!("/registrations/pools/tenants/users/{DEVELOPER}");
        let namespace = |id: &str| format!("/pools/tenants/namespaces/{id}");
        for id in ["acme", "beta"] {
            admin
                .put(&namespace(id), json!({"description": id, "namespace": id}))
                .await
                .expect(204);
            dev.put(&tenants, json!({"name": id, "namespace": id}))
                .await
                .expect(204);
        }
        let both = dev.get(&tenants).await.expect(200).json();
        assert_eq!(both["count"], 2);
        let pools = dev
            .get(&format!("/registrations/users/{DEVELOPER}"))
            .await
            .expect(200)
            .json();
        assert_eq!(pools["pools"]["tenants"].as_array().unwrap().len(), 2);
        for namespace in [json!(null), json!("unknown"), json!("ACME")] {
            dev.put(&tenants, json!({"name": "x", "namespace": namespace}))
                .await
                .expect(400);
        }
        dev.put(&own, json!({"name": "x", "namespace": "acme"}))
            .await
            .expect(400);
        admin.get("/registrations/pools/tenants").await.expect(400);
        admin
            .get("/registrations/pools/tenants?namespace=unknown")
            .await
            .expect(400);
        let list = admin
            .get("/registrations/pools/tenants?namespace=acme")
            .await
            .expect(200)
            .json();
        assert_eq!(list["items"][0]["name"], "acme");
        dev.delete(&tenants).await.expect(400);
        dev.delete(&format!("{tenants}?namespace=acme"))
            .await
            .expect(204);
        dev.delete(&format!("{tenants}?namespace=acme"))
            .await
            .expect(204);
        assert_eq!(dev.get(&tenants).await.expect(200).json()["count"], 1);

        // Namespaces themselves (portal-api 12).
        dev.get("/pools/tenants/namespaces").await.expect(403);
        admin.get("/pools/wicked/namespaces").await.expect(400);
        admin.get("/pools/unknown/namespaces").await.expect(404);
        admin.get(&namespace("unknown")).await.expect(404);
        admin
            .put(&namespace("ACME"), json!({"description": "x"}))
            .await
            .expect(400);
        admin.put(&namespace("acme"), json!({})).await.expect(400);
        admin
            .put(
                &namespace("acme"),
                json!({"description": "x", "poolId": "wicked"}),
            )
            .await
            .expect(400);
        admin
            .put(&namespace("acme"), json!({"description": "Acme", "vat": 7}))
            .await
            .expect(204);
        let shown = admin.get(&namespace("acme")).await.expect(200).json();
        assert_eq!(
            (&shown["vat"], &shown["poolId"]),
            (&json!(7), &json!("tenants"))
        );
        admin.delete(&namespace("beta")).await.expect(409);
        admin.delete(&namespace("acme")).await.expect(204);
        admin.delete(&namespace("acme")).await.expect(204);
    }
}

#[tokio::test]
async fn check_18_grants_keep_their_dates_and_their_owner() {
    for api in installations().await {
        let (admin, dev) = (old(&api, ADMIN), old(&api, DEVELOPER));
        application(&api, PARTNER, "shop").await;
        let path = format!("/grants/{DEVELOPER}/applications/shop/apis/orders");
        let scopes = |scopes: &[&str]| json!({"grants": scopes.iter().map(|scope| json!({"scope": scope})).collect::<Vec<_>>()});
        dev.get(&path).await.expect(404);
        dev.delete(&path).await.expect(404);
        dev.put(&path, scopes(&["read_orders"])).await.expect(204);
        let first = dev.get(&path).await.expect(200).json();
        let date = first["grants"][0]["grantedDate"].as_str().unwrap();
        assert!(date.ends_with('Z') && date.len() == 24, "{date}");
        dev.put(
            &path,
            scopes(&["write_orders", "read_orders", "read_orders"]),
        )
        .await
        .expect(204);
        let second = dev.get(&path).await.expect(200).json();
        assert_eq!(second["grants"].as_array().unwrap().len(), 2, "collapsed");
        assert_eq!(second["grants"][1]["grantedDate"], date);
        for (path, body, status) in [
            (path.replace("orders", "unknown"), scopes(&[]), 404),
            (path.replace("shop", "SHOP"), scopes(&[]), 400),
            (path.replace("shop", "other"), scopes(&[]), 404),
            (path.clone(), json!({}), 400),
            (path.clone(), json!({"grants": "x"}), 400),
            (path.clone(), json!({"grants": ["x"]}), 400),
            (path.clone(), json!({"grants": [{}]}), 400),
            (path.clone(), scopes(&["unknown"]), 400),
            (path.replace("orders", "petstore"), scopes(&["x"]), 400),
            (path.replace("orders", "petstore"), scopes(&[]), 204),
        ] {
            dev.put(&path, body).await.expect(status);
        }
        let own = format!("/grants/{DEVELOPER}");
        for other in [old(&api, PARTNER), old(&api, "nobody")] {
            other.get(&path).await.expect(403);
            other.get(&own).await.expect(403);
            other.put(&path, scopes(&["read_orders"])).await.expect(403);
            other.delete(&path).await.expect(403);
            other.delete(&own).await.expect(403);
        }
        admin.get("/grants/nobody").await.expect(404);
        let list = admin.get(&own).await.expect(200).json();
        assert_eq!(list["count"], 2);
        assert!(list.get("offset").is_none());
        admin.delete(&path).await.expect(204);
        dev.delete(&own).await.expect(204);
        dev.delete(&own).await.expect(204);
        assert_eq!(dev.get(&own).await.expect(200).json()["items"], json!([]));
    }
}
