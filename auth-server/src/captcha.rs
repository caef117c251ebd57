//! What tells people from programs, if the operator wants it (17.7): reCAPTCHA, or a service that
//! speaks the same protocol.

use std::time::Duration;

use sdk::types::Secret;
use serde::{Deserialize, Serialize};
use service::http::{innermost, read_at_most};
use url::Url;

use crate::{
    pages::{Fault, PageError},
    state::AppState,
};

/// How long the service may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 16 * 1024;
/// Longer answers are none.
const MAX_TOKEN: usize = 8 * 1024;

/// A service, and how a page shows its question.
#[derive(Debug)]
struct Service {
    name: &'static str,
    script: &'static str,
    /// Class of the element that the script fills.
    class: &'static str,
    /// From where scripts and frames come.
    origins: &'static [&'static str],
    verify: &'static str,
}

const SERVICES: [Service; 3] = [
    Service {
        name: "recaptcha",
        script: "https://www.google.com/recaptcha/api.js",
        class: "g-recaptcha",
        origins: &["https://www.google.com", "https://www.gstatic.com"],
        verify: "https://www.google.com/recaptcha/api/siteverify",
    },
    Service {
        name: "hcaptcha",
        script: "https://js.hcaptcha.com/1/api.js",
        class: "h-captcha",
        origins: &["https://hcaptcha.com", "https://*.hcaptcha.com"],
        verify: "https://api.hcaptcha.com/siteverify",
    },
    Service {
        name: "turnstile",
        script: "https://challenges.cloudflare.com/turnstile/v0/api.js",
        class: "cf-turnstile",
        origins: &["https://challenges.cloudflare.com"],
        verify: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    },
];

/// `globals.recaptcha`, switched on.
#[derive(Clone, Debug)]
pub struct Captcha {
    service: &'static Service,
    website_key: String,
    secret: Secret,
    verify: Url,
}

/// What a page has to show.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Widget {
    use_recaptcha: bool,
    pub website_key: String,
    #[serde(skip)]
    service: &'static Service,
}

impl Widget {
    pub const fn script(&self) -> &'static str {
        self.service.script
    }

    pub const fn class(&self) -> &'static str {
        self.service.class
    }

    pub const fn origins(&self) -> &'static [&'static str] {
        self.service.origins
    }
}

/// What is wrong with `globals.recaptcha`.
#[derive(Debug, thiserror::Error)]
#[error("globals.json: `recaptcha.{0}` is missing or wrong")]
pub struct CaptchaError(&'static str);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    use_recaptcha: serde_json::Value,
    website_key: Option<String>,
    secret_key: Option<Secret>,
    provider: Option<String>,
    /// Where a service is asked that is none of those that are known by name.
    verify_url: Option<String>,
}

impl Captcha {
    /// Nothing if it is switched off.
    pub fn read(written: Option<&serde_json::Value>) -> Result<Option<Self>, CaptchaError> {
        let Some(written) = written.filter(|written| !written.is_null()) else {
            return Ok(None);
        };
        let written = Written::deserialize(written).map_err(|_| CaptchaError("useRecaptcha"))?;
        let is_on = match &written.use_recaptcha {
            serde_json::Value::Bool(flag) => *flag,
            serde_json::Value::String(text) => text == "true",
            _ => false,
        };
        if !is_on {
            return Ok(None);
        }
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let provider = some(written.provider);
        let provider = provider.as_deref().unwrap_or(SERVICES[0].name);
        let service = SERVICES.iter().find(|service| service.name == provider);
        let service = service.ok_or(CaptchaError("provider"))?;
        let verify = some(written.verify_url);
        let verify = Url::parse(verify.as_deref().unwrap_or(service.verify));
        let secret = written.secret_key;
        Ok(Some(Self {
            service,
            website_key: some(written.website_key).ok_or(CaptchaError("websiteKey"))?,
            secret: secret
                .filter(|secret| !secret.expose().is_empty())
                .ok_or(CaptchaError("secretKey"))?,
            verify: verify.map_err(|_| CaptchaError("verifyUrl"))?,
        }))
    }

    pub fn widget(&self) -> Widget {
        Widget {
            use_recaptcha: true,
            website_key: self.website_key.clone(),
            service: self.service,
        }
    }

    /// Whether the service says yes to `token`.
    async fn holds(&self, token: &str) -> Result<bool, String> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            success: bool,
        }

        if token.is_empty() || token.len() > MAX_TOKEN {
            return Ok(false);
        }
        let request = service::http::client()
            .post(self.verify.clone())
            .timeout(TIMEOUT)
            .form(&[("secret", self.secret.expose()), ("response", token)]);
        let response = request.send().await;
        let response = response.map_err(|error| innermost(&error.without_url()))?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        let body = read_at_most(response, MAX_ANSWER).await;
        let body = body.map_err(|error| error.to_string())?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| "the answer is no JSON".to_owned())?;
        Ok(answer.success)
    }
}

/// Refuses a form without a right answer, where one is wanted. Nobody gets past a service that is away.
pub async fn check(state: &AppState, token: Option<&str>) -> Result<(), PageError> {
    let configuration = state.configuration();
    let Some(captcha) = &configuration.captcha else {
        return Ok(());
    };
    match captcha.holds(token.unwrap_or_default()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(PageError::new(state, Fault::Captcha)),
        Err(error) => {
            let service = captcha.service.name;
            tracing::error!(service, "the captcha could not be checked: {error}");
            Err(PageError::new(state, Fault::Unavailable))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_off_unless_switched_on_and_then_complete() {
        for off in [json!({}), json!({"useRecaptcha": false, "websiteKey": "w"})] {
            assert!(Captcha::read(Some(&off)).unwrap().is_none(), "{off}");
        }
        assert!(Captcha::read(None).unwrap().is_none());
        let half = json!({"useRecaptcha": "true", "websiteKey": "w"});
        assert!(Captcha::read(Some(&half)).is_err());
        let mut full = json!({"useRecaptcha": true, "websiteKey": "w", "secretKey": "hush"});
        let captcha = Captcha::read(Some(&full)).unwrap().unwrap();
        assert_eq!(captcha.service.name, "recaptcha");
        let shown = serde_json::to_value(captcha.widget()).unwrap();
        assert_eq!(shown, json!({"useRecaptcha": true, "websiteKey": "w"}));
        assert!(!format!("{captcha:?}").contains("hush"));
        full["provider"] = "turnstile".into();
        let other = Captcha::read(Some(&full)).unwrap().unwrap();
        assert_eq!(other.widget().class(), "cf-turnstile");
        full["provider"] = "nobody".into();
        assert!(Captcha::read(Some(&full)).is_err());
    }
}
