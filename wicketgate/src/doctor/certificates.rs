//! The two public hosts: whether browsers and clients reach them, and for how long their certificates
//! last.

use std::time::Duration;

use chrono::{DateTime, Utc};
use config::globals::Network;
use http::header;
use reqwest::{Client, redirect::Policy, tls::TlsInfo};
use service::clock;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{clocks::Clocks, finding::Finding};

const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Automatic renewal has long happened by then.
const SOON_DAYS: i64 = 14;

pub async fn check(network: &Network, clocks: &mut Clocks) -> Vec<Finding> {
    const WHAT: &str = "TLS";
    if !network.is_production() {
        let is_local = [&network.portal_host, &network.api_host]
            .iter()
            .all(|host| is_local(host));
        let text = "the portal is reached by http (network.schema)";
        return vec![if is_local {
            Finding::good(WHAT, text)
        } else {
            let advice = "put a certificate in front of it (haproxy/README.md) and set the schema to \
                          https: passwords travel in clear, and cookies are not marked as secure";
            Finding::odd(WHAT, text, advice)
        }];
    }
    let client = Client::builder()
        .tls_info(true)
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIME_LIMIT)
        .build();
    let Ok(client) = client else {
        let advice = "install the certificates of authorities (package ca-certificates)";
        return vec![Finding::bad(
            WHAT,
            "this machine trusts no authorities",
            advice,
        )];
    };
    let mut findings = Vec::new();
    for url in [network.external_portal_url(), network.external_api_url()] {
        findings.push(host(&client, &url, clocks).await);
    }
    findings
}

async fn host(client: &Client, url: &str, clocks: &mut Clocks) -> Finding {
    const WHAT: &str = "TLS";
    let answer = match client.get(url).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let reason = service::http::innermost(&error);
            let advice = "look at DNS, at the load balancer, and at the names and the chain of its \
                          certificate (`openssl s_client -connect HOST:443 -servername HOST`)";
            return Finding::bad(WHAT, format!("{url}: {reason}"), advice);
        }
    };
    let date = answer.headers().get(header::DATE);
    if let Some(date) = date.and_then(|date| date.to_str().ok()) {
        clocks.note_date(url, date);
    }
    let info = answer.extensions().get::<TlsInfo>();
    let ends = info.and_then(TlsInfo::peer_certificate).and_then(end_of);
    let Some(ends) = ends else {
        return Finding::good(WHAT, format!("{url} answers"));
    };
    let days = (ends - clock::now()).num_days();
    let text = format!("{url}: the certificate lasts {days} more days");
    if days < SOON_DAYS {
        Finding::odd(
            WHAT,
            text,
            "renew it, and look why that did not happen by itself",
        )
    } else {
        Finding::good(WHAT, text)
    }
}

fn end_of(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
}

fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}
