//! `/admin/configuration`: which configuration is served, and what is wrong with the newest one.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::{
    Timestamp,
    configuration::{ConfigCommit, ConfigStatus},
};
use serde_json::json;
use ui::{Frame, Html, Icon, Kind, format, texts};

use super::{Item, administrator, overview::short, surroundings};
use crate::{failure::Failure, form::Form, json, publish, visitor::Visitor};

/// Commits of the list below.
const MAX_COMMITS: usize = 20;

#[derive(Template)]
#[template(path = "admin/configuration.html")]
struct ConfigurationPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    status: ConfigStatus,
    commits: Vec<ConfigCommit>,
}

impl ConfigurationPage {
    fn short<'a>(&self, commit: &'a str) -> &'a str {
        short(commit)
    }

    fn title<'a>(&self, commit: &'a ConfigCommit) -> &'a str {
        commit.message.lines().next().unwrap_or_default()
    }

    fn ago(&self, at: &Timestamp) -> String {
        format::ago(self.frame.lang(), at.0, service::clock::now())
    }

    fn is_served(&self, commit: &str) -> bool {
        self.status.serving.commit.as_deref() == Some(commit)
    }

    fn is_refused(&self, commit: &str) -> bool {
        self.status.newest.refused && self.status.newest.commit.as_deref() == Some(commit)
    }

    /// A day and time out of what git says.
    fn date(&self, text: &str) -> String {
        publish::date(self.frame.lang(), text)
    }
}

/// `GET /admin/configuration`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let status = client.config_status().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.configuration(), "configuration": status});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    // A folder without git has none.
    let mut commits = client.config_commits(None).await.unwrap_or_default();
    commits.truncate(MAX_COMMITS);
    let (frame, side) = surroundings(&visitor, Item::Configuration).await;
    let page = ConfigurationPage {
        frame,
        side,
        t,
        status,
        commits,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /admin/configuration/fetch`: looks at the source now instead of at the next turn.
pub async fn fetch(visitor: Visitor, _: Form) -> Result<Response, Failure> {
    administrator(&visitor)?;
    visitor.client().fetch_configuration().await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Info, texts::Admin(visitor.lang()).fetching());
    Ok(Redirect::to("/admin/configuration").into_response())
}
