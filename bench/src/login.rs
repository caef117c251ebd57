//! Logging in as a browser does: through the pages of portal and auth server.

use std::sync::Arc;

use anyhow::{Context, bail};
use reqwest::{
    Client, Url,
    cookie::{CookieStore, Jar},
};
use scraper::{Html, Selector};

/// A new browser logs in at the portal and is sent back there. Gives its cookies.
pub async fn log_in(url: &str, email: &str, password: &str) -> anyhow::Result<String> {
    let jar = Arc::new(Jar::default());
    let client = Client::builder()
        .no_proxy()
        .cookie_provider(jar.clone())
        .build()?;
    let page = client.get(url).send().await?.error_for_status()?;
    let at = page.url().clone();
    let (action, mut fields) = form(&at, &page.text().await?)?;
    fields.push(("username".to_owned(), email.to_owned()));
    fields.push(("password".to_owned(), password.to_owned()));
    let origin = at.origin().ascii_serialization();
    let request = client.post(action).header("origin", origin).form(&fields);
    let answer = request.send().await?.error_for_status()?;
    let after = answer.url().clone();
    if answer.text().await?.contains("name=\"password\"") {
        bail!("the log-in was refused: {after}");
    }
    let cookies = jar.cookies(&url.parse()?);
    let cookies = cookies.context("the portal has set no cookie")?;
    Ok(cookies.to_str()?.to_owned())
}

/// Where the form with the password leads, and its hidden fields.
fn form(at: &Url, page: &str) -> anyhow::Result<(Url, Vec<(String, String)>)> {
    let document = Html::parse_document(page);
    let forms = Selector::parse("form:has(input[type=password])").expect("a selector");
    let hidden = Selector::parse("input[type=hidden]").expect("a selector");
    let form = document
        .select(&forms)
        .next()
        .with_context(|| format!("no log-in form at {at}"))?;
    let fields = form.select(&hidden).filter_map(|input| {
        let element = input.value();
        let value = element.attr("value").unwrap_or_default();
        Some((element.attr("name")?.to_owned(), value.to_owned()))
    });
    let action = at.join(form.value().attr("action").unwrap_or_default())?;
    Ok((action, fields.collect()))
}
