//! Markdown of operators and API owners, as HTML that can do no harm.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::Builder;
use comrak::{
    Arena, Options,
    nodes::{AstNode, NodeValue},
};
use ui::Html;

use crate::reference::{Language, highlight};

/// Longer texts are cut before they are rendered: parsing them would cost more than they tell.
const MAX: usize = 512 << 10;

/// GitHub's Markdown, sanitised.
pub fn render(source: &str) -> Html {
    static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
        let mut options = Options::default();
        options.extension.autolink = true;
        options.extension.strikethrough = true;
        options.extension.table = true;
        options.extension.tasklist = true;
        options.render.r#unsafe = true; // what comes out is sanitised below
        options
    });
    let arena = Arena::new();
    let document = comrak::parse_document(&arena, cut(source), &OPTIONS);
    below_the_title(document);
    colour(document);
    let mut html = String::new();
    match comrak::format_html(document, &OPTIONS, &mut html) {
        Ok(()) => clean(&html),
        Err(_) => Html::default(), // writing into a string does not fail
    }
}

/// A page has one main heading, and that is not the text's: all its headings move down by one.
fn below_the_title<'a>(document: &'a AstNode<'a>) {
    let level = |node: &'a AstNode<'a>| match node.data.borrow().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    };
    if !document.descendants().any(|node| level(node) == Some(1)) {
        return;
    }
    for node in document.descendants() {
        if let NodeValue::Heading(heading) = &mut node.data.borrow_mut().value {
            heading.level = (heading.level + 1).min(6);
        }
    }
}

/// Code in a language that is known gets its colours.
fn colour<'a>(document: &'a AstNode<'a>) {
    for node in document.descendants() {
        let value = &mut node.data.borrow_mut().value;
        let NodeValue::CodeBlock(block) = value else {
            continue;
        };
        let name = block.info.split_whitespace().next().unwrap_or_default();
        let Some(language) = Language::of_fence(name) else {
            continue;
        };
        let painted = highlight::code(language, block.literal.trim_end());
        *value = NodeValue::Raw(format!("<pre><code>{painted}</code></pre>\n"));
    }
}

/// Plain text of Markdown, for cards and attributes.
pub fn plain(source: &str) -> String {
    text_of(&render(source))
}

/// The words of HTML.
pub fn text_of(html: &Html) -> String {
    let text = Builder::empty().clean(html.as_str()).to_string();
    // ammonia escapes what it leaves; the template will do so again.
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ");
    text.replace("&amp;", "&")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// HTML of an operator without script, style and frames.
pub fn clean(html: &str) -> Html {
    static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let mut builder = Builder::default();
        builder
            .link_rel(Some("noopener noreferrer"))
            .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
            .add_generic_attributes(["lang", "dir"])
            .add_allowed_classes("span", highlight::CLASSES)
            // What scrolls sideways has to be reachable by keyboard.
            .set_tag_attribute_value("pre", "tabindex", "0");
        builder
    });
    Html::trusted(CLEANER.clean(html).to_string())
}

fn cut(source: &str) -> &str {
    let mut end = source.len().min(MAX);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    &source[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_does_not_survive() {
        let html = render(
            "# Hi\n\n<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[a](javascript:alert(1))",
        )
        .to_string();
        assert!(html.contains("<h2>Hi</h2>"), "{html}");
        assert!(
            !html.contains("alert(1)</script>")
                && !html.contains("onerror")
                && !html.contains("javascript:"),
            "{html}"
        );
    }

    #[test]
    fn code_is_coloured_and_nothing_else_gets_a_class() {
        let html = render(
            "```json\n{\"a\": 1, \"b\": \"<x>\"}\n```\n\n```\nplain <b>\n```\n\n<span class=\"button\">x</span>",
        )
        .to_string();
        assert!(html.contains(r#"<span class="tok-k">"a"</span>"#), "{html}");
        assert!(html.contains(r#"<span class="tok-n">1</span>"#), "{html}");
        assert!(
            html.contains("&lt;x&gt;") && html.contains("plain &lt;b&gt;"),
            "{html}"
        );
        assert!(!html.contains("button"), "{html}");
    }

    #[test]
    fn plain_text_has_no_marks() {
        assert_eq!(
            plain("Ships *goods* & <b>more</b>\n\nfast"),
            "Ships goods & more fast"
        );
    }
}
