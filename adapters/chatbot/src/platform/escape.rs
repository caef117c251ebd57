//! Making user data harmless: no markup, no mentions, no links of its own.

/// Longest value; names and ids are shorter.
const MAX_VALUE: usize = 300;
/// Invisible; between an at sign and a name it keeps platforms from seeing a mention.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// One line without control characters, in which nobody is mentioned. Addresses stay as they are:
/// an at sign mentions only at the beginning of a word.
pub fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars().take(MAX_VALUE) {
        let c = if c.is_control() || is_layout(c) {
            ' '
        } else {
            c
        };
        result.push(c);
        if c == '@' && !in_word {
            result.push(ZERO_WIDTH_SPACE);
        }
        in_word = c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    }
    result
}

/// Characters that turn the direction of text, and so can make a text look like another, or end a
/// line.
const fn is_layout(c: char) -> bool {
    matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Slack knows three special characters. Without `<` there are no links and no mentions, except for
/// bare addresses.
pub fn slack(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    without_addresses(&text)
}

/// Markdown in all its dialects: a backslash before everything that could begin markup.
pub fn markdown(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*_~`[](){}<>#|!@".contains(c) {
            result.push('\\');
        }
        result.push(c);
    }
    without_addresses(&result)
}

/// Bare addresses would become links without any markup.
fn without_addresses(text: &str) -> String {
    text.replace("://", &format!(":{ZERO_WIDTH_SPACE}//"))
}

/// Rewrites the links of a rendered text, `<https://…|label>`. They come from the template: in user
/// data the angle brackets are escaped.
pub fn links(text: &str, write: impl Fn(&str, &str) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, link) = rest.split_at(start);
        result.push_str(before);
        let parsed = split_unescaped(&link[1..], '>').and_then(|(inside, after)| {
            let (url, label) = inside.split_once('|')?;
            let is_url = url.starts_with("https://") || url.starts_with("http://");
            (is_url && !before.ends_with('\\')).then_some((url, label, after))
        });
        if let Some((url, label, after)) = parsed {
            result.push_str(&write(url, label));
            rest = after;
        } else {
            result.push('<');
            rest = &link[1..];
        }
    }
    result + rest
}

/// Splits at the first `end` that no backslash takes its meaning.
fn split_unescaped(text: &str, end: char) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (place, c) in text.char_indices() {
        if c == end && !is_escaped {
            return Some((&text[..place], &text[place + c.len_utf8()..]));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_neutralised_and_addresses_stay() {
        assert_eq!(plain("@channel hi"), "@\u{200b}channel hi");
        assert_eq!(plain("(@here)"), "(@\u{200b}here)");
        assert_eq!(plain("ada@example.org"), "ada@example.org");
        assert_eq!(plain("a\r\n\u{202e}b"), "a   b");
    }

    #[test]
    fn markup_of_users_is_shown_as_text() {
        assert_eq!(
            slack("<!channel> & <http://evil|bank>"),
            "&lt;!channel&gt; &amp; &lt;http:\u{200b}//evil|bank&gt;"
        );
        assert_eq!(
            markdown("[x](y) **b** `c` #h"),
            r"\[x\]\(y\) \*\*b\*\* \`c\` \#h"
        );
        assert!(!markdown("https://evil.example").contains("://"));
    }

    #[test]
    fn links_of_the_template_get_the_form_of_the_platform() {
        let form = |url: &str, label: &str| format!("[{label}]({url})");
        assert_eq!(
            links("a <https://x.example/y|see> b", form),
            "a [see](https://x.example/y) b"
        );
        assert_eq!(links("1 < 2 <b> <x|y>", form), "1 < 2 <b> <x|y>");
        assert_eq!(
            links(r"<https://x.example/y|a\>b\|c> d", form),
            r"[a\>b\|c](https://x.example/y) d"
        );
        assert_eq!(
            links(r"\<https://evil\|bank\>", form),
            r"\<https://evil\|bank\>"
        );
    }
}
