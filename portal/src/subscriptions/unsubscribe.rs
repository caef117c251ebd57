//! Ending a subscription, on a page of its own.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Api, Application};
use ui::{Entry, Frame, Icon, Kind, texts};

use crate::{catalogue::name, failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "subscriptions/unsubscribe.html")]
struct UnsubscribePage {
    frame: Frame,
    t: texts::Subscribe,
    application: Application,
    api: Api,
}

impl UnsubscribePage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }
}

/// `GET /applications/{app}/unsubscribe/{api}`
pub async fn confirm(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, api, _) = tokio::try_join!(
        client.application(&application),
        client.api(&api),
        client.subscription(&application, &api),
    )?;
    if !application.links.contains_key("addSubscription") {
        return Err(Failure::Forbidden);
    }
    let page = UnsubscribePage {
        frame: visitor.frame(Entry::Applications).await,
        t: texts::Subscribe(visitor.lang()),
        application,
        api,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /applications/{app}/unsubscribe/{api}`
pub async fn unsubscribe(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, api) = tokio::try_join!(client.application(&application), client.api(&api))?;
    client.unsubscribe(&application.id, &api.id).await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    let text = texts::Subscribe(visitor.lang()).unsubscribed(&application.name, name(&api));
    visitor.leave(Kind::Good, text);
    Ok(Redirect::to(&format!("/apis/{}", api.id)).into_response())
}
