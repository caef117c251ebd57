//! The publisher: who may, what a form does to the files, and saving it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{neighbours::TestPortal, repository::kept};

/// Address and texts in English and German.
const PAGES: &[(&str, &str, &str)] = &[
    ("/publish", "New API", "Neue API"),
    ("/publish/new", "Path on the gateway", "Pfad am Gateway"),
    (
        "/publish/apis/shipments",
        "Short description",
        "Kurzbeschreibung",
    ),
    (
        "/publish/apis/shipments/access",
        "Backend",
        "Dienst dahinter",
    ),
    (
        "/publish/apis/shipments/plugins",
        "a list of objects",
        "eine Liste von Objekten",
    ),
    (
        "/publish/apis/shipments/definition",
        "OpenAPI file",
        "OpenAPI-Datei",
    ),
    (
        "/publish/apis/shipments/plans",
        "Change a plan",
        "Einen Tarif",
    ),
    (
        "/publish/apis/shipments/plans?plan=starter",
        "Calls per minute",
        "Aufrufe je Minute",
    ),
    (
        "/publish/apis/shipments/lifecycle",
        "Retired on",
        "Stillgelegt am",
    ),
    (
        "/publish/apis/shipments/docs",
        "New guide",
        "Neue Anleitung",
    ),
    (
        "/publish/apis/shipments/docs?doc=new",
        "Position",
        "Position",
    ),
    (
        "/publish/apis/shipments/history",
        "A change of shipments",
        "A change of shipments",
    ),
    (
        "/publish/apis/shipments/preview",
        "One request books a",
        "Noch ist nichts gespeichert",
    ),
];

fn edited(portal: &TestPortal, path: &str) -> Option<String> {
    let draft = kept(&portal.log);
    let files = draft["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path)?;
    Some(file["content"].as_str()?.to_owned())
}

#[tokio::test]
async fn owners_and_administrators_see_it_and_nobody_else() {
    let portal = TestPortal::start().await;
    let (mut guest, mut jo) = (portal.guest(), portal.jo().await);
    let mut ann = portal.ann().await;
    for (path, english, german) in PAGES {
        let answer = guest.get(path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert!(answer.location().starts_with("/login?redirect="));
        assert_eq!(jo.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        for (language, text) in [("en", english), ("de", german)] {
            ann.language = language;
            let page = ann.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            page.shows(text);
        }
        assert_eq!(guest.json(path).await.0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(jo.json(path).await.0, StatusCode::FORBIDDEN, "{path}");
        if *path != "/publish/new" {
            let (status, body) = ann.json(path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(body["title"].is_string(), "{path}: {body}");
        }
    }
    ann.language = "en";
    ann.get("/apis").await.shows("href=\"/publish\"");
    assert!(!jo.get("/apis").await.body.contains("/publish"));
    for path in ["/publish/apis/nowhere", "/publish/apis/nowhere/docs"] {
        assert_eq!(ann.get(path).await.status, StatusCode::NOT_FOUND);
    }
    for path in [
        "",
        "/access",
        "/plugins",
        "/definition",
        "/plans",
        "/lifecycle",
        "/docs",
        "/discard",
    ] {
        let path = format!("/publish/apis/shipments{path}");
        let answer = jo
            .submit("/applications?register=true", &path, &[("name", "x")])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(kept(&portal.log)["files"], json!([]));
}

#[tokio::test]
async fn a_form_changes_its_places_of_the_files_and_nothing_else() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let api = "/publish/apis/shipments";
    let before = serde_json::to_string_pretty(&json!({"apis": crate::neighbours::apis()})).unwrap();
    // The form as it came changes nothing.
    let same = [
        ("name", "Shipments"),
        ("desc", "Book, change and cancel *shipments*."),
        ("tags", "Shipping"),
    ];
    ann.submit(api, api, &same).await;
    assert_eq!(kept(&portal.log)["files"], json!([]));

    let answer = ann
        .submit(api, api, &[("name", "Ships"), ("tags", "Shipping, sea")])
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, api)
    );
    let after = edited(&portal, "apis/apis.json").unwrap();
    let changed = after.lines().filter(|line| !before.contains(line.trim()));
    assert_eq!(changed.count(), 2, "{after}");
    let page = ann.get(api).await;
    page.shows("&#60;b&#62;Ships&#60;/b&#62;");
    page.shows("shipments would no longer offer business: subscriptions affected: 3");
    page.shows("changed-dot");

    let url = format!("{api}/lifecycle");
    ann.submit(
        &url,
        &url,
        &[("state", "deprecated"), ("sunsetOn", "2027-01-31")],
    )
    .await;
    let url = format!("{api}/plans/one");
    let plan = [
        ("id", "gold"),
        ("name", "Gold"),
        ("minute", "600"),
        ("needsApproval", "1"),
    ];
    ann.submit(api, &url, &plan).await;
    let entry: Value = serde_json::from_str(&edited(&portal, "apis/apis.json").unwrap()).unwrap();
    let entry = &entry["apis"][0];
    assert_eq!(
        entry["lifecycle"],
        json!({"state": "deprecated", "sunsetOn": "2027-01-31"})
    );
    assert_eq!(entry["plans"][3], "gold");
    let plans: Value = serde_json::from_str(&edited(&portal, "plans/plans.json").unwrap()).unwrap();
    let limits = &plans["plans"][2]["config"]["plugins"][0]["config"];
    assert_eq!(
        (&limits["minute"], &limits["policy"]),
        (&json!(600), &json!("local"))
    );
    for wrong in [
        [("id", "gold"), ("minute", "5")],
        [("id", "x y"), ("minute", "5")],
        [("id", "new"), ("minute", "many")],
    ] {
        let answer = ann.submit(api, &url, &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong:?}");
    }
    let url = format!("{api}/docs");
    let guide = [
        ("path", "start"),
        ("title", "First steps"),
        ("order", "1"),
        ("text", "# Go\r\n"),
    ];
    ann.submit(api, &url, &guide).await;
    assert_eq!(
        edited(&portal, "apis/shipments/docs/start.md").as_deref(),
        Some("# Go\n")
    );
    let answer = ann
        .submit(api, &url, &[("path", "../x"), ("text", "")])
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let discarded = ann.submit(api, &format!("{api}/discard"), &[]).await;
    assert_eq!(discarded.status, StatusCode::SEE_OTHER);
    assert_eq!(kept(&portal.log)["files"], json!([]));
}

#[tokio::test]
async fn plugins_are_a_list_of_objects() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let url = "/publish/apis/shipments/plugins";
    for wrong in ["", "{", "{}", "[1]", "[{}] more"] {
        let answer = ann.submit(url, url, &[("plugins", wrong)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        answer.shows("aria-invalid=\"true\"");
    }
    assert_eq!(kept(&portal.log)["files"], json!([]));
    let plugins = r#"[{"name": "compose", "config": {"timeout": 50}}]"#;
    let answer = ann.submit(url, url, &[("plugins", plugins)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let file = edited(&portal, "apis/shipments/config.json").unwrap();
    let config: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(
        config["plugins"],
        serde_json::from_str::<Value>(plugins).unwrap()
    );
    assert!(config["api"]["upstream_url"].is_string());
    ann.get(url).await.shows("&#34;timeout&#34;: 50");
}

#[tokio::test]
async fn a_new_api_is_an_entry_with_its_files() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let good = [
        ("id", "pickup"),
        ("name", "Pickup"),
        ("desc", "Points."),
        ("upstream_url", "http://pickup.example"),
        ("path", "/pickup/v1"),
        ("auth", "oauth2"),
        ("plans", "starter"),
        ("state", "created"),
    ];
    for (field, value) in [
        ("id", "Pick Up"),
        ("id", "shipments"),
        ("name", ""),
        ("upstream_url", "pickup"),
        ("path", "pickup"),
    ] {
        let wrong = good.map(|(name, text)| (name, if name == field { value } else { text }));
        let answer = ann.submit("/publish/new", "/publish/new", &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field} {value}");
        answer.shows("aria-invalid=\"true\"");
        answer.shows("Points.");
    }
    let answer = ann.submit("/publish/new", "/publish/new", &good).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/publish/apis/pickup")
    );
    let apis: Value = serde_json::from_str(&edited(&portal, "apis/apis.json").unwrap()).unwrap();
    let entry = &apis["apis"][4];
    assert_eq!(entry["lifecycle"]["state"], "created");
    assert_eq!(entry["authMethods"], json!(["default:local"]));
    let config: Value =
        serde_json::from_str(&edited(&portal, "apis/pickup/config.json").unwrap()).unwrap();
    assert_eq!(config["api"]["routes"][0]["paths"], json!(["/pickup/v1"]));
    ann.get("/publish").await.shows("Pickup");
}

#[tokio::test]
async fn what_is_right_is_committed_and_what_is_wrong_is_not() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let api = "/publish/apis/shipments";
    ann.submit(api, api, &[("name", "broken")]).await;
    let page = ann.get(api).await;
    page.shows("that &#60;is&#62; wrong");
    assert!(!page.body.contains("/publish/commit"));
    let refused = ann
        .submit(
            api,
            "/publish/commit",
            &[("message", "x"), ("api", "shipments")],
        )
        .await;
    assert_eq!(refused.location(), api);
    ann.get(api).await.shows("That is wrong.");
    ann.submit(api, api, &[("name", "Ships")]).await;
    let fields = [
        ("message", "Ships are short"),
        ("author", "Lena <lena@haven.example>"),
        ("api", "shipments"),
    ];
    ann.submit(api, "/publish/commit", &fields).await;
    let entries = portal.log.entries();
    assert!(
        entries.contains(&"commit \"Ships are short\" by \"Lena <lena@haven.example>\"".to_owned()),
        "{entries:?}"
    );
    ann.get(api).await.shows("Saved as feed000");
    assert_eq!(kept(&portal.log)["files"], json!([]));
    let none = ann
        .send_json("/publish/commit", &json!({"message": "x"}))
        .await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    ann.send_json(api, &json!({"name": "Boats"})).await;
    let saved = ann
        .send_json("/publish/commit", &json!({"message": "Boats"}))
        .await;
    assert_eq!(
        (saved.status, &saved.json()["commit"]),
        (StatusCode::CREATED, &json!("feed0001"))
    );
}

#[tokio::test]
async fn everybody_reads_what_changed_an_api() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = guest.get("/apis/shipments/changelog").await;
    page.shows("A change of shipments &#38; &#60;more&#62;");
    let (status, body) = guest.json("/apis/shipments/changelog").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["changes"][0]["commit"], "a41f9c2aa");
    let link = "/apis/shipments/changelog?commit=a41f9c2aa";
    page.shows(&format!("href=\"{link}#difference\""));
    let feed = guest.get("/apis/shipments/changelog.atom").await;
    assert!(
        feed.header("content-type")
            .starts_with("application/atom+xml")
    );
    feed.shows("<title>A change of shipments &amp; &lt;more&gt;</title>");
    assert!(!feed.body.contains("maren@"));
}

#[tokio::test]
async fn a_definition_is_taken_from_a_file_and_a_hostile_one_is_refused() {
    const PAGE: &str = "/publish/apis/shipments/definition";
    const FILE: &str = "apis/shipments/swagger.json";
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let page = ann.get(PAGE).await;
    page.shows("enctype=\"multipart/form-data\"");
    page.shows("type=\"file\"");

    let good = "{\r\n  \"openapi\": \"3.1.0\", \"info\": {\"title\": \"Ä\"}\r\n}";
    let old = [("text", "{\"openapi\": \"3.0.0\"}")];
    let answer = ann.upload(PAGE, PAGE, &old, good.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, PAGE)
    );
    let taken = "{\n  \"openapi\": \"3.1.0\", \"info\": {\"title\": \"Ä\"}\n}\n".to_owned();
    assert_eq!(edited(&portal, FILE), Some(taken.clone()));
    let deep = "[".repeat(200_000);
    let long = format!("{{\"openapi\": \"{}\"}}", "3".repeat(6 << 20));
    for (file, fault) in [
        (&b"{\n\"openapi\": \"3.1.0\",,}"[..], "line 2 column"),
        (b"\xff\xfe{", "is no text in UTF-8"),
        (b"<script>alert(1)</script>", "line 1 column 1"),
        (b"openapi: 3.1.0", "A definition in YAML"),
        (deep.as_bytes(), "recursion limit"),
        (long.as_bytes(), "more than 5 MiB"),
        (b"{\"openapi\": \"1\"}", "neither"),
    ] {
        let typed = [("text", "{\"typed\": \"<b>\"}")];
        let answer = ann.upload(PAGE, PAGE, &typed, file).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fault}");
        answer.shows(fault);
        assert!(!answer.body.contains("<script>alert"));
        if !fault.contains("UTF-8") {
            answer.shows("&#34;typed&#34;: &#34;&#60;b&#62;&#34;");
        }
        assert_eq!(edited(&portal, FILE), Some(taken.clone()), "{fault}");
    }

    // No file was chosen: the text counts.
    let answer = ann
        .upload(PAGE, PAGE, &[("text", "{\"openapi\": \"3.0.1\"}")], b"")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        edited(&portal, FILE),
        Some("{\"openapi\": \"3.0.1\"}\n".to_owned())
    );
    // Nor is a file taken without the proof that the form is ours.
    let forged = [("_csrf", "forged")];
    let answer = ann.post(PAGE, &forged).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = ann.send_json(PAGE, &json!({"file": "{"})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    answer.shows("line 1 column 1");
}

#[tokio::test]
async fn everybody_sees_what_a_change_did_to_the_definition() {
    const PAGE: &str = "/apis/shipments/changelog";
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = guest.get(&format!("{PAGE}?commit=a41f9c2aa")).await;
    page.shows("1 breaking change");
    page.shows("GET /&#60;old&#62;");
    page.shows("Operation: removed");
    page.shows("Version 0.9 became");
    guest.language = "de";
    let page = guest.get(&format!("{PAGE}?commit=a41f9c2aa")).await;
    page.shows("Inkompatibel");
    let first = guest.get(&format!("{PAGE}?commit=0ldc0ffee")).await;
    first.shows("neu");
    let (_, body) = guest.json(&format!("{PAGE}?commit=a41f9c2aa")).await;
    let difference = &body["definition"];
    assert_eq!(
        (&difference["before"], &difference["breaking"]),
        (&json!("0ldc0ffee"), &json!(1))
    );
    assert_eq!(
        difference["changes"],
        json!([{"method": "GET", "path": "/<old>", "place": "operation", "name": "",
            "change": "removed", "before": null, "after": null, "breaking": true}])
    );
    let unknown = guest.get(&format!("{PAGE}?commit=ffff")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
