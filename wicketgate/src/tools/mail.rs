//! `wicketgate mail`: looking at mails without sending any.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use config::{Configuration, Environment, globals::Viewer};
use mailer::Preview;
use service::settings;

use crate::cli::Mail;

/// `wicketgate mail preview`
pub async fn mail(command: Mail) -> anyhow::Result<()> {
    let Mail::Preview {
        template,
        config,
        locale,
        html,
        out,
    } = command;
    let loading = tokio::task::spawn_blocking(move || {
        let environment = Environment::new(settings::all());
        match &config {
            Some(folder) => Configuration::load(folder, &environment),
            None => Configuration::sample(&environment),
        }
    });
    let configuration = match loading.await? {
        Ok(loaded) => loaded.configuration,
        Err(problems) => bail!("{problems}"),
    };
    let (mut mails, problems) = mailer::preview(
        configuration.globals_view(Viewer::Mailer),
        &configuration.templates.all_emails.bytes,
        locale.as_deref(),
    )?;
    for problem in problems {
        eprintln!("templates/email/{problem}");
    }
    if let Some(name) = template {
        mails.retain(|mail| mail.name == name);
        if mails.is_empty() {
            bail!("there is no mail `{name}`");
        }
    }
    if let Some(folder) = out {
        return write(&mails, &folder);
    }
    for mail in mails {
        print(&mail, html);
    }
    Ok(())
}

fn print(mail: &Preview, html: bool) {
    match (&mail.html, html) {
        (Some(html), true) => say!("{html}"),
        (None, true) => eprintln!("{} has no HTML in this language", mail.name),
        (_, false) => say!("== {}\n{}", mail.name, text(mail)),
    }
}

fn text(mail: &Preview) -> String {
    format!("Subject: {}\n\n{}", mail.subject, mail.text)
}

fn write(mails: &[Preview], folder: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot write into {} (--out)", folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    for mail in mails {
        let file = |suffix: &str| folder.join(format!("{}.{suffix}", mail.name));
        fs::write(file("txt"), text(mail)).with_context(failed)?;
        if let Some(html) = &mail.html {
            fs::write(file("html"), html).with_context(failed)?;
        }
    }
    say!("{} mails are in {}", mails.len(), folder.display());
    Ok(())
}
