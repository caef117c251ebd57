//! `/admin/subscribe`: subscribing any application to any API. Both are searched, since there may
//! be thousands.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::{
    Client,
    types::{Api, Application, ListQuery},
};
use serde::Deserialize;
use serde_json::json;
use ui::{Frame, Html, Icon, texts};

use super::{Item, administrator, surroundings};
use crate::{
    catalogue::{name, needs_subscription},
    failure::Failure,
    json, links,
    visitor::Visitor,
};

/// Matches that are shown of each.
const MAX_SHOWN: u64 = 10;

#[derive(Deserialize, Default)]
pub struct Question {
    /// Words for the application, or its id.
    #[serde(default)]
    application: String,
    #[serde(default)]
    api: String,
}

#[derive(Template)]
#[template(path = "admin/subscribe.html")]
struct SubscribePage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    application: String,
    api: String,
    applications: Vec<Application>,
    apis: Vec<Api>,
}

impl SubscribePage {
    /// The same page with one of them chosen.
    fn with_application(&self, id: &str) -> String {
        links::with_query(
            "/admin/subscribe",
            [("application", id), ("api", &self.api)],
        )
    }

    fn with_api(&self, id: &str) -> String {
        let parameters = [("application", self.application.as_str()), ("api", id)];
        links::with_query("/admin/subscribe", parameters)
    }
}

/// `GET /admin/subscribe`: matches, or the plans as soon as both are named.
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let (application, api) = (question.application.trim(), question.api.trim());
    let (applications, apis) = tokio::try_join!(applications(&client, application), async {
        Ok(apis(client.apis().await?.apis, api))
    })?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.subscribe(), "applications": applications, "apis": apis});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let is_application = applications.iter().any(|one| one.id == application);
    let is_api = apis.iter().any(|one| one.id == api);
    if is_application && is_api {
        let target = format!(
            "{}/subscribe/{}",
            links::application(application),
            links::segment(api)
        );
        return Ok(Redirect::to(&target).into_response());
    }
    let (frame, side) = surroundings(&visitor, Item::Subscribe).await;
    let page = SubscribePage {
        frame,
        side,
        t,
        application: application.to_owned(),
        api: api.to_owned(),
        applications,
        apis,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// Those with these words in their id, then those with them in their name.
async fn applications(client: &Client, words: &str) -> Result<Vec<Application>, sdk::Error> {
    let query = |field: &str| {
        let filter = [(field.to_owned(), words.to_owned())];
        ListQuery {
            limit: MAX_SHOWN,
            filter: if words.is_empty() {
                BTreeMap::new()
            } else {
                BTreeMap::from(filter)
            },
            order_by: Some(format!("{field} ASC")),
            ..ListQuery::default()
        }
    };
    let (by_id, by_name) = (query("id"), query("name"));
    let (by_id, by_name) =
        tokio::try_join!(client.applications(&by_id), client.applications(&by_name))?;
    let mut found = by_id.items;
    // The one that is meant, wherever it stands among many.
    found.sort_by_key(|application| application.id != words);
    for application in by_name.items {
        if found.iter().all(|known| known.id != application.id) {
            found.push(application);
        }
    }
    found.truncate(usize::try_from(MAX_SHOWN).unwrap_or_default());
    Ok(found)
}

fn apis(all: Vec<Api>, words: &str) -> Vec<Api> {
    let wanted = words.to_lowercase();
    let matches = |api: &Api| {
        api.id.to_lowercase().contains(&wanted) || name(api).to_lowercase().contains(&wanted)
    };
    let mut found: Vec<Api> = all
        .into_iter()
        .filter(|api| needs_subscription(api) && matches(api))
        .collect();
    found.sort_by_key(|api| (api.id != words, name(api).to_lowercase()));
    found.truncate(usize::try_from(MAX_SHOWN).unwrap_or_default());
    found
}
