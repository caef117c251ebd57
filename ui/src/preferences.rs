//! Language and theme: read from cookies, changed by one small form that works without log-in.

use axum::{
    Form,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header};
use serde::Deserialize;

use crate::{Lang, Languages, Theme, texts::own};

const LANG_COOKIE: &str = "wicketgate_lang";
const THEME_COOKIE: &str = "wicketgate_theme";
const STATISTICS_COOKIE: &str = "wicketgate_statistics";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// What the reader chose, and the address of the page being asked for.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    pub lang: Lang,
    /// All that the reader can choose from.
    pub languages: Languages,
    pub theme: Theme,
    /// Whether the reader lets his visits be counted; nothing as long as he did not say.
    pub statistics: Option<bool>,
    /// Path and query of the request; the preference forms come back here.
    pub here: String,
}

impl Preferences {
    /// Reads cookies and `Accept-Language`.
    pub fn of(languages: Languages, headers: &HeaderMap, here: impl Into<String>) -> Self {
        let chosen = cookie(headers, LANG_COOKIE).and_then(|tag| languages.find(tag));
        let lang = chosen.unwrap_or_else(|| {
            let accepted = headers.get(header::ACCEPT_LANGUAGE);
            let accepted = accepted.and_then(|value| value.to_str().ok());
            languages.accepted(accepted.unwrap_or_default())
        });
        let theme = cookie(headers, THEME_COOKIE)
            .and_then(Theme::from_value)
            .unwrap_or_default();
        Self {
            lang,
            languages,
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
    // One that is not spoken here counts for nothing when the cookie is read.
    if let Some(tag) = change.lang.as_deref().filter(|tag| own::is_tag(tag)) {
        cookies.push((header::SET_COOKIE, set(LANG_COOKIE, tag)));
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
                Preferences::of(Languages::default(), &headers, "/").statistics,
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
        let preferences = Preferences::of(Languages::default(), &headers, "/");
        assert_eq!(
            (preferences.lang, preferences.theme),
            (Lang::DE, Theme::Dark)
        );
    }
}
