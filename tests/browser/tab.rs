//! A tab: opens pages and reads them.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{connection::Connection, support::eventually, watch::Watch};

/// Another page than the marked one is complete, and the focus is where that page wants it.
const LOADED: &str = "!window.isThePageBefore && document.readyState === 'complete' &&
    (!document.querySelector('[autofocus]') || document.activeElement !== document.body)";

pub struct Tab {
    connection: Connection,
    session: String,
    pub watch: Arc<Watch>,
}

impl Tab {
    pub async fn attach(connection: Connection, session: &str, scripts: bool) -> Self {
        let watch = Arc::new(Watch::default());
        connection.watch(session, watch.clone());
        let tab = Self {
            connection,
            session: session.to_owned(),
            watch,
        };
        for domain in ["Page", "Network", "Runtime", "Log", "Audits"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        // Several tabs live at the same time; each behaves as the one in front.
        tab.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )
        .await;
        tab.call("Emulation.setLocaleOverride", json!({ "locale": "en-GB" }))
            .await;
        tab.speak("en").await;
        tab.call(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !scripts }),
        )
        .await;
        tab.resize(1280).await;
        tab
    }

    pub async fn try_call(&self, method: &str, parameters: Value) -> Result<Value, String> {
        self.connection
            .call(Some(&self.session), method, parameters)
            .await
    }

    pub async fn call(&self, method: &str, parameters: Value) -> Value {
        self.try_call(method, parameters).await.unwrap()
    }

    /// The language that pages are asked for from now on.
    pub async fn speak(&self, language: &str) {
        let headers = json!({ "headers": { "Accept-Language": language } });
        self.call("Network.setExtraHTTPHeaders", headers).await;
    }

    pub async fn resize(&self, width: u32) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Evaluates an expression, which also works where the page itself may not run scripts.
    pub async fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.try_call("Runtime.evaluate", parameters).await?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(details.to_string()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    pub async fn evaluate<T: DeserializeOwned>(&self, expression: &str) -> T {
        serde_json::from_value(self.try_evaluate(expression).await.unwrap()).unwrap()
    }

    pub async fn open(&self, url: &str) {
        self.until_next_page(async {
            self.call("Page.navigate", json!({ "url": url })).await;
        })
        .await;
    }

    /// Does what leads to another page, and waits until that has been loaded.
    pub async fn until_next_page(&self, action: impl Future<Output = ()>) {
        // Tabs behind others draw nothing, and focus comes with drawing.
        self.call("Page.bringToFront", json!({})).await;
        self.evaluate::<bool>("window.isThePageBefore = true").await;
        action.await;
        eventually("another page comes", async || {
            // The old page may go away in between, which is an error here.
            let loaded = self.try_evaluate(LOADED).await;
            (loaded == Ok(Value::Bool(true))).then_some(())
        })
        .await;
    }

    pub async fn url(&self) -> String {
        self.evaluate("location.href").await
    }

    /// What a person reads.
    pub async fn text(&self) -> String {
        self.evaluate("(document.querySelector('main') ?? document.body).innerText")
            .await
    }

    pub async fn expect_text(&self, text: &str) {
        let found = self.text().await;
        assert!(
            found.contains(text),
            "`{text}` is not on {}:\n{found}",
            self.url().await
        );
    }
}
