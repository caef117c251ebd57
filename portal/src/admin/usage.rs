//! `/admin/usage`: how the whole installation is used, by API, plan and application.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use sdk::types::ListQuery;
use serde::Deserialize;
use serde_json::json;
use ui::{Frame, Html, Icon, texts};

use super::{Item, administrator, surroundings};
use crate::{
    csv,
    failure::Failure,
    json, links,
    usage::{self, Charts, Period, Row},
    visitor::Visitor,
};

/// Rows of the table; the file has all.
const MAX_ROWS: usize = 50;
/// Applications that are looked at for those nobody uses.
const MAX_APPLICATIONS: u64 = 1000;
const MAX_INACTIVE: usize = 20;

/// By what the calls are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    #[default]
    Api,
    Plan,
    Application,
}

impl By {
    const ALL: [Self; 3] = [Self::Api, Self::Plan, Self::Application];

    fn parse(text: &str) -> Self {
        let found = Self::ALL.into_iter().find(|by| by.as_str() == text);
        found.unwrap_or_default()
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Plan => "plan",
            Self::Application => "application",
        }
    }

    fn label(self, t: &texts::Usage) -> &'static str {
        match self {
            Self::Api => t.by_api(),
            Self::Plan => t.by_plan(),
            Self::Application => t.by_application(),
        }
    }
}

#[derive(Deserialize)]
pub struct Question {
    #[serde(default)]
    period: String,
    #[serde(default)]
    by: String,
}

#[derive(Template)]
#[template(path = "admin/usage.html")]
struct UsagePage {
    frame: Frame,
    side: Html,
    ta: texts::Admin,
    t: texts::Usage,
    period: Period,
    by: By,
    charts: Charts,
    rows: Vec<Row>,
    /// Id and name of applications without a call.
    inactive: Vec<(String, String)>,
    all_inactive: usize,
}

impl UsagePage {
    fn is_period(&self, period: &Period) -> bool {
        *period == self.period
    }

    fn is_by(&self, by: &By) -> bool {
        *by == self.by
    }

    fn url(&self, path: &str, period: &Period, by: &By) -> String {
        let parameters = [("period", period.as_str()), ("by", by.as_str())];
        links::with_query(path, parameters)
    }

    fn link(&self, key: &str) -> Option<String> {
        match self.by {
            By::Api => Some(links::api(key)),
            By::Application => Some(links::application(key)),
            By::Plan => None,
        }
    }

    fn application(&self, id: &str) -> String {
        links::application(id)
    }
}

/// `GET /admin/usage`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let (period, by) = (Period::parse(&question.period), By::parse(&question.by));
    let (client, now) = (visitor.client(), service::clock::now());
    let query = |by| period.query(by, now);
    let (split, ta) = (query(by.as_str()), texts::Admin(visitor.lang()));
    if visitor.wants_json {
        let usage = client.usage(&split).await?;
        let body = json!({
            "title": ta.usage(), "period": period.as_str(), "by": by.as_str(), "usage": usage,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (by_status, total, applications) = (query("status"), query(""), query("application"));
    let everybody = ListQuery {
        limit: MAX_APPLICATIONS,
        ..ListQuery::default()
    };
    let (by_status, total, split, used, known) = tokio::try_join!(
        client.usage(&by_status),
        client.usage(&total),
        client.usage(&split),
        client.usage(&applications),
        client.applications(&everybody),
    )?;
    let used: BTreeSet<&str> = used
        .series
        .iter()
        .map(|series| series.key.as_str())
        .collect();
    let inactive = known
        .items
        .into_iter()
        .filter(|application| !used.contains(application.id.as_str()));
    let mut inactive: Vec<(String, String)> = inactive
        .map(|application| (application.id, application.name))
        .collect();
    let all_inactive = inactive.len();
    inactive.truncate(MAX_INACTIVE);
    let lang = visitor.lang();
    let mut rows = usage::rows(&split, lang);
    rows.truncate(MAX_ROWS);
    let (frame, side) = surroundings(&visitor, Item::Usage).await;
    let page = UsagePage {
        frame,
        side,
        ta,
        t: texts::Usage(lang),
        period,
        by,
        charts: Charts::new(period, &by_status, &total, None, lang, now),
        rows,
        inactive,
        all_inactive,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `GET /admin/usage.csv`
pub async fn download(
    visitor: Visitor,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let (period, by) = (Period::parse(&question.period), By::parse(&question.by));
    let query = period.query(by.as_str(), service::clock::now());
    let usage = visitor.client().usage(&query).await?;
    Ok(csv::file("usage.csv", usage::lines(&usage)))
}
