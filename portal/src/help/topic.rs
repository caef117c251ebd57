//! The topics and their texts.

use ui::{Base, Lang, texts};

/// Name, id, and titles in English and German of each topic. Its texts lie in `help/`.
macro_rules! topics {
    ($($name:ident = $id:literal, $en:literal, $de:literal;)+) => {
        /// Something that people ask about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Topic { $($name),+ }

        impl Topic {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The last part of its address.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            pub fn find(id: &str) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)+
                    _ => None,
                }
            }

            pub const fn title(self, lang: Lang) -> &'static str {
                match (self, lang.base()) {
                    $((Self::$name, Base::En) => $en, (Self::$name, Base::De) => $de),+
                }
            }

            /// Markdown with places for this installation's values.
            pub const fn source(self, lang: Lang) -> &'static str {
                match (self, lang.base()) {
                    $(
                        (Self::$name, Base::En) => include_str!(concat!("../../help/en/", $id, ".md")),
                        (Self::$name, Base::De) => include_str!(concat!("../../help/de/", $id, ".md")),
                    )+
                }
            }
        }
    };
}

topics! {
    Apis = "apis", "Finding an API", "Eine API finden";
    Api = "api", "The page of an API", "Die Seite einer API";
    ApiAccess = "api-access", "Calling an API", "Eine API aufrufen";
    Bundles = "bundles", "Bundles", "Bündel";
    Applications = "applications", "Applications", "Anwendungen";
    Application = "application", "The page of an application", "Die Seite einer Anwendung";
    ApplicationOwnership = "application-ownership", "Who may do what", "Wer was darf";
    ClientTypes = "client_types", "Kinds of programs", "Arten von Programmen";
    ClientCredentials = "oauth2_client_credentials", "OAuth 2.0: client credentials", "OAuth 2.0: Client Credentials";
    AuthorizationCode = "oauth2_authorization_code", "OAuth 2.0: authorization code", "OAuth 2.0: Authorization Code";
    ImplicitGrant = "oauth2_implicit_grant", "OAuth 2.0: implicit grant", "OAuth 2.0: Implicit Grant";
    PasswordGrant = "oauth2_password_grant", "OAuth 2.0: password grant", "OAuth 2.0: Password Grant";
    AllowedScopes = "allowed_scopes", "Allowed scopes", "Erlaubte Scopes";
    Trusted = "trusted", "Trusted subscriptions", "Vertraute Abonnements";
    Accessibility = "accessibility", "Accessibility and keyboard", "Barrierefreiheit und Tastatur";
}

/// Topics that belong together.
#[derive(Clone, Copy, Debug)]
pub enum Group {
    Apis,
    Applications,
    OAuth,
    Portal,
}

/// All, in the order of the page.
pub const GROUPS: [Group; 4] = [
    Group::Apis,
    Group::Applications,
    Group::OAuth,
    Group::Portal,
];

impl Group {
    pub fn title(self, t: texts::Help) -> &'static str {
        match self {
            Self::Apis => t.apis(),
            Self::Applications => t.applications(),
            Self::OAuth => t.oauth(),
            Self::Portal => t.portal(),
        }
    }

    pub const fn topics(self) -> &'static [Topic] {
        match self {
            Self::Apis => &[Topic::Apis, Topic::Api, Topic::ApiAccess, Topic::Bundles],
            Self::Applications => &[
                Topic::Applications,
                Topic::Application,
                Topic::ApplicationOwnership,
                Topic::ClientTypes,
            ],
            Self::OAuth => &[
                Topic::AuthorizationCode,
                Topic::ClientCredentials,
                Topic::ImplicitGrant,
                Topic::PasswordGrant,
                Topic::AllowedScopes,
                Topic::Trusted,
            ],
            Self::Portal => &[Topic::Accessibility],
        }
    }
}
