//! Who may call an API, with what, and where its backend is.

use axum::{extract::Path, response::Response};
use serde_json::{Map, Value, json};
use ui::{Html, texts};

use super::{
    desk::{Members, is_true},
    document::Step,
    fields::{self, Choice},
    general::label,
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

const FLOWS: [&str; 4] = [
    "enable_client_credentials",
    "enable_authorization_code",
    "enable_implicit_grant",
    "enable_password_grant",
];

/// `GET /publish/apis/{api}/access`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let lang = visitor.lang();
    let file = opened.file("config.json");
    let config = opened.desk.json(&file).await?;
    let groups = opened.desk.client.groups().await?.groups;
    let auth = opened.text("auth");
    let required = opened.text("requiredGroup");
    let everybody = Choice::new("", t.everybody(), required.is_empty());
    let groups = groups
        .iter()
        .map(|group| Choice::new(&group.id, label(group), group.id == required));
    let groups: Vec<_> = [everybody].into_iter().chain(groups).collect();
    let partner = Choice::new("1", t.partner(), is_true(&opened.entry["partner"]));
    let upstream = config["api"]["upstream_url"].as_str().unwrap_or_default();
    let parts = vec![
        fields::with_hint(
            fields::line("upstream_url", t.upstream(), upstream.to_owned()),
            t.upstream_hint(),
        ),
        fields::with_hint(
            fields::line("paths", t.paths(), paths(&config).join(", ")),
            t.paths_hint(),
        ),
        fields::radios("auth", t.credentials(), &ways(t, &auth)),
        fields::select("requiredGroup", t.visible_to(), None, &groups),
        fields::checks("partner", t.strangers(), None, &[partner]),
        fields::checks("flows", t.flows(), Some(t.flows_hint()), &flows(&opened, t)),
        fields::optional(
            fields::area("scopes", t.scopes(), scopes(&opened.entry)),
            lang,
            Some(t.scopes_hint()),
        ),
        fields::optional(
            fields::line(
                "authMethods",
                t.auth_methods(),
                opened.list("authMethods").join(", "),
            ),
            lang,
            Some(t.auth_methods_hint()),
        ),
    ];
    opened
        .page(&visitor, Tab::Access, parts, Html::default())
        .await
}

/// What a call has to carry.
pub fn ways(t: texts::Publish, chosen: &str) -> [Choice; 3] {
    [
        ("key-auth", t.api_key()),
        ("oauth2", t.oauth2()),
        ("none", t.open()),
    ]
    .map(|(value, label)| Choice::new(value, label, value == chosen))
}

fn flows(opened: &Opened, t: texts::Publish) -> [Choice; 4] {
    let labels = [
        t.client_credentials(),
        t.authorization_code(),
        t.implicit(),
        t.password(),
    ];
    let mut labels = labels.into_iter();
    FLOWS.map(|flow| {
        let is_on = is_true(&opened.entry["settings"][flow]);
        Choice::new(flow, labels.next().unwrap_or_default(), is_on)
    })
}

/// Paths of the first route; others are for those who edit the file.
fn paths(config: &Value) -> Vec<String> {
    let paths = config["api"]["routes"][0]["paths"].as_array();
    let paths = paths.into_iter().flatten().filter_map(Value::as_str);
    paths.map(str::to_owned).collect()
}

/// A line for each: `id: description`.
fn scopes(entry: &Value) -> String {
    let Some(scopes) = entry["settings"]["scopes"].as_object() else {
        return String::new();
    };
    let lines = scopes.iter().map(|(id, scope)| {
        let text = scope["description"].as_str().unwrap_or_default();
        format!("{id}: {text}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn read_scopes(text: &str, before: &Value) -> Value {
    let mut scopes = Map::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (id, text) = line.split_once(':').unwrap_or((line, ""));
        let mut scope = before.get(id.trim()).cloned().unwrap_or_else(|| json!({}));
        scope["description"] = text.trim().into();
        scopes.insert(id.trim().to_owned(), scope);
    }
    Value::Object(scopes)
}

/// `POST /publish/apis/{api}/access`: `upstream_url`, `paths`, `auth`, `requiredGroup`, `partner`,
/// `flows` (repeatable), `scopes`, `authMethods`.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let entry = opened.entry.clone();
    let mut members = Members::of_api(&mut opened.desk, &opened.api).await?;
    for member in ["auth", "requiredGroup"] {
        if form.has(member) {
            members.text(&[member], form.text(member)).await?;
        }
    }
    // A box that is not ticked is not sent, so the field beside it says whether the form was there.
    if form.has("requiredGroup") {
        let is_partner = form.is_set("partner");
        members.flag(&["partner"], is_partner, false).await?;
    }
    let is_oauth = form.optional("auth").is_some_and(|auth| auth == "oauth2");
    // What stays in the file of an API that takes keys has no effect, and may be needed again.
    if is_oauth {
        for flow in FLOWS {
            let is_on = form.all("flows").any(|chosen| chosen == flow);
            members.flag(&["settings", flow], is_on, false).await?;
        }
        let scopes = read_scopes(form.text("scopes"), &entry["settings"]["scopes"]);
        let is_empty = |scopes: &Value| scopes.as_object().is_none_or(Map::is_empty);
        if !is_empty(&scopes) || !is_empty(&entry["settings"]["scopes"]) {
            members.set(&["settings", "scopes"], Some(scopes)).await?;
        }
        let mut methods = fields::words(form.text("authMethods"));
        if methods.is_empty() {
            let known = visitor.installation.methods.iter();
            methods = known
                .map(|method| format!("default:{}", method.name))
                .collect();
        }
        members.list(&["authMethods"], methods).await?;
    }
    save_gateway(&mut opened, &form).await?;
    opened.saved(&visitor, Tab::Access).await
}

async fn save_gateway(opened: &mut Opened, form: &Form) -> Result<(), Failure> {
    let file = opened.file("config.json");
    let config = opened.desk.json(&file).await?;
    let mut api = Members::of(&mut opened.desk, &file, vec![Step::from("api")]).await?;
    api.text(&["upstream_url"], form.text("upstream_url"))
        .await?;
    let new = fields::words(form.text("paths"));
    if form.has("paths") && new != paths(&config) {
        let mut routes = config["api"]["routes"].clone();
        if routes.get(0).is_none() {
            routes = json!([{"paths": [], "strip_path": true}]);
        }
        routes[0]["paths"] = new.into();
        api.set(&["routes"], Some(routes)).await?;
    }
    Ok(())
}
