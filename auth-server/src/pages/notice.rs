//! Pages that only say something: what was done, and where to go on.

use askama::Template;
use serde::Serialize;
use ui::Frame;

use super::{Common, Page, Shell};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    SignupMailSent,
    ResetMailSent,
    AddressConfirmed,
    PasswordReset,
    ConfirmationMailSent,
    /// By invitation.
    Registered,
    LoggedOut,
    LoginFailed,
    DeviceAllowed,
    DeviceDenied,
    DeviceEnded,
}

/// A notice with one link.
#[derive(Template, Serialize)]
#[template(path = "notice.html")]
#[serde(rename_all = "camelCase")]
pub struct NoticePage {
    #[serde(skip)]
    frame: Frame,
    #[serde(flatten)]
    common: Common,
    #[serde(skip)]
    kind: NoticeKind,
    #[serde(skip)]
    link: Option<String>,
}

impl NoticePage {
    /// `link` is where the button leads; without one it leads to the portal.
    pub fn new(shell: Shell, kind: NoticeKind, link: Option<String>) -> Self {
        Self {
            frame: shell.frame,
            common: shell.common,
            kind,
            link,
        }
    }

    fn heading(&self) -> &'static str {
        let t = self.common.t;
        match self.kind {
            NoticeKind::SignupMailSent | NoticeKind::ResetMailSent => t.forgot_sent(),
            NoticeKind::AddressConfirmed => t.verify_email_done(),
            NoticeKind::PasswordReset => t.reset_done(),
            NoticeKind::ConfirmationMailSent => t.mail_sent(),
            NoticeKind::Registered => t.registered(),
            NoticeKind::LoggedOut => t.logged_out(),
            NoticeKind::LoginFailed => t.error_title(),
            NoticeKind::DeviceAllowed => t.device_allowed(),
            NoticeKind::DeviceDenied => t.device_denied(),
            NoticeKind::DeviceEnded => t.device_ended(),
        }
    }

    fn text(&self) -> &'static str {
        let t = self.common.t;
        match self.kind {
            NoticeKind::SignupMailSent => t.signup_sent_text(),
            NoticeKind::ResetMailSent => t.forgot_sent_text(),
            NoticeKind::AddressConfirmed => t.verify_email_done_text(),
            NoticeKind::PasswordReset => t.reset_done_text(),
            NoticeKind::ConfirmationMailSent => t.mail_sent_text(),
            NoticeKind::Registered => t.registered_text(),
            NoticeKind::LoggedOut => t.logged_out_text(),
            NoticeKind::LoginFailed => t.fault_login_failed(),
            NoticeKind::DeviceAllowed => t.device_allowed_text(),
            NoticeKind::DeviceDenied => t.device_denied_text(),
            NoticeKind::DeviceEnded => t.device_ended_text(),
        }
    }

    fn href(&self) -> &str {
        self.link.as_deref().unwrap_or(&self.common.portal_url)
    }

    fn link_text(&self) -> &'static str {
        let t = self.common.t;
        match (self.kind, &self.link) {
            (NoticeKind::ResetMailSent, Some(_)) => t.try_again(),
            (_, Some(_)) => t.log_in(),
            (_, None) => t.to_portal(),
        }
    }
}

impl Page for NoticePage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        match self.kind {
            NoticeKind::SignupMailSent => "signup_post",
            NoticeKind::ResetMailSent => "forgot_password_post",
            NoticeKind::AddressConfirmed => "verify_email_post",
            NoticeKind::PasswordReset => "verify_password_reset_post",
            NoticeKind::ConfirmationMailSent => "verify_email_request_confirm",
            NoticeKind::Registered => "invitation_post",
            NoticeKind::LoggedOut => "logout",
            NoticeKind::LoginFailed => "failure",
            NoticeKind::DeviceAllowed => "device_allowed",
            NoticeKind::DeviceDenied => "device_denied",
            NoticeKind::DeviceEnded => "device_ended",
        }
    }
}

/// Asks before a foreign site ends a session.
#[derive(Template, Serialize)]
#[template(path = "log_out.html")]
pub struct LogOutPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    /// Relative to the base path.
    #[serde(skip)]
    pub action: &'static str,
    /// What has to come along with the answer.
    #[serde(skip)]
    pub carried: Vec<(&'static str, String)>,
}

impl Page for LogOutPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "logout_confirm"
    }
}
