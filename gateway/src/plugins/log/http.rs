use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
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
pub struct QueueConfig {
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
        self.queue.limits()
    }
}

impl QueueConfig {
    pub fn limits(&self) -> Limits {
        // The schema allows nothing that is no duration.
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Limits {
            batch: self.max_batch_size,
            coalescing: seconds(self.max_coalescing_delay),
            entries: self.max_entries,
            bytes: self.max_bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES),
            retry_for: seconds(self.max_retry_time),
            first_delay: seconds(self.initial_retry_delay),
            longest_delay: seconds(self.max_retry_delay),
        }
    }
}

/// The server that gets the records.
pub struct Server {
    url: Url,
    method: Method,
    headers: HeaderMap,
    timeout: Duration,
    message: Message,
}

/// Makes one message of the records of a batch.
type Message = Box<dyn Fn(&[Bytes]) -> Vec<u8> + Send + Sync>;

impl Server {
    pub fn new(config: Config) -> Result<Self, String> {
        let mut headers = headers(config.headers.as_ref())?;
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
            message: if config.queue.max_batch_size > 1 {
                Box::new(list)
            } else {
                Box::new(<[Bytes]>::concat)
            },
        })
    }

    /// One that gets messages of another kind.
    pub fn of_messages(
        url: Url,
        own: Option<&BTreeMap<String, String>>,
        timeout: Duration,
        kind: HeaderValue,
        message: Message,
    ) -> Result<Self, String> {
        let mut headers = headers(own)?;
        headers.insert(CONTENT_TYPE, kind);
        Ok(Self {
            url,
            method: Method::POST,
            headers,
            timeout,
            message,
        })
    }

    /// The reason of a failure does not name the address: it may hold a secret.
    pub async fn send(&self, batch: &[Bytes]) -> Result<(), String> {
        let answer = super::guard::client()
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone())
            .timeout(self.timeout)
            .body((self.message)(batch))
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

/// A list in JSON.
fn list(records: &[Bytes]) -> Vec<u8> {
    let mut list = b"[".to_vec();
    for (number, record) in records.iter().enumerate() {
        if number > 0 {
            list.push(b',');
        }
        list.extend_from_slice(record);
    }
    list.push(b']');
    list
}

fn headers(own: Option<&BTreeMap<String, String>>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in own.into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    Ok(headers)
}
