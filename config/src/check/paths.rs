//! Two services must not claim the same calls on the gateway: one of them would be shadowed, and
//! with it its protection.

use std::collections::HashMap;

use crate::{
    apis::gateway::{GatewayApi, Route},
    configuration::Configuration,
    path::JsonPath,
    problem::Report,
};

/// A path that a service claims, and how it was restricted.
struct Claim<'a> {
    service: String,
    route: &'a Route,
}

pub fn check(configuration: &Configuration, report: &Report) {
    let mut claims: HashMap<&str, Vec<Claim>> = HashMap::new();
    let built_in = built_in_routes();
    for (service, route) in &built_in {
        add(
            &mut claims,
            service,
            route,
            "",
            &JsonPath::default(),
            report,
        );
    }
    for server in &configuration.auth_servers {
        let file = format!("auth-servers/{}.json", server.id);
        let place = JsonPath::default().key("config").key("api").key("routes");
        let service = format!("auth server {}", server.id);
        add_all(
            &mut claims,
            &service,
            &server.gateway,
            &file,
            &place,
            report,
        );
    }
    // Built-in ones first: they keep their paths, and the other one is named.
    let (internal, own): (Vec<_>, Vec<_>) = configuration.apis.iter().partition(|api| api.internal);
    for api in internal.into_iter().chain(own) {
        let file = format!("apis/{}/config.json", api.id);
        let place = JsonPath::default().key("api").key("routes");
        let service = format!("API {}", api.id);
        add_all(&mut claims, &service, &api.gateway, &file, &place, report);
    }
}

/// Routes that the gateway adapter adds for the portal.
fn built_in_routes() -> Vec<(&'static str, Route)> {
    [
        ("ping-portal", "/ping-portal"),
        ("swagger-ui-portal", "/swagger-ui"),
    ]
    .map(|(service, path)| {
        (
            service,
            Route {
                paths: vec![path.to_owned()],
                ..Route::default()
            },
        )
    })
    .into()
}

fn add_all<'a>(
    claims: &mut HashMap<&'a str, Vec<Claim<'a>>>,
    service: &str,
    gateway: &'a GatewayApi,
    file: &str,
    place: &JsonPath,
    report: &Report,
) {
    for (index, route) in gateway.routes.iter().enumerate() {
        add(
            claims,
            service,
            route,
            file,
            &place.index(index).key("paths"),
            report,
        );
    }
}

fn add<'a>(
    claims: &mut HashMap<&'a str, Vec<Claim<'a>>>,
    service: &str,
    route: &'a Route,
    file: &str,
    place: &JsonPath,
    report: &Report,
) {
    for (index, path) in route.paths.iter().enumerate() {
        let key = match path.trim_end_matches('/') {
            "" => "/",
            trimmed => trimmed,
        };
        let earlier = claims.entry(key).or_default();
        let other = earlier
            .iter()
            .find(|claim| claim.service != service && overlap(claim.route, route));
        if let Some(other) = other {
            let message = format!("path `{path}` already belongs to {}", other.service);
            report.error(file, &place.index(index), message);
        }
        earlier.push(Claim {
            service: service.to_owned(),
            route,
        });
    }
}

fn overlap(one: &Route, other: &Route) -> bool {
    meet(&one.methods, &other.methods) && meet(&one.hosts, &other.hosts)
}

/// Empty = all.
fn meet(one: &[String], other: &[String]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|value| other.contains(value))
}
