//! The pages: view models, and how one becomes an answer.
//!
//! Each page is a struct with a template of its own. Programs may drive the same forms: with the
//! test switch a page is answered as JSON, its members being the compatible view model (6.1, 3.4).

mod account;
mod consent;
mod device;
mod error;
mod factors;
mod forms;
mod notice;
mod own;
mod reader;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use ui::Frame;
use url::Url;

use crate::{
    captcha::{Captcha, Widget},
    flows::{Flow, FormSource},
    state::AppState,
    visitor::Visitor,
};

pub use account::{AccountSessionsPage, AccountTokensPage, NewToken};
pub use consent::{
    FlashMessage, FormPostPage, GrantEntry, GrantsPage, Named, ScopeListPage, ScopeRequest,
};
pub use device::{DeviceConfirmPage, DevicePage};
pub use error::{Fault, PageError, retry_after};
pub use factors::{
    AccountSecurityPage, FactorsNews, LinkPage, OwnFactors, PasskeyForm, SecondFactorPage,
};
pub use forms::{
    ChangePasswordPage, ChooseMethodPage, ConfirmationNeeded, DummyPage, EmailMissingPage,
    ForgotPasswordPage, LoginPage, MethodChoice, NamespaceChoice, RegisterPage,
    SelectNamespacePage, SignupPage, VerifyEmailPage, VerifyEmailRequestPage, VerifyPasswordPage,
};
pub use notice::{LogOutPage, NoticeKind, NoticePage};
pub use own::OwnPages;
pub use reader::{Reader, introduce};
pub use ui::texts::AuthPages as Texts;

/// A page: an id, a template, a view model.
pub trait Page: Template + Serialize {
    /// The page id of section 6.2.
    fn id(&self) -> &'static str;

    /// What is around it.
    fn frame(&self) -> &Frame;

    /// What it shows of somebody else's.
    fn captcha(&self) -> Option<&Widget> {
        None
    }
}

/// What all pages carry (6.1). Form targets are relative to `base_url`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    #[serde(skip)]
    pub t: Texts,
    pub title: String,
    pub portal_url: String,
    pub base_url: String,
    pub csrf_token: String,
    /// What a page shows that only people get past.
    #[serde(rename = "recaptcha")]
    pub captcha: Option<Widget>,
    pub login_url: String,
    pub logout_url: &'static str,
    pub signup_url: String,
    pub register_url: String,
    /// Only where it is a page of ours; the log-in page says itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub forgot_password_url: String,
    pub verify_email_url: String,
    pub verify_post_url: String,
    pub email_missing_url: String,
    pub grant_url: String,
    pub manage_grants_url: String,
    pub select_namespace_url: String,
    pub change_password_url: String,
}

/// Frame and common members of one page.
pub struct Shell {
    pub frame: Frame,
    pub common: Common,
}

impl Shell {
    /// For a page with a form of `source`, in `flow` if there is one.
    pub fn new(
        state: &AppState,
        visitor: &Visitor,
        method: &str,
        source: FormSource,
        flow: Option<&Flow>,
    ) -> Self {
        let configuration = state.configuration();
        let csrf = visitor.form_token(state, source, flow.map(|flow| flow.id.as_str()));
        let mut preferences = visitor.preferences.clone();
        if let Some(flow) = flow {
            // Changing the language begins the request anew; a form cannot be shown by GET.
            preferences.here = format!("{}/{}", state.settings.base_path, flow.restart_url());
        }
        let target = |path: &str| format!("{method}/{path}");
        Self {
            common: Common {
                t: Texts(preferences.lang),
                title: configuration.title.clone(),
                portal_url: configuration.portal_url.clone(),
                base_url: state.settings.base_path.clone(),
                csrf_token: csrf.clone(),
                captcha: configuration.captcha.as_ref().map(Captcha::widget),
                login_url: target("login"),
                logout_url: "logout",
                signup_url: target("signup"),
                register_url: target("register"),
                forgot_password_url: target("forgotpassword"),
                verify_email_url: target("verifyemail"),
                verify_post_url: target("verify"),
                email_missing_url: target("emailmissing"),
                grant_url: target("grant"),
                manage_grants_url: target("grants"),
                select_namespace_url: target("selectnamespace"),
                change_password_url: target("changepassword"),
            },
            frame: Frame {
                site: configuration.site.clone(),
                preferences,
                csrf,
                ..Frame::default()
            },
        }
    }
}

/// Answers a page. `redirects` are the addresses outside to which its forms may lead: browsers
/// apply the content policy to the redirect after a form, too.
pub fn show<P: Page>(
    visitor: Visitor,
    status: StatusCode,
    page: &P,
    redirects: &[Url],
) -> Response {
    let mut response = if visitor.wants_json {
        (status, as_json(page)).into_response()
    } else {
        ui::no_store(visitor.own_pages.show(status, page))
    };
    let foreign = page.captcha().map_or(&[][..], Widget::origins);
    let policy = ui::security::content_security_policy_with(redirects, foreign);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    visitor.finish(response)
}

fn as_json<P: Page>(page: &P) -> axum::Json<serde_json::Value> {
    let mut model = serde_json::to_value(page).unwrap_or_default();
    if let Some(members) = model.as_object_mut() {
        members.insert("would_be_html".to_owned(), true.into());
        members.insert("template".to_owned(), page.id().into());
    }
    axum::Json(model)
}
