use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;
use url::Url;

use super::queue::Limits;

#[derive(Deserialize)]
pub struct Config {
    http_endpoint: Url,
    method: String,
    content_type: String,
    timeout: u64,
    headers: Option<BTreeMap<String, String>>,
    queue: QueueConfig,
}

#[derive(Deserialize)]
struct QueueConfig {
    max_batch_size: usize,
    max_coalescing_delay: f64,
    max_entries: usize,
    max_bytes: Option<usize>,
    max_retry_time: f64,
    initial_retry_delay: f64,
    max_retry_delay: f64,
}

/// Waiting records take no more memory than this, whatever their number.
const MAX_BYTES: usize = 256 << 20;

impl Config {
    pub fn limits(&self) -> Limits {
        // The schema allows nothing that is no duration.
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Limits {
            batch: self.queue.max_batch_size,
            coalescing: seconds(self.queue.max_coalescing_delay),
            entries: self.queue.max_entries,
            bytes: self.queue.max_bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES),
            retry_for: seconds(self.queue.max_retry_time),
            first_delay: seconds(self.queue.initial_retry_delay),
            longest_delay: seconds(self.queue.max_retry_delay),
        }
    }
}

/// The server that gets the records.
pub struct Server {
    url: Url,
    method: Method,
    headers: HeaderMap,
    timeout: Duration,
    /// One record at a time, or a list of them.
    sends_lists: bool,
}

impl Server {
    pub fn new(config: Config) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in config.headers.iter().flatten() {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            headers.insert(name, value);
        }
        let content_type = HeaderValue::from_str(&config.content_type);
        headers.insert(
            CONTENT_TYPE,
            content_type.map_err(|error| error.to_string())?,
        );
        Ok(Self {
            method: config.method.parse().map_err(|_| "not a method")?,
            url: config.http_endpoint,
            headers,
            timeout: Duration::from_millis(config.timeout),
            sends_lists: config.queue.max_batch_size > 1,
        })
    }

    /// The reason of a failure does not name the address: it may hold a secret.
    pub async fn send(&self, batch: &[Arc<str>]) -> Result<(), String> {
        let body = match batch {
            [one] if !self.sends_lists => one.to_string(),
            many => format!("[{}]", many.join(",")),
        };
        let answer = super::guard::client()
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone())
            .timeout(self.timeout)
            .body(body)
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if status.as_u16() < 300 {
            Ok(())
        } else {
            Err(format!("the log server answered {status}"))
        }
    }
}
