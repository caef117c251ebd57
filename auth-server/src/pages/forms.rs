//! Pages with forms of local accounts and registration.

use askama::Template;
use serde::Serialize;
use serde_json::Value;
use ui::{Field, FieldKind, Frame, Html, Icon};

use crate::passwords::{MAX_LENGTH, PasswordRule};

use super::{Common, Page};

macro_rules! pages {
    ($($page:ident => $id:literal),+ $(,)?) => {
        $(impl Page for $page {
            fn id(&self) -> &'static str {
                $id
            }
        })+
    };
}

pages! {
    LoginPage => "login",
    SignupPage => "signup",
    ForgotPasswordPage => "forgot_password",
    VerifyEmailPage => "verify_email",
    VerifyPasswordPage => "verify_password_reset",
    VerifyEmailRequestPage => "verify_email_request",
    EmailMissingPage => "email_missing",
    ChangePasswordPage => "force_change_password",
    RegisterPage => "register",
    SelectNamespacePage => "select_namespace",
    ChooseMethodPage => "choose_method",
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

    fn passwords(&self) -> Passwords<'_> {
        Passwords {
            common: &self.common,
            label: self.common.t.password(),
            error: self.password_error.as_deref(),
            rule: self.rule,
        }
    }
}

/// Two fields for a new password and the rule it has to follow.
#[derive(Template)]
#[template(path = "passwords.html")]
pub struct Passwords<'a> {
    common: &'a Common,
    label: &'a str,
    error: Option<&'a str>,
    rule: PasswordRule,
}

impl Passwords<'_> {
    fn first(&self) -> Html {
        new_password_field("password", self.label, self.error)
    }

    fn second(&self) -> Html {
        new_password_field("password2", self.common.t.password_again(), None)
    }

    fn rules(&self) -> Vec<String> {
        let t = self.common.t;
        let mut rules = vec![t.rule_length(self.rule.min_length(), MAX_LENGTH)];
        if self.rule.needs_upper_and_lower() {
            rules.push(t.rule_upper_lower().to_owned());
        }
        if self.rule.needs_digit() {
            rules.push(t.rule_digit().to_owned());
        }
        if self.rule.needs_special() {
            rules.push(t.rule_special().to_owned());
        }
        rules
    }
}

fn new_password_field(name: &'static str, label: &str, error: Option<&str>) -> Html {
    Field {
        kind: FieldKind::Password,
        error: error.map(str::to_owned),
        autocomplete: "new-password",
        autofocus: error.is_some(),
        ..Field::required(name, label)
    }
    .html()
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
    fn passwords(&self) -> Passwords<'_> {
        Passwords {
            common: &self.common,
            label: self.common.t.new_password(),
            error: self.error.as_deref(),
            rule: self.rule,
        }
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
    fn passwords(&self) -> Passwords<'_> {
        Passwords {
            common: &self.common,
            label: self.common.t.new_password(),
            error: self.error.as_deref(),
            rule: self.rule,
        }
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
        self.field("email", t.email(), self.error.clone())
    }

    fn second(&self) -> Html {
        self.field("email2", self.common.t.email_again(), None)
    }

    fn field(&self, name: &'static str, label: &str, error: Option<String>) -> Html {
        Field {
            kind: FieldKind::Email,
            value: self.email.clone(),
            autofocus: name == "email",
            error,
            autocomplete: "email",
            max_length: Some(256),
            ..Field::required(name, label)
        }
        .html()
    }
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
    pub default_profile: Value,
    pub pool_info: Value,
    /// The same as `csrfToken`; old clients send it under this name.
    pub nonce: String,
    pub error_message: Option<String>,
    #[serde(skip)]
    pub email: String,
    #[serde(skip)]
    pub fields: Vec<PoolField>,
    #[serde(skip)]
    pub asked_by: String,
}

/// A property of the pool as a field. Its name comes from the configuration.
pub struct PoolField {
    pub name: String,
    pub label: String,
    pub kind: PoolFieldKind,
    pub value: String,
    pub required: bool,
    pub max_length: u32,
    /// Empty for none.
    pub pattern: String,
    pub autocomplete: &'static str,
}

/// How a property is asked for.
pub enum PoolFieldKind {
    /// An input of this type.
    Input(&'static str),
    Choice(Vec<String>),
    /// A box to tick, which then stands for this value. What is accepted can be read at `link`.
    Box {
        value: String,
        link: Option<String>,
    },
}

impl PoolField {
    pub fn is_ticked(&self) -> bool {
        matches!(&self.kind, PoolFieldKind::Box { value, .. } if *value == self.value)
    }
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
