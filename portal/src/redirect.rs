//! Redirects with the status that old clients of these addresses know.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};

use crate::{failure::Failure, visitor::Visitor};

/// 302 to an address of our own making.
pub fn found(target: &str) -> Response {
    match HeaderValue::try_from(target) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// An address that takes forms only was opened by a browser, say after a log-in on the way: the page
/// with the form is meant.
pub async fn back_to_form(visitor: Visitor, method: Method, uri: Uri) -> Result<Response, Failure> {
    let page = page_of(uri.path()).filter(|_| method == Method::GET && !visitor.wants_json);
    page.map(|page| found(&page))
        .ok_or(Failure::MethodNotAllowed)
}

/// The page that has the form for an address.
fn page_of(path: &str) -> Option<String> {
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let (first, second, rest) = (parts.next()?, parts.next()?, parts.next());
    match (first, second, rest) {
        ("applications", "register" | "check-app", None) => Some("/applications".to_owned()),
        ("applications" | "users" | "admin", _, Some(_)) => Some(format!("/{first}/{second}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_on_the_page_of_their_thing() {
        for (form, page) in [
            ("/applications/register", Some("/applications")),
            ("/applications/shop/owners/add", Some("/applications/shop")),
            ("/admin/approvals/approve", Some("/admin/approvals")),
            ("/kill", None),
            ("/applications", None),
        ] {
            assert_eq!(page_of(form).as_deref(), page, "{form}");
        }
    }
}
