//! The sample configuration that `up` serves.

use config::{
    Configuration, Environment, Tree,
    apis::Auth,
    auth_servers::TokenMode,
    globals::{GatewayType, Reveal, Viewer},
    openapi::Definition,
};
use serde_json::Value;

fn sample(environment: &Environment) -> std::sync::Arc<Configuration> {
    let loaded = Configuration::from_tree(&Tree::sample(), "sample", environment);
    loaded
        .unwrap_or_else(|problems| panic!("{problems}"))
        .configuration
}

#[test]
fn the_sample_has_no_problem_in_any_of_its_environments() {
    for name in ["default", "k8s", "box"] {
        let environment = Environment::new([("NODE_ENV".to_owned(), name.to_owned())]);
        let loaded = Configuration::from_tree(&Tree::sample(), "sample", &environment).unwrap();
        assert!(loaded.notices.is_empty(), "{name}: {}", loaded.notices);
        assert_eq!(loaded.configuration.environment, name);
    }
}

#[test]
fn a_folder_written_from_the_sample_is_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new/static");
    config::sample::write_to(&target).unwrap();
    let loaded = Configuration::load(&folder.path().join("new"), &Environment::default()).unwrap();
    assert_eq!(
        loaded.configuration.hash,
        sample(&Environment::default()).hash
    );
    assert!(
        config::sample::write_to(&target).is_err(),
        "an existing folder is not overwritten"
    );
}

#[test]
fn decisions_of_the_sample_are_typed() {
    let sample = sample(&Environment::default());
    let globals = &sample.globals;
    assert_eq!(
        (globals.gateway_type, globals.credentials.reveal),
        (GatewayType::Embedded, Reveal::Never)
    );
    assert_eq!(globals.network.external_api_url(), "http://localhost:8000");
    assert!(globals.initial_users.is_empty());
    let auth: Vec<_> = sample
        .apis
        .iter()
        .map(|api| (api.id.as_str(), api.auth))
        .collect();
    assert_eq!(
        auth,
        [
            ("petstore", Auth::KeyAuth),
            ("orders", Auth::OAuth2),
            ("timezones", Auth::None),
            ("products", Auth::KeyAuth),
            ("today", Auth::KeyAuth),
            ("portal-api", Auth::OAuth2),
            ("echo", Auth::OAuth2),
        ]
    );
    let server = sample.auth_server("default").unwrap();
    assert_eq!(
        (server.base_path(), server.token_mode),
        ("/auth", TokenMode::Jwt)
    );
    let petstore = sample.api("petstore").unwrap();
    assert!(sample.plan_of(petstore, "team").unwrap().needs_approval);
    assert!(sample.plan_of(petstore, "__internal_api_basic").is_none());
    assert!(
        sample
            .pool("wicked")
            .unwrap()
            .property("name")
            .unwrap()
            .required
    );
    assert!(sample.groups.is_admin(&["dev", "admin"]) && !sample.groups.is_admin(&["dev"]));
}

#[test]
fn every_definition_leads_to_the_gateway() {
    let sample = sample(&Environment::default());
    for api in &sample.apis {
        let Definition::Local(definition) = &api.definition else {
            panic!("{}: {:?}", api.id, api.definition);
        };
        let definition: Value = serde_json::from_slice(&definition.bytes).unwrap();
        let url = definition["servers"][0]["url"].as_str().unwrap();
        assert!(url.starts_with("http://localhost:8000/"), "{url}");
    }
}

#[test]
fn scopes_of_operations_name_the_generated_schemes() {
    let sample = sample(&Environment::default());
    let Definition::Local(definition) = &sample.api("orders").unwrap().definition else {
        panic!()
    };
    let definition: Value = serde_json::from_slice(&definition.bytes).unwrap();
    let security = &definition["paths"]["/orders"]["post"]["security"];
    assert_eq!(
        security[0]["Mail and password, authorizationCode"],
        serde_json::json!(["write_orders"])
    );
    let scheme =
        &definition["components"]["securitySchemes"]["Mail and password, clientCredentials"];
    assert_eq!(
        scheme["flows"]["clientCredentials"]["tokenUrl"],
        "http://localhost:8000/auth/local/api/orders/token"
    );
}

#[test]
fn values_of_the_process_win() {
    let mut environment = Environment::new([
        ("PORTAL_NETWORK_APIHOST".to_owned(), "api.test".to_owned()),
        ("WICKETGATE_GATEWAY".to_owned(), "kong".to_owned()),
    ]);
    environment
        .overrides
        .network
        .insert("portalUrl".to_owned(), "http://127.0.0.1:4000".to_owned());
    environment.overrides.auth_server_url = Some("http://127.0.0.1:4010".to_owned());
    let sample = sample(&environment);
    let globals = sample.globals_view(Viewer::Anonymous);
    assert_eq!(globals["network"]["apiHost"], "api.test");
    assert_eq!(globals["network"]["portalUrl"], "http://127.0.0.1:4000");
    assert_eq!(globals["gateway"]["type"], "kong");
    assert_eq!(globals["environment"], "default");
    let server = sample.auth_server("default").unwrap();
    let upstream = server.gateway.upstream_url.as_ref().unwrap();
    assert_eq!(upstream.as_str(), "http://127.0.0.1:4010/");
}

#[test]
fn all_mails_and_messages_of_the_sample_are_there() {
    let sample = sample(&Environment::default());
    for name in [
        "verify_email",
        "lost_password",
        "pending_approval",
        "subscription_approved",
        "subscription_declined",
    ] {
        assert!(sample.templates.email(name).is_some(), "{name}");
    }
    assert_eq!(sample.templates.chatbot.len(), 15);
}

#[test]
fn the_table_of_contents_lists_apis_before_pages() {
    let sample = sample(&Environment::default());
    let urls: Vec<_> = sample
        .content
        .toc
        .iter()
        .map(|entry| entry.url.as_str())
        .collect();
    assert_eq!(urls[0], "/apis/echo");
    assert!(urls.contains(&"/content/help"));
}

#[test]
fn what_plugins_answer_has_a_definition() {
    let sample = sample(&Environment::default());
    let of = |api: &str| {
        let Definition::Local(definition) = &sample.api(api).unwrap().definition else {
            panic!("{api} has no definition")
        };
        serde_json::from_slice::<Value>(&definition.bytes).unwrap()
    };
    let products = of("products");
    assert_eq!(products["info"]["title"], "Products");
    assert_eq!(
        products["servers"][0]["url"],
        "http://localhost:8000/products/v1"
    );
    let list = &products["paths"]["/products"]["get"];
    assert_eq!(list["summary"], "Products, the cheapest first");
    let limit = &list["parameters"][2];
    assert_eq!(
        (&limit["name"], &limit["in"]),
        (&"limit".into(), &"query".into())
    );
    assert_eq!(
        limit["schema"],
        serde_json::json!({
            "type": "integer", "format": "int64", "default": 20, "minimum": 1, "maximum": 100,
        })
    );
    let one = &products["paths"]["/products/{id}"]["get"];
    assert_eq!(one["parameters"][0]["required"], true);
    assert!(one["responses"]["404"].is_object());
    assert!(products["components"]["securitySchemes"].is_object());
    assert!(!products.to_string().contains("select"));
    let today = of("today");
    assert_eq!(
        today["paths"]["/pets/{petId}"]["get"]["parameters"][0]["name"],
        "petId"
    );
}
