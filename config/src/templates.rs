//! Texts of mails, chat messages and pages, and whole pages of the auth server (`templates/`). Rendered
//! by those who send and show them.

mod pages;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{problem::Report, read::Object, render::Rendered, tree::Tree};

const CHATBOT: &str = "templates/chatbot.json";
const MAILS: &str = "templates/email/";

/// Message and mail templates. Without a `chatbot.json` all of them are the built-in ones; with it,
/// single missing mails (for events that wicked had no mail for) are. A mail that the repository has
/// in any form or language has no others: our HTML says not what its text says.
#[derive(Debug)]
pub struct Templates {
    /// Message name → Mustache text.
    pub chatbot: BTreeMap<String, String>,
    /// Answer of `GET /templates/chatbot`.
    pub rendered: Rendered,
    /// Answer of `GET /templates/email`: name → text.
    pub all_emails: Rendered,
    /// Answer of `GET /templates/texts`: language → texts of pages by group and key.
    pub texts: Rendered,
    /// Answer of `GET /templates/auth`: page, or page and language → text.
    pub auth_pages: Rendered,
    emails: BTreeMap<String, Rendered>,
}

impl Templates {
    /// The mail text called `name`, without `.mustache`.
    pub fn email(&self, name: &str) -> Option<&Rendered> {
        self.emails.get(name)
    }

    /// Names of the mails that have a template.
    pub fn email_names(&self) -> impl Iterator<Item = &str> {
        self.emails.keys().map(String::as_str)
    }

    pub(crate) fn read(tree: &Tree, chatbot: Option<&Value>, report: &Report) -> Self {
        let sample = Tree::sample();
        let mut emails = mails(&sample);
        let built_in: Value = sample
            .get(CHATBOT)
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or_else(|| Map::new().into());
        let document = chatbot.unwrap_or(&built_in);
        if chatbot.is_some() {
            let own = mails(tree);
            let mail = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
            let written: BTreeSet<String> = own.keys().map(|name| mail(name)).collect();
            emails.retain(|name, _| !written.contains(&mail(name)));
            emails.extend(own);
        }
        let mut messages = BTreeMap::new();
        if let Some(root) = Object::root(CHATBOT, document, report) {
            for key in root.map.keys().filter(|key| *key != "_links") {
                if let Some(text) = root.text(key) {
                    messages.insert(key.clone(), text);
                }
            }
        }
        Self {
            chatbot: messages,
            rendered: Rendered::json(document),
            all_emails: Rendered::json(&by_name(&emails)),
            texts: Rendered::json(&texts::read(tree, report)),
            auth_pages: Rendered::json(&pages::read(tree, report)),
            emails,
        }
    }
}

fn by_name(emails: &BTreeMap<String, Rendered>) -> Value {
    let text = |mail: &Rendered| String::from_utf8_lossy(&mail.bytes).into_owned();
    emails
        .iter()
        .map(|(name, mail)| (name.clone(), text(mail).into()))
        .collect::<Map<String, Value>>()
        .into()
}

fn mails(tree: &Tree) -> BTreeMap<String, Rendered> {
    tree.below(MAILS)
        .filter_map(|(name, bytes)| {
            let name = name.strip_suffix(".mustache")?;
            (!name.contains('/')).then(|| (name.to_owned(), Rendered::new(bytes.clone())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{Configuration, Environment, Tree};

    #[test]
    fn a_mail_of_the_repository_is_not_mixed_with_ours() {
        let mut tree = Tree::sample();
        let built_in: Vec<String> = tree
            .below("templates/email/")
            .map(|(name, _)| format!("templates/email/{name}"))
            .collect();
        for path in built_in {
            tree.remove(&path);
        }
        tree.insert("templates/email/verify_email.mustache", "Hi".to_owned());
        let loaded = Configuration::from_tree(&tree, "test", &Environment::default()).unwrap();
        let templates = &loaded.configuration.templates;
        assert_eq!(&templates.email("verify_email").unwrap().bytes[..], b"Hi");
        assert!(templates.email("verify_email.html").is_none());
        assert!(templates.email("verify_email.de").is_none());
        assert!(templates.email("welcome.html").is_some());
        assert!(templates.email("layout.html").is_some());
    }
}
