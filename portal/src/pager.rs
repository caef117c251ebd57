//! Long lists: which part of one the address asks for, and the way to its other parts.

use askama::Template;
use serde::Deserialize;
use ui::{Html, Lang, format, texts};

use crate::links;

/// Pages further on are not asked for.
const MAX_PAGE: usize = 1_000_000;
/// A search is no longer.
const MAX_TEXT: usize = 200;

/// Which part of a list is asked for. What cannot be read counts as not given: old bookmarks have
/// all kinds of parameters.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Question {
    #[serde(default)]
    q: String,
    #[serde(rename = "pageIndex", default)]
    page: String,
}

impl Question {
    /// What is searched for.
    pub fn text(&self) -> String {
        self.q.trim().chars().take(MAX_TEXT).collect()
    }

    /// From 1; nothing if none is named.
    pub fn page(&self) -> Option<usize> {
        let page: Option<usize> = self.page.parse().ok();
        page.map(|page| page.clamp(1, MAX_PAGE))
    }

    /// Whether the page offers a search: the list is long, or is searched already.
    pub fn has_search(&self, shown: Shown) -> bool {
        shown.pages > 1 || !self.q.trim().is_empty()
    }

    /// The address of a page of the list at `path`, which has these parameters of its own.
    pub fn url(&self, path: &str, own: &[(&str, &str)], page: usize) -> String {
        let (text, number) = (self.text(), page.to_string());
        let own = own.iter().copied();
        links::with_query(
            path,
            own.chain([("q", text.as_str()), ("pageIndex", number.as_str())]),
        )
    }
}

/// What of a list is on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// From 1.
    page: usize,
    pages: usize,
    matching: usize,
    size: usize,
    rows: usize,
}

impl Shown {
    /// Leaves in `all` what is on a page of this size: the one with this number, or the nearest.
    pub fn cut<T>(all: &mut Vec<T>, page: Option<usize>, size: usize) -> Self {
        let matching = all.len();
        let page = page.unwrap_or(1).clamp(1, matching.div_ceil(size).max(1));
        all.drain(..(page - 1) * size);
        all.truncate(size);
        Self::of(page, size, all.len(), matching as u64)
    }

    /// A page of this size that portal-api has cut, with so many rows on it.
    pub fn of(page: usize, size: usize, rows: usize, matching: u64) -> Self {
        let matching = usize::try_from(matching).unwrap_or(usize::MAX);
        Self {
            page,
            pages: matching.div_ceil(size).max(1),
            matching,
            size,
            rows,
        }
    }

    /// The way to the other pages of the list called `label`; nothing if there are none.
    pub fn pager(self, lang: Lang, label: &str, url_of: impl Fn(usize) -> String) -> Html {
        if self.pages > 1 {
            self.pager_always(lang, label, url_of)
        } else {
            Html::default()
        }
    }

    /// The same, also for a single page, to say how many rows there are.
    pub fn pager_always(self, lang: Lang, label: &str, url_of: impl Fn(usize) -> String) -> Html {
        let before = (self.page > 1).then(|| (self.page - 1).min(self.pages));
        let after = (self.page < self.pages).then(|| self.page + 1);
        Html::of(&Pager {
            t: texts::Shared(lang),
            label,
            shown: self,
            previous: before.map(&url_of),
            next: after.map(&url_of),
        })
    }
}

#[derive(Template)]
#[template(path = "pager.html")]
struct Pager<'a> {
    t: texts::Shared,
    label: &'a str,
    shown: Shown,
    previous: Option<String>,
    next: Option<String>,
}

impl Pager<'_> {
    fn range(&self) -> String {
        let before = (self.shown.page - 1) * self.shown.size;
        let number = |value: usize| format::number(self.t.0, value as u64);
        let (first, last) = (number(before + 1), number(before + self.shown.rows));
        self.t.range(first, last, number(self.shown.matching))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(rows: usize, page: Option<usize>) -> (Vec<usize>, String) {
        let mut all = (1..=rows).collect();
        let shown = Shown::cut(&mut all, page, 10);
        let question = Question {
            q: " a&b ".to_owned(),
            page: String::new(),
        };
        let pager = shown.pager(Lang::EN, "Things", |page| {
            question.url("/things", &[("of", "x"), ("none", "")], page)
        });
        (all, pager.to_string())
    }

    #[test]
    fn a_list_that_fits_has_no_pager() {
        let (all, pager) = cut(10, Some(7));
        assert_eq!((all.len(), pager.as_str()), (10, ""));
        assert_eq!(cut(0, None), (Vec::new(), String::new()));
    }

    #[test]
    fn the_way_leads_to_the_neighbours_and_keeps_the_search() {
        let (all, pager) = cut(2_025, Some(2));
        assert_eq!((all[0], all.len()), (11, 10));
        assert!(pager.contains("11–20 of 2,025"), "{pager}");
        for (rel, page) in [("prev", 1), ("next", 3)] {
            let link =
                format!("rel=\"{rel}\" href=\"/things?of=x&#38;q=a%26b&#38;pageIndex={page}\"");
            assert!(pager.contains(&link), "{pager}");
        }
    }

    #[test]
    fn the_last_page_is_short_and_ends_the_way() {
        let (all, pager) = cut(25, Some(99));
        assert_eq!(all, [21, 22, 23, 24, 25]);
        assert!(pager.contains("21–25 of 25") && !pager.contains("rel=\"next\""));
    }

    #[test]
    fn a_number_that_is_none_asks_for_the_first_page() {
        let asked = |page: &str| Question {
            q: String::new(),
            page: page.to_owned(),
        };
        for (text, page) in [
            ("", None),
            ("x", None),
            ("-1", None),
            ("0", Some(1)),
            ("3", Some(3)),
        ] {
            assert_eq!(asked(text).page(), page, "{text}");
        }
        assert_eq!(asked("99999999999").page(), Some(MAX_PAGE));
    }
}
