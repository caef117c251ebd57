//! Changing the configuration through the API: files, history, commits, drafts, guides.

use serde_json::{Value, json};

use crate::support::{ADMIN, Client, DEVELOPER, PARTNER, Remote, TestApi};

const SCOPES: &str = "read_apis write_apis health read_auditlog";

/// A portal-api that follows a repository which takes pushes. Partners own `petstore`.
async fn start() -> (Remote, TestApi) {
    let remote = Remote::new();
    let mut apis = remote.read_json("apis/apis.json");
    apis["apis"][0]["ownerGroup"] = "partners".into();
    remote.write("apis/apis.json", &apis.to_string());
    for file in ["answers.md", "answers.json"] {
        remote.remove(&format!("apis/petstore/docs/{file}"));
    }
    remote.write("apis/petstore/docs/start.md", "# Start");
    remote.write(
        "apis/petstore/docs/start.json",
        r#"{"title": "First steps", "order": 1}"#,
    );
    remote.write("apis/petstore/docs/more/limits.md", "# Limits");
    remote.write("apis/petstore/docs/inside.md", "# Inside");
    remote.write(
        "apis/petstore/docs/inside.json",
        r#"{"requiredGroup": "partners"}"#,
    );
    remote.commit("owned");
    let remote = remote.bare();
    let api = TestApi::with(&[], remote.followed()).await;
    (remote, api)
}

async fn newest(api: &TestApi) -> String {
    let status = api.config_status().await;
    status["newest"]["commit"].as_str().unwrap().to_owned()
}

fn change(base: &str, path: &str, content: Option<&str>) -> Value {
    json!({"base": base, "message": "A change", "files": [{"path": path, "content": content}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_changes_his_api_by_a_commit() {
    let (_remote, api) = start().await;
    let owner = api.user(PARTNER, SCOPES);
    let file = owner
        .get("/config/files/apis/petstore/desc.md")
        .await
        .expect(200);
    let base = file.header("etag").trim_matches('"').to_owned();
    assert_eq!(base, newest(&api).await);

    let mut dry = change(&base, "apis/petstore/desc.md", Some("Pets and more\n"));
    dry["dryRun"] = true.into();
    let preview = owner.post("/config/commits", dry).await.expect(200).json();
    assert!(
        preview["diff"].as_str().unwrap().contains("+Pets and more"),
        "{preview}"
    );
    assert_eq!(
        (&preview["problems"], &preview["affectedSubscriptions"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(newest(&api).await, base, "a dry run changes nothing");

    let request = change(&base, "apis/petstore/desc.md", Some("Pets and more\n"));
    let commit = owner
        .post("/config/commits", request.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(commit["author"], "partner-user <partner-user@example.org>");
    assert!(
        commit["message"]
            .as_str()
            .unwrap()
            .contains("Signed-off-by: partner-user")
    );
    api.until_status(|status| status["serving"]["commit"] == commit["commit"])
        .await;
    let text = owner.get("/apis/petstore/desc").await.expect(200).text();
    assert_eq!(text, "Pets and more\n");
    let history = owner
        .get("/config/commits?path=apis/petstore/desc.md")
        .await
        .expect(200)
        .json();
    assert_eq!(history[0]["commit"], commit["commit"]);
    assert_eq!(history.as_array().unwrap().len(), 2);

    let late = owner
        .post("/config/commits", request)
        .await
        .expect(409)
        .json();
    assert_eq!(late["commit"], commit["commit"]);
    assert_eq!(late["conflicts"], json!(["apis/petstore/desc.md"]));
    let admin = api.user(ADMIN, SCOPES);
    let log = admin.get("/auditlog?embed=1").await.expect(200).text();
    assert!(log.contains(commit["commit"].as_str().unwrap()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_break_the_configuration_is_not_committed() {
    let (_remote, api) = start().await;
    let base = newest(&api).await;
    let admin = api.user(ADMIN, SCOPES);
    let mut broken = change(&base, "plans/plans.json", Some("{\"plans\": []}"));
    let refused = admin
        .post("/config/commits", broken.clone())
        .await
        .expect(400)
        .json();
    assert!(
        refused["message"].as_str().unwrap().contains("plan"),
        "{refused}"
    );
    broken["dryRun"] = true.into();
    let preview = admin
        .post("/config/commits", broken)
        .await
        .expect(200)
        .json();
    let problems = preview["problems"].as_array().unwrap();
    assert!(
        problems.len() > 1 && problems[0]["severity"] == "error",
        "{preview}"
    );
    assert_eq!(newest(&api).await, base);

    let mut proposal = change(&base, "content/help.md", Some("Proposed\n"));
    proposal["branch"] = "proposals/help".into();
    admin.post("/config/commits", proposal).await.expect(201);
    assert_eq!(newest(&api).await, base, "another branch is not served");

    for (field, request) in [
        ("path", change(&base, "../x", Some(""))),
        ("path", change(&base, "deploy.envkey", Some(""))),
        ("base", change("0000", "content/help.md", Some(""))),
        ("base", change(&"0".repeat(40), "content/help.md", Some(""))),
        ("files", json!({"base": base, "message": "x", "files": []})),
        (
            "message",
            json!({"base": base, "files": [{"path": "content/help.md"}]}),
        ),
        (
            "branch",
            json!({"base": base, "message": "x", "branch": "a..b", "files": [{"path": "a"}]}),
        ),
    ] {
        let refused = admin
            .post("/config/commits", request)
            .await
            .expect(400)
            .json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_changes_files_of_others() {
    let (_remote, api) = start().await;
    let base = newest(&api).await;
    let owner = api.user(PARTNER, SCOPES);
    for path in [
        "globals.json",
        "apis/orders/desc.md",
        "env/default.json",
        "content/help.md",
    ] {
        owner
            .get(&format!("/config/files/{path}"))
            .await
            .expect(403);
        owner
            .post("/config/commits", change(&base, path, Some("")))
            .await
            .expect(403);
    }
    owner.get("/config/commits").await.expect(400);
    owner.get("/config/files/apis/apis.json").await.expect(200);
    let stranger = api.user(DEVELOPER, SCOPES);
    stranger
        .get("/config/files/apis/apis.json")
        .await
        .expect(403);
    let reading = api.user(ADMIN, "read_apis");
    reading.get("/config/files/globals.json").await.expect(403);
    reading
        .get("/config/files/apis/orders/desc.md")
        .await
        .expect(200);
    let admin = api.user(ADMIN, SCOPES);
    admin.get("/config/files/globals.json").await.expect(200);
    admin.get("/config/files/nowhere.md").await.expect(404);
    admin.get("/config/files/deploy.envkey").await.expect(400);
    assert!(
        !admin
            .get("/config/commits")
            .await
            .expect(200)
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn without_git_files_are_read_and_nothing_is_committed() {
    let api = TestApi::start().await;
    let admin = api.user(ADMIN, SCOPES);
    let file = admin
        .get("/config/files/plans/plans.json")
        .await
        .expect(200);
    assert!(file.text().contains("\"free\""));
    assert_eq!(
        admin.get("/config/commits").await.expect(200).json(),
        json!([])
    );
    let request = change("x", "content/help.md", Some(""));
    admin.post("/config/commits", request).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_written_unless_somebody_was_there_first() {
    let remote = Remote::new();
    let folder = remote.path().to_owned();
    let origin = config::Origin::Folder(folder.clone());
    let api = TestApi::with(&[], move |settings| {
        crate::support::remote::follow(settings, origin);
    })
    .await;
    let admin = api.user(ADMIN, SCOPES);
    let before = api.anonymous().get("/confighash").await.text();
    let path = "/config/files/apis/petstore/desc.md";
    let base = admin.get(path).await.expect(200);
    let base = base.header("etag").trim_matches('"').to_owned();
    let old = format!("{path}?commit={base}");
    admin.get(&old).await.expect(200);
    let mut request = change(&base, "apis/petstore/desc.md", Some("Pets and more\n"));
    request["branch"] = "x".into();
    admin
        .post("/config/commits", request.clone())
        .await
        .expect(400);
    request["branch"] = Value::Null;
    let mut dry = request.clone();
    dry["dryRun"] = true.into();
    let preview = admin.post("/config/commits", dry).await.expect(200).json();
    assert!(preview["diff"].as_str().unwrap().contains("+Pets and more"));
    assert_eq!(preview["inGit"], false);
    admin
        .post("/config/commits", request.clone())
        .await
        .expect(201);
    let file = folder.join("static/apis/petstore/desc.md");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "Pets and more\n");
    api.until_status(|status| status["serving"]["hash"] != before.as_str())
        .await;
    let text = admin.get("/apis/petstore/desc").await.expect(200).text();
    assert_eq!(text, "Pets and more\n");
    let late = admin
        .post("/config/commits", request)
        .await
        .expect(409)
        .json();
    assert_eq!(late["conflicts"], json!(["apis/petstore/desc.md"]));
    admin.get(&old).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_found_apis_and_everybody_reads_their_history() {
    let (remote, api) = start().await;
    let owner = api.user(PARTNER, SCOPES);
    let list = owner.get("/config/files/apis/apis.json").await.expect(200);
    let base = list.header("etag").trim_matches('"').to_owned();
    let with = |group: &str| {
        let mut apis = list.json();
        let new = json!({
            "id": "kennels", "name": "Kennels", "auth": "none", "plans": [], "ownerGroup": group,
        });
        apis["apis"].as_array_mut().unwrap().push(new);
        let config = json!({"api": {
            "name": "kennels", "upstream_url": "http://localhost:1", "routes": [{"paths": ["/kennels"]}],
        }});
        json!({
            "base": base, "message": "Kennels\n\nFor dogs.", "author": "Grace Hopper <grace@example.org>",
            "files": [
                {"path": "apis/apis.json", "content": apis.to_string()},
                {"path": "apis/kennels/config.json", "content": config.to_string()},
            ],
        })
    };
    owner.post("/config/commits", with("dev")).await.expect(403);
    let mut forged = with("partners");
    forged["author"] = "Grace".into();
    owner.post("/config/commits", forged).await.expect(400);
    let commit = owner
        .post("/config/commits", with("partners"))
        .await
        .expect(201)
        .json();
    assert_eq!(commit["author"], "Grace Hopper <grace@example.org>");
    let message = commit["message"].as_str().unwrap();
    assert!(message.contains("Signed-off-by: partner-user"), "{message}");
    api.until_status(|status| status["serving"]["commit"] == commit["commit"])
        .await;

    let reader = api.user(DEVELOPER, SCOPES);
    let history = "/config/commits?api=kennels";
    let seen = reader.get(history).await.expect(200).json();
    assert_eq!(seen.as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen[0]["author"], "Grace Hopper");
    assert_eq!(seen[0]["message"], "Kennels\n\nFor dogs.");
    let own = owner.get(history).await.expect(200).json();
    assert_eq!(own[0], commit);
    let others = reader
        .get("/config/commits?api=petstore")
        .await
        .expect(200)
        .json();
    assert!(!others.to_string().contains("Kennels"), "{others}");
    reader.get("/config/commits?api=nowhere").await.expect(404);
    reader.get("/config/commits").await.expect(403);
    let before = format!("/config/files/apis/apis.json?commit={base}");
    assert_eq!(owner.get(&before).await.expect(200).json(), list.json());
    owner
        .get("/config/files/apis/apis.json?commit=0000")
        .await
        .expect(404);
    drop(remote);
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_earlier_commits_are_for_those_who_saw_the_api_then() {
    let (remote, api) = start().await;
    let admin = api.user(ADMIN, SCOPES);
    let list = admin.get("/config/files/apis/apis.json").await.expect(200);
    let mut base = list.header("etag").trim_matches('"').to_owned();
    let mut commits = vec![base.clone()];
    let (partners, everybody) = (json!("partners"), Value::Null);
    for (group, state) in [
        (partners, "published"),
        (everybody.clone(), "created"),
        (everybody, "published"),
    ] {
        let mut apis = list.json();
        let all = apis["apis"].as_array_mut().unwrap().iter_mut();
        for one in all.filter(|one| one["id"] == "petstore") {
            one["requiredGroup"] = group.clone();
            one["lifecycle"] = json!({"state": state});
        }
        let change = json!({"base": base, "message": "Other readers", "files": [
            {"path": "apis/apis.json", "content": apis.to_string()},
        ]});
        let commit = admin.post("/config/commits", change).await;
        let commit = commit.expect(201).json()["commit"]
            .as_str()
            .unwrap()
            .to_owned();
        api.until_status(|status| status["serving"]["commit"] == commit.as_str())
            .await;
        commits.push(commit.clone());
        base = commit;
    }
    let at = |commit: &str| format!("/apis/petstore/swagger?commit={commit}");
    let reader = api.user(DEVELOPER, SCOPES);
    let written = reader.get(&at(&commits[0])).await.expect(200).json();
    assert!(written["paths"].is_object(), "{written}");
    // Both what was for a group and what was a preview stay with those whom they were shown to.
    let partner = api.user(PARTNER, SCOPES);
    for hidden in &commits[1..3] {
        reader.get(&at(hidden)).await.expect(404);
        let seen = partner.get(&at(hidden)).await.expect(200).json();
        assert_eq!(seen, written);
    }
    reader.get(&at(&commits[3])).await.expect(200);
    for unknown in ["0000", "..", &"0".repeat(40)] {
        reader.get(&at(unknown)).await.expect(404);
    }
    let nowhere = format!("/apis/nowhere/swagger?commit={}", commits[0]);
    reader.get(&nowhere).await.expect(404);
    drop(remote);
}

async fn keeps_drafts(api: &TestApi) {
    let admin = api.user(ADMIN, SCOPES);
    let draft = json!({"base": "abc", "files": [{"path": "content/a.md", "content": "x".repeat(200_000)}, {"path": "content/b.md", "content": null}]});
    let none = json!({"base": "", "files": []});
    assert_eq!(admin.get("/config/draft").await.expect(200).json(), none);
    admin.put("/config/draft", draft.clone()).await.expect(204);
    admin.put("/config/draft", draft.clone()).await.expect(204);
    assert_eq!(admin.get("/config/draft").await.expect(200).json(), draft);
    let large = json!({"base": "abc", "files": [{"path": "a", "content": "x".repeat(5_300_000)}]});
    admin.put("/config/draft", large).await.expect(400);
    let larger = json!({"base": "abc", "files": [{"path": "a", "content": "x".repeat(7_000_000)}]});
    admin.put("/config/draft", larger).await.expect(413);
    admin.delete("/config/draft").await.expect(204);
    assert_eq!(admin.get("/config/draft").await.expect(200).json(), none);
}

#[tokio::test]
async fn edits_are_kept_until_they_are_committed_on_sqlite() {
    keeps_drafts(&TestApi::start().await).await;
}

#[tokio::test]
async fn edits_are_kept_until_they_are_committed_on_postgres() {
    if let Some(api) = TestApi::start_on_postgres().await {
        keeps_drafts(&api).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_of_an_api_are_listed_in_order_and_by_group() {
    let (_remote, api) = start().await;
    let guides = async |user: Client<'_>| user.get("/apis/petstore/docs").await.expect(200).json();
    assert_eq!(
        guides(api.user(DEVELOPER, SCOPES)).await,
        json!([
            {"path": "start", "title": "First steps", "order": 1},
            {"path": "more/limits", "title": "more/limits"},
        ])
    );
    assert_eq!(
        guides(api.user(PARTNER, SCOPES))
            .await
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let reader = api.user(DEVELOPER, SCOPES);
    let page = reader
        .get("/apis/petstore/docs/more/limits")
        .await
        .expect(200);
    assert!(page.header("content-type").starts_with("text/markdown"));
    assert_eq!(page.text(), "# Limits");
    assert!(!page.header("x-metainfo").is_empty());
    reader.get("/apis/petstore/docs/inside").await.expect(403);
    reader.get("/apis/petstore/docs/nowhere").await.expect(404);
    reader.get("/apis/nowhere/docs").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_the_switch_to_kong_counts_what_kong_cannot_be_given() {
    let (_remote, api) = start().await;
    let base = newest(&api).await;
    let admin = api.user(ADMIN, crate::authorization::ALL_SCOPES);
    let file = admin
        .get("/config/files/globals.json")
        .await
        .expect(200)
        .text();
    let mut switch = change(
        &base,
        "globals.json",
        Some(&file.replace("\"embedded\"", "\"kong\"")),
    );
    switch["dryRun"] = true.into();
    let lost = async || {
        let preview = admin
            .post("/config/commits", switch.clone())
            .await
            .expect(200)
            .json();
        let problems = preview["problems"].as_array().unwrap().clone();
        // Two APIs of the sample are answered by the embedded gateway itself.
        let expected = ["gateway.type", "plugins[0].name"];
        assert!(
            problems
                .iter()
                .all(|problem| expected.contains(&problem["path"].as_str().unwrap())),
            "{preview}"
        );
        problems
            .iter()
            .filter_map(|problem| problem["message"].as_str())
            .any(|text| text.contains("cannot be given to Kong"))
    };
    assert!(!lost().await, "nobody has credentials yet");
    let application = json!({"id": "kong-app", "name": "Kong"});
    admin.post("/applications", application).await.expect(201);
    let wanted = json!({"application": "kong-app", "api": "petstore", "plan": "free"});
    admin
        .post("/applications/kong-app/subscriptions", wanted)
        .await
        .expect(201);
    let named = json!({"name": "ci"});
    admin
        .post(
            "/applications/kong-app/subscriptions/petstore/credentials",
            named,
        )
        .await
        .expect(201);
    assert!(lost().await);
}
