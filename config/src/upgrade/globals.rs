//! Upgrade steps for `globals.json` and what belongs to it.

use serde_json::{Value, json};

use super::{Documents, member, object, sample, set_if_missing};

/// 5: pages need `layouts` and `views` in full.
pub fn add_layouts_and_views(documents: &mut Documents) {
    let template = sample("globals.json");
    let Some(globals) = object(documents, "globals.json") else {
        return;
    };
    for key in ["layouts", "views"] {
        set_if_missing(globals, key, template[key].clone());
    }
    if let Some(network) = member(globals, "network") {
        set_if_missing(network, "forceRedirectToHttps", false);
    }
}

/// 10: how people log in to the portal is written down, and its auth server has a file.
pub fn add_portal_auth_methods(documents: &mut Documents) {
    let template = sample("globals.json");
    if let Some(portal) = object(documents, "globals.json").and_then(|map| member(map, "portal")) {
        set_if_missing(
            portal,
            "authMethods",
            template["portal"]["authMethods"].clone(),
        );
    }
    let file = "auth-servers/default.json";
    documents
        .entry(file.to_owned())
        .or_insert_with(|| sample(file));
}

/// 11: portal users are registered in a pool.
pub fn add_pool_of_portal_users(documents: &mut Documents) {
    let file = "pools/wicked.json";
    documents
        .entry(file.to_owned())
        .or_insert_with(|| sample(file));
}

/// 15
pub fn name_database(documents: &mut Documents) {
    if let Some(Value::Object(storage)) =
        object(documents, "globals.json").and_then(|globals| globals.get_mut("storage"))
    {
        set_if_missing(storage, "pgDatabase", "wicked");
    }
}

/// 17
pub fn default_password_strategy(documents: &mut Documents) {
    if let Some(globals) = object(documents, "globals.json") {
        set_if_missing(globals, "passwordStrategy", "PW_6_24");
    }
}

/// 18
pub fn default_groups_of_built_in_apis(documents: &mut Documents) {
    if let Some(api) = object(documents, "globals.json").and_then(|globals| member(globals, "api"))
    {
        set_if_missing(api, "apiUserGroup", "");
        set_if_missing(api, "echoUserGroup", "");
    }
}

/// 20: fixed database settings become variables, so that the process can set them.
pub fn database_literals_to_variables(documents: &mut Documents) {
    for (key, literal, variable) in [
        ("pgPort", "5432", "PORTAL_STORAGE_PGPORT"),
        ("pgUser", "kong", "PORTAL_STORAGE_PGUSER"),
        ("pgDatabase", "wicked", "PORTAL_STORAGE_PGDATABASE"),
    ] {
        let Some(environment) = object(documents, "env/default.json") else {
            return;
        };
        if environment.contains_key(variable) {
            continue;
        }
        let Some(setting) = documents
            .get_mut("globals.json")
            .and_then(|globals| globals.get_mut("storage"))
            .and_then(|storage| storage.get_mut(key))
        else {
            continue;
        };
        let is_literal = match &*setting {
            Value::String(text) => text == literal,
            Value::Number(number) => number.to_string() == literal,
            _ => false,
        };
        if is_literal {
            *setting = format!("${{{variable}}}").into();
            if let Some(environment) = object(documents, "env/default.json") {
                environment.insert(variable.to_owned(), json!({"value": literal}));
            }
        }
    }
}

/// 21: one chat target per hook URL, each with its own choice of events.
pub fn hook_urls_to_targets(documents: &mut Documents) {
    let Some(Value::Object(chatbot)) =
        object(documents, "globals.json").and_then(|globals| globals.get_mut("chatbot"))
    else {
        return;
    };
    let Some(Value::Array(urls)) = chatbot.shift_remove("hookUrls") else {
        return;
    };
    let events = chatbot.shift_remove("events").unwrap_or_else(|| json!({}));
    let targets: Vec<_> = urls
        .into_iter()
        .map(|url| json!({"type": "slack", "hookUrl": url, "events": events.clone()}))
        .collect();
    set_if_missing(chatbot, "targets", targets);
}

/// 22
pub fn add_auditlog(documents: &mut Documents) {
    if let Some(globals) = object(documents, "globals.json") {
        set_if_missing(
            globals,
            "auditlog",
            json!({"useAuditlog": false, "logdays": 365}),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn after(step: fn(&mut Documents), globals: Value) -> Documents {
        let mut documents = Documents::from([
            ("globals.json".to_owned(), globals),
            (
                "env/default.json".to_owned(),
                json!({"PORTAL_STORAGE_PGUSER": {"value": "me"}}),
            ),
        ]);
        step(&mut documents);
        documents
    }

    #[test]
    fn fixed_database_settings_become_variables_unless_the_variable_exists() {
        let storage = json!({"storage": {"pgPort": 5432, "pgUser": "kong", "pgDatabase": "mine"}});
        let documents = after(database_literals_to_variables, storage);
        let storage = &documents["globals.json"]["storage"];
        assert_eq!(storage["pgPort"], "${PORTAL_STORAGE_PGPORT}");
        assert_eq!(
            documents["env/default.json"]["PORTAL_STORAGE_PGPORT"]["value"],
            "5432"
        );
        assert_eq!(
            (&storage["pgUser"], &storage["pgDatabase"]),
            (&json!("kong"), &json!("mine"))
        );
    }

    #[test]
    fn hook_urls_become_targets() {
        let chatbot =
            json!({"chatbot": {"hookUrls": ["https://a"], "events": {"userLoggedIn": true}}});
        let documents = after(hook_urls_to_targets, chatbot);
        assert_eq!(
            documents["globals.json"]["chatbot"]["targets"],
            json!([{"type": "slack", "hookUrl": "https://a", "events": {"userLoggedIn": true}}])
        );
    }

    #[test]
    fn missing_settings_get_their_defaults_and_present_ones_stay() {
        for (step, key, present) in [
            (
                default_password_strategy as fn(&mut Documents),
                "passwordStrategy",
                json!("PW_X"),
            ),
            (add_auditlog, "auditlog", json!({"useAuditlog": true})),
        ] {
            assert!(!after(step, json!({}))["globals.json"][key].is_null());
            assert_eq!(
                after(step, json!({key: present.clone()}))["globals.json"][key],
                present
            );
        }
    }

    #[test]
    fn portal_users_get_login_method_and_pool() {
        let documents = after(add_portal_auth_methods, json!({}));
        assert!(documents["globals.json"]["portal"]["authMethods"].is_array());
        assert!(documents["auth-servers/default.json"]["authMethods"].is_array());
        let documents = after(add_pool_of_portal_users, json!({}));
        assert!(documents["pools/wicked.json"]["properties"].is_array());
    }

    #[test]
    fn pages_get_layouts_and_views() {
        let documents = after(add_layouts_and_views, json!({"views": {"own": 1}}));
        assert!(documents["globals.json"]["layouts"]["menu"].is_object());
        assert_eq!(documents["globals.json"]["views"], json!({"own": 1}));
    }

    #[test]
    fn a_database_without_name_gets_one_and_no_database_stays_none() {
        assert_eq!(
            after(name_database, json!({"storage": {}}))["globals.json"]["storage"]["pgDatabase"],
            "wicked"
        );
        assert_eq!(after(name_database, json!({}))["globals.json"], json!({}));
    }

    #[test]
    fn built_in_apis_are_for_everybody_by_default() {
        let documents = after(
            default_groups_of_built_in_apis,
            json!({"api": {"echoUserGroup": "dev"}}),
        );
        assert_eq!(
            documents["globals.json"]["api"],
            json!({"echoUserGroup": "dev", "apiUserGroup": ""})
        );
    }
}
