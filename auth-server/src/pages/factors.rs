//! Pages about second proofs and joined accounts.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use ui::{Field, Frame, Html, Icon, format};

use crate::{
    factors::{Enrolment, Passkey},
    links::OwnLink,
    local,
    state::AppState,
};

use super::{Common, MethodChoice, Page, Shell};

/// Where the log-in page hands over what a passkey says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyForm {
    pub passkey_url: String,
    pub passkey_challenge: String,
}

impl PasskeyForm {
    pub fn new(state: &AppState, shell: &Shell, method: &str) -> Self {
        Self {
            passkey_url: format!("{method}/passkey"),
            passkey_challenge: local::passkey_challenge(state, &shell.common.csrf_token),
        }
    }
}

/// Asks for a second proof.
#[derive(Template, Serialize)]
#[template(path = "second_factor.html")]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub second_factor_url: String,
    pub error_message: Option<&'static str>,
    /// For those who have a passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey_challenge: Option<String>,
}

impl SecondFactorPage {
    fn code_field(&self) -> Html {
        let t = self.common.t;
        Field {
            hint: Some(t.second_factor_hint().to_owned()),
            autocomplete: "one-time-code",
            max_length: Some(32),
            autofocus: true,
            ..Field::required("code", t.second_factor_code())
        }
        .html()
    }
}

impl Page for SecondFactorPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "second_factor"
    }
}

/// Asks whether an account with the same address is one's own.
#[derive(Template, Serialize)]
#[template(path = "link_account.html")]
#[serde(rename_all = "camelCase")]
pub struct LinkPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub link_url: String,
    pub email: String,
    #[serde(skip)]
    pub provider: String,
    pub methods: Vec<MethodChoice>,
}

impl Page for LinkPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "link_account"
    }
}

/// What came of a form on the page of one's own proofs.
#[derive(Default)]
pub struct FactorsNews {
    pub done: Option<&'static str>,
    pub fault: Option<&'static str>,
    /// Codes for paper, shown this once.
    pub codes: Vec<String>,
}

/// What somebody can show at a log-in.
#[derive(Template, Serialize)]
#[template(path = "account_security.html")]
#[serde(rename_all = "camelCase")]
pub struct AccountSecurityPage {
    #[serde(skip)]
    frame: Frame,
    #[serde(flatten)]
    common: Common,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
    /// There is an app that has been confirmed.
    totp: bool,
    /// What a new app is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip)]
    picture: Html,
    codes_left: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
    passkeys: Vec<PasskeyRow>,
    links: Vec<LinkRow>,
    passkey_challenge: String,
    #[serde(skip)]
    rp_id: String,
    #[serde(skip)]
    user_id: String,
    #[serde(skip)]
    email: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasskeyRow {
    id: String,
    credential_id: String,
    name: String,
    since: String,
    used: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkRow {
    id: String,
    method: String,
    since: String,
}

/// What there is.
pub struct OwnFactors {
    pub user_id: String,
    pub email: String,
    /// Host of the pages.
    pub rp_id: String,
    pub totp: bool,
    pub enrolment: Option<Enrolment>,
    pub codes_left: u64,
    pub passkeys: Vec<Passkey>,
    /// With the titles of their methods.
    pub links: Vec<(OwnLink, String)>,
    pub challenge: String,
}

impl AccountSecurityPage {
    pub fn new(shell: Shell, own: OwnFactors, news: FactorsNews, now: DateTime<Utc>) -> Self {
        let lang = shell.frame.preferences.lang;
        let passkeys = own.passkeys.into_iter().map(|passkey| PasskeyRow {
            id: passkey.id,
            credential_id: passkey.credential_id,
            name: passkey.name,
            since: format::moment(lang, passkey.created_at),
            used: passkey.last_used_at.map(|at| format::ago(lang, at, now)),
        });
        let links = own.links.into_iter().map(|(link, title)| LinkRow {
            id: link.id,
            method: title,
            since: format::moment(lang, link.created_at),
        });
        let (secret, uri) = own
            .enrolment
            .map(|enrolment| (enrolment.secret, enrolment.uri))
            .unzip();
        Self {
            picture: uri.as_deref().map(picture).unwrap_or_default(),
            message: news.done,
            error_message: news.fault,
            totp: own.totp,
            secret,
            uri,
            codes_left: own.codes_left,
            codes: news.codes,
            passkeys: passkeys.collect(),
            links: links.collect(),
            passkey_challenge: own.challenge,
            rp_id: own.rp_id,
            user_id: own.user_id,
            email: own.email,
            frame: shell.frame,
            common: shell.common,
        }
    }

    fn code_field(&self) -> Html {
        Field {
            autocomplete: "one-time-code",
            max_length: Some(16),
            ..Field::required("code", self.common.t.totp_code())
        }
        .html()
    }

    fn name_field(&self) -> Html {
        Field {
            autocomplete: "off",
            max_length: Some(64),
            ..Field::required("name", self.common.t.passkey_name())
        }
        .html()
    }

    /// Those that must not be made a second time.
    fn known(&self) -> String {
        let ids = self
            .passkeys
            .iter()
            .map(|passkey| passkey.credential_id.as_str());
        ids.collect::<Vec<_>>().join(" ")
    }

    /// The secret in groups of four, for typing in.
    fn grouped(&self) -> String {
        let letters: Vec<char> = self.secret.as_deref().unwrap_or_default().chars().collect();
        let groups = letters
            .chunks(4)
            .map(|group| group.iter().collect::<String>());
        groups.collect::<Vec<_>>().join(" ")
    }
}

impl Page for AccountSecurityPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "account_security"
    }
}

/// A QR code, dark on light in every theme: cameras want it so.
fn picture(text: &str) -> Html {
    use std::fmt::Write as _;

    use qrcodegen::{QrCode, QrCodeEcc};

    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return Html::default();
    };
    let (size, border) = (code.size(), 4);
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{},{}h1v1h-1z", x + border, y + border);
        }
    }
    let edge = size + 2 * border;
    Html::trusted(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {edge} {edge}" width="220" height="220" role="img" aria-hidden="true"><path fill="#fff" d="M0,0h{edge}v{edge}h-{edge}z"/><path fill="#000" d="{path}"/></svg>"##
    ))
}
