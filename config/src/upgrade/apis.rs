//! Upgrade steps for APIs, plans and what auth servers share with APIs.

use serde_json::{Map, Value, json};

use super::{Documents, object, rename, set_if_missing};

type Members = Map<String, Value>;

/// 3: the gateway renamed an option and dropped another.
pub fn rename_rate_limit_options(documents: &mut Documents) {
    for_each_plugin(documents, |name, config| {
        if name == "rate-limiting" || name == "response-ratelimiting" {
            rename(config, "continue_on_error", "fault_tolerant");
            config.shift_remove("async");
        }
    });
}

/// 3: tokens of `oauth2` APIs end, and some flow is on.
pub fn default_oauth2_settings(documents: &mut Documents) {
    for_each_oauth2_settings(documents, |settings| {
        set_if_missing(settings, "token_expiration", 3600);
        let has_implicit = settings.get("enable_implicit_grant") == Some(&Value::Bool(true));
        if !has_implicit {
            settings.insert("enable_client_credentials".to_owned(), true.into());
        }
    });
}

/// 6: one path became a list of paths. (`http_if_terminated` is not added: 13 removes it.)
pub fn request_path_to_uris(documents: &mut Documents) {
    for_each_gateway_api(documents, |api| {
        if let Some(path) = api.shift_remove("request_path") {
            api.insert("uris".to_owned(), json!([path]));
        }
        rename(api, "strip_request_path", "strip_uri");
    });
    if let Some(globals) = object(documents, "globals.json") {
        let store = json!({"type": "file", "host": "portal-redis", "port": 6379, "password": ""});
        set_if_missing(globals, "sessionStore", store);
    }
}

/// 7
pub fn cors_origin_to_origins(documents: &mut Documents) {
    for_each_plugin(documents, |name, config| {
        if name == "cors" {
            rename(config, "origin", "origins");
        }
    });
}

/// 10: scopes were a list of ids, or a map with other values; now each has a description.
pub fn scopes_to_map(documents: &mut Documents) {
    for_each_oauth2_settings(documents, |settings| {
        let Some(scopes) = settings.get_mut("scopes") else {
            return;
        };
        let described = |id: String| (id.clone(), json!({"description": id}));
        *scopes = match std::mem::take(scopes) {
            Value::Array(ids) => ids
                .into_iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .map(described)
                .collect::<Members>()
                .into(),
            Value::Object(map) => map
                .into_iter()
                .map(|(id, _)| described(id))
                .collect::<Members>()
                .into(),
            Value::String(ids) => ids
                .split_whitespace()
                .map(str::to_owned)
                .map(described)
                .collect::<Members>()
                .into(),
            other => other,
        };
    });
}

/// 13
pub fn remove_http_if_terminated(documents: &mut Documents) {
    for_each_gateway_api(documents, |api| {
        api.shift_remove("http_if_terminated");
    });
}

/// 23: paths and how they are handled became routes.
pub fn uris_to_routes(documents: &mut Documents) {
    for_each_gateway_api(documents, |api| {
        let mut route = Members::new();
        for (old, new) in [
            ("uris", "paths"),
            ("strip_uri", "strip_path"),
            ("preserve_host", "preserve_host"),
        ] {
            if let Some(value) = api.shift_remove(old) {
                route.insert(new.to_owned(), value);
            }
        }
        if let Some(Value::String(path)) = route.get("paths") {
            let paths = json!([path]);
            route.insert("paths".to_owned(), paths);
        }
        if !api.contains_key("routes") && route.contains_key("paths") {
            api.insert("routes".to_owned(), json!([route]));
        }
    });
}

/// `config.json` of all APIs, and `config` of all auth servers.
fn for_each_gateway_config(documents: &mut Documents, mut change: impl FnMut(&mut Members)) {
    for (file, document) in documents {
        let is_api = file.starts_with("apis/") && file.ends_with("/config.json");
        let config = if is_api {
            document.as_object_mut()
        } else if file.starts_with("auth-servers/") {
            document.get_mut("config").and_then(Value::as_object_mut)
        } else {
            None
        };
        if let Some(config) = config {
            change(config);
        }
    }
}

fn for_each_gateway_api(documents: &mut Documents, mut change: impl FnMut(&mut Members)) {
    for_each_gateway_config(documents, |config| {
        if let Some(api) = config.get_mut("api").and_then(Value::as_object_mut) {
            change(api);
        }
    });
}

fn for_each_plugin(documents: &mut Documents, mut change: impl FnMut(&str, &mut Members)) {
    let mut change_all = |config: &mut Members| {
        let Some(plugins) = config.get_mut("plugins").and_then(Value::as_array_mut) else {
            return;
        };
        for plugin in plugins {
            let name = plugin["name"].as_str().unwrap_or_default().to_owned();
            if let Some(config) = plugin.get_mut("config").and_then(Value::as_object_mut) {
                change(&name, config);
            }
        }
    };
    for_each_gateway_config(documents, &mut change_all);
    for_each_entry(documents, "plans/plans.json", "plans", |plan| {
        if let Some(config) = plan.get_mut("config").and_then(Value::as_object_mut) {
            change_all(config);
        }
    });
}

fn for_each_oauth2_settings(documents: &mut Documents, mut change: impl FnMut(&mut Members)) {
    for_each_entry(documents, "apis/apis.json", "apis", |api| {
        if api.get("auth").and_then(Value::as_str) == Some("oauth2")
            && let Some(settings) = super::member(api, "settings")
        {
            change(settings);
        }
    });
}

fn for_each_entry(
    documents: &mut Documents,
    file: &str,
    list: &str,
    mut change: impl FnMut(&mut Members),
) {
    let entries = object(documents, file)
        .and_then(|map| map.get_mut(list))
        .and_then(Value::as_array_mut);
    for entry in entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        change(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "apis/a/config.json";

    fn config_after(step: fn(&mut Documents), config: Value) -> Value {
        let mut documents = Documents::from([(CONFIG.to_owned(), config)]);
        step(&mut documents);
        documents.remove(CONFIG).unwrap()
    }

    fn settings_after(step: fn(&mut Documents), settings: &Value) -> Value {
        let apis = json!({"apis": [{"id": "a", "auth": "oauth2", "settings": settings}]});
        let mut documents = Documents::from([("apis/apis.json".to_owned(), apis)]);
        step(&mut documents);
        documents["apis/apis.json"]["apis"][0]["settings"].clone()
    }

    #[test]
    fn rate_limits_of_plans_and_apis_get_the_new_option() {
        let plugin =
            json!({"name": "rate-limiting", "config": {"continue_on_error": true, "async": true}});
        let mut documents = Documents::from([
            (CONFIG.to_owned(), json!({"plugins": [plugin.clone()]})),
            (
                "plans/plans.json".to_owned(),
                json!({"plans": [{"id": "p", "config": {"plugins": [plugin]}}]}),
            ),
        ]);
        rename_rate_limit_options(&mut documents);
        let wanted = json!({"fault_tolerant": true});
        assert_eq!(documents[CONFIG]["plugins"][0]["config"], wanted);
        let plan = &documents["plans/plans.json"]["plans"][0];
        assert_eq!(plan["config"]["plugins"][0]["config"], wanted);
    }

    #[test]
    fn oauth2_apis_get_an_expiry_and_a_flow() {
        assert_eq!(
            settings_after(default_oauth2_settings, &json!({})),
            json!({"token_expiration": 3600, "enable_client_credentials": true})
        );
        let implicit = json!({"enable_implicit_grant": true, "token_expiration": "60"});
        assert_eq!(settings_after(default_oauth2_settings, &implicit), implicit);
    }

    #[test]
    fn one_request_path_becomes_a_list() {
        let config = json!({"api": {"request_path": "/a", "strip_request_path": true}});
        assert_eq!(
            config_after(request_path_to_uris, config),
            json!({"api": {"uris": ["/a"], "strip_uri": true}})
        );
    }

    #[test]
    fn cors_options_are_renamed() {
        let config = json!({"plugins": [{"name": "cors", "config": {"origin": "*"}}]});
        let config = config_after(cors_origin_to_origins, config);
        assert_eq!(config["plugins"][0]["config"], json!({"origins": "*"}));
    }

    #[test]
    fn scopes_of_all_old_forms_become_a_map() {
        let wanted = json!({"read": {"description": "read"}, "write": {"description": "write"}});
        for scopes in [
            json!(["read", "write"]),
            json!({"read": true, "write": ""}),
            json!("read write"),
        ] {
            let settings = settings_after(scopes_to_map, &json!({"scopes": scopes}));
            assert_eq!(settings["scopes"], wanted);
        }
    }

    #[test]
    fn a_dropped_option_is_removed() {
        let config = json!({"api": {"http_if_terminated": true, "name": "a"}});
        assert_eq!(
            config_after(remove_http_if_terminated, config),
            json!({"api": {"name": "a"}})
        );
    }

    #[test]
    fn uris_become_a_route_unless_there_are_routes() {
        let config = json!({"api": {"uris": ["/a"], "strip_uri": true, "preserve_host": false}});
        assert_eq!(
            config_after(uris_to_routes, config),
            json!({"api": {"routes": [{"paths": ["/a"], "strip_path": true, "preserve_host": false}]}})
        );
        let config = json!({"api": {"uris": ["/a"], "routes": [{"paths": ["/b"]}]}});
        assert_eq!(
            config_after(uris_to_routes, config),
            json!({"api": {"routes": [{"paths": ["/b"]}]}})
        );
    }

    #[test]
    fn auth_servers_are_upgraded_like_apis() {
        let file = "auth-servers/default.json";
        let mut documents = Documents::from([(
            file.to_owned(),
            json!({"config": {"api": {"uris": ["/auth"], "strip_uri": false}}}),
        )]);
        uris_to_routes(&mut documents);
        assert_eq!(
            documents[file]["config"]["api"]["routes"],
            json!([{"paths": ["/auth"], "strip_path": false}])
        );
    }
}
