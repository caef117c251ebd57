//! The settings in force, from `globals` and the chat templates.

use std::{collections::BTreeMap, sync::Arc};

use ipnet::IpNet;
use sdk::{
    template::Template,
    types::{Globals, apis::ChatTemplates},
};
use url::Url;

use crate::{
    messages,
    platform::Sender,
    target::{Target, start_all},
};

/// What messages are made with. Dropping it stops the workers of its targets.
#[derive(Debug)]
pub struct Configuration {
    /// External address of the portal.
    pub portal: Url,
    /// `network.chatbotUrl`.
    pub own_url: Option<Url>,
    pub sender: Sender,
    pub targets: Vec<Arc<Target>>,
    templates: BTreeMap<String, Template>,
}

impl Configuration {
    pub fn new(
        globals: &Globals,
        templates: ChatTemplates,
        client: &reqwest::Client,
        allowed: &[IpNet],
    ) -> Self {
        let chatbot = globals.chatbot.clone().unwrap_or_default();
        let parse = |text: Option<&String>| text.and_then(|url| Url::parse(url).ok());
        let sender = Sender {
            name: chatbot
                .username
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| globals.title.clone()),
            icon: chatbot.icon_url.filter(|icon| !icon.is_empty()),
        };
        let targets = if chatbot.use_chatbot == Some(true) {
            start_all(&chatbot.targets, &sender, client, allowed)
        } else {
            Vec::new()
        };
        Self {
            portal: parse(globals.network.portal().as_ref())
                .unwrap_or_else(|| Url::parse("http://localhost:3000").expect("a valid address")),
            own_url: parse(globals.network.chatbot_url.as_ref()),
            sender,
            targets,
            templates: read(templates),
        }
    }

    pub fn template(&self, message: &str) -> Option<&Template> {
        self.templates.get(message)
    }
}

/// Our own templates, replaced by those of the configuration that can be read.
fn read(templates: ChatTemplates) -> BTreeMap<String, Template> {
    let mut read = BTreeMap::new();
    for (name, source) in messages::built_in_templates().into_iter().chain(templates) {
        match Template::parse(&source) {
            Ok(template) => {
                read.insert(name, template);
            }
            Err(error) => tracing::error!("chat template {name}: {error}; using our own"),
        }
    }
    read
}
