//! What `layouts` and `views` of `globals.json` say about the pages (portal-ui 12). What is missing,
//! or written in another form, has its default.

use sdk::types::Globals;
use serde_json::Value;
use ui::{Entry, RootLink, Site};
use url::Url;

/// Sentences below the headings of lists, and what cards show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Views {
    pub apis: Option<String>,
    pub applications: Option<String>,
    pub application: Option<String>,
    /// Cards go without a picture.
    pub hides_api_icon: bool,
}

/// The head of the API console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console {
    pub home: Option<String>,
    pub shows_contact: bool,
    pub shows_content: bool,
    /// Path of the operator's style sheet for it.
    pub style: Option<String>,
}

/// How the operator counts visits (portal-ui 24.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Path of the portal, or an address elsewhere.
    pub script: String,
    /// Other sites that the script comes from or talks to.
    pub origins: Vec<String>,
}

/// `portal.analytics`: `script`, and `origins` that it talks to. What cannot be used is said to
/// operators, and nothing is counted.
pub fn statistics(configured: Option<&Value>) -> Option<Statistics> {
    let configured = configured?;
    let refused = |why: &str| {
        tracing::warn!("`portal.analytics` has no effect: {why}");
        None
    };
    let Some(script) = configured.get("script").and_then(text) else {
        return refused("`script` is missing");
    };
    let is_local = ui::local_path(&script).is_some();
    let named = configured.get("origins").and_then(Value::as_array);
    let named = named.into_iter().flatten().filter_map(Value::as_str);
    let mut origins = Vec::new();
    for address in named.chain((!is_local).then_some(script.as_str())) {
        let url = Url::parse(address).ok();
        let Some(url) = url.filter(|url| matches!(url.scheme(), "https" | "http")) else {
            return refused(&format!("`{address}` is no address of the web"));
        };
        origins.push(url.origin().ascii_serialization());
    }
    Some(Statistics { script, origins })
}

/// Puts the operator's choices into what all pages show.
pub fn apply(site: &mut Site, globals: &Globals) {
    let menu = |name: &str| member(globals, &["layouts", "menu", name]);
    let off = |value: Option<&Value>| value.and_then(truth) == Some(false);
    site.root = root(globals);
    // The words of the sample are ours, and ours speak the reader's language.
    site.home_text = menu("homeLinkText")
        .and_then(text)
        .filter(|text| text != "Home");
    site.login_text = menu("loginLinkText")
        .and_then(text)
        .filter(|text| !matches!(text.as_str(), "Log in" | "Login"));
    site.hides_signup = off(menu("showSignupLink"));
    site.login_left = menu("classForLoginSignupPosition")
        .and_then(text)
        .as_deref()
        == Some("left");
    let footer = |name: &str| member(globals, &["layouts", "footer", name]);
    site.hides_product = off(footer("showBuiltBy"));
    site.hides_builds = off(footer("showBuilds"));
    site.hidden_from_guests = [
        ("apisLinkVisibleToGuest", Entry::Apis),
        ("applicationsLinkVisibleToGuest", Entry::Applications),
        ("contentLinkVisibleToGuest", Entry::Docs),
        ("contactLinkVisibleToGuest", Entry::Contact),
    ]
    .into_iter()
    .filter(|(name, _)| off(menu(name)))
    .map(|(_, entry)| entry)
    .collect();
}

/// The operator's words on single pages.
pub fn views(globals: &Globals) -> Views {
    let tagline = |view: &str| member(globals, &["views", view, "titleTagline"]).and_then(text);
    Views {
        apis: tagline("apis"),
        applications: tagline("applications"),
        application: tagline("application"),
        hides_api_icon: member(globals, &["views", "apis", "showApiIcon"]).and_then(truth)
            == Some(false),
    }
}

/// What the API console shows beside the definition.
pub fn console(globals: &Globals, style: Option<String>) -> Console {
    let menu = |name: &str| member(globals, &["layouts", "swaggerUi", "menu", name]);
    let on = |name: &str| menu(name).and_then(truth) == Some(true);
    Console {
        home: menu("homeLinkText").and_then(text),
        shows_contact: on("showContactLink"),
        shows_content: on("showContentLink"),
        style,
    }
}

/// Where name and mark lead. The first spelling is that of old files.
fn root(globals: &Globals) -> RootLink {
    let of = |name: &str| {
        ["defautRoot", "defaultRoot"]
            .into_iter()
            .find_map(|start| member(globals, &["layouts", &format!("{start}{name}")]))
            .and_then(text)
    };
    let url = of("Url").filter(|url| is_address(url));
    RootLink {
        url: url.unwrap_or_else(|| "/".to_owned()),
        new_window: of("UrlTarget").as_deref() == Some("_blank"),
        text: of("UrlText"),
    }
}

/// A path of the portal, or a web address; nothing that would run as a script.
fn is_address(url: &str) -> bool {
    ui::local_path(url).is_some() || url.starts_with("https://") || url.starts_with("http://")
}

fn member<'a>(globals: &'a Globals, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(globals.extra.get(first)?, |value, name| value.get(name))
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Old files write truth values as text, too.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(layouts: &str) -> Site {
        let globals = serde_json::from_str(&format!(r#"{{"layouts": {layouts}}}"#)).unwrap();
        let mut site = Site::default();
        apply(&mut site, &globals);
        site
    }

    #[test]
    fn missing_and_odd_members_have_their_defaults() {
        for layouts in [
            "{}",
            "null",
            r#"{"menu": 5, "footer": [], "defautRootUrl": {}}"#,
        ] {
            let site = site(layouts);
            assert_eq!(site.root.url, "/");
            assert!(site.hidden_from_guests.is_empty() && !site.hides_signup);
        }
    }

    #[test]
    fn both_spellings_are_read_but_no_script() {
        assert_eq!(
            site(r#"{"defautRootUrl": "https://a.example"}"#).root.url,
            "https://a.example"
        );
        assert_eq!(site(r#"{"defaultRootUrl": "/apis"}"#).root.url, "/apis");
        assert_eq!(
            site(r#"{"defautRootUrl": "javascript:alert(1)"}"#).root.url,
            "/"
        );
    }

    #[test]
    fn links_are_taken_from_guests() {
        let site = site(
            r#"{"menu": {"contactLinkVisibleToGuest": false, "apisLinkVisibleToGuest": "false",
                "showSignupLink": false, "homeLinkText": "Heim"}}"#,
        );
        assert_eq!(site.hidden_from_guests, [Entry::Apis, Entry::Contact]);
        assert!(site.hides_signup);
        assert_eq!(site.home_text.as_deref(), Some("Heim"));
    }
}
