//! Lists, content pages and help as Markdown.

use std::fmt::Write as _;

use sdk::types::Api;
use ui::texts;

use super::{address, api, line};
use crate::{
    catalogue::name,
    failure::Failure,
    help::{self, Topic},
    links, markdown,
    visitor::Visitor,
};

/// `llms-full.txt` has that many APIs and letters; the rest is in their own files.
const MAX_APIS: usize = 100;
const MAX_LETTERS: usize = 2 << 20;

/// `/apis`
pub async fn apis(visitor: &Visitor) -> Result<String, Failure> {
    let apis = visitor.client().apis().await?.apis;
    let mut text = format!("# {}\n\n", texts::Catalogue(visitor.lang()).title());
    entries(&mut text, visitor, &apis);
    Ok(text)
}

fn entries(text: &mut String, visitor: &Visitor, apis: &[Api]) {
    for api in apis {
        let url = address(visitor, &format!("{}.md", links::api(&api.id)));
        let desc = line(&markdown::plain(&api.desc));
        let colon = if desc.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "- [{}]({url}){colon}{desc}", name(api));
    }
}

/// `/content/toc`
pub async fn toc(visitor: &Visitor) -> Result<String, Failure> {
    let entries = visitor.client().content_toc().await?;
    let mut text = format!("# {}\n\n", texts::Content(visitor.lang()).toc());
    for entry in entries {
        let url = address(visitor, &format!("{}.md", entry.url));
        let _ = writeln!(text, "- [{}]({url})", line(&entry.title));
    }
    Ok(text)
}

/// A page of the operator's, as it was written.
pub async fn content(visitor: &Visitor, path: &str) -> Result<String, Failure> {
    let page = visitor.client().content(path).await?;
    if !page.content_type.starts_with("text/markdown") {
        return Err(Failure::NotFound);
    }
    let source = String::from_utf8_lossy(&page.body).into_owned();
    let title = page.metadata.and_then(|metadata| metadata.title);
    Ok(titled(title, source))
}

/// With its title on top, unless it begins with one.
pub fn titled(title: Option<String>, source: String) -> String {
    match title.filter(|_| !source.trim_start().starts_with("# ")) {
        Some(title) if !title.is_empty() => format!("# {title}\n\n{source}"),
        _ => source,
    }
}

/// `/help`
pub fn help_index(visitor: &Visitor) -> String {
    let mut text = format!("# {}\n\n", texts::Help(visitor.lang()).title());
    for topic in Topic::ALL {
        let url = address(visitor, &format!("/help/{}.md", topic.id()));
        let _ = writeln!(text, "- [{}]({url})", topic.title(visitor.lang()));
    }
    text
}

/// `/help/{topic}`
pub async fn help(visitor: &Visitor, topic: &str) -> Result<String, Failure> {
    let topic = Topic::find(topic).ok_or(Failure::NotFound)?;
    let (source, _) = help::source(visitor, topic).await?;
    Ok(source)
}

/// `/llms.txt`: what there is, and where it can be read.
pub async fn llms(visitor: &Visitor) -> Result<String, Failure> {
    let site = &visitor.installation.site;
    let client = visitor.client();
    let (apis, toc) = tokio::try_join!(client.apis(), client.content_toc())?;
    let mut text = format!(
        "# {}\n\n> APIs of {}: what they do, how they are called, and how one gets access. \
         Every page is Markdown at its address with `.md` behind it. \
         POST {} speaks the Model Context Protocol.\n\n## APIs\n\n",
        site.title,
        site.company,
        address(visitor, "/mcp"),
    );
    entries(&mut text, visitor, &apis.apis);
    text.push_str("\n## Pages\n\n");
    for entry in toc.iter().filter(|entry| entry.category == "content") {
        let url = address(visitor, &format!("{}.md", entry.url));
        let _ = writeln!(text, "- [{}]({url})", line(&entry.title));
    }
    text.push_str("\n## Help\n\n");
    for topic in Topic::ALL {
        let url = address(visitor, &format!("/help/{}.md", topic.id()));
        let _ = writeln!(text, "- [{}]({url})", topic.title(visitor.lang()));
    }
    let full = address(visitor, "/llms-full.txt");
    let _ = write!(
        text,
        "\n## Optional\n\n- [Everything about the APIs in one file]({full})\n"
    );
    Ok(text)
}

/// `/llms-full.txt`: the texts of all APIs.
pub async fn llms_full(visitor: &Visitor) -> Result<String, Failure> {
    let apis = visitor.client().apis().await?.apis;
    let mut text = format!("# {}\n\n", visitor.installation.site.title);
    for api in apis.iter().take(MAX_APIS) {
        let one = api::everything(visitor, api).await?;
        if text.len() + one.len() > MAX_LETTERS {
            break;
        }
        text.push_str(&one);
        text.push_str("\n\n");
    }
    Ok(text)
}
