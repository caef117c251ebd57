//! What is special about HTML.

/// The text of a mail that has only HTML: without tags, with links written out.
pub fn to_text(html: &str) -> String {
    let mut text = String::new();
    let mut link: Option<String> = None;
    let mut rest = without(&without(html, "style"), "head");
    while let Some((before, after)) = rest.split_once('<') {
        push_words(&mut text, before);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name: String = tag
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
            .collect();
        match name.to_ascii_lowercase().as_str() {
            "a" => link = attribute(tag, "href"),
            "/a" => {
                if let Some(address) = link.take()
                    && !text.ends_with(&address)
                {
                    text.push_str(": ");
                    text.push_str(&address);
                }
            }
            "br" | "br/" | "/tr" | "/li" | "/div" => text.push('\n'),
            "/p" | "/h1" | "/h2" | "/h3" | "/table" | "/ul" | "/ol" => text.push_str("\n\n"),
            "li" => text.push_str("- "),
            "/td" | "/th" => text.push(' '),
            _ => {}
        }
        rest = after.to_owned();
    }
    push_words(&mut text, &rest);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let text = lines.join("\n");
    let mut tidy = text.trim().to_owned();
    while tidy.contains("\n\n\n") {
        tidy = tidy.replace("\n\n\n", "\n\n");
    }
    tidy + "\n"
}

/// Appends text with its white space folded and its entities read.
fn push_words(text: &mut String, source: &str) {
    let starts_apart = source.starts_with(char::is_whitespace);
    let words: Vec<&str> = source.split_whitespace().collect();
    let is_apart = |text: &str| text.is_empty() || text.ends_with([' ', '\n']);
    if starts_apart && !is_apart(text) {
        text.push(' ');
    }
    text.push_str(&unescape(&words.join(" ")));
    if source.ends_with(char::is_whitespace) && !is_apart(text) {
        text.push(' ');
    }
}

fn unescape(text: &str) -> String {
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(unescape(value))
}

/// The source without the elements of that name.
fn without(html: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    let mut result = String::new();
    let mut rest = html;
    while let Some((before, inside)) = rest.split_once(&open) {
        result.push_str(before);
        rest = inside.split_once(&close).map_or("", |(_, after)| after);
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_of_html() {
        let html = "<html><head><style>p { }</style><title>T</title></head><body>\n<h1>Hello\n Ada</h1>\
                    <p>Open <a href=\"https://x.example/?a=1&amp;b=2\">this</a> &lt;now&gt;.</p>\
                    <ul><li>one</li><li>two</li></ul></body></html>";
        assert_eq!(
            to_text(html),
            "Hello Ada\n\nOpen this: https://x.example/?a=1&b=2 <now>.\n\n- one\n- two\n"
        );
    }
}
