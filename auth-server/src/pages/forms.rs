//! Pages with forms of local accounts and registration.

use askama::Template;
use serde::Serialize;
use serde_json::{Map, Value};
use ui::{Field, FieldKind, Frame, Html, Icon, NewPassword, PasswordRule, RegistrationField};

use crate::captcha::Widget;

use super::{Common, Page, PasskeyForm};

macro_rules! pages {
    ($($page:ident => $id:literal),+ $(,)?) => {
        $(impl Page for $page {
            fn frame(&self) -> &Frame {
                &self.frame
            }

            fn id(&self) -> &'static str {
                $id
            }
        })+
    };
}

pages! {
    LoginPage => "login",
    ForgotPasswordPage => "forgot_password",
    VerifyEmailPage => "verify_email",
    VerifyEmailRequestPage => "verify_email_request",
    EmailMissingPage => "email_missing",
    RegisterPage => "register",
    SelectNamespacePage => "select_namespace",
    ChooseMethodPage => "choose_method",
    DummyPage => "dummy",
}

/// Pages on which somebody may have to show that he is no program.
macro_rules! guarded_pages {
    ($($page:ident => $id:literal),+ $(,)?) => {
        $(impl Page for $page {
            fn frame(&self) -> &Frame {
                &self.frame
            }

            fn id(&self) -> &'static str {
                $id
            }

            fn captcha(&self) -> Option<&Widget> {
                self.common.captcha.as_ref()
            }
        })+
    };
}

guarded_pages! {
    SignupPage => "signup",
    VerifyPasswordPage => "verify_password_reset",
    ChangePasswordPage => "force_change_password",
}

#[derive(Template, Serialize)]
#[template(path = "login.html")]
#[serde(rename_all = "camelCase")]
pub struct LoginPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub error_message: Option<String>,
    pub disable_signup: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_prompt: Option<String>,
    /// Where the form of those is who forgot their password: relative to the base URL, or elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgot_password_url: Option<String>,
    #[serde(skip)]
    pub is_external: bool,
    /// The same as a link.
    #[serde(skip)]
    pub forgotten: Option<String>,
    /// Where a passkey does instead.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyForm>,
    /// The API's other ways to log in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodChoice>,
    /// Name of the application one goes back to.
    #[serde(skip)]
    pub back_to: Option<String>,
    #[serde(skip)]
    pub flow: String,
}

impl LoginPage {
    fn password_label(&self) -> &str {
        let own = self.common.t.password();
        self.password_prompt.as_deref().unwrap_or(own)
    }

    fn username(&self) -> Html {
        let t = self.common.t;
        let own = if self.is_external {
            t.user_name()
        } else {
            t.email()
        };
        Field {
            // A service of the operator's may have names that are no mail addresses.
            kind: if self.is_external {
                FieldKind::Text
            } else {
                FieldKind::Email
            },
            value: self.prefill_username.clone().unwrap_or_default(),
            autocomplete: "username",
            max_length: Some(256),
            autofocus: self.prefill_username.is_none(),
            ..Field::required("username", self.username_prompt.as_deref().unwrap_or(own))
        }
        .html()
    }
}

/// A button that lets anybody in; for development.
#[derive(Template, Serialize)]
#[template(path = "dummy.html")]
#[serde(rename_all = "camelCase")]
pub struct DummyPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub error_message: Option<String>,
}

#[derive(Template, Serialize)]
#[template(path = "signup.html")]
#[serde(rename_all = "camelCase")]
pub struct SignupPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub error_message: Option<String>,
    /// Goes back to the log-in page.
    pub authorize_url: Option<String>,
    #[serde(skip)]
    pub email: String,
    #[serde(skip)]
    pub email_error: Option<String>,
    #[serde(skip)]
    pub password_error: Option<String>,
    #[serde(skip)]
    pub rule: PasswordRule,
}

impl SignupPage {
    /// What no field says.
    fn general_error(&self) -> Option<&str> {
        let is_of_field = self.email_error.is_some() || self.password_error.is_some();
        self.error_message.as_deref().filter(|_| !is_of_field)
    }

    fn email_field(&self) -> Html {
        Field {
            kind: FieldKind::Email,
            value: self.email.clone(),
            error: self.email_error.clone(),
            autocomplete: "username",
            max_length: Some(256),
            autofocus: self.password_error.is_none(),
            ..Field::required("email", self.common.t.email())
        }
        .html()
    }

    fn passwords(&self) -> Html {
        NewPassword {
            lang: self.frame.lang(),
            label: self.common.t.password(),
            error: self.password_error.as_deref(),
            rule: self.rule,
        }
        .html()
    }
}

#[derive(Template, Serialize)]
#[template(path = "forgot_password.html")]
pub struct ForgotPasswordPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
}

impl ForgotPasswordPage {
    fn email_field(&self) -> Html {
        Field {
            kind: FieldKind::Email,
            autocomplete: "username",
            max_length: Some(256),
            autofocus: true,
            ..Field::required("email", self.common.t.email())
        }
        .html()
    }
}

#[derive(Template, Serialize)]
#[template(path = "verify_email.html")]
pub struct VerifyEmailPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub email: String,
    pub id: String,
}

#[derive(Template, Serialize)]
#[template(path = "verify_password_reset.html")]
pub struct VerifyPasswordPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub email: String,
    pub id: String,
    #[serde(skip)]
    pub error: Option<String>,
    #[serde(skip)]
    pub rule: PasswordRule,
}

impl VerifyPasswordPage {
    fn passwords(&self) -> Html {
        NewPassword {
            lang: self.frame.lang(),
            label: self.common.t.new_password(),
            error: self.error.as_deref(),
            rule: self.rule,
        }
        .html()
    }
}

#[derive(Template, Serialize)]
#[template(path = "force_change_password.html")]
pub struct ChangePasswordPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    #[serde(skip)]
    pub error: Option<String>,
    #[serde(skip)]
    pub rule: PasswordRule,
}

impl ChangePasswordPage {
    fn passwords(&self) -> Html {
        NewPassword {
            lang: self.frame.lang(),
            label: self.common.t.new_password(),
            error: self.error.as_deref(),
            rule: self.rule,
        }
        .html()
    }
}

#[derive(Template, Serialize)]
#[template(path = "verify_email_request.html")]
pub struct VerifyEmailRequestPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    /// `sub`, `email`, `email_verified`
    pub profile: Value,
    #[serde(skip)]
    pub email: String,
    #[serde(skip)]
    pub verified: bool,
    #[serde(skip)]
    pub needed: Option<ConfirmationNeeded>,
}

/// Who wants an address to be confirmed, and where to go on once it is.
pub struct ConfirmationNeeded {
    pub by: String,
    pub go_on: String,
}

#[derive(Template, Serialize)]
#[template(path = "email_missing.html")]
pub struct EmailMissingPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    #[serde(skip)]
    pub error: Option<String>,
    #[serde(skip)]
    pub email: String,
}

impl EmailMissingPage {
    fn first(&self) -> Html {
        let t = self.common.t;
        email_field("email", t.email(), &self.email, self.error.clone())
    }

    /// Typed anew: what is copied confirms nothing.
    fn second(&self) -> Html {
        email_field("email2", self.common.t.email_again(), "", None)
    }
}

fn email_field(name: &'static str, label: &str, value: &str, error: Option<String>) -> Html {
    Field {
        kind: FieldKind::Email,
        value: value.to_owned(),
        autofocus: name == "email",
        error,
        autocomplete: "email",
        max_length: Some(256),
        ..Field::required(name, label)
    }
    .html()
}

#[derive(Template, Serialize)]
#[template(path = "register.html")]
#[serde(rename_all = "camelCase")]
pub struct RegisterPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub user_id: String,
    pub custom_id: Option<String>,
    pub default_profile: Map<String, Value>,
    pub pool_info: Value,
    /// The same as `csrfToken`; old clients send it under this name.
    pub nonce: String,
    pub error_message: Option<String>,
    #[serde(skip)]
    pub email: String,
    #[serde(skip)]
    pub fields: Vec<RegistrationField>,
    #[serde(skip)]
    pub asked_by: String,
}

#[derive(Template, Serialize)]
#[template(path = "select_namespace.html")]
pub struct SelectNamespacePage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub namespaces: Vec<NamespaceChoice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceChoice {
    pub namespace: String,
    pub pool_id: String,
    pub description: String,
}

#[derive(Template, Serialize)]
#[template(path = "choose_method.html")]
pub struct ChooseMethodPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub methods: Vec<MethodChoice>,
}

#[derive(Clone, Debug, Serialize)]
pub struct MethodChoice {
    pub id: String,
    pub title: String,
    pub href: String,
}
