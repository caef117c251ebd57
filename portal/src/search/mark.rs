//! Texts with the words in them that were found.

use std::{collections::HashSet, fmt::Write as _};

use askama::filters::{Html as Escaper, escape};
use ui::Html;

use super::words::{self, spans};

/// The text, escaped, with marks around words of `terms`.
pub fn marked(text: &str, terms: &HashSet<String>) -> Html {
    let mut out = String::with_capacity(text.len() + 64);
    let plain = |out: &mut String, text: &str| {
        let Ok(safe) = escape(text, Escaper);
        let _ = write!(out, "{safe}");
    };
    let mut end = 0;
    for (from, to) in spans(text) {
        let word = &text[from..to];
        let is_found = words::words(word).iter().any(|part| terms.contains(part));
        plain(&mut out, &text[end..from]);
        if is_found {
            out.push_str("<mark>");
        }
        plain(&mut out, word);
        if is_found {
            out.push_str("</mark>");
        }
        end = to;
    }
    plain(&mut out, &text[end..]);
    Html::trusted(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_do_not_open_the_text() {
        let terms = HashSet::from(["b".to_owned(), "orders".to_owned()]);
        assert_eq!(
            marked("a <b> listOrders", &terms).to_string(),
            "a &#60;<mark>b</mark>&#62; <mark>listOrders</mark>"
        );
    }
}
