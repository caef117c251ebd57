//! `/users/me/tokens`: tokens for the person's own programs.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Days, NaiveDate};
use http::StatusCode;
use serde_json::json;
use ui::{Entry, Field, Frame, Html, Icon, Kind, format, texts};

use super::{Part, tabs};
use crate::{
    failure::Failure,
    form::Form,
    json,
    login::OwnToken,
    secret::{self, NewSecret},
    visitor::Visitor,
};

/// The API whose scopes a token has.
const API: &str = "portal-api";
/// Days that a new token lasts, as the form offers them.
const DAYS: [u64; 4] = [7, 30, 90, 365];

#[derive(Template)]
#[template(path = "account/tokens.html")]
struct TokensPage {
    frame: Frame,
    tabs: Html,
    t: texts::Account,
    /// All of them: the auth server keeps at most fifty of a person.
    rows: Vec<Row>,
    /// Id, description, ticked.
    scopes: Vec<(String, String, bool)>,
    name: String,
}

struct Row {
    token: OwnToken,
    expires: String,
    used: String,
}

impl TokensPage {
    fn name_field(&self) -> Field {
        Field {
            value: self.name.clone(),
            hint: Some(self.t.token_name_hint().to_owned()),
            max_length: Some(100),
            autocomplete: "off",
            ..Field::required("name", self.t.token_name())
        }
    }
}

/// `GET /users/me/tokens`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    visitor.require_user()?;
    page(&visitor, None, None).await
}

async fn page(
    visitor: &Visitor,
    form: Option<&Form>,
    fault: Option<(StatusCode, String)>,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let tokens = visitor.app.oauth().tokens_of(&user.tokens.access).await?;
    let t = texts::Account(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.tokens(), "tokens": tokens});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    }
    // Not everybody may look at this API, but everybody may have a token for it.
    let api = match visitor.client().api(API).await {
        Ok(api) => Some(api),
        Err(_) => visitor.app.service().api(API).await.ok(),
    };
    let (lang, now) = (visitor.lang(), service::clock::now());
    let ticked = |id: &str| form.is_some_and(|form| form.all("scope").any(|scope| scope == id));
    let settings = api.and_then(|api| api.settings).unwrap_or_default();
    let mut frame = visitor.frame(Entry::Profile).await;
    let mut status = StatusCode::OK;
    if let Some((refused, text)) = fault {
        status = refused;
        frame = frame.with_message(Kind::Bad, text);
    }
    let page = TokensPage {
        tabs: tabs(visitor, Part::Tokens),
        rows: tokens
            .into_iter()
            .map(|token| Row {
                expires: format::date(lang, token.expires_at.0.date_naive()),
                used: token.last_used_at.map_or_else(
                    || t.not_used().to_owned(),
                    |at| format::ago(lang, at.0, now),
                ),
                token,
            })
            .collect(),
        scopes: settings
            .scopes()
            .map(|(id, text)| (id.to_owned(), text.to_owned(), ticked(id)))
            .collect(),
        name: form
            .map(|form| form.text("name").to_owned())
            .unwrap_or_default(),
        t,
        frame,
    };
    Ok(ui::no_store(ui::page(status, &page)))
}

/// `POST /users/me/tokens`: makes one (`name`, `scope`, `days` or `expires`), or ends `delete`.
pub async fn change(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let t = texts::Account(visitor.lang());
    let oauth = visitor.app.oauth();
    if let Some(id) = form.optional("delete") {
        oauth.end_token(&user.tokens.access, id).await?;
        if visitor.wants_json {
            return Ok(json::done());
        }
        visitor.leave(Kind::Good, t.token_ended());
        return Ok(Redirect::to("/users/me/tokens").into_response());
    }
    let scopes: Vec<&str> = form.all("scope").flat_map(str::split_whitespace).collect();
    let wanted = json!({
        "name": form.text("name"), "scopes": scopes, "expiresAt": end(&form)?,
    });
    let made = match oauth.create_token(&user.tokens.access, &wanted).await {
        Ok(made) => made,
        Err(Failure::BadRequest(text)) if !visitor.wants_json => {
            return page(&visitor, Some(&form), Some((StatusCode::BAD_REQUEST, text))).await;
        }
        Err(failure) => return Err(failure),
    };
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::CREATED, &made));
    }
    let secret = NewSecret {
        title: made.name.clone(),
        lead: t.token_lead().to_owned(),
        crumbs: vec![
            ("/users/me".to_owned(), user.name),
            ("/users/me/tokens".to_owned(), t.tokens().to_owned()),
        ],
        heading: t.tokens().to_owned(),
        promise: texts::Applications(visitor.lang()).fingerprint(),
        parts: made
            .token
            .map(|token| (t.token(), token.expose().to_owned()))
            .into_iter()
            .collect(),
        notes: vec![t.token_use().to_owned()],
        back: "/users/me/tokens".to_owned(),
        entry: Entry::Profile,
        calls: Vec::new(),
    };
    Ok(secret::show(&visitor, secret).await)
}

/// The end of a new token: after some days, or with a day.
fn end(form: &Form) -> Result<String, Failure> {
    let refuse = || Failure::BadRequest("`expires` is a date such as 2027-01-31".to_owned());
    let today = service::clock::now().date_naive();
    let day = if let Some(text) = form.optional("expires") {
        let day = text.get(..10).unwrap_or(text).parse::<NaiveDate>();
        day.map_err(|_| refuse())?
    } else {
        let days = form.text("days").parse().unwrap_or(DAYS[1]);
        today.checked_add_days(Days::new(days)).ok_or_else(refuse)?
    };
    Ok(format!("{day}T00:00:00Z"))
}
