//! What changed an API, and who did it.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use sdk::types::configuration::ConfigCommit;
use ui::{Html, Lang, format, texts};

use super::shell::{Opened, Tab};
use crate::{
    failure::Failure,
    links,
    pager::{Question, Shown},
    visitor::Visitor,
};

/// Commits, newest first.
#[derive(Template)]
#[template(path = "publish/history.html")]
pub struct History {
    t: texts::Publish,
    /// The page that shows what a commit did.
    page: String,
    commits: Vec<ConfigCommit>,
    pager: Html,
}

/// Commits of one page. portal-api tells the newest two hundred of an API.
const PAGE_SIZE: usize = 20;

impl History {
    /// The part of an API's commits that is asked for, on the page with the address `here`.
    pub fn html(
        lang: Lang,
        api: &str,
        mut commits: Vec<ConfigCommit>,
        question: &Question,
        here: &str,
    ) -> Html {
        let t = texts::Publish(lang);
        let shown = Shown::cut(&mut commits, question.page(), PAGE_SIZE);
        Html::of(&Self {
            t,
            pager: shown.pager(lang, t.history(), |page| question.url(here, &[], page)),
            page: format!("{}/changelog", links::api(api)),
            commits,
        })
    }

    fn short<'a>(&self, commit: &'a ConfigCommit) -> &'a str {
        commit.commit.get(..7).unwrap_or(&commit.commit)
    }

    fn url(&self, commit: &ConfigCommit) -> String {
        links::with_query(&self.page, [("commit", commit.commit.as_str())]) + "#difference"
    }

    fn title<'a>(&self, commit: &'a ConfigCommit) -> &'a str {
        commit.message.lines().next().unwrap_or_default()
    }

    /// The rest of the message, without the lines that name people.
    fn body(&self, commit: &ConfigCommit) -> String {
        let lines = commit.message.lines().skip(1);
        let own = lines.filter(|line| !line.contains("-by: "));
        own.collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    fn author<'a>(&self, commit: &'a ConfigCommit) -> &'a str {
        commit.author.split('<').next().unwrap_or_default().trim()
    }

    fn date(&self, commit: &ConfigCommit) -> String {
        date(self.t.0, &commit.date)
    }
}

/// A day and time out of what git says.
pub fn date(lang: Lang, text: &str) -> String {
    let at = chrono::DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z");
    let at = at.or_else(|_| chrono::DateTime::parse_from_rfc3339(text));
    at.map_or_else(|_| text.to_owned(), |at| format::moment(lang, at.to_utc()))
}

/// `GET /publish/apis/{api}/history`
pub async fn show(
    visitor: Visitor,
    path: Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let opened = Opened::new(&visitor, path).await?;
    let commits = opened.desk.client.commits_of_api(&opened.api).await?;
    if visitor.wants_json {
        let body = serde_json::json!({"title": opened.entry["name"], "commits": commits});
        return Ok(crate::json::answer(&visitor, http::StatusCode::OK, &body));
    }
    let here = Tab::History.url(&opened.api);
    let below = History::html(visitor.lang(), &opened.api, commits, &question, &here);
    opened.page(&visitor, Tab::History, Vec::new(), below).await
}
