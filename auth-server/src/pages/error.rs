//! The error page, and errors that end on it.

use std::time::Duration;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use ui::Frame;

use crate::{
    brake::BrakeError, configuration::ErrorLink, interaction::InteractionError,
    portal_api::PortalApiError, state::AppState,
};

use super::{Page, Reader, Texts};

/// Page `error`: status, message, correlation id.
#[derive(Template, Serialize)]
#[template(path = "error.html")]
#[serde(rename_all = "camelCase")]
pub struct ErrorPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(skip)]
    t: Texts,
    title: String,
    portal_url: String,
    base_url: String,
    correlation_id: String,
    message: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_link_description: Option<String>,
}

impl ErrorPage {
    fn error_link_text(&self) -> &str {
        self.error_link_description.as_deref().unwrap_or_default()
    }

    /// What stands between backticks is the name of a parameter.
    fn message_parts(&self) -> impl Iterator<Item = (bool, &'static str)> {
        let parts = self.message.split('`').enumerate();
        parts.map(|(place, part)| (place % 2 == 1, part))
    }

    fn heading(&self) -> &'static str {
        if self.status == 404 {
            self.t.not_found_title()
        } else {
            self.t.error_title()
        }
    }
}

impl Page for ErrorPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "error"
    }
}

/// What a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NotFound,
    Link,
    Form,
    Flow,
    Parameters,
    ClientMissing,
    ClientUnknown,
    NoRedirectUri,
    RedirectUri,
    Target,
    LogoutTarget,
    IdTokenHint,
    Request,
    SignupOff,
    /// The same for somebody who sends the form nevertheless (17.1).
    SignupRefused,
    RegisterOff,
    /// Registration needs an invitation.
    NotInvited,
    Namespace,
    Action,
    LoginNeeded,
    /// A provider did not vouch for anybody.
    LoginFailed,
    /// What tells people from programs was not solved.
    Captcha,
    AddressTaken,
    /// Two accounts are to be joined that are not of one person.
    LinkOther,
    TooMany,
    TooLarge,
    Unavailable,
    Internal,
}

impl Fault {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::Link => StatusCode::NOT_FOUND,
            Self::Form
            | Self::SignupOff
            | Self::RegisterOff
            | Self::NotInvited
            | Self::LoginNeeded
            | Self::LinkOther => StatusCode::FORBIDDEN,
            Self::Flow
            | Self::Parameters
            | Self::ClientMissing
            | Self::ClientUnknown
            | Self::NoRedirectUri
            | Self::RedirectUri
            | Self::Target
            | Self::LogoutTarget
            | Self::IdTokenHint
            | Self::Request
            | Self::Namespace
            | Self::Action => StatusCode::BAD_REQUEST,
            Self::LoginFailed | Self::Captcha | Self::SignupRefused => StatusCode::UNAUTHORIZED,
            Self::AddressTaken => StatusCode::CONFLICT,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(self, t: Texts) -> &'static str {
        match self {
            Self::NotFound => t.fault_not_found(),
            Self::Link => t.fault_link(),
            Self::Form => t.fault_form(),
            Self::Flow => t.fault_flow(),
            Self::Parameters | Self::TooLarge => t.fault_parameters(),
            Self::ClientMissing => t.fault_client_missing(),
            Self::ClientUnknown => t.fault_client_unknown(),
            Self::NoRedirectUri => t.fault_no_redirect(),
            Self::RedirectUri => t.fault_redirect(),
            Self::Target => t.fault_target(),
            Self::LogoutTarget => t.fault_logout_target(),
            Self::IdTokenHint => t.fault_id_token_hint(),
            Self::Request => t.fault_request(),
            Self::SignupOff | Self::SignupRefused => t.fault_signup_off(),
            Self::RegisterOff => t.fault_register_off(),
            Self::NotInvited => t.fault_not_invited(),
            Self::Namespace => t.fault_namespace(),
            Self::Action => t.fault_action(),
            Self::LoginNeeded => t.fault_login_needed(),
            Self::LoginFailed => t.fault_login_failed(),
            Self::Captcha => t.fault_captcha(),
            Self::AddressTaken => t.fault_address_taken(),
            Self::LinkOther => t.fault_link_other(),
            Self::TooMany => t.too_many(),
            Self::Unavailable => t.fault_unavailable(),
            Self::Internal => t.fault_internal(),
        }
    }
}

/// An error that ends on the error page.
pub struct PageError {
    state: AppState,
    fault: Fault,
    link: Option<ErrorLink>,
    retry_after: Option<Duration>,
}

impl PageError {
    pub fn new(state: &AppState, fault: Fault) -> Self {
        Self {
            state: state.clone(),
            fault,
            link: None,
            retry_after: None,
        }
    }

    /// With a link that the operator has written for the method.
    #[must_use]
    pub fn with_link(mut self, link: Option<ErrorLink>) -> Self {
        self.link = link;
        self
    }

    /// Too many attempts, or nobody knows how many.
    pub fn braked(state: &AppState, error: &BrakeError) -> Self {
        match error {
            BrakeError::Braked(braked) => Self {
                retry_after: Some(braked.0),
                ..Self::new(state, Fault::TooMany)
            },
            BrakeError::Database(error) => Self::database(state, error),
        }
    }

    /// Logs what happened inside; the page says only that something did.
    pub fn database(state: &AppState, error: &sea_orm::DbErr) -> Self {
        tracing::error!(%error, "the database failed");
        Self::new(state, Fault::Unavailable)
    }

    pub fn portal_api(state: &AppState, error: &PortalApiError) -> Self {
        tracing::error!(%error, "portal-api failed");
        Self::new(state, Fault::Unavailable)
    }

    /// The operator's key for this purpose was not given to this process.
    pub fn missing_key(state: &AppState, error: &service::keys::MissingKey) -> Self {
        tracing::error!(%error, "a key is missing");
        Self::new(state, Fault::Internal)
    }

    pub fn provider(state: &AppState, error: &InteractionError) -> Self {
        tracing::error!(%error, "a log-in method failed");
        Self::new(state, Fault::Unavailable)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let configuration = self.state.configuration();
        let Reader {
            preferences,
            wants_json,
        } = Reader::current();
        let t = Texts(preferences.lang);
        let status = self.fault.status();
        let page = ErrorPage {
            frame: Frame {
                site: configuration.site.clone(),
                preferences,
                ..Frame::default()
            },
            t,
            title: configuration.title.clone(),
            portal_url: configuration.portal_url.clone(),
            base_url: self.state.settings.base_path.clone(),
            correlation_id: service::http::current_correlation_id().unwrap_or_default(),
            message: self.fault.text(t),
            status: status.as_u16(),
            error_link_description: self.link.as_ref().map(|link| link.text.clone()),
            error_link: self.link.map(|link| link.url),
        };
        let response = if wants_json {
            (status, super::as_json(&page)).into_response()
        } else {
            configuration.own_pages.show(status, &page)
        };
        let mut response = ui::no_store(response);
        if let Some(wait) = self.retry_after {
            retry_after(&mut response, wait);
        }
        response
    }
}

/// Says after how long another attempt is looked at.
pub fn retry_after(response: &mut Response, wait: Duration) {
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
}
