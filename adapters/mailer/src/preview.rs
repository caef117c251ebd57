//! Looking at mails without a running mailer.

use std::{collections::BTreeMap, path::Path};

use sdk::types::Globals;
use serde_json::Value;

use crate::{
    configuration::Configuration, handle::render, mails::Mail, sample, templates::Templates,
    transport::Limits,
};

/// A mail with made-up content.
#[derive(Debug)]
pub struct Preview {
    pub name: &'static str,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

/// All mails in `language` as these templates make them, and what is wrong with the templates.
/// `globals` and `templates` are what portal-api answers.
pub fn preview(
    globals: Value,
    templates: &[u8],
    language: Option<&str>,
) -> anyhow::Result<(Vec<Preview>, Vec<String>)> {
    let globals: Globals = serde_json::from_value(globals)?;
    let templates: BTreeMap<String, String> = serde_json::from_slice(templates)?;
    let templates = Templates::read(&templates);
    let configuration =
        Configuration::new(&globals, templates, Path::new("."), true, Limits::default())?;
    let mails = Mail::ALL.into_iter().map(|mail| {
        let letter = sample::letter(mail, language.map(str::to_owned));
        let unsubscribe = format!("{}/unsubscribe/sample", configuration.portal);
        let unsubscribe = mail.is_optional().then_some(unsubscribe.as_str());
        let (subject, rendered) = render(&letter, &configuration, unsubscribe);
        Preview {
            name: mail.template(),
            subject,
            text: rendered.text,
            html: rendered.html,
        }
    });
    let mails = mails.collect();
    Ok((mails, configuration.templates.problems().to_vec()))
}
