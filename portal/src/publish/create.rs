//! `/publish/new`: an API that is not there yet.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};
use ui::{Entry, Field, Frame, Html, Icon, Kind, texts};

use super::{
    access,
    desk::{APIS, Desk, PLANS},
    document::{self, Step},
    fields::{self, Choice},
    general::{label, lines},
    lifecycle, url,
};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "publish/new.html")]
struct NewPage {
    frame: Frame,
    t: texts::Publish,
    parts: Vec<Html>,
}

/// What is wrong with one field.
type Fault = (&'static str, String);

/// An id of a folder and of an entry.
pub fn is_id(id: &str) -> bool {
    let is_fit =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !id.is_empty() && id.len() <= 50 && !id.starts_with('-') && id.bytes().all(is_fit)
}

/// `GET /publish/new`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let desk = Desk::open(&visitor).await?;
    page(&visitor, desk, None, None).await
}

async fn page(
    visitor: &Visitor,
    mut desk: Desk,
    form: Option<&Form>,
    fault: Option<Fault>,
) -> Result<Response, Failure> {
    let t = texts::Publish(visitor.lang());
    let entered = |name: &str, default: &str| {
        form.map_or_else(|| default.to_owned(), |form| form.text(name).to_owned())
    };
    let field = |name, label, hint: &str| {
        let error = fault.as_ref().filter(|(at, _)| *at == name);
        Field {
            error: error.map(|(_, text)| text.clone()),
            hint: Some(hint.to_owned()),
            ..fields::line(name, label, entered(name, ""))
        }
        .html()
    };
    let groups = desk.client.groups().await?.groups;
    let own = entered("ownerGroup", "");
    let may = groups.iter().filter(|group| match desk.groups() {
        Some(groups) => groups.contains(&group.id),
        None => true,
    });
    let is_admin = desk.groups().is_none();
    let nobody = Choice::new("", t.administrators(), own.is_empty());
    let owners = may.map(|group| Choice::new(&group.id, label(group), group.id == own));
    let owners: Vec<_> = Some(nobody)
        .filter(|_| is_admin)
        .into_iter()
        .chain(owners)
        .collect();
    let document = desk.json(PLANS).await?;
    let plans = document["plans"].as_array().into_iter().flatten();
    let plans: Vec<_> = plans
        .filter_map(|plan| {
            let id = plan["id"].as_str()?;
            let is_chosen = form.is_some_and(|form| form.all("plans").any(|own| own == id));
            Some(Choice::new(
                id,
                plan["name"].as_str().unwrap_or(id),
                is_chosen,
            ))
        })
        .collect();
    let parts = vec![
        field("name", t.name(), t.name_hint()),
        field("id", t.id(), t.id_hint()),
        fields::with_hint(
            fields::area("desc", t.short_description(), entered("desc", "")),
            t.short_hint(),
        ),
        fields::select("ownerGroup", t.owner(), Some(t.owner_hint()), &owners),
        field("upstream_url", t.upstream(), t.upstream_hint()),
        field("path", t.path(), t.paths_hint()),
        fields::radios(
            "auth",
            t.credentials(),
            &access::ways(t, &entered("auth", "key-auth")),
        ),
        fields::checks("plans", t.offered(), None, &plans),
        fields::radios(
            "state",
            t.state(),
            &lifecycle::states(t, &entered("state", "created"))[..2],
        ),
    ];
    let mut frame = visitor.frame(Entry::Publish).await;
    let mut status = StatusCode::OK;
    if let Some((_, text)) = fault {
        status = StatusCode::BAD_REQUEST;
        frame = frame.with_message(Kind::Bad, text);
    }
    Ok(ui::page(status, &NewPage { frame, t, parts }))
}

/// `POST /publish/new`: `id`, `name`, `desc`, `ownerGroup`, `upstream_url`, `path`, `auth`, `plans`
/// (repeatable), `state`. It becomes part of the draft.
pub async fn create(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let mut desk = Desk::open(&visitor).await?;
    let document = desk.json(APIS).await?;
    if let Some((at, text)) = fault(&visitor, &form, &document) {
        if visitor.wants_json {
            return Err(Failure::BadRequest(format!("`{at}`: {text}")));
        }
        return page(&visitor, desk, Some(&form), Some((at, text))).await;
    }
    let id = form.text("id");
    let entry = entry(&visitor, &form);
    if !desk.owns(&entry) {
        return Err(Failure::Forbidden);
    }
    let place = [Step::from("apis"), Step::Id(id.to_owned())];
    desk.set(APIS, &place, Some(entry.clone())).await?;
    let config = serde_json::to_string_pretty(&config(&form)).unwrap_or_default();
    desk.put(
        &format!("apis/{id}/config.json"),
        Some(format!("{config}\n")),
    )
    .await?;
    let description = format!("{}\n", lines(form.text("desc")));
    desk.put(&format!("apis/{id}/desc.md"), Some(description))
        .await?;
    desk.save().await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::CREATED, &entry));
    }
    Ok(Redirect::to(&url(id)).into_response())
}

fn fault(visitor: &Visitor, form: &Form, document: &Value) -> Option<Fault> {
    let t = texts::Publish(visitor.lang());
    let id = form.text("id");
    let place = [Step::from("apis"), Step::Id(id.to_owned())];
    if form.text("name").is_empty() {
        return Some(("name", t.name_missing().to_owned()));
    }
    if !is_id(id) {
        return Some(("id", t.id_hint().to_owned()));
    }
    if document::get(document, &place).is_some() {
        return Some(("id", t.id_taken(id)));
    }
    let upstream = form.text("upstream_url");
    let is_address = url::Url::parse(upstream).is_ok_and(|url| url.has_host());
    if !is_address && !upstream.contains("${") {
        return Some(("upstream_url", t.upstream_hint().to_owned()));
    }
    if !form.text("path").starts_with('/') || form.text("path").len() < 2 {
        return Some(("path", t.paths_hint().to_owned()));
    }
    None
}

fn entry(visitor: &Visitor, form: &Form) -> Value {
    let auth = form.optional("auth").unwrap_or("key-auth");
    let plans: Vec<_> = form.all("plans").filter(|plan| !plan.is_empty()).collect();
    let mut entry = json!({
        "id": form.text("id"), "name": form.text("name"), "desc": lines(form.text("desc")),
        "auth": auth, "tags": [], "plans": plans, "ownerGroup": form.text("ownerGroup"),
    });
    if form.text("ownerGroup").is_empty()
        && let Some(members) = entry.as_object_mut()
    {
        members.shift_remove("ownerGroup");
    }
    if auth == "oauth2" {
        let methods = visitor.installation.methods.iter();
        let methods: Vec<_> = methods
            .map(|method| format!("default:{}", method.name))
            .collect();
        entry["authMethods"] = methods.into();
        entry["settings"] = json!({"enable_client_credentials": true});
    }
    let state = form.optional("state").unwrap_or("created");
    entry["lifecycle"] = json!({"state": state});
    entry
}

fn config(form: &Form) -> Value {
    json!({
        "api": {
            "name": form.text("id"),
            "upstream_url": form.text("upstream_url"),
            "hide_credentials": true,
            "routes": [{"paths": fields::words(form.text("path")), "strip_path": true}],
        },
        "plugins": [],
    })
}
