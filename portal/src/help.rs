//! `/help` and `/help/{topic}`: how to use the portal, with this installation's own addresses. An
//! operator replaces a page by `content/help/<topic>.md`.

mod topic;

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use http::StatusCode;
use sdk::Optional;
use ui::{Entry, Frame, Html, Icon, texts};

use crate::{failure::Failure, markdown, redirect::found, state::App, visitor::Visitor};
use topic::GROUPS;
pub use topic::Topic;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help", get(index))
        .route("/help/{topic}", get(page))
        // A link that old pages had wrong.
        .route(
            "/help/oauth2/implicit_grant",
            get(async || found("/help/oauth2_implicit_grant")),
        )
}

#[derive(Template)]
#[template(path = "help/index.html")]
struct IndexPage {
    frame: Frame,
    t: texts::Help,
}

#[derive(Template)]
#[template(path = "help/page.html")]
struct HelpPage {
    frame: Frame,
    t: texts::Help,
    current: Topic,
    text: Text,
}

/// A page, taken apart at its headings.
struct Text {
    title: String,
    lead: Html,
    sections: Vec<Section>,
}

struct Section {
    /// Anchor.
    id: String,
    title: String,
    body: Html,
}

async fn index(visitor: Visitor) -> Response {
    let page = IndexPage {
        t: texts::Help(visitor.lang()),
        frame: visitor.frame(Entry::Help).await,
    };
    ui::page(StatusCode::OK, &page)
}

async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let topic = Topic::find(&id).ok_or(Failure::NotFound)?;
    let (source, title) = source(&visitor, topic).await?;
    let mut text = Text::new(&source, topic.title(visitor.lang()));
    if let Some(title) = title.filter(|title| !title.is_empty()) {
        text.title = title;
    }
    let page = HelpPage {
        t: texts::Help(visitor.lang()),
        frame: visitor.frame(Entry::Help).await.about(visitor.about(
            &format!("/help/{}", topic.id()),
            &text.title,
            "",
        )),
        current: topic,
        text,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The text of a topic with this installation's values, and the title that an operator gave it.
pub async fn source(visitor: &Visitor, topic: Topic) -> Result<(String, Option<String>), Failure> {
    let own = visitor
        .client()
        .content(&format!("help/{}", topic.id()))
        .await;
    let own = own
        .optional()?
        .filter(|page| page.content_type.starts_with("text/markdown"));
    let source = match &own {
        Some(page) => String::from_utf8_lossy(&page.body).into_owned(),
        None => topic.source(visitor.lang()).to_owned(),
    };
    let title = own.and_then(|page| page.metadata?.title);
    Ok((with_values(&source, visitor), title))
}

/// Puts this installation's values into the examples.
fn with_values(source: &str, visitor: &Visitor) -> String {
    let installation = &visitor.installation;
    source
        .replace("{{header}}", &installation.key_header)
        .replace("{{api}}", &installation.gateway)
        .replace(
            "{{auth}}",
            installation.issuer.as_str().trim_end_matches('/'),
        )
        .replace(
            "{{portal}}",
            installation.external.as_str().trim_end_matches('/'),
        )
}

impl Text {
    /// `# Title`, then what stands before the first `## Heading`, then the sections.
    fn new(source: &str, title: &str) -> Self {
        let mut text = Self {
            title: title.to_owned(),
            lead: Html::default(),
            sections: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut body = String::new();
        let mut in_code = false;
        for line in source.lines() {
            in_code ^= line.trim_start().starts_with("```");
            let found = line.strip_prefix("## ").filter(|_| !in_code);
            if let Some(next) = found {
                text.close(heading.replace(next.trim().to_owned()), &body);
                body.clear();
            } else if let Some(title) = line.strip_prefix("# ").filter(|_| !in_code) {
                title.trim().clone_into(&mut text.title);
            } else {
                body.push_str(line);
                body.push('\n');
            }
        }
        text.close(heading, &body);
        text
    }

    fn close(&mut self, heading: Option<String>, body: &str) {
        let body = markdown::render(body);
        match heading {
            None => self.lead = body,
            Some(title) => {
                let id = anchor(&title, self.sections.len());
                self.sections.push(Section { id, title, body });
            }
        }
    }
}

/// A readable anchor; the number keeps it apart from others.
fn anchor(title: &str, number: usize) -> String {
    let words = title.to_lowercase();
    let words: Vec<String> = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    format!("{}-{}", words.join("-"), number + 1)
}

#[cfg(test)]
mod tests {
    use ui::Lang;

    use super::*;

    #[test]
    fn each_topic_has_a_text_in_both_languages() {
        for topic in Topic::ALL {
            for lang in [Lang::EN, Lang::DE] {
                let text = Text::new(topic.source(lang), "");
                assert!(!text.title.is_empty(), "{}", topic.id());
                let is_empty = text.sections.is_empty() && text.lead.is_empty();
                assert!(!is_empty, "{}", topic.id());
            }
        }
    }

    #[test]
    fn a_comment_in_code_is_no_heading() {
        let text = Text::new("# T\nlead\n## One\n```\n## no heading\n# none\n```\n", "x");
        assert_eq!((text.title.as_str(), text.sections.len()), ("T", 1));
        assert_eq!(text.sections[0].id, "one-1");
    }
}
