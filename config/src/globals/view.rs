//! Who sees what of `globals.json` (portal-api 23.3): members are named that may be seen, so a new
//! secret is hidden until somebody decides otherwise.

use serde_json::{Map, Value};

/// For whom the settings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// An original component on a trusted address: everything, as wicked did.
    TrustedPeer,
    AuthServer,
    Portal,
    GatewayAdapter,
    Mailer,
    Chatbot,
    /// Anybody else inside: no secrets.
    Anonymous,
}

/// Members that hold no secrets.
const PUBLIC: &[&str] = &[
    "version",
    "title",
    "footer",
    "company",
    "passwordStrategy",
    "validatedUserGroup",
    "api",
    "network",
    "portal",
    "kongAdapter",
    "auditlog",
    "layouts",
    "views",
    "gateway",
    "requireCurrentPassword",
];

/// Parts of members that hold secrets beside them.
const PARTS: &[(&str, &[&str])] = &[
    ("recaptcha", &["useRecaptcha", "websiteKey"]),
    (
        "mailer",
        &[
            "useMailer",
            "senderEmail",
            "senderName",
            "adminEmail",
            "adminName",
        ],
    ),
    ("chatbot", &["useChatbot", "username", "icon_url"]),
    (
        "credentials",
        &["reveal", "maxOverlapSeconds", "maxAgeDays", "keyPrefix"],
    ),
    ("sessionStore", &["type", "host", "port"]),
];

impl Viewer {
    /// Members that this viewer needs in full.
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::AuthServer => &["recaptcha", "storage"],
            Self::GatewayAdapter => &["sessionStore"],
            Self::Mailer => &["mailer"],
            Self::Chatbot => &["chatbot"],
            Self::TrustedPeer | Self::Portal | Self::Anonymous => &[],
        }
    }
}

pub(super) fn view(globals: &Value, viewer: Viewer) -> Value {
    let Value::Object(all) = globals else {
        return Map::new().into();
    };
    if viewer == Viewer::TrustedPeer {
        return globals.clone();
    }
    let own = viewer.own();
    all.iter()
        .filter_map(|(key, value)| {
            let is_whole = PUBLIC.contains(&key.as_str()) || own.contains(&key.as_str());
            let shown = if is_whole {
                value.clone()
            } else {
                part(key, value)?
            };
            Some((key.clone(), shown))
        })
        .collect::<Map<_, _>>()
        .into()
}

fn part(key: &str, value: &Value) -> Option<Value> {
    let (_, members) = PARTS.iter().find(|(name, _)| *name == key)?;
    let map = value.as_object()?;
    let shown = map
        .iter()
        .filter(|(name, _)| members.contains(&name.as_str()));
    Some(
        shown
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Viewer, view};

    #[test]
    fn each_service_sees_its_own_secrets_and_no_others() {
        let globals = json!({
            "title": "shown", "configKeyCheck": "secret-key", "own": "secret-own",
            "initialUsers": [{"password": "secret-user"}],
            "mailer": {"useMailer": true, "password": "secret-smtp"},
            "chatbot": {"useChatbot": true, "targets": [{"hookUrl": "https://secret-hook"}]},
            "sessionStore": {"type": "redis", "password": "secret-redis"},
            "recaptcha": {"useRecaptcha": false, "secretKey": "secret-captcha"},
            "storage": {"pgPassword": "secret-postgres"}
        });
        for (viewer, own) in [
            (Viewer::Anonymous, &[][..]),
            (Viewer::Portal, &[]),
            (Viewer::Mailer, &["smtp"]),
            (Viewer::Chatbot, &["hook"]),
            (Viewer::GatewayAdapter, &["redis"]),
            (Viewer::AuthServer, &["captcha", "postgres"]),
        ] {
            let shown = view(&globals, viewer).to_string();
            assert!(shown.contains("shown"));
            assert_eq!(
                shown.matches("secret-").count(),
                own.len(),
                "{viewer:?}: {shown}"
            );
            assert!(
                own.iter()
                    .all(|name| shown.contains(&format!("secret-{name}"))),
                "{viewer:?}"
            );
        }
        assert_eq!(view(&globals, Viewer::TrustedPeer), globals);
    }
}
