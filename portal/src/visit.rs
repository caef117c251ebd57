//! The layer around every page: session in, session out, failures into pages, safe headers.

use askama::Template;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use sdk::Auth;
use service::http::current_correlation_id;
use ui::{Entry, Html, Preferences, security};

use crate::{
    access::Line,
    content,
    failure::Failure,
    host::{self, Elsewhere},
    json,
    login::{self, Renewal},
    plain,
    redirect::found,
    session::{self, Jar, Session, SessionUser},
    state::App,
    visitor::Visitor,
};

/// Answers, and writes a line about it.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let line = Line::of(&request);
    let mut user = None;
    let response = visit(app, request, next, &mut user).await;
    line.write(user.as_ref(), response)
}

async fn visit(
    app: App,
    mut request: Request,
    next: Next,
    user: &mut Option<SessionUser>,
) -> Response {
    let Some(installation) = app.installation() else {
        return waiting(app.awaited().unwrap_or_default());
    };
    let headers = request.headers().clone();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |text| text.as_str());
    let preferences = Preferences::of(installation.languages, &headers, path);
    let wants_json = json::is_wanted(&headers);
    match host::elsewhere(&installation, &request) {
        Some(Elsewhere::Moved(response)) => return response,
        Some(Elsewhere::Refused(failure)) => {
            let policy = installation.policy(false).clone();
            let guest = Visitor::new(app, installation, preferences, None, wants_json);
            let response = failure.respond(guest.frame_with(Entry::None, 0), id(), wants_json);
            return security::harden(response, &policy);
        }
        None => {}
    }
    let jar = Jar {
        secure: installation.secure(),
    };
    // What everybody may keep must not come with somebody's session.
    let shown = bearer(&headers);
    let is_kept = shown.is_none() && !content::is_file(request.uri().path());
    let now = service::clock::now();
    let before = is_kept
        .then(|| {
            let limit = app.settings().session_limit;
            session::read(jar, app.cookie_key(), &headers, now, limit)
        })
        .flatten();
    let (session, refused) = match shown {
        Some(token) => match app.personal().person(&app, token).await {
            Ok(user) => (Some(Session::of(user, now)), None),
            Err(failure) => (None, Some(failure)),
        },
        None => (keep_alive(&app, before.clone()).await, None),
    };
    let mut visitor = Visitor::new(
        app.clone(),
        installation.clone(),
        preferences,
        session,
        wants_json,
    );
    visitor.by_token = shown.is_some();
    *user = visitor.user();
    request.extensions_mut().insert(visitor.clone());

    let plain = plain::asked(&request).filter(|_| !wants_json);
    let plain = match &plain {
        Some(path) if refused.is_none() => plain::page(&visitor, path).await,
        _ => None,
    };
    let response = match (refused, plain) {
        (Some(failure), _) | (None, Some(Err(failure))) => failure.into_response(),
        (None, Some(Ok(text))) => plain::answer(text),
        (None, None) => next.run(request).await,
    };
    let failure = response.extensions().get::<Failure>().cloned();
    let response = match failure {
        Some(failure) => answer(&failure, &visitor),
        None => response,
    };
    let is_guest = visitor.user().is_none();
    let script = installation.site.counting(&visitor.preferences, is_guest);
    let counts_visit = script.is_some();
    let after = visitor.session(Option::take);
    let response = if is_kept {
        remember(response, &app, jar, &headers, before.as_ref(), after)
    } else {
        response
    };
    security::harden(response, installation.policy(counts_visit))
}

/// What a program shows in place of a session.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Moves the idle limit and renews tokens; a person whose tokens ended is a guest again.
async fn keep_alive(app: &App, session: Option<Session>) -> Option<Session> {
    let now = service::clock::now();
    let mut session = session?;
    session.touch(now);
    if let Some(user) = &mut session.user {
        match login::renew(app, &user.tokens, now).await {
            Renewal::NotDue => {}
            Renewal::Renewed(tokens) => {
                user.tokens = tokens;
                read_rights(app, user).await;
            }
            Renewal::Ended => session.user = None,
        }
    }
    Some(session)
}

/// Groups change; what they allow is looked up as often as tokens are renewed.
async fn read_rights(app: &App, user: &mut SessionUser) {
    let own = app
        .service()
        .with_auth(Auth::Bearer(user.tokens.access.clone()));
    match own.user(&user.id).await {
        Ok(now) => {
            (user.admin, user.approver) = (now.admin, now.approver);
            user.publisher = login::may_publish(&own, &now).await;
        }
        // The page's own calls say what is the matter.
        Err(error) => tracing::debug!("the rights of a person are those of before: {error}"),
    }
}

/// A failure as a page, or as a trip to log-in where that helps.
fn answer(failure: &Failure, visitor: &Visitor) -> Response {
    failure.log();
    if failure.status() == StatusCode::PRECONDITION_REQUIRED {
        visitor.app.is_outdated();
    }
    let as_json = visitor.wants_json;
    let refused = failure.status() == StatusCode::UNAUTHORIZED && visitor.user().is_some();
    if refused {
        // The auth server has ended the session, or its keys were replaced.
        visitor.session(|session| *session = None);
    }
    if let Failure::FreshLoginNeeded(target) = failure
        && !as_json
    {
        return found(&login::anew(target));
    }
    let leads_to_login = failure.wants_login() && !visitor.by_token;
    if leads_to_login && visitor.user().is_none() && !as_json {
        return found(&login::url(&visitor.preferences.here));
    }
    failure.respond(visitor.frame_with(Entry::None, 0), id(), as_json)
}

fn id() -> String {
    current_correlation_id().unwrap_or_default()
}

/// Writes the session if it changed, and removes one that cannot be used any more.
fn remember(
    mut response: Response,
    app: &App,
    jar: Jar,
    had: &HeaderMap,
    before: Option<&Session>,
    after: Option<Session>,
) -> Response {
    let cookies = match after {
        Some(mut session) if Some(&session) != before => {
            jar.write(app.cookie_key(), &mut session, had)
        }
        Some(_) => Vec::new(),
        None => jar.clear(had),
    };
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Before the configuration is there: a page that needs nothing, not even a style sheet.
#[derive(Template)]
#[template(
    source = r#"<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="2"><title>Starting</title><h1>The portal is starting</h1><p>It waits for its configuration and shows itself as soon as that is there.</p>{% if !reason.is_empty() %}<p>State: {{ reason }}</p>{% endif %}"#,
    ext = "html"
)]
struct Waiting {
    reason: String,
}

fn waiting(reason: String) -> Response {
    let page = Html::of(&Waiting { reason });
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::RETRY_AFTER, "2"),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, page.to_string()).into_response()
}
