//! Headers that tell a browser what our pages never do.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use url::Url;

/// The policy of a page whose forms end at this site or at one of `form_targets`.
///
/// Browsers apply `form-action` to the redirects after a form too, so every origin that a form may
/// lead to has to be named.
pub fn content_security_policy(form_targets: &[Url]) -> HeaderValue {
    content_security_policy_with(form_targets, &[])
}

/// The same for a page that loads scripts and frames of `foreign` origins, too.
pub fn content_security_policy_with(form_targets: &[Url], foreign: &[&str]) -> HeaderValue {
    let mut policy = String::from("default-src 'none'; style-src 'self'; script-src 'self'");
    for origin in foreign {
        policy.push(' ');
        policy.push_str(origin);
    }
    policy.push_str("; img-src 'self' data:; font-src 'self'; connect-src 'self'");
    for origin in foreign {
        policy.push(' ');
        policy.push_str(origin);
    }
    if !foreign.is_empty() {
        policy.push_str("; frame-src ");
        policy.push_str(&foreign.join(" "));
    }
    policy.push_str("; base-uri 'none'; frame-ancestors 'none'; form-action 'self'");
    for target in form_targets {
        policy.push(' ');
        policy.push_str(&source(target));
    }
    // A URL is ASCII without blanks, so this holds for every input.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Origins of web addresses; of native applications (`myapp://…`) the scheme is all a policy can name.
fn source(target: &Url) -> String {
    match target.origin() {
        origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}:", target.scheme()),
    }
}

/// Adds the headers that every response of a service with pages carries. A policy that a handler
/// has set itself stays.
#[must_use]
pub fn harden(mut response: Response, policy: &HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| policy.clone());
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_origins_and_schemes_only() {
        let targets = [
            Url::parse("https://api.example.org/auth/authorize?x=1").unwrap(),
            Url::parse("myapp://callback/path").unwrap(),
        ];
        let policy = content_security_policy(&targets);
        let policy = policy.to_str().unwrap();
        assert!(
            policy.ends_with("form-action 'self' https://api.example.org myapp:"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("frame-src"));
    }

    #[test]
    fn scripts_and_frames_of_others_are_named_one_by_one() {
        let policy = content_security_policy_with(&[], &["https://captcha.example"]);
        let policy = policy.to_str().unwrap();
        for directive in [
            "script-src 'self' https://captcha.example;",
            "frame-src https://captcha.example;",
            "default-src 'none';",
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
    }
}
