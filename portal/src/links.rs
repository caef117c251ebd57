//! Addresses of pages, put together from ids.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a path segment holds as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// An id as a segment of a path.
pub fn segment(id: &str) -> String {
    utf8_percent_encode(id, ESCAPED).to_string()
}

pub fn application(id: &str) -> String {
    format!("/applications/{}", segment(id))
}

pub fn api(id: &str) -> String {
    format!("/apis/{}", segment(id))
}

pub fn user(id: &str) -> String {
    format!("/users/{}", segment(id))
}

pub fn listener(id: &str) -> String {
    format!("/admin/listeners/{}", segment(id))
}

/// `path` with these parameters; those without a value are left out.
pub fn with_query<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(
        parameters
            .into_iter()
            .filter(|(_, value)| !value.is_empty()),
    );
    let query = query.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_within_their_segment() {
        assert_eq!(application("web-shop_1"), "/applications/web-shop_1");
        assert_eq!(user("a/b c?~"), "/users/a%2Fb%20c%3F~");
        assert_eq!(
            with_query("/admin", [("a", ""), ("b", "x y")]),
            "/admin?b=x+y"
        );
        assert_eq!(with_query("/admin", [("a", "")]), "/admin");
    }
}
