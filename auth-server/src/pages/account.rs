//! The own account: sessions and personal access tokens.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use ui::{Field, Frame, Html, Icon, format};

use crate::{personal::PersonalToken, sessions::OwnSession};

use super::{Common, Page, Shell};

/// Where somebody is logged in.
#[derive(Template, Serialize)]
#[template(path = "account_sessions.html")]
#[serde(rename_all = "camelCase")]
pub struct AccountSessionsPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(flatten)]
    common: Common,
    sessions: Vec<SessionRow>,
    /// Whether something was ended just now; absent if nothing was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionRow {
    id: String,
    agent: Option<String>,
    address: Option<String>,
    since: String,
    seen: String,
    current: bool,
}

impl AccountSessionsPage {
    pub fn new(
        shell: Shell,
        sessions: Vec<OwnSession>,
        current: &str,
        ended: Option<bool>,
        now: DateTime<Utc>,
    ) -> Self {
        let lang = shell.frame.preferences.lang;
        let rows = sessions.into_iter().map(|session| SessionRow {
            current: session.sid == current,
            id: session.sid,
            agent: session.agent.as_deref().and_then(format::program),
            address: session.address,
            since: format::moment(lang, session.created_at),
            seen: format::ago(lang, session.seen_at, now),
        });
        Self {
            sessions: rows.collect(),
            frame: shell.frame,
            common: shell.common,
            ended,
        }
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

impl Page for AccountSessionsPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "account_sessions"
    }
}

/// What came of the form on the page of tokens.
pub enum NewToken {
    None,
    /// The text, which is shown this once.
    Made(String),
    /// The member that is wrong.
    Refused(Option<String>),
    Deleted(bool),
}

/// The tokens of somebody's programs.
#[derive(Template, Serialize)]
#[template(path = "account_tokens.html")]
#[serde(rename_all = "camelCase")]
pub struct AccountTokensPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(flatten)]
    common: Common,
    tokens: Vec<TokenRow>,
    scopes: Vec<ScopeRow>,
    /// A new token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRow {
    id: String,
    name: String,
    last4: String,
    scopes: Vec<String>,
    until: String,
    used: Option<String>,
}

#[derive(Serialize)]
struct ScopeRow {
    id: String,
    description: String,
}

impl AccountTokensPage {
    pub fn new(
        shell: Shell,
        tokens: Vec<PersonalToken>,
        scopes: Vec<(String, String)>,
        new: NewToken,
        now: DateTime<Utc>,
    ) -> Self {
        let (lang, t) = (shell.frame.preferences.lang, shell.common.t);
        let rows = tokens.into_iter().map(|token| TokenRow {
            id: token.id,
            name: token.name,
            last4: token.last4,
            scopes: token.scope,
            until: format::date(lang, token.expires_at.date_naive()),
            used: token.last_used_at.map(|at| format::ago(lang, at, now)),
        });
        let (mut token, mut error_message, mut message) = (None, None, None);
        match new {
            NewToken::None => {}
            NewToken::Made(text) => token = Some(text),
            NewToken::Refused(field) => {
                error_message = Some(match field.as_deref() {
                    Some("name") => t.token_name_wrong(),
                    Some("scopes") => t.token_scopes_wrong(),
                    Some("expiresAt") => t.token_days_wrong(),
                    _ => t.token_refused(),
                });
            }
            NewToken::Deleted(true) => message = Some(t.token_ended()),
            NewToken::Deleted(false) => error_message = Some(t.token_refused()),
        }
        let scopes = scopes.into_iter();
        Self {
            tokens: rows.collect(),
            scopes: scopes
                .map(|(id, description)| ScopeRow { id, description })
                .collect(),
            frame: shell.frame,
            common: shell.common,
            token,
            error_message,
            message,
        }
    }
}

impl AccountTokensPage {
    fn name_field(&self) -> Html {
        Field {
            autocomplete: "off",
            max_length: Some(100),
            ..Field::required("name", self.common.t.token_name())
        }
        .html()
    }
}

impl Page for AccountTokensPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "account_tokens"
    }
}
