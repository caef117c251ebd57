//! `/apis/{api}/usage`: how an API is used, for those who own it.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::types::Api;
use serde::Deserialize;
use serde_json::json;
use ui::{Entry, Frame, Icon, texts};

use crate::{
    catalogue::name,
    csv,
    failure::Failure,
    json, links,
    usage::{self, Charts, Period, Row},
    visitor::Visitor,
};

/// Rows of each table; the file has all.
const MAX_ROWS: usize = 50;

#[derive(Deserialize)]
pub struct Question {
    #[serde(default)]
    period: String,
}

#[derive(Template)]
#[template(path = "api_usage.html")]
struct UsagePage {
    frame: Frame,
    t: texts::Usage,
    api: Api,
    period: Period,
    charts: Charts,
    /// Heading and rows of each way to tell the calls apart.
    tables: Vec<(&'static str, Vec<Row>)>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl UsagePage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }

    fn api_url(&self) -> String {
        links::api(&self.api.id)
    }

    fn url(&self, path: &str, period: &Period) -> String {
        let path = format!("{}/{path}", links::api(&self.api.id));
        links::with_query(&path, [("period", period.as_str())])
    }

    fn is_period(&self, period: &Period) -> bool {
        *period == self.period
    }
}

/// `GET /apis/{api}/usage`
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let (client, now, lang) = (visitor.client(), service::clock::now(), visitor.lang());
    let period = Period::parse(&question.period);
    let query = |by| period.query(by, now);
    let by_status = query("status");
    let t = texts::Usage(lang);
    if visitor.wants_json {
        let usage = client.usage_of_api(&id, &by_status).await?;
        let body = json!({"title": t.usage(), "period": period.as_str(), "usage": usage});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (total, operations, plans, applications) = (
        query(""),
        query("operation"),
        query("plan"),
        query("application"),
    );
    let (api, by_status, total, operations, plans, applications) = tokio::try_join!(
        client.api(&id),
        client.usage_of_api(&id, &by_status),
        client.usage_of_api(&id, &total),
        client.usage_of_api(&id, &operations),
        client.usage_of_api(&id, &plans),
        client.usage_of_api(&id, &applications),
    )?;
    let tables = [
        (t.operations(), operations),
        (t.by_plan(), plans),
        (t.by_application(), applications),
    ];
    let page = UsagePage {
        frame: visitor.frame(Entry::Apis).await,
        t,
        api,
        period,
        charts: Charts::new(period, &by_status, &total, None, lang, now),
        tables: tables
            .into_iter()
            .map(|(heading, usage)| {
                let mut rows = usage::rows(&usage, lang);
                rows.truncate(MAX_ROWS);
                (heading, rows)
            })
            .collect(),
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `GET /apis/{api}/usage.csv`
pub async fn download(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let query = Period::parse(&question.period).query("operation", service::clock::now());
    let usage = visitor.client().usage_of_api(&id, &query).await?;
    Ok(csv::file(&format!("usage-{id}.csv"), usage::lines(&usage)))
}
