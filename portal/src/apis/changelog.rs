//! `/apis/{api}/changelog`, `.atom`: what changed an API, for everybody who sees it (portal-ui 21.4).

use std::fmt::Write;

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{StatusCode, header};
use sdk::{
    template::html,
    types::{Api, configuration::ConfigCommit},
};
use serde::Deserialize;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, texts};

use super::{ApiHead, ApiTab, difference::Compared, guides};
use crate::{failure::Failure, json, links, pager, publish::History, visitor::Visitor};

#[derive(Template)]
#[template(path = "changelog.html")]
struct ChangelogPage {
    frame: Frame,
    t: texts::Publish,
    api: ApiHead,
    history: Html,
    difference: Html,
}

/// Which change is looked at, and which part of the list.
#[derive(Deserialize)]
pub struct Question {
    commit: Option<String>,
    #[serde(flatten)]
    list: pager::Question,
}

async fn read(visitor: &Visitor, id: &str) -> Result<(Api, Vec<ConfigCommit>), Failure> {
    let client = visitor.client();
    let (api, commits) = tokio::try_join!(client.api(id), client.commits_of_api(id))?;
    Ok((api, commits))
}

/// `GET /apis/{api}/changelog?commit=`
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let (api, commits) = read(&visitor, &id).await?;
    let t = texts::Publish(visitor.lang());
    let client = visitor.client();
    let compared = match &question.commit {
        Some(commit) => Some(Compared::read(&client, &id, &commits, commit).await?),
        None => None,
    };
    if visitor.wants_json {
        let mut body = json!({"title": t.changelog_of(&api.name), "changes": commits});
        if let Some(compared) = compared {
            body["definition"] = compared.json();
        }
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (guides, definition) = tokio::try_join!(guides::of(&visitor, &id), async {
        Ok(visitor.app.definitions().get(&client, &id).await?)
    })?;
    let page = ChangelogPage {
        t,
        history: History::html(
            visitor.lang(),
            &id,
            commits,
            &question.list,
            &format!("{}/changelog", links::api(&id)),
        ),
        difference: compared.map_or_else(Html::default, |one| one.html(visitor.lang())),
        api: ApiHead::new(&visitor, &api, definition.as_deref(), !guides.is_empty()),
        frame: visitor.frame(Entry::Apis).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `GET /apis/{api}/changelog.atom`
pub async fn feed(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let (api, commits) = read(&visitor, &id).await?;
    let base = visitor.installation.external.as_str().trim_end_matches('/');
    let url = format!("{base}{}/changelog", links::api(&api.id));
    let title = texts::Publish(visitor.lang()).changelog_of(crate::catalogue::name(&api));
    let feed = atom(&url, &title, &commits);
    let kind = (header::CONTENT_TYPE, "application/atom+xml; charset=utf-8");
    Ok(([kind], feed).into_response())
}

/// RFC 4287.
fn atom(url: &str, title: &str, commits: &[ConfigCommit]) -> String {
    let newest = commits.first().and_then(|commit| at(&commit.date));
    let newest = newest.unwrap_or(DateTime::UNIX_EPOCH);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
         <id>{url}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
         <link rel=\"self\" href=\"{url}.atom\"/>\n<link href=\"{url}\"/>\n",
        escaped(title),
        written(newest),
    );
    for commit in commits {
        let (first, rest) = commit
            .message
            .split_once('\n')
            .unwrap_or((&commit.message, ""));
        let name = commit.author.split('<').next().unwrap_or_default().trim();
        let _ = write!(
            text,
            "<entry>\n<id>{url}#{}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
             <author><name>{}</name></author>\n<link href=\"{url}\"/>\n<content>{}</content>\n</entry>\n",
            escaped(&commit.commit),
            escaped(first),
            written(at(&commit.date).unwrap_or(newest)),
            escaped(name),
            escaped(rest.trim()),
        );
    }
    text.push_str("</feed>\n");
    text
}

fn at(date: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S %z").ok()?;
    Some(at.to_utc())
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Nothing of a text is markup, and nothing is in it that XML cannot say.
fn escaped(text: &str) -> String {
    let can_be_said = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    html::escape(&text.chars().filter(can_be_said).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_carries_messages_and_no_markup_of_theirs() {
        let commit = ConfigCommit {
            commit: "abc".to_owned(),
            author: "Ada <ada@example.org>".to_owned(),
            date: "2026-11-20 10:00:00 +0100".to_owned(),
            message: "<script>&\u{1b}\n\nMore".to_owned(),
        };
        let feed = atom("https://p.example/apis/a/changelog", "A & B", &[commit]);
        for part in [
            "<title>A &amp; B</title>",
            "<title>&lt;script&gt;&amp;</title>",
            "<updated>2026-11-20T09:00:00Z</updated>",
            "<name>Ada</name>",
            "<content>More</content>",
        ] {
            assert!(feed.contains(part), "{feed}");
        }
        assert!(!feed.contains("ada@example.org") && !feed.contains('\u{1b}'));
    }
}
