use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::Verdict;
use crate::{proxy::Exchange, worker::Worker};

/// Longer ids of clients are replaced.
const MAX_LENGTH: usize = 128;

#[derive(Deserialize)]
pub struct Config {
    header_name: String,
    generator: Generator,
    echo_downstream: bool,
}

#[derive(Clone, Copy, Deserialize)]
enum Generator {
    #[serde(rename = "uuid")]
    Uuid,
    #[serde(rename = "uuid#counter")]
    Counter,
    #[serde(rename = "tracker")]
    Tracker,
}

/// Gives each request an id that all who work on it can log.
pub struct CorrelationId {
    header: HeaderName,
    generator: Generator,
    echo: bool,
}

impl CorrelationId {
    pub fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            header: super::header_name(&config.header_name)?,
            generator: config.generator,
            echo: config.echo_downstream,
        })
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let fits = |value: &&HeaderValue| {
            !value.is_empty()
                && value.len() <= MAX_LENGTH
                && value.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        let sent = exchange
            .head
            .headers
            .get(&self.header)
            .filter(fits)
            .cloned();
        let id = sent.unwrap_or_else(|| {
            let id = self.generate(exchange, worker);
            exchange
                .head
                .headers
                .insert(self.header.clone(), id.clone());
            id
        });
        if self.echo {
            exchange.response.set(self.header.clone(), id.clone());
        }
        exchange.correlation_id = Some(id);
        Verdict::Continue
    }

    fn generate(&self, exchange: &Exchange<'_>, worker: &Worker) -> HeaderValue {
        let id = match self.generator {
            Generator::Uuid => uuid::Uuid::new_v4().to_string(),
            Generator::Counter => format!("{}#{}", worker.id(), worker.next_number()),
            Generator::Tracker => {
                let now = service::clock::now();
                format!(
                    "{}-{}-{}-{}-{}-{}.{:03}",
                    exchange.connection.local.ip(),
                    exchange.connection.local.port(),
                    std::process::id(),
                    exchange.connection.number,
                    exchange.connection.requests.get(),
                    now.timestamp(),
                    now.timestamp_subsec_millis(),
                )
            }
        };
        HeaderValue::from_str(&id).unwrap_or_else(|_| exchange.request_id.clone())
    }
}
