//! Logging in as a browser does: through the pages of portal and auth server.

use std::sync::Arc;

use anyhow::{Context, ensure};
use reqwest::{
    Client, RequestBuilder, Url,
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
    let page = Page::read(client.get(url)).await?;
    let fields = [("username", email), ("password", password)];
    let mut page = page.submit(&client, "password", &fields).await?;
    ensure!(
        !page.has("password"),
        "the log-in was refused: {}",
        page.address
    );
    // At the first log-in.
    if page.has("name") {
        page = page.submit(&client, "name", &[("name", "Bench")]).await?;
    }
    let cookies = jar.cookies(&page.address);
    let cookies = cookies.with_context(|| format!("{} has set no cookie", page.address))?;
    Ok(cookies.to_str()?.to_owned())
}

struct Page {
    address: Url,
    html: String,
}

impl Page {
    async fn read(request: RequestBuilder) -> anyhow::Result<Self> {
        let answer = request.send().await?.error_for_status()?;
        Ok(Self {
            address: answer.url().clone(),
            html: answer.text().await?,
        })
    }

    fn has(&self, field: &str) -> bool {
        self.html.contains(&format!("name=\"{field}\""))
    }

    /// Sends the form with the field `with`, its hidden fields included.
    async fn submit(
        &self,
        client: &Client,
        with: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let (action, hidden) = self.form(with)?;
        let mut fields = fields.to_vec();
        fields.extend(hidden.iter().map(|(name, value)| (&**name, &**value)));
        let origin = self.address.origin().ascii_serialization();
        let request = client.post(action).header("origin", origin).form(&fields);
        Self::read(request).await
    }

    /// Where the form leads, and its hidden fields.
    fn form(&self, with: &str) -> anyhow::Result<(Url, Vec<(String, String)>)> {
        let document = Html::parse_document(&self.html);
        let forms = format!("form:has(input[name={with}])");
        let forms = Selector::parse(&forms);
        let forms = forms.map_err(|error| anyhow::anyhow!("{error}"))?;
        let hidden = Selector::parse("input[type=hidden]").expect("a selector");
        let form = document
            .select(&forms)
            .next()
            .with_context(|| format!("no form with `{with}` at {}", self.address))?;
        let action = form.attr("action").unwrap_or_default();
        let value = |input: scraper::ElementRef<'_>| {
            let name = input.attr("name")?.to_owned();
            Some((name, input.attr("value").unwrap_or_default().to_owned()))
        };
        let fields = form.select(&hidden).filter_map(value).collect();
        Ok((self.address.join(action)?, fields))
    }
}
