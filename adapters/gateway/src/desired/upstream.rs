//! `upstream_url` and its companions → the gateway's service.

use kong::Service;
use sdk::types::apis::GatewayApi;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::context::Context;

/// The service `name` in front of the backend that `api` describes.
pub fn service(
    context: &Context,
    name: &str,
    api: &GatewayApi,
    tags: Vec<String>,
) -> Result<Service, String> {
    let url = api.upstream_url.as_deref().unwrap_or_default();
    let mut service = from_url(url).map_err(|reason| format!("upstream_url: {reason}"))?;
    service.id = context.settings.ids.service(name);
    service.name = Some(name.to_owned());
    service.tags = Some(tags);
    // 0 is how the configuration says "the default", here as below.
    if let Some(retries) = api.retries.filter(|retries| *retries > 0) {
        service.retries =
            u16::try_from(retries).map_err(|_| "retries: at most 32767".to_owned())?;
    }
    let timeouts = [
        (
            "connect_timeout",
            api.connect_timeout,
            &mut service.connect_timeout,
        ),
        (
            "write_timeout",
            api.write_timeout,
            &mut service.write_timeout,
        ),
        ("read_timeout", api.read_timeout, &mut service.read_timeout),
    ];
    for (name, given, timeout) in timeouts {
        if let Some(given) = given.filter(|given| *given > 0) {
            *timeout =
                u32::try_from(given).map_err(|_| format!("{name}: {given} ms is too long"))?;
        }
    }
    let extra = |name: &str| api.extra.get(name).filter(|value| !value.is_null());
    service.tls_verify = member("tls_verify", extra("tls_verify"))?;
    service.tls_verify_depth = member("tls_verify_depth", extra("tls_verify_depth"))?;
    service.ca_certificates = member("ca_certificates", extra("ca_certificates"))?;
    service.client_certificate =
        member::<Uuid>("client_certificate", extra("client_certificate"))?.map(Into::into);
    Ok(service)
}

/// A member that the gateway knows under the same name.
fn member<T: DeserializeOwned>(name: &str, value: Option<&Value>) -> Result<Option<T>, String> {
    let parse = |value: &Value| serde_json::from_value(value.clone());
    value
        .map(parse)
        .transpose()
        .map_err(|error| format!("{name}: {error}"))
}

fn from_url(text: &str) -> Result<Service, String> {
    // The text itself is not repeated: it may hold a password.
    let url = Url::parse(text).map_err(|error| format!("not a URL ({error})"))?;
    let protocol = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        other => return Err(format!("`{other}` is not a scheme the gateway can call")),
    };
    let host = url.host_str().ok_or("the host is missing")?;
    Ok(Service {
        protocol: protocol.to_owned(),
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        path: Some(url.path().to_owned()).filter(|path| path != "/"),
        ..Service::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_as_the_gateway_wants_them() {
        let cases = [
            (
                "http://pets.example.org",
                ("http", "pets.example.org", 80, None),
            ),
            (
                "https://pets.example.org/",
                ("https", "pets.example.org", 443, None),
            ),
            (
                "http://localhost:3009/v2",
                ("http", "localhost", 3009, Some("/v2")),
            ),
            (
                "http://localhost:3009/v2/?a=b",
                ("http", "localhost", 3009, Some("/v2/")),
            ),
            (
                "wss://live.example.org/x",
                ("https", "live.example.org", 443, Some("/x")),
            ),
        ];
        for (url, expected) in cases {
            let service = from_url(url).unwrap();
            let found = (
                service.protocol.as_str(),
                service.host.as_str(),
                service.port,
                service.path.as_deref(),
            );
            assert_eq!(found, expected, "{url}");
        }
        for bad in [
            "",
            "pets.example.org",
            "ftp://pets.example.org",
            "unix:/tmp/x",
        ] {
            assert!(from_url(bad).is_err(), "{bad}");
        }
    }
}
