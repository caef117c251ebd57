//! Markdown of operators and API owners, as HTML that can do no harm.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::Builder;
use comrak::Options;
use ui::Html;

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
    clean(&comrak::markdown_to_html(cut(source), &OPTIONS))
}

/// Plain text of Markdown, for cards and attributes.
pub fn plain(source: &str) -> String {
    let html = render(source);
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
            .add_generic_attributes(["lang", "dir"]);
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
        assert!(html.contains("<h1>Hi</h1>"), "{html}");
        assert!(
            !html.contains("alert(1)</script>")
                && !html.contains("onerror")
                && !html.contains("javascript:"),
            "{html}"
        );
    }

    #[test]
    fn plain_text_has_no_marks() {
        assert_eq!(
            plain("Ships *goods* & <b>more</b>\n\nfast"),
            "Ships goods & more fast"
        );
    }
}
