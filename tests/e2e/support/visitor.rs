//! A browser without JavaScript: keeps cookies, follows links and redirects, fills in forms.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{Client, StatusCode, Url, cookie::Jar, redirect::Policy};
use scraper::{Html, Selector};

use super::balancer;

/// Somebody with a browser.
pub struct Visitor {
    cookies: Arc<Jar>,
    client: Client,
    language: &'static str,
}

/// A page that was loaded.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub html: String,
}

impl Default for Visitor {
    fn default() -> Self {
        service::http::install_crypto();
        let cookies = Arc::<Jar>::default();
        let client = balancer::client()
            .cookie_provider(cookies.clone())
            .redirect(Policy::limited(15))
            .build()
            .unwrap();
        Self {
            cookies,
            client,
            language: "en",
        }
    }
}

impl Visitor {
    /// What a program calls with.
    pub fn client() -> Client {
        balancer::client()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap()
    }

    /// The same browser, where nothing is followed.
    pub fn standing_still(&self) -> Client {
        balancer::client()
            .timeout(Duration::from_secs(20))
            .cookie_provider(self.cookies.clone())
            .redirect(Policy::none())
            .build()
            .unwrap()
    }

    /// Somebody whose browser asks for this language.
    pub fn speaking(language: &'static str) -> Self {
        Self {
            language,
            ..Self::default()
        }
    }

    pub async fn open(&self, url: &str) -> Page {
        let request = self
            .client
            .get(url)
            .header("accept", "text/html")
            .header("accept-language", self.language);
        Page::read(request.send().await.unwrap()).await
    }

    /// Fills in the form of `page` that has all of these fields, and sends it by the button whose
    /// text contains `button`.
    pub async fn submit(&self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let form = page.form(button, fields);
        let request = if form.method == "get" {
            let mut url = form.action;
            url.query_pairs_mut().clear().extend_pairs(&form.values);
            self.client.get(url)
        } else {
            self.client.post(form.action).form(&form.values)
        };
        // What a browser adds to a form of the same site.
        let origin = page.url.origin().ascii_serialization();
        let request = request
            .header("accept", "text/html")
            .header("accept-language", self.language)
            .header("origin", origin)
            .header("referer", page.url.as_str())
            .header("sec-fetch-site", "same-origin");
        Page::read(request.send().await.unwrap()).await
    }

    /// Follows the link whose text contains `text`.
    pub async fn follow(&self, page: &Page, text: &str) -> Page {
        self.open(page.link(text).as_str()).await
    }
}

struct Form {
    method: String,
    action: Url,
    values: Vec<(String, String)>,
}

impl Page {
    async fn read(response: reqwest::Response) -> Self {
        let url = response.url().clone();
        let status = response.status();
        let html = response.text().await.unwrap();
        Self { url, status, html }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}\n{}",
            self.url,
            self.text()
        );
        self
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        let document = Html::parse_document(&self.html);
        let main = Selector::parse("main").unwrap();
        let root = document
            .select(&main)
            .next()
            .unwrap_or(document.root_element());
        root.text()
            .collect::<Vec<_>>()
            .join(" ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[track_caller]
    pub fn expect_text(self, text: &str) -> Self {
        assert!(
            self.text().contains(text),
            "`{text}` is not on {}:\n{}",
            self.url,
            self.text()
        );
        self
    }

    /// The texts of all elements that `selector` finds.
    pub fn all(&self, selector: &str) -> Vec<String> {
        let document = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        document
            .select(&selector)
            .map(|element| element.text().collect::<String>().trim().to_owned())
            .collect()
    }

    #[track_caller]
    fn link(&self, text: &str) -> Url {
        let document = Html::parse_document(&self.html);
        let links = Selector::parse("a[href]").unwrap();
        let href = document
            .select(&links)
            .find(|link| link.text().collect::<String>().contains(text))
            .and_then(|link| link.value().attr("href"))
            .unwrap_or_else(|| panic!("no link `{text}` on {}:\n{}", self.url, self.text()));
        self.url.join(href).unwrap()
    }

    #[track_caller]
    fn form(&self, button: &str, fields: &[(&str, &str)]) -> Form {
        let document = Html::parse_document(&self.html);
        let forms = Selector::parse("form").unwrap();
        let buttons = Selector::parse("button, input[type=submit]").unwrap();
        let controls = Selector::parse("input, textarea, select").unwrap();
        for form in document.select(&forms) {
            let Some(pressed) = form.select(&buttons).find(|element| {
                let text: String = element.text().collect();
                text.contains(button)
                    || element
                        .value()
                        .attr("value")
                        .is_some_and(|v| v.contains(button))
            }) else {
                continue;
            };
            let mut values: Vec<(String, String)> = Vec::new();
            let mut chosen: BTreeMap<&str, &str> = fields.iter().copied().collect();
            for control in form.select(&controls) {
                let element = control.value();
                let Some(name) = element.attr("name") else {
                    continue;
                };
                let kind = element.attr("type").unwrap_or("text");
                let value = element.attr("value").unwrap_or_default();
                match kind {
                    "submit" | "button" => {}
                    "radio" => {
                        let wanted = fields.iter().find(|(field, _)| *field == name);
                        let on =
                            wanted.map_or(element.attr("checked").is_some(), |(_, w)| *w == value);
                        if on {
                            chosen.remove(name);
                            values.push((name.to_owned(), value.to_owned()));
                        }
                    }
                    "checkbox" => {
                        let on = chosen
                            .remove(name)
                            .map_or(element.attr("checked").is_some(), |w| w == "on");
                        if on {
                            values.push((
                                name.to_owned(),
                                element.attr("value").unwrap_or("on").to_owned(),
                            ));
                        }
                    }
                    _ => {
                        let value = chosen.remove(name).map_or_else(
                            || match element.name() {
                                "textarea" => control.text().collect(),
                                "select" => selected(&control),
                                _ => value.to_owned(),
                            },
                            str::to_owned,
                        );
                        values.push((name.to_owned(), value));
                    }
                }
            }
            if !chosen.is_empty() {
                continue;
            }
            if let Some(name) = pressed.value().attr("name") {
                values.push((
                    name.to_owned(),
                    pressed.value().attr("value").unwrap_or_default().to_owned(),
                ));
            }
            let target = pressed
                .value()
                .attr("formaction")
                .or_else(|| form.value().attr("action"));
            let action = self.url.join(target.unwrap_or_default()).unwrap();
            let method = form
                .value()
                .attr("method")
                .unwrap_or("get")
                .to_ascii_lowercase();
            return Form {
                method,
                action,
                values,
            };
        }
        panic!(
            "no form with `{button}` and {fields:?} on {}:\n{}",
            self.url, self.html
        );
    }
}

fn selected(control: &scraper::ElementRef<'_>) -> String {
    let options = Selector::parse("option").unwrap();
    let all: Vec<_> = control.select(&options).collect();
    all.iter()
        .find(|option| option.value().attr("selected").is_some())
        .or(all.first())
        .map(|option| option.value().attr("value").unwrap_or_default().to_owned())
        .unwrap_or_default()
}
