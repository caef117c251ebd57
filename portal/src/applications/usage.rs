//! `/applications/{app}/usage`: how an application calls APIs, against what its plans allow.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::{
    Client, Optional,
    types::{
        Subscription,
        usage::{Limit, Usage},
    },
};
use serde::Deserialize;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, Lang, format, texts};

use super::{Tab, tabs};
use crate::{
    csv,
    failure::Failure,
    json, links,
    usage::{self, Charts, Period, Row},
    visitor::Visitor,
};

#[derive(Deserialize)]
pub struct Question {
    #[serde(default)]
    api: String,
    #[serde(default)]
    period: String,
}

#[derive(Template)]
#[template(path = "applications/usage.html")]
struct UsagePage {
    frame: Frame,
    tabs: Html,
    t: texts::Usage,
    application: String,
    /// APIs that it uses.
    apis: Vec<String>,
    api: String,
    period: Period,
    meters: Vec<Meter>,
    charts: Charts,
    rows: Vec<Row>,
}

/// How much of a limit is used up.
struct Meter {
    window: String,
    used: String,
    limit: String,
    percent: u64,
    resets_in: String,
}

impl Meter {
    fn new(limit: &Limit, t: texts::Usage, lang: Lang) -> Self {
        let word = match limit.window.as_str() {
            "minute" => t.window_minute(),
            "hour" => t.window_hour(),
            "day" => t.window_day(),
            "month" => t.window_month(),
            "year" => t.window_year(),
            other => other,
        };
        Self {
            window: t.this_window(word),
            used: format::number(lang, limit.used),
            limit: format::number(lang, limit.limit),
            percent: if limit.limit == 0 {
                100
            } else {
                (u128::from(limit.used) * 100 / u128::from(limit.limit))
                    .min(100)
                    .try_into()
                    .unwrap_or(100)
            },
            resets_in: format::until(lang, limit.reset_at.0, service::clock::now()),
        }
    }

    fn is_full(&self) -> bool {
        self.percent >= 100
    }

    fn is_near(&self) -> bool {
        (80..100).contains(&self.percent)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl UsagePage {
    fn url(&self, path: &str, period: &Period) -> String {
        let path = format!("{}/{path}", links::application(&self.application));
        links::with_query(
            &path,
            [("api", self.api.as_str()), ("period", period.as_str())],
        )
    }

    fn is_api(&self, api: &str) -> bool {
        api == self.api
    }

    fn is_period(&self, period: &Period) -> bool {
        *period == self.period
    }
}

/// Usage of the application, or of one of its subscriptions.
async fn measured(
    client: &Client,
    application: &str,
    api: &str,
    period: Period,
    by: &str,
) -> Result<Usage, sdk::Error> {
    let query = period.query(by, service::clock::now());
    if api.is_empty() {
        client.usage_of_application(application, &query).await
    } else {
        client.usage_of_subscription(application, api, &query).await
    }
}

/// `GET /applications/{app}/usage`
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (period, api) = (Period::parse(&question.period), question.api.trim());
    if visitor.wants_json {
        let (usage, limits) = tokio::try_join!(
            measured(&client, &id, api, period, "status"),
            limits(&client, &id, api),
        )?;
        let body = json!({
            "title": texts::Usage(visitor.lang()).usage(), "period": period.as_str(), "usage": usage,
            "limits": limits,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (application, context, by_status, total, operations, limits) = tokio::try_join!(
        client.application(&id),
        client.subscriptions_without_secrets(&id),
        measured(&client, &id, api, period, "status"),
        measured(&client, &id, api, period, ""),
        measured(&client, &id, api, period, "operation"),
        limits(&client, &id, api),
    )?;
    let (lang, now) = (visitor.lang(), service::clock::now());
    let t = texts::Usage(lang);
    let daily = limits.iter().find(|limit| limit.window == "day");
    let daily = daily.map(|limit| {
        let text = t.plan_limit(format::number(lang, limit.limit));
        (limit.limit, text)
    });
    let frame = visitor.frame(Entry::Applications).await;
    let page = UsagePage {
        tabs: tabs(&frame, &application, Tab::Usage),
        frame,
        t,
        apis: apis(context),
        api: api.to_owned(),
        period,
        meters: limits
            .iter()
            .map(|limit| Meter::new(limit, t, lang))
            .collect(),
        charts: Charts::new(period, &by_status, &total, daily, lang, now),
        rows: usage::rows(&operations, lang),
        application: application.id,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn apis(subscriptions: Vec<Subscription>) -> Vec<String> {
    let approved = subscriptions.into_iter().filter(|one| one.approved);
    approved.map(|one| one.api).collect()
}

/// Limits belong to a subscription; without one there are none to show.
async fn limits(client: &Client, application: &str, api: &str) -> Result<Vec<Limit>, sdk::Error> {
    if api.is_empty() {
        return Ok(Vec::new());
    }
    let limits = client.limits(application, api).await.optional()?;
    Ok(limits.unwrap_or_default())
}

/// `GET /applications/{app}/usage.csv`
pub async fn download(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let period = Period::parse(&question.period);
    let api = question.api.trim();
    let usage = measured(&visitor.client(), &id, api, period, "operation").await?;
    Ok(csv::file(&format!("usage-{id}.csv"), usage::lines(&usage)))
}
