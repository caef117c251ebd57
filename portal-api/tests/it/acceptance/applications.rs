//! Checks 8 to 10: applications, redirect URIs, roles.

use http::Method;
use serde_json::json;

use super::*;

#[tokio::test]
async fn check_08_applications_have_ids_names_and_types() {
    for api in installations().await {
        let dev = old(&api, DEVELOPER);
        for id in ["abc", &"x".repeat(51), "Capital", "doll$r", ""] {
            dev.post("/applications", json!({"id": id, "name": "x"}))
                .await
                .expect(400);
        }
        dev.post("/applications", json!({"name": "x"}))
            .await
            .expect(400);
        dev.post("/applications", json!({"id": "named", "name": ""}))
            .await
            .expect(400);
        dev.post("/applications", json!({"id": "named"}))
            .await
            .expect(400);
        for id in ["abcd", &"x".repeat(50)] {
            dev.post("/applications", json!({"id": id, "name": "x"}))
                .await
                .expect(201);
        }
        dev.post("/applications", json!({"id": "abcd", "name": "x"}))
            .await
            .expect(409);
        let body = json!({"id": " long-1 ", "name": "n".repeat(200), "description": "d".repeat(2000),
            "mainUrl": "https://x.example", "redirectUri": null, "owners": [], "shoe": 7});
        let created = dev.post("/applications", body).await.expect(201).json();
        assert_eq!(created["id"], "long-1");
        assert_eq!(created["name"].as_str().unwrap().len(), 128);
        assert_eq!(created["description"].as_str().unwrap().len(), 1024);
        assert_eq!(created["clientType"], "public_spa");
        assert_eq!(created["confidential"], false);
        assert_eq!(created["redirectUri"], "");
        assert_eq!(created["redirectUris"], json!([]));
        let owner = json!({"userId": DEVELOPER, "email": "dev-user@example.org", "role": "owner"});
        assert_eq!(created["owners"], json!([owner]), "without links");
        assert!(created.get("shoe").is_none());
        for (number, (body, kind)) in [
            (json!({"confidential": true}), "confidential"),
            (
                json!({"confidential": true, "clientType": "public_native"}),
                "public_native",
            ),
            (
                json!({"confidential": false, "clientType": "confidential"}),
                "confidential",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let mut body = body;
            body["id"] = format!("kind-{number}").into();
            body["name"] = "x".into();
            let created = dev.post("/applications", body).await.expect(201).json();
            assert_eq!(created["clientType"], kind);
            assert_eq!(created["confidential"], kind == "confidential");
        }
        let body = json!({"id": "kind-9", "name": "x", "clientType": "other"});
        dev.post("/applications", body).await.expect(400);
        old(&api, "nobody")
            .post("/applications", json!({}))
            .await
            .expect(403);
        let admin = old(&api, ADMIN);
        let user = json!({"id": UNVALIDATED, "email": "unvalidated-user@example.org"});
        admin.post("/users", user).await.expect(201);
        old(&api, UNVALIDATED)
            .post("/applications", json!({}))
            .await
            .expect(403);
        let roles = dev.get("/applications/roles").await.expect(200).json();
        let names: Vec<_> = roles
            .as_array()
            .unwrap()
            .iter()
            .map(|role| &role["role"])
            .collect();
        assert_eq!(names, ["owner", "collaborator", "reader"]);
    }
}

#[tokio::test]
async fn check_09_redirect_uris_are_checked_and_kept() {
    for api in installations().await {
        let dev = old(&api, DEVELOPER);
        application(&api, DEVELOPER, "shop").await;
        let body = json!({"id": "shop", "redirectUris": ["", " https://a.example/cb ", "http://localhost:8080", "scheme://host/x"]});
        let patched = dev
            .patch("/applications/shop", body)
            .await
            .expect(200)
            .json();
        let kept = json!([
            "https://a.example/cb",
            "http://localhost:8080",
            "scheme://host/x"
        ]);
        assert_eq!(patched["redirectUris"], kept);
        assert_eq!(patched["redirectUri"], "https://a.example/cb");
        for refused in [
            "http://insecure.example",
            "scheme:/path",
            "http://localhost.example.org",
            "https://a.example/#x",
            "nonsense",
        ] {
            for member in ["redirectUri", "redirectUris"] {
                let value = if member == "redirectUri" {
                    json!(refused)
                } else {
                    json!([refused])
                };
                let body = json!({"id": "shop", member: value});
                dev.patch("/applications/shop", body).await.expect(400);
            }
        }
        for wrong in [json!("https://a.example"), json!([7])] {
            dev.patch(
                "/applications/shop",
                json!({"id": "shop", "redirectUris": wrong}),
            )
            .await
            .expect(400);
        }
        for unchanged in [
            json!({"id": "shop"}),
            json!({"id": "shop", "redirectUris": [], "redirectUri": null}),
        ] {
            let patched = dev
                .patch("/applications/shop", unchanged)
                .await
                .expect(200)
                .json();
            assert_eq!(patched["redirectUris"], kept);
        }
        dev.patch("/applications/shop", json!({"name": "x"}))
            .await
            .expect(400);
        dev.patch("/applications/shop", json!({"id": "other"}))
            .await
            .expect(400);
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn check_10_roles_allow_what_they_say() {
    for api in installations().await {
        application(&api, DEVELOPER, "shop").await;
        role(&api, "shop", PARTNER, "collaborator").await;
        role(&api, "shop", OTHER_APPROVER, "reader").await;
        let (owner, collaborator, reader) = (
            old(&api, DEVELOPER),
            old(&api, PARTNER),
            old(&api, OTHER_APPROVER),
        );
        subscribe(&api, OTHER_APPROVER, "shop", "petstore", "free")
            .await
            .expect(403);
        subscribe(&api, PARTNER, "shop", "petstore", "free")
            .await
            .expect(201);
        for caller in [&owner, &collaborator, &reader] {
            caller.get("/applications/shop").await.expect(200);
            caller
                .get("/applications/shop/subscriptions/petstore")
                .await
                .expect(200);
        }
        old(&api, APPROVER)
            .get("/applications/shop")
            .await
            .expect(403);
        old(&api, "nobody")
            .get("/applications/unknown")
            .await
            .expect(403);
        owner.get("/applications/unknown").await.expect(404);
        let owners = json!({"email": "approver-user@example.org", "role": "reader"});
        for caller in [&collaborator, &reader] {
            caller
                .post("/applications/shop/owners", owners.clone())
                .await
                .expect(403);
            caller
                .delete("/applications/shop/owners?userEmail=dev-user@example.org")
                .await
                .expect(403);
            caller.delete("/applications/shop").await.expect(403);
        }
        reader
            .patch("/applications/shop", json!({"id": "shop"}))
            .await
            .expect(403);
        collaborator
            .patch("/applications/shop", json!({"id": "shop", "name": "New"}))
            .await
            .expect(200);
        reader
            .delete("/applications/shop/subscriptions/petstore")
            .await
            .expect(403);
        collaborator
            .delete("/applications/shop/subscriptions/petstore")
            .await
            .expect(204);
        for (body, status) in [
            (
                json!({"email": "nobody@example.org", "role": "reader"}),
                400,
            ),
            (
                json!({"email": "approver-user@example.org", "role": "king"}),
                400,
            ),
            (
                json!({"email": "partner-user@example.org", "role": "owner"}),
                409,
            ),
        ] {
            owner
                .post("/applications/shop/owners", body)
                .await
                .expect(status);
        }
        let shown = owner.get("/applications/shop").await.expect(200).json();
        for (relation, method, href) in [
            ("addOwner", "POST", "/applications/shop/owners"),
            (
                "addSubscription",
                "POST",
                "/applications/shop/subscriptions",
            ),
            ("deleteApplication", "DELETE", "/applications/shop"),
            ("patchApplication", "PATCH", "/applications/shop"),
        ] {
            assert_eq!(
                shown["_links"][relation],
                json!({"href": href, "method": method})
            );
        }
        assert_eq!(
            shown["_links"]["self"],
            json!({"href": "/applications/shop"})
        );
        let of = |user: &str| {
            let owners = shown["owners"].as_array().unwrap();
            owners.iter().find(|one| one["userId"] == user).unwrap()["_links"].clone()
        };
        assert!(of(DEVELOPER).get("deleteOwner").is_none(), "the only owner");
        assert_eq!(of(PARTNER)["deleteOwner"]["method"], "DELETE");
        assert_eq!(of(PARTNER)["user"]["href"], format!("/users/{PARTNER}"));
        // The last owner stays, also beside others.
        owner
            .delete("/applications/shop/owners?userEmail=dev-user@example.org")
            .await
            .expect(409);
        // Nothing changes for somebody without a role.
        let before = shown["owners"].as_array().unwrap().len();
        let same = owner
            .delete("/applications/shop/owners?userEmail=approver-user@example.org")
            .await
            .expect(200)
            .json();
        assert_eq!(same["owners"].as_array().unwrap().len(), before);
        owner
            .delete("/applications/shop/owners?userEmail=unknown@example.org")
            .await
            .expect(400);
        owner.delete("/applications/shop/owners").await.expect(400);
        for (method, path) in [
            (Method::DELETE, "/applications/unknown"),
            (Method::PATCH, "/applications/unknown"),
        ] {
            // Here the application comes before the caller.
            old(&api, "nobody")
                .send(method, path, Some(json!({})))
                .await
                .expect(404);
        }
        owner.delete("/applications/shop").await.expect(204);
        owner.get("/applications/shop").await.expect(404);
    }
}
