//! The operator's own pages of the auth server (`templates/auth/<page>[.<language>].mustache`).
//!
//! A fault in one is a warning: the auth server shows its own page instead, which serves people better
//! than a configuration that is not taken.

use sdk::template::Template;
use serde_json::{Map, Value};

use crate::{path::JsonPath, problem::Report, tree::Tree};

const FOLDER: &str = "templates/auth/";

/// Longest template of a page.
const MAX_LENGTH: usize = 256 * 1024;

/// The pages that have a form, which needs the hidden field.
const FORMS: [&str; 21] = [
    "account_security",
    "account_sessions",
    "account_tokens",
    "device",
    "device_confirm",
    "dummy",
    "email_missing",
    "force_change_password",
    "forgot_password",
    "grant_scopes",
    "link_account",
    "login",
    "logout_confirm",
    "register",
    "scope_list",
    "second_factor",
    "select_namespace",
    "signup",
    "verify_email",
    "verify_email_request",
    "verify_password_reset",
];
const OTHERS: [&str; 13] = [
    "choose_method",
    "device_allowed",
    "device_denied",
    "device_ended",
    "error",
    "failure",
    "forgot_password_post",
    "invitation_post",
    "logout",
    "signup_post",
    "verify_email_post",
    "verify_email_request_confirm",
    "verify_password_reset_post",
];

/// Name without `.mustache` → text.
pub fn read(tree: &Tree, report: &Report) -> Value {
    let mut pages = Map::new();
    for (name, bytes) in tree.below(FOLDER) {
        match check(name, bytes) {
            Ok((page, text)) => {
                pages.insert(page.to_owned(), text.into());
            }
            Err(message) => {
                report.warn(&format!("{FOLDER}{name}"), &JsonPath::default(), message);
            }
        }
    }
    pages.into()
}

fn check<'t>(name: &'t str, bytes: &'t [u8]) -> Result<(&'t str, &'t str), String> {
    let written = name.strip_suffix(".mustache").ok_or(
        "the template of a page is called <page>.mustache or <page>.<language>.mustache; this file \
         has no effect",
    )?;
    let (page, language) = match written.split_once('.') {
        Some((page, language)) => (page, Some(language)),
        None => (written, None),
    };
    let is_form = FORMS.contains(&page);
    if !is_form && !OTHERS.contains(&page) {
        let mut pages = [&FORMS[..], &OTHERS].concat();
        pages.sort_unstable();
        let pages = pages.join(", ");
        return Err(format!(
            "the auth server has no page `{page}`; there are {pages}"
        ));
    }
    if language.is_some_and(|language| !ui::texts::own::is_tag(language)) {
        return Err(
            "a language is written like `de` or `pt-br`; this file has no effect".to_owned(),
        );
    }
    if bytes.len() > MAX_LENGTH {
        return Err(format!(
            "the template is longer than {MAX_LENGTH} bytes; the built-in page is shown"
        ));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "the template is not UTF-8; the built-in page is shown")?;
    Template::parse(text).map_err(|error| format!("{error}; the built-in page is shown"))?;
    if is_form && !text.contains("csrfToken") {
        return Err(
            "a form has to send `_csrf` with `{{csrfToken}}`, or nobody gets past this page; the \
             built-in page is shown"
                .to_owned(),
        );
    }
    Ok((written, text))
}

#[cfg(test)]
mod tests {
    use crate::{Configuration, Environment, Tree};

    #[test]
    fn only_pages_that_work_are_handed_on_and_the_others_are_named() {
        let mut tree = Tree::sample();
        for (name, text) in [
            ("login.mustache", "<input name=_csrf value='{{csrfToken}}'>"),
            ("error.de.mustache", "{{message}}"),
            ("signup.mustache", "<form>"),
            ("logout.mustache", "a\n{{#open}}"),
            ("logout.french.mustache", "Adieu"),
            ("loggin.mustache", "x"),
            ("notes.txt", "x"),
        ] {
            tree.insert(format!("templates/auth/{name}"), text.to_owned());
        }
        let loaded = Configuration::from_tree(&tree, "test", &Environment::default()).unwrap();
        let served = &loaded.configuration.templates.auth_pages.bytes;
        let served: serde_json::Map<_, _> = serde_json::from_slice(served).unwrap();
        assert_eq!(served.keys().collect::<Vec<_>>(), ["error.de", "login"]);
        let named: Vec<&str> = loaded
            .notices
            .iter()
            .filter_map(|problem| problem.file.strip_prefix("templates/auth/"))
            .collect();
        let faulty = [
            "loggin.mustache",
            "logout.french.mustache",
            "logout.mustache",
            "notes.txt",
            "signup.mustache",
        ];
        assert_eq!(named, faulty);
    }
}
