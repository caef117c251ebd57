//! Requests that end without their page, and the pages that say so.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use ui::{Drawing, Frame, texts};

/// Why a handler has no page to show. The visitor layer turns it into one, because it knows
/// language, theme and person.
#[derive(Clone, Debug)]
pub enum Failure {
    NotFound,
    MethodNotAllowed,
    /// Needs a person; a guest is sent to log-in and comes back.
    LoginNeeded,
    Forbidden,
    /// Needs a person who has just shown who he is; where to go on afterwards.
    FreshLoginNeeded(String),
    /// Something that an operator wrote cannot be shown.
    Broken,
    /// The form is older than the session, or did not come from one of our pages.
    StaleForm,
    /// The answer to a log-in that this browser did not begin, or not lately.
    StaleLogin,
    /// The way here was not encrypted, and nobody leads to the one that is.
    Unencrypted,
    /// By a name that is not the portal's, with something that cannot be sent on.
    Misdirected,
    /// The token that was shown is none of ours, or has ended.
    TokenRefused,
    /// The request cannot be understood; the text says why, in English.
    BadRequest(String),
    /// What was there cannot be had any more; the text says what to do.
    Gone(&'static str),
    /// The auth server refused a log-in: code and description as it gave them.
    LoginRefused {
        status: StatusCode,
        code: String,
        description: String,
    },
    /// portal-api or the auth server did not answer, or not as agreed.
    Api(Arc<sdk::Error>),
    /// Too many of this kind within a minute; when the next one may come.
    TooMany(Duration),
    /// The auth server did not answer, or not as agreed.
    AuthServer(Arc<anyhow::Error>),
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        match error.status() {
            Some(StatusCode::NOT_FOUND) => Self::NotFound,
            Some(StatusCode::FORBIDDEN) => Self::Forbidden,
            _ if matches!(error, sdk::Error::Segment(_)) => Self::NotFound,
            _ => Self::Api(Arc::new(error)),
        }
    }
}

/// The layer finds the failure here and draws the page.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Failure {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::LoginNeeded
            | Self::Forbidden
            | Self::FreshLoginNeeded(_)
            | Self::StaleForm
            | Self::StaleLogin => StatusCode::FORBIDDEN,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadRequest(_) | Self::Unencrypted => StatusCode::BAD_REQUEST,
            Self::Gone(_) => StatusCode::GONE,
            Self::TokenRefused => StatusCode::UNAUTHORIZED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::LoginRefused { status, .. } => *status,
            Self::Api(error) => match error.status() {
                Some(
                    status @ (StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT),
                ) => status,
                Some(status) if status.is_client_error() => status,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::AuthServer(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whether logging in may help a guest.
    pub fn wants_login(&self) -> bool {
        match self {
            Self::LoginNeeded | Self::Forbidden | Self::StaleForm => true,
            Self::Api(error) => error.status() == Some(StatusCode::UNAUTHORIZED),
            _ => false,
        }
    }

    /// What operators have to know; said once, here.
    pub fn log(&self) {
        match self {
            Self::Api(error) if !self.status().is_client_error() => tracing::error!("{error}"),
            Self::AuthServer(error) => tracing::error!("{error:#}"),
            _ => {}
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany(pause) => Some(*pause),
            Self::Api(error) => match error.as_ref() {
                sdk::Error::Api(error) => error.retry_after,
                _ => None,
            },
            _ => None,
        }
    }

    /// The page, or JSON for clients that ask for it (portal-ui 4).
    pub fn respond(&self, frame: Frame, correlation_id: String, as_json: bool) -> Response {
        let status = self.status();
        let page = FailurePage {
            t: texts::Failures(frame.lang()),
            detail: self.detail(),
            login: frame.user.is_none(),
            frame: Frame {
                own_search: status == StatusCode::NOT_FOUND,
                ..frame
            },
            status,
            correlation_id,
            failure: self,
        };
        let mut response = if as_json {
            let body = json!({
                "statusCode": status.as_u16(),
                "message": page.detail.as_deref().unwrap_or_else(|| page.title()),
                "error": page.text(),
                "correlationId": page.correlation_id,
            });
            (status, axum::Json(body)).into_response()
        } else {
            ui::page(status, &page)
        };
        if let Some(pause) = self.retry_after() {
            let seconds = HeaderValue::from(pause.as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    /// A text of another program, shown beside ours.
    fn detail(&self) -> Option<String> {
        match self {
            Self::BadRequest(text) => Some(text.clone()),
            Self::Gone(text) => Some((*text).to_owned()),
            Self::LoginRefused {
                code, description, ..
            } if description.is_empty() => Some(code.clone()),
            Self::LoginRefused {
                code, description, ..
            } => Some(format!("{description} ({code})")),
            Self::Api(error) => match error.as_ref() {
                sdk::Error::Api(error) if error.status.is_client_error() => {
                    Some(error.message.clone())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    t: texts::Failures,
    failure: &'a Failure,
    status: StatusCode,
    detail: Option<String>,
    correlation_id: String,
    login: bool,
}

impl FailurePage<'_> {
    fn title(&self) -> &'static str {
        match (self.failure, self.status.as_u16()) {
            (Failure::StaleForm, _) => self.t.stale_title(),
            (Failure::Unencrypted, _) => self.t.unencrypted_title(),
            (Failure::Misdirected, _) => self.t.misdirected_title(),
            (Failure::LoginRefused { .. } | Failure::StaleLogin, _) | (_, 401) => {
                self.t.login_title()
            }
            (_, 403) => self.t.forbidden_title(),
            (_, 404) => self.t.missing_title(),
            (_, 428) => self.t.changed_title(),
            (_, 429) => self.t.busy_title(),
            (_, 500..) => self.t.away_title(),
            _ => self.t.other_title(),
        }
    }

    fn text(&self) -> String {
        match (self.failure, self.status.as_u16()) {
            (Failure::StaleForm, _) => self.t.stale_text().to_owned(),
            (Failure::StaleLogin, _) => self.t.stale_login_text().to_owned(),
            (Failure::FreshLoginNeeded(_), _) => self.t.fresh_login_text().to_owned(),
            (Failure::Broken, _) => self.t.broken_text().to_owned(),
            (Failure::Unencrypted, _) => self.t.unencrypted_text().to_owned(),
            (Failure::Misdirected, _) => self.t.misdirected_text().to_owned(),
            (Failure::TokenRefused, _) => self.t.token_text().to_owned(),
            (Failure::Api(_), 401) => self.t.session_ended_text().to_owned(),
            (Failure::LoginRefused { .. }, _) => self.t.login_text().to_owned(),
            (Failure::AuthServer(_), _) => self.t.auth_away_text().to_owned(),
            (_, 403) => self.t.forbidden_text().to_owned(),
            (_, 404) => self.t.missing_text().to_owned(),
            (_, 428) => self.t.changed_text().to_owned(),
            (_, 429) => match self.failure.retry_after() {
                Some(pause) => self.t.busy_until(pause.as_secs()),
                None => self.t.busy_text().to_owned(),
            },
            (_, 502) => self.t.broken_text().to_owned(),
            (_, 504) => self.t.slow_text().to_owned(),
            (_, 500..) => self.t.away_text().to_owned(),
            _ => self.t.other_text().to_owned(),
        }
    }
}
