//! What portal-api serves out of the configuration (portal-api 10, 18 to 20, 23).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, PARTNER, TestApi};

const APIS: &str = r#"{
  "_note": "for administrators",
  "apis": [
    {"id": "petstore", "name": "Pets", "auth": "key-auth", "plans": ["free", "team", "unlimited"]},
    {"id": "orders", "name": "Orders", "auth": "none", "plans": [], "requiredGroup": "partners",
     "scopeLookupUrl": "http://127.0.0.1:9/scopes", "passthroughScopeUrl": "http://127.0.0.1:9/x"},
    {"id": "timezones", "name": "Clock", "auth": "none", "plans": [],
     "lifecycle": {"state": "created"}, "ownerGroup": "partners"}
  ]
}"#;

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_operation_with_a_scope_is_refused_without_it() {
    let api = TestApi::start().await;
    let admin = api.user(ADMIN, "read_users");
    for (path, scope) in [
        ("/apis", "read_apis"),
        ("/apis/desc", "read_apis"),
        ("/apis/petstore", "read_apis"),
        ("/apis/petstore/config", "read_apis"),
        ("/apis/petstore/desc", "read_apis"),
        ("/apis/petstore/plans", "read_apis"),
        ("/apis/petstore/swagger", "read_apis"),
        ("/apis/unknown", "read_apis"),
        ("/plans", "read_plans"),
        ("/groups", "read_groups"),
        ("/auth-servers", "read_auth_servers"),
        ("/auth-servers/default", "read_auth_servers"),
        ("/templates/auth", "read_templates"),
        ("/templates/chatbot", "read_templates"),
        ("/templates/email/verify_email", "read_templates"),
        ("/templates/texts", "read_content"),
        ("/content", "read_content"),
        ("/content/toc", "read_content"),
        ("/content/help", "read_content"),
        ("/config/status", "health"),
    ] {
        for caller in [&admin, &api.anonymous()] {
            let answer = caller.get(path).await.expect(403).json();
            assert_eq!(answer["code"], 403, "{path}");
            assert!(
                answer["message"].as_str().unwrap().contains(scope),
                "{path}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn the_list_of_apis_depends_on_the_groups_of_the_caller() {
    let api = TestApi::with_files(&[("apis/apis.json", APIS)]).await;
    for (caller, expected) in [
        (
            api.service(ServiceName::Portal),
            vec!["petstore", "portal-api", "echo"],
        ),
        (
            api.user(DEVELOPER, "read_apis"),
            vec!["petstore", "portal-api", "echo"],
        ),
        (
            api.user(PARTNER, "read_apis"),
            vec!["petstore", "orders", "timezones", "portal-api", "echo"],
        ),
        (
            api.user(ADMIN, "read_apis"),
            vec!["petstore", "orders", "timezones", "portal-api", "echo"],
        ),
    ] {
        let list = caller.get("/apis").await.expect(200).json();
        assert_eq!(ids(&list["apis"]), expected);
    }
    let unknown = api.user("nobody", "read_apis");
    unknown.get("/apis").await.expect(403);
    unknown.get("/apis/petstore").await.expect(403);
}

#[tokio::test]
async fn addresses_of_helpers_and_other_members_are_for_administrators() {
    let api = TestApi::with_files(&[("apis/apis.json", APIS)]).await;
    let seen = |answer: Value| {
        let orders = answer["apis"]
            .as_array()
            .unwrap()
            .iter()
            .find(|api| api["id"] == "orders");
        let orders = orders.unwrap();
        (
            answer.get("_note").is_some(),
            orders.get("scopeLookupUrl").is_some(),
            orders.get("passthroughScopeUrl").is_some(),
        )
    };
    let partner = api
        .user(PARTNER, "read_apis")
        .get("/apis")
        .await
        .expect(200)
        .json();
    assert_eq!(seen(partner), (false, false, false));
    let admin = api
        .user(ADMIN, "read_apis")
        .get("/apis")
        .await
        .expect(200)
        .json();
    assert_eq!(seen(admin), (true, true, true));
}

#[tokio::test]
async fn a_scope_helper_that_is_away_breaks_nothing_but_is_told() {
    let api = TestApi::with_files(&[("apis/apis.json", APIS)]).await;
    let partner = api.user(PARTNER, "read_apis");
    let orders = partner.get("/apis/orders").await.expect(200).json();
    assert_eq!(orders["scopeLookupFailed"], true);
}

#[tokio::test]
async fn a_restricted_api_answers_each_case_as_specified() {
    let api = TestApi::with_files(&[("apis/apis.json", APIS)]).await;
    for tail in ["", "/config", "/desc", "/swagger", "/plans"] {
        let path = format!("/apis/orders{tail}");
        let scopes = "read_apis read_plans";
        api.service(ServiceName::Portal)
            .get(&path)
            .await
            .expect(403);
        api.user(DEVELOPER, scopes).get(&path).await.expect(403);
        api.user(PARTNER, scopes).get(&path).await.expect(200);
        let unknown = path.replace("orders", "unknown");
        api.user(PARTNER, scopes).get(&unknown).await.expect(404);
    }
}

#[tokio::test]
async fn lifecycle_and_complete_entry_are_served() {
    let api = TestApi::start().await;
    let entry = api
        .user(DEVELOPER, "read_apis")
        .get("/apis/petstore")
        .await
        .expect(200)
        .json();
    assert_eq!(entry["lifecycle"], json!({"state": "published"}));
    assert_eq!(entry["tags"], json!(["sample", "pets"]));
}

#[tokio::test]
async fn developers_see_no_backend() {
    let api = TestApi::start().await;
    let path = "/apis/petstore/config";
    let seen = api
        .user(DEVELOPER, "read_apis")
        .get(path)
        .await
        .expect(200)
        .json();
    assert_eq!(
        seen,
        json!({"api": {
            "routes": [{"paths": ["/petstore/v1"], "strip_path": true, "preserve_host": false}],
            "protocol": "http:"
        }})
    );
    let full = api
        .user(ADMIN, "read_apis")
        .get(path)
        .await
        .expect(200)
        .json();
    assert_eq!(
        full["api"]["upstream_url"],
        "http://127.0.0.1:3009/petstore/v1"
    );
    assert!(full["plugins"].is_array());
    let adapter = api
        .service(ServiceName::GatewayAdapter)
        .get(path)
        .await
        .expect(200)
        .json();
    assert_eq!(adapter, full);
}

#[tokio::test]
async fn texts_are_markdown_and_a_missing_one_is_empty() {
    let api = TestApi::start().await;
    let developer = api.user(DEVELOPER, "read_apis");
    for path in ["/apis/desc", "/apis/petstore/desc"] {
        let answer = developer.get(path).await.expect(200);
        assert!(answer.header("content-type").starts_with("text/markdown"));
        assert!(!answer.text().is_empty());
    }
    assert_eq!(
        developer.get("/apis/echo/desc").await.expect(200).text(),
        ""
    );
}

#[tokio::test]
async fn a_definition_describes_the_api_behind_the_gateway() {
    let api = TestApi::with_files(&[(
        "apis/timezones/swagger.json",
        r#"{"href": "http://127.0.0.1:9/definition.json"}"#,
    )])
    .await;
    let developer = api.user(DEVELOPER, "read_apis");
    let definition = developer
        .get("/apis/petstore/swagger")
        .await
        .expect(200)
        .json();
    assert_eq!(
        definition["servers"],
        json!([{"url": "http://localhost:8000/petstore/v1"}])
    );
    assert_eq!(
        definition["components"]["securitySchemes"],
        json!({"key": {"type": "apiKey", "in": "header", "name": "X-ApiKey"}})
    );
    developer.get("/apis/timezones/swagger").await.expect(500);
}

#[tokio::test]
async fn plans_of_an_api_are_those_that_the_caller_may_choose() {
    let api = TestApi::start().await;
    let path = "/apis/petstore/plans";
    let scopes = "read_apis read_plans";
    for (caller, expected) in [
        (api.service(ServiceName::Portal), vec![]),
        (api.user(DEVELOPER, scopes), vec!["free", "team"]),
        (api.user(ADMIN, scopes), vec!["free", "team", "unlimited"]),
    ] {
        assert_eq!(ids(&caller.get(path).await.expect(200).json()), expected);
    }
    let answer = api
        .user(ADMIN, "read_apis")
        .get(path)
        .await
        .expect(403)
        .json();
    assert!(answer["message"].as_str().unwrap().contains("read_plans"));
}

#[tokio::test]
async fn plans_and_groups_are_lists_with_links() {
    let api = TestApi::start().await;
    let caller = api.user(DEVELOPER, "read_plans read_groups");
    let plans = caller.get("/plans").await.expect(200).json();
    assert_eq!(
        ids(&plans["plans"]),
        [
            "free",
            "team",
            "unlimited",
            "__internal_api_basic",
            "__internal_api_unlimited"
        ]
    );
    assert_eq!(plans["_links"]["self"]["href"], "/plans");
    let groups = caller.get("/groups").await.expect(200).json();
    assert_eq!(
        ids(&groups["groups"]),
        ["admin", "approvers", "dev", "partners"]
    );
    assert_eq!(groups["_links"]["self"]["href"], "/groups");
}

#[tokio::test]
async fn secrets_of_log_in_methods_go_to_the_auth_server_alone() {
    let server = r#"{"authMethods": [
        {"name": "local", "type": "local", "config": {}},
        {"name": "github", "type": "github", "config": {"clientSecret": "s3cret", "clientId": "id"}}
      ],
      "config": {"api": {"upstream_url": "http://inside.example", "routes": [{"paths": ["/auth"]}]}}}"#;
    let api = TestApi::with_files(&[("auth-servers/default.json", server)]).await;
    let path = "/auth-servers/default";
    for (caller, secret, backend) in [
        (api.service(ServiceName::AuthServer), true, true),
        (api.service(ServiceName::GatewayAdapter), false, true),
        (api.user(ADMIN, "read_auth_servers"), false, true),
        (api.user(DEVELOPER, "read_auth_servers"), false, false),
        (api.service(ServiceName::Portal), false, false),
    ] {
        let answer = caller.get(path).await.expect(200);
        let text = answer.text();
        assert_eq!(
            (text.contains("s3cret"), text.contains("inside.example")),
            (secret, backend)
        );
        let server = answer.json();
        assert_eq!(
            (&server["id"], &server["name"]),
            (&json!("default"), &json!("default"))
        );
        assert_eq!(server["tokens"]["mode"], "jwt");
        assert_eq!(
            server["authMethods"][1]["config"]["tokenEndpoint"],
            "/{{name}}/api/{{api}}/token"
        );
    }
    let developer = api.user(DEVELOPER, "read_auth_servers");
    assert_eq!(
        developer.get("/auth-servers").await.expect(200).json(),
        json!(["default"])
    );
    for id in ["other", "..%2Fglobals", "default.json"] {
        developer
            .get(&format!("/auth-servers/{id}"))
            .await
            .expect(404);
    }
}

#[tokio::test]
async fn templates_are_for_administrators_and_those_who_send() {
    let api = TestApi::start().await;
    for caller in [
        api.user(ADMIN, "read_templates"),
        api.service(ServiceName::Mailer),
        api.service(ServiceName::AuthServer),
    ] {
        let pages = caller.get("/templates/auth").await.expect(200).json();
        assert_eq!(pages, serde_json::json!({}), "the sample has none");
        let mail = caller
            .get("/templates/email/verify_email")
            .await
            .expect(200);
        assert!(mail.header("content-type").starts_with("text/plain"));
        assert!(mail.text().contains("{{{verificationLink}}}"));
        let mails = caller.get("/templates/email").await.expect(200).json();
        assert_eq!(mails["verify_email"], mail.text());
        assert!(mails["verify_email.de.html"].is_string());
        let chat = caller.get("/templates/chatbot").await.expect(200).json();
        assert!(chat["userSignedUp"].is_string());
        for name in ["unknown", "..%2F..%2Fglobals.json", "%2Fetc%2Fpasswd"] {
            caller
                .get(&format!("/templates/email/{name}"))
                .await
                .expect(404);
        }
    }
    api.user(DEVELOPER, "read_templates")
        .get("/templates/chatbot")
        .await
        .expect(403);
}

#[tokio::test]
async fn texts_of_pages_are_for_everybody_who_reads_content() {
    let api = TestApi::with_files(&[(
        "templates/texts/de.json",
        r#"{"shared": {"log_in": "Einloggen"}}"#,
    )])
    .await;
    for caller in [
        api.user(DEVELOPER, "read_content"),
        api.service(ServiceName::Portal),
        api.service(ServiceName::AuthServer),
    ] {
        let texts = caller.get("/templates/texts").await.expect(200).json();
        assert_eq!(texts["de"]["shared"]["log_in"], "Einloggen");
    }
}

#[tokio::test]
async fn pages_carry_their_metadata_and_keep_their_group() {
    let api = TestApi::with_files(&[
        ("content/inner.md", "for partners"),
        (
            "content/inner.json",
            r#"{"title": "Inner", "requiredGroup": "partners"}"#,
        ),
        ("content/plain.md", "no metadata"),
        ("content/logo.PNG", "picture"),
        ("content/notes.txt", "not served"),
    ])
    .await;
    let anonymous = api.service(ServiceName::Portal);
    let landing = anonymous.get("/content/").await.expect(200);
    assert!(landing.header("content-type").starts_with("text/markdown"));
    // {"showTitle":false} in Base64
    let plain = anonymous.get("/content/plain").await.expect(200);
    assert_eq!(plain.header("x-metainfo"), "eyJzaG93VGl0bGUiOmZhbHNlfQ==");
    anonymous.get("/content/inner").await.expect(403);
    api.user(DEVELOPER, "read_content")
        .get("/content/inner")
        .await
        .expect(403);
    api.user(PARTNER, "read_content")
        .get("/content/inner")
        .await
        .expect(200);
    let picture = anonymous.get("/content/logo.PNG").await.expect(200);
    assert_eq!(picture.header("content-type"), "image/png");
    for (path, status) in [
        ("missing", 404),
        ("missing.css", 404),
        ("notes.txt", 404),
        ("a%20b", 404),
        ("..%2Fglobals.json", 400),
        ("a..b", 400),
    ] {
        anonymous
            .get(&format!("/content/{path}"))
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn a_page_comes_in_the_readers_language_and_keeps_its_group() {
    let api = TestApi::with_files(&[
        ("content/inner.md", "for partners"),
        (
            "content/inner.json",
            r#"{"title": "Inner", "showTitle": true, "requiredGroup": "partners"}"#,
        ),
        ("content/inner.de.md", "für Partner"),
        ("content/inner.de.json", r#"{"title": "Innen"}"#),
        ("content/v1.de.md", "no translation of anything"),
        ("apis/petstore/docs/answers.de.md", "Antworten"),
        (
            "apis/petstore/docs/answers.de.json",
            r#"{"title": "Was zurückkommt"}"#,
        ),
    ])
    .await;
    let partner = || api.user(PARTNER, "read_content read_apis");
    for (language, text, answered) in [
        ("de-AT,en;q=0.5", "für Partner", "de"),
        ("en,de;q=0.9", "for partners", ""),
        ("fr", "for partners", ""),
    ] {
        let reader = partner().header("accept-language", language);
        let page = reader.get("/content/inner").await.expect(200);
        assert_eq!(page.text(), text, "{language}");
        assert_eq!(page.header("content-language"), answered, "{language}");
        assert_eq!(page.header("vary"), "Accept-Language");
    }
    let german = partner().header("accept-language", "de");
    let page = german.get("/content/inner").await.expect(200);
    let metadata = STANDARD.decode(page.header("x-metainfo")).unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let expected = json!({"title": "Innen", "showTitle": true, "requiredGroup": "partners"});
    assert_eq!(metadata, expected);
    let toc = german.get("/content/toc").await.expect(200).json();
    let titles: Vec<_> = toc
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["url"].as_str().unwrap().starts_with("/content/inner"))
        .map(|entry| entry["title"].clone())
        .collect();
    assert_eq!(titles, ["Innen"]);
    let guides = german.get("/apis/petstore/docs").await.expect(200).json();
    let guides = guides.as_array().unwrap();
    let is_named = |guide: &&Value| guide["path"].as_str().unwrap().starts_with("answers");
    let titles: Vec<_> = guides
        .iter()
        .filter(is_named)
        .map(|guide| guide["title"].clone())
        .collect();
    assert_eq!(titles, ["Was zurückkommt"]);

    let developer = api.user(DEVELOPER, "read_content");
    let developer = developer.header("accept-language", "de");
    developer.get("/content/inner").await.expect(403);
    developer.get("/content/inner.de").await.expect(404);
    developer.get("/content/v1.de").await.expect(200);
}

#[tokio::test]
async fn the_table_of_contents_is_filtered_by_group() {
    let api = TestApi::with_files(&[
        ("content/inner.md", "for partners"),
        (
            "content/inner.json",
            r#"{"title": "Inner", "requiredGroup": "partners"}"#,
        ),
        ("content/lost.md", "for nobody"),
        (
            "content/lost.json",
            r#"{"title": "Lost", "requiredGroup": "ghosts"}"#,
        ),
    ])
    .await;
    for (caller, inner) in [
        (api.service(ServiceName::Portal), false),
        (api.user(DEVELOPER, "read_content"), false),
        (api.user(PARTNER, "read_content"), true),
        (api.user(ADMIN, "read_content"), true),
    ] {
        let toc = caller.get("/content/toc").await.expect(200).json();
        let has = |url: &str| {
            toc.as_array()
                .unwrap()
                .iter()
                .any(|entry| entry["url"] == url)
        };
        assert_eq!(
            (has("/content/inner"), has("/content/lost")),
            (inner, false)
        );
        assert!(has("/apis/petstore") && has("/content/help"));
    }
    api.user("nobody", "read_content")
        .get("/content/toc")
        .await
        .expect(400);
}

#[tokio::test]
async fn pools_are_open() {
    let api = TestApi::start().await;
    let anonymous = api.anonymous();
    let pools = anonymous.get("/pools").await.expect(200).json();
    assert_eq!(pools["wicked"]["properties"][0]["id"], "name");
    let pool = anonymous.get("/pools/wicked").await.expect(200).json();
    assert_eq!(pool, pools["wicked"]);
    anonymous.get("/pools/unknown").await.expect(404);
    anonymous.get("/pools/Not!").await.expect(400);
}

#[tokio::test]
async fn settings_are_for_services_and_each_sees_its_own_secrets() {
    let api = TestApi::start().await;
    api.anonymous().get("/globals").await.expect(403);
    let mailer = api
        .service(ServiceName::Mailer)
        .get("/globals")
        .await
        .expect(200)
        .json();
    assert_eq!(mailer["environment"], "default");
    assert!(mailer.get("initialUsers").is_none());
    assert_eq!(mailer["mailer"]["adminEmail"], "api-team@example.org");
}

#[tokio::test]
async fn the_hash_of_the_configuration_opens_the_settings() {
    let api = TestApi::start().await;
    let hash = api.anonymous().get("/confighash").await.expect(200);
    assert!(hash.header("content-type").starts_with("text/plain"));
    let portal = || api.service(ServiceName::Portal);
    portal()
        .header("x-config-hash", hash.text())
        .get("/globals")
        .await
        .expect(200);
    portal()
        .header("x-config-hash", "old")
        .get("/globals")
        .await
        .expect(428);
}

#[tokio::test]
async fn random_ids_are_40_hex_characters_and_differ() {
    let api = TestApi::start().await;
    let anonymous = api.anonymous();
    let one = anonymous.get("/randomId").await.expect(200).text();
    let other = anonymous.get("/randomId").await.expect(200).text();
    assert!(one.len() == 40 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(one, other);
}

#[tokio::test]
async fn administrators_see_which_configuration_is_served() {
    let log_entry = "commit abc123\nAuthor: Ada <ada@example.org>\nDate:   2026-11-21\n\n    Plans";
    let api =
        TestApi::with_files(&[("last_commit", log_entry), ("content/odd.jade", "h1 Odd")]).await;
    let status = api
        .user(ADMIN, "health")
        .get("/config/status")
        .await
        .expect(200)
        .json();
    assert_eq!(status["serving"]["commit"], "abc123");
    assert_eq!(
        (&status["serving"]["apis"], &status["serving"]["plans"]),
        (&json!(5), &json!(3))
    );
    assert_eq!(status["serving"]["hash"], api.configuration.hash.as_str());
    assert_eq!(status["newest"]["problems"][0]["file"], "content/odd.jade");
    api.user(DEVELOPER, "health")
        .get("/config/status")
        .await
        .expect(403);
}

#[tokio::test]
async fn a_caller_that_knows_the_answer_gets_304() {
    let api = TestApi::start().await;
    let scopes = "read_apis read_plans read_content";
    for path in [
        "/apis",
        "/apis/petstore",
        "/apis/petstore/swagger",
        "/plans",
        "/content/help",
    ] {
        let first = api.user(DEVELOPER, scopes).get(path).await.expect(200);
        let again = api
            .user(DEVELOPER, scopes)
            .header("if-none-match", first.header("etag"));
        assert!(
            again.get(path).await.expect(304).text().is_empty(),
            "{path}"
        );
    }
}
