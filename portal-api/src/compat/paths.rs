//! Addresses as old clients write them: a slash at the end is tolerated, and the words of an address
//! are matched without regard to case (portal-api 3.1). Ids stay as they are.

use std::sync::LazyLock;

use http::{Uri, uri::PathAndQuery};

use crate::openapi;

/// The address as the routes know it, if it is written in another way.
pub fn mended(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    let folded = if has_capitals(trimmed) {
        fold(trimmed)
    } else {
        None
    };
    if trimmed.is_empty() || (folded.is_none() && trimmed.len() == path.len()) {
        return None;
    }
    let path = folded.as_deref().unwrap_or(trimmed);
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// Most addresses have none, and are done with at once. `/randomId` has one of its own.
fn has_capitals(path: &str) -> bool {
    path.bytes().any(|byte| byte.is_ascii_uppercase()) && path != "/randomId"
}

/// The words of all addresses by position; parameters are `None`.
static TEMPLATES: LazyLock<Vec<Vec<Option<&'static str>>>> = LazyLock::new(|| {
    let word = |segment: &'static str| (!segment.starts_with('{')).then_some(segment);
    openapi::addresses()
        .map(|path| path.split('/').skip(1).map(word).collect())
        .collect()
});

/// `path` with the words spelled as in the address that it fits best, which is the one with the
/// most words.
fn fold(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let best = TEMPLATES
        .iter()
        .filter(|template| fits(template, &segments))
        .max_by_key(|template| template.iter().flatten().count())?;
    let mut folded = String::with_capacity(path.len());
    for (index, segment) in segments.iter().enumerate() {
        folded.push('/');
        folded.push_str(best.get(index).copied().flatten().unwrap_or(segment));
    }
    (folded != path).then_some(folded)
}

fn fits(template: &[Option<&str>], segments: &[&str]) -> bool {
    // `/content/{*path}` takes as many segments as there are.
    let takes_rest = template.first() == Some(&Some("content")) && template.last() == Some(&None);
    let fits_length = template.len() == segments.len() || (takes_rest && segments.len() > 1);
    fits_length
        && template
            .iter()
            .zip(segments)
            .all(|(word, segment)| word.is_none_or(|word| word.eq_ignore_ascii_case(segment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_ids_are_not() {
        let mend = |text: &str| mended(&text.parse().unwrap()).map(|uri| uri.to_string());
        for (written, known) in [
            ("/users/?a=B", Some("/users?a=B")),
            ("/users", None),
            ("/", None),
            ("/USERS/Ada", Some("/users/Ada")),
            ("/users/Ada", None),
            ("/Users/Machine/", Some("/users/machine")),
            ("/randomID", Some("/randomId")),
            (
                "/Applications/A/Subscriptions/B",
                Some("/applications/A/subscriptions/B"),
            ),
            ("/Content/Images/Logo.png", Some("/content/Images/Logo.png")),
            ("/content/TOC", Some("/content/toc")),
            ("/Nowhere", None),
        ] {
            assert_eq!(mend(written).as_deref(), known, "{written}");
        }
    }
}
