//! Language and theme: read from cookies, changed by one small form that works without log-in.

use std::convert::Infallible;

use axum::{
    Form, RequestPartsExt,
    extract::{FromRequestParts, OriginalUri},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header, request::Parts};
use serde::Deserialize;

use crate::{Lang, Theme};

const LANG_COOKIE: &str = "wicketgate_lang";
const THEME_COOKIE: &str = "wicketgate_theme";
const STATISTICS_COOKIE: &str = "wicketgate_statistics";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// What the reader chose, and the address of the page being asked for.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    pub lang: Lang,
    pub theme: Theme,
    /// Whether the reader lets his visits be counted; nothing as long as he did not say.
    pub statistics: Option<bool>,
    /// Path and query of the request; the preference forms come back here.
    pub here: String,
}

impl Preferences {
    /// Reads cookies and `Accept-Language`.
    pub fn of(headers: &HeaderMap, here: impl Into<String>) -> Self {
        let lang = cookie(headers, LANG_COOKIE)
            .and_then(Lang::from_tag)
            .unwrap_or_else(|| {
                let accepted = headers.get(header::ACCEPT_LANGUAGE);
                Lang::accepted(accepted.and_then(|v| v.to_str().ok()).unwrap_or_default())
            });
        let theme = cookie(headers, THEME_COOKIE)
            .and_then(Theme::from_value)
            .unwrap_or_default();
        Self {
            lang,
            theme,
            statistics: statistics(headers),
            here: here.into(),
        }
    }
}

/// What the reader said here, else what the browser says for him (Global Privacy Control, Do Not
/// Track).
fn statistics(headers: &HeaderMap) -> Option<bool> {
    let is_on = |name: &str| headers.get(name).is_some_and(|value| value == "1");
    match cookie(headers, STATISTICS_COOKIE) {
        Some("yes") => Some(true),
        Some(_) => Some(false),
        None => (is_on("sec-gpc") || is_on("dnt")).then_some(false),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Preferences {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let OriginalUri(uri) = parts.extract::<OriginalUri>().await?;
        let here = uri.path_and_query().map_or("/", |text| text.as_str());
        Ok(Self::of(&parts.headers, here))
    }
}

/// Fields of `POST /preferences`.
#[derive(Debug, Deserialize)]
pub struct Change {
    lang: Option<String>,
    theme: Option<String>,
    statistics: Option<String>,
    #[serde(default)]
    back: String,
}

/// `POST <base>/preferences`: remembers the choice and goes back to the page.
///
/// It needs no form token: the worst another site can do is to change a language.
pub async fn change(Form(change): Form<Change>) -> Response {
    let mut cookies = Vec::new();
    if let Some(lang) = change.lang.as_deref().and_then(Lang::from_tag) {
        cookies.push((header::SET_COOKIE, set(LANG_COOKIE, lang.tag())));
    }
    if let Some(theme) = change.theme.as_deref().and_then(Theme::from_value) {
        cookies.push((header::SET_COOKIE, set(THEME_COOKIE, theme.value())));
    }
    if let Some(answer) = change.statistics.as_deref() {
        let answer = if answer == "yes" { "yes" } else { "no" };
        cookies.push((header::SET_COOKIE, set(STATISTICS_COOKIE, answer)));
    }
    let target = local_path(&change.back).unwrap_or("/");
    (AppendHeaders(cookies), Redirect::to(target)).into_response()
}

/// The text, if it is a path on this site: it begins with one slash and cannot be read as another
/// host (`//host`, `/\host`) or smuggle a header.
pub fn local_path(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('/')?;
    let foreign = rest.starts_with(['/', '\\']) || text.len() > 2000;
    let odd = text.chars().any(|c| c.is_control() || c == '\\');
    (!foreign && !odd).then_some(text)
}

fn set(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax")
}

/// The cookie with this name.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local_path("/apis?q=1"), Some("/apis?q=1"));
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nb",
            "/\t/x",
        ] {
            assert_eq!(local_path(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn visits_are_counted_with_a_yes_only() {
        for (name, value, expected) in [
            ("accept", "*/*", None),
            ("sec-gpc", "1", Some(false)),
            ("dnt", "1", Some(false)),
            ("dnt", "0", None),
            ("cookie", "wicketgate_statistics=yes", Some(true)),
            ("cookie", "wicketgate_statistics=no", Some(false)),
            ("cookie", "wicketgate_statistics=", Some(false)),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(
                Preferences::of(&headers, "/").statistics,
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_cookie_beats_the_browser() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, "en".parse().unwrap());
        headers.insert(
            header::COOKIE,
            "a=b; wicketgate_lang=de; wicketgate_theme=dark"
                .parse()
                .unwrap(),
        );
        let preferences = Preferences::of(&headers, "/");
        assert_eq!(
            (preferences.lang, preferences.theme),
            (Lang::De, Theme::Dark)
        );
    }
}
