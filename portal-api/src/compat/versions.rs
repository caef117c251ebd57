//! The version checks that make components restart after a change of the configuration
//! (portal-api 3.4).

use axum::extract::Request;
use http::{HeaderMap, StatusCode, header};
use service::problem::Problem;

use crate::AppState;

/// 428 for components that work with an old configuration or are newer than this service
/// (portal-api 3.4). `/ping` and `/confighash` are how they find out, so these stay open.
pub fn check(state: &AppState, request: &Request) -> Option<Problem> {
    if matches!(request.uri().path(), "/ping" | "/confighash") {
        return None;
    }
    let headers = request.headers();
    outdated(headers, state).or_else(|| newer(headers))
}

fn outdated(headers: &HeaderMap, state: &AppState) -> Option<Problem> {
    let sent = headers.get("x-config-hash")?;
    if state.in_force.accepts(sent.as_bytes()) {
        return None;
    }
    Some(Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "configuration-changed",
        "The configuration has changed. Fetch it again and repeat the call.",
    ))
}

fn newer(headers: &HeaderMap) -> Option<Problem> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let (name, version) = agent.split_once('/')?;
    if !name.starts_with("wicked") {
        return None;
    }
    let ours = semver::Version::parse(service::VERSION).expect("our own version is semantic");
    let accepted = semver::Version::parse(version.trim()).is_ok_and(|theirs| theirs <= ours);
    (!accepted).then(|| {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "client-too-new",
            format!("This client does not fit portal-api {ours}; update portal-api first."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_of_wicked_pass_unless_they_are_newer() {
        let check = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            newer(&headers).is_none()
        };
        assert!(check("wicked.portal/1.0.0-rc.14"));
        assert!(check("curl/99.0"));
        assert!(!check("wicked.portal/99.0.0"));
        assert!(!check("wicked.portal/latest"));
    }
}
