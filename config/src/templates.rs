//! Texts of mails and chat messages (`templates/`). Rendered by mailer and chatbot.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{problem::Report, read::Object, render::Rendered, tree::Tree};

const CHATBOT: &str = "templates/chatbot.json";
const MAILS: &str = "templates/email/";

/// Message and mail templates. Without a `chatbot.json` all of them are the built-in ones; with it,
/// single missing mails (for events that wicked had no mail for) are.
#[derive(Debug)]
pub struct Templates {
    /// Message name → Mustache text.
    pub chatbot: BTreeMap<String, String>,
    /// Answer of `GET /templates/chatbot`.
    pub rendered: Rendered,
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
            emails.extend(mails(tree));
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
            emails,
        }
    }
}

fn mails(tree: &Tree) -> BTreeMap<String, Rendered> {
    tree.below(MAILS)
        .filter_map(|(name, bytes)| {
            let name = name.strip_suffix(".mustache")?;
            (!name.contains('/')).then(|| (name.to_owned(), Rendered::new(bytes.clone())))
        })
        .collect()
}
