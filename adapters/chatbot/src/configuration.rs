//! The settings in force, from `globals` and the chat templates.

use std::{collections::BTreeMap, sync::Arc};

use sdk::{
    template::{Template, TemplateError},
    types::{Globals, apis::ChatTemplates},
};
use url::Url;

use crate::{
    messages,
    platform::Sender,
    target::{Place, Target},
};

/// What messages are made with. Dropping it stops the workers of its targets.
#[derive(Debug)]
pub struct Configuration {
    /// External address of the portal.
    pub portal: Url,
    /// `network.chatbotUrl`.
    pub own_url: Option<Url>,
    pub targets: Vec<Arc<Target>>,
    /// What is wrong with targets and templates.
    pub problems: Vec<String>,
    templates: BTreeMap<String, Template>,
}

impl Configuration {
    /// Targets that stay as they are go on with what they do.
    pub fn new(
        globals: &Globals,
        templates: ChatTemplates,
        place: &Place,
        before: Option<&Self>,
    ) -> Self {
        let chatbot = globals.chatbot.clone().unwrap_or_default();
        let url = |text: Option<&String>| text.and_then(|url| Url::parse(url).ok());
        let sender = Sender {
            name: chatbot
                .username
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| globals.title.clone()),
            icon: chatbot.icon_url.filter(|icon| !icon.is_empty()),
        };
        let mut configuration = Self {
            portal: url(globals.network.portal().as_ref())
                .unwrap_or_else(|| Url::parse("http://localhost:3000").expect("a valid address")),
            own_url: url(globals.network.chatbot_url.as_ref()),
            targets: Vec::new(),
            problems: Vec::new(),
            templates: BTreeMap::new(),
        };
        configuration.read_templates(templates);
        if chatbot.use_chatbot == Some(true) {
            for (index, settings) in chatbot.targets.iter().enumerate() {
                let running = before.into_iter().flat_map(|before| &before.targets);
                let running = running
                    .filter(|target| target.is_same(index, settings, &sender))
                    .cloned();
                let started = running.map(Ok).next().unwrap_or_else(|| {
                    Target::start(index, settings.clone(), sender.clone(), place).map(Arc::new)
                });
                match started {
                    Ok(target) => configuration.targets.push(target),
                    Err(error) => configuration.problems.push(format!(
                        "globals.chatbot.targets[{index}]: {error}; it gets no messages"
                    )),
                }
            }
        }
        configuration
    }

    /// The text of a message for a target: its own, else that of the configuration, else ours.
    pub fn template(&self, message: &str, target: &Target) -> Option<Template> {
        let own = target.template(message).cloned();
        own.or_else(|| self.templates.get(message).cloned())
    }

    /// Our own templates, replaced by those of the configuration that can be read.
    fn read_templates(&mut self, templates: ChatTemplates) {
        for (name, source) in messages::built_in_templates().into_iter().chain(templates) {
            match parse(&source) {
                Ok(template) => {
                    self.templates.insert(name, template);
                }
                Err(error) => self.problems.push(format!(
                    "templates/chatbot.json: {name}: {error}; using our own"
                )),
            }
        }
    }
}

/// Reads a template. Links are written `{{#link}}address|label{{/link}}`, or as Slack does.
pub fn parse(source: &str) -> Result<Template, TemplateError> {
    let source = source.replace("{{#link}}", "<").replace("{{/link}}", ">");
    Template::parse(&source)
}
