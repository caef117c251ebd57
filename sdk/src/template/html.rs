//! What templates of mails and pages have to know about HTML.

/// A value as text between or inside of tags, in HTML as well as in XML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Whether a template has a head of its own.
pub fn is_document(source: &str) -> bool {
    let start = source.trim_start().as_bytes();
    ["<!doctype", "<html"].iter().any(|begin| {
        start
            .get(..begin.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_value_is_markup() {
        assert_eq!(
            escape("<a b='c'>&\"é"),
            "&lt;a b=&#39;c&#39;&gt;&amp;&quot;é"
        );
    }

    #[test]
    fn a_document_begins_as_one() {
        assert!(is_document("\n<!DOCTYPE html>…"));
        assert!(is_document("<html lang=en>"));
        assert!(!is_document("<p>é</p>"));
    }
}
