//! `GET /login`: straight on where there is one way to log in, else a page to choose.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use ui::{Entry, Frame, Icon, cookie, local_path, texts};

use super::{Attempt, Method, routes::callback_url};
use crate::{redirect::found, visitor::Visitor};

/// Remembers a way to log in that is not offered to everybody.
const COOKIE: &str = "wicked_auth_method";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

#[derive(Deserialize)]
pub struct Begin {
    redirect: Option<String>,
    auth_method: Option<String>,
    prompt: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct ChoicePage {
    frame: Frame,
    t: texts::Login,
    ways: Vec<Way>,
    /// Where the person wanted to go; nothing for the start page.
    target: Option<String>,
    /// There are ways that are not on the page.
    has_others: bool,
}

/// A button.
struct Way {
    label: String,
    url: String,
    icon: Icon,
}

/// `GET /login`
pub async fn begin(visitor: Visitor, Query(begin): Query<Begin>, headers: HeaderMap) -> Response {
    let again = begin.prompt.as_deref() == Some("login");
    let user = visitor.user();
    if user.is_some() && !again {
        return found("/");
    }
    let methods = &visitor.installation.methods;
    let known = |name: &&str| methods.iter().any(|method| method.name == **name);
    let asked = begin.auth_method.as_deref().filter(known);
    let remembered = cookie(&headers, COOKIE).filter(known);
    let named = asked.or(remembered);
    let offered: Vec<&Method> = methods
        .iter()
        .filter(|method| !method.is_protected || named == Some(&method.name))
        .collect();

    let redirect = begin.redirect.as_deref().and_then(local_path);
    let target = redirect.unwrap_or("/");
    let prompt = begin.prompt.as_deref();
    let prompt = prompt.filter(|prompt| matches!(*prompt, "create" | "login"));
    let now = service::clock::now();
    let mut attempt = Attempt::new(target, now);
    visitor.app.oauth().mark().clone_into(&mut attempt.client);
    let url = |method: &Method| {
        visitor.app.oauth().authorize_url(
            &visitor.installation.issuer,
            &callback_url(&visitor),
            &attempt,
            &method.name,
            prompt,
        )
    };
    // Who is logged in shows it again in the same way.
    let own = user.filter(|_| again);
    let own = own.and_then(|user| methods.iter().find(|method| method.name == user.method));
    let one = match (own, methods.as_slice()) {
        (Some(own), _) => Some(own),
        (None, [only]) => Some(only),
        _ => None,
    };
    let mut response = if let Some(only) = one {
        let url = url(only);
        visitor.open_session(|session| session.begin(attempt, now));
        found(url.as_str())
    } else {
        let ways = offered.iter().map(|method| Way {
            label: method.label.clone(),
            url: url(method).into(),
            icon: icon(&method.kind),
        });
        let ways = ways.collect();
        visitor.open_session(|session| session.begin(attempt, now));
        let page = ChoicePage {
            t: texts::Login(visitor.lang()),
            ways,
            target: redirect.filter(|path| *path != "/").map(str::to_owned),
            has_others: offered.len() < methods.len(),
            frame: visitor.frame(Entry::None).await,
        };
        ui::no_store(ui::page(StatusCode::OK, &page))
    };
    if let Some(cookie) = remember(asked, &headers, visitor.installation.secure()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A way that was asked for is remembered, and forgotten when none is.
fn remember(asked: Option<&str>, headers: &HeaderMap, secure: bool) -> Option<HeaderValue> {
    let (value, age) = match asked {
        Some(name) => (name, YEAR_SECONDS),
        None => cookie(headers, COOKIE).map(|_| ("", 0))?,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !value.chars().all(plain) {
        return None;
    }
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/login; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// A mark for each kind of account.
fn icon(kind: &str) -> Icon {
    match kind {
        "local" => Icon::Mail,
        "ldap" | "adfs" => Icon::Users,
        "external" => Icon::External,
        _ => Icon::IdentityProvider,
    }
}
