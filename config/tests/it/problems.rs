//! Broken configurations are refused with everything that is wrong, at once.

use config::{Configuration, Environment, Problems, Severity, Tree};

/// Loads the sample after some files were replaced.
fn problems(files: &[(&str, &str)]) -> Problems {
    let mut tree = Tree::sample();
    for (path, text) in files {
        tree.insert(*path, (*text).to_owned());
    }
    match Configuration::from_tree(&tree, "sample", &Environment::default()) {
        Ok(loaded) => loaded.notices,
        Err(problems) => problems,
    }
}

/// `apis.json` with one entry.
fn api(entry: &str) -> String {
    format!("{{\n  \"apis\": [\n    {entry}\n  ]\n}}")
}

fn places(problems: &Problems) -> Vec<(String, String, Option<usize>)> {
    problems
        .iter()
        .map(|p| (p.file.clone(), p.path.to_string(), p.line))
        .collect()
}

#[test]
fn all_broken_files_are_named_with_their_lines() {
    let problems = problems(&[
        ("apis/petstore/config.json", "{\n  \"api\": {,\n}"),
        ("content/help.json", "nonsense"),
    ]);
    let named: Vec<_> = problems.iter().map(|p| (p.file.as_str(), p.line)).collect();
    assert_eq!(
        named,
        [
            ("apis/petstore/config.json", Some(2)),
            ("content/help.json", Some(1))
        ]
    );
    assert!(problems.refuse());
}

#[test]
fn an_api_with_many_faults_gets_many_problems() {
    let problems = problems(&[(
        "apis/apis.json",
        &api(r#"{
      "id": "orders", "auth": "oauth2",
      "plans": ["gold"],
      "registrationPool": "nobody",
      "requiredGroup": "ghosts",
      "authMethods": ["default:none"],
      "lifecycle": { "state": "sleeping" }
    }"#),
    )]);
    let places = places(&problems);
    for (path, line) in [
        ("apis[0].plans[0]", 5),
        ("apis[0].registrationPool", 6),
        ("apis[0].requiredGroup", 7),
        ("apis[0].authMethods", 8),
        ("apis[0].lifecycle.state", 9),
        ("apis[0].settings", 3),
    ] {
        assert!(
            places.contains(&("apis/apis.json".into(), path.into(), Some(line))),
            "{path} is missing in {problems}"
        );
    }
    let unknown_group = problems
        .iter()
        .find(|p| p.path.to_string().ends_with("requiredGroup"));
    assert_eq!(unknown_group.unwrap().severity, Severity::Warning);
}

#[test]
fn an_api_without_protection_has_to_say_so() {
    let problems = problems(&[("apis/apis.json", &api(r#"{"id": "petstore", "plans": []}"#))]);
    assert_eq!(places(&problems)[0].1, "apis[0].auth");
    assert!(problems.refuse());
}

#[test]
fn reserved_duplicate_and_homeless_apis_are_refused() {
    let entry = |id: &str| format!(r#"{{"id": "{id}", "auth": "none", "plans": []}}"#);
    let entries = [
        "echo",
        "default-auth",
        "desc",
        "nowhere",
        "timezones",
        "timezones",
        "../x",
    ];
    let list: Vec<_> = entries.iter().map(|id| entry(id)).collect();
    let problems = problems(&[("apis/apis.json", &api(&list.join(",\n")))]);
    for part in [
        "`echo` is reserved",
        "`default-auth` is reserved",
        "`desc` is reserved",
        "`nowhere` has no config.json",
        "`timezones` is there twice",
        "letters, digits",
    ] {
        assert!(
            problems.iter().any(|p| p.message.contains(part)),
            "{part} is missing in {problems}"
        );
    }
}

#[test]
fn two_services_on_one_path_are_refused_unless_methods_differ() {
    let config = |methods: &str| {
        format!(
            r#"{{"api": {{"upstream_url": "http://x", "routes": [{{"paths": ["/petstore/v1"]{methods}}}]}}}}"#
        )
    };
    let clash = problems(&[("apis/timezones/config.json", &config(""))]);
    assert!(
        clash
            .iter()
            .any(|p| p.message.contains("already belongs to API petstore")),
        "{clash}"
    );
    let petstore = config(r#", "methods": ["GET"]"#);
    let timezones = config(r#", "methods": ["POST"]"#);
    let apart = problems(&[
        ("apis/petstore/config.json", &petstore),
        ("apis/timezones/config.json", &timezones),
    ]);
    assert!(apart.is_empty(), "{apart}");
}

#[test]
fn plugins_that_would_break_the_protection_are_refused() {
    let problems = problems(&[(
        "apis/petstore/config.json",
        r#"{"api": {"upstream_url": "http://x", "routes": [{"paths": ["/p"]}]},
            "plugins": [{"name": "acl", "config": {}}, {"config": {}}]}"#,
    )]);
    let paths: Vec<_> = problems.iter().map(|p| p.path.to_string()).collect();
    assert_eq!(paths, ["plugins[0]", "plugins[1].name"]);
}

#[test]
fn a_pool_without_its_mandatory_members_is_refused() {
    let problems = problems(&[("pools/wicked.json", r#"{"disallowRegister": true}"#)]);
    let paths: Vec<_> = problems
        .iter()
        .map(|p| (p.severity, p.path.to_string()))
        .collect();
    assert_eq!(
        paths,
        [
            (Severity::Error, "name".to_owned()),
            (Severity::Error, "properties".to_owned()),
            (Severity::Warning, "disallowRegister".to_owned()),
        ]
    );
}

#[test]
fn a_dollar_in_a_definition_is_no_variable() {
    let problems = problems(&[(
        "apis/petstore/swagger.json",
        r#"{"openapi": "3.0.0", "paths": {}, "info": {"description": "$100 and ${x}"}}"#,
    )]);
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn undefined_variables_are_all_named() {
    let globals = String::from_utf8(Tree::sample().get("globals.json").unwrap().to_vec()).unwrap();
    let globals = globals
        .replace("${PORTAL_API_URL}", "${ACME_ONE}")
        .replace("Wicketgate", "$ACME_TWO");
    let problems = problems(&[("globals.json", &globals)]);
    for name in ["`ACME_ONE`", "`ACME_TWO`"] {
        assert!(
            problems.iter().any(|p| p.message.contains(name)),
            "{name}: {problems}"
        );
    }
}

#[test]
fn a_wrong_key_is_refused_before_it_spoils_values() {
    let mut tree = Tree::sample();
    tree.insert("deploy.envkey", "the right key\n");
    tree.insert(
        "env/default.json",
        format!(
            r#"{{"PORTAL_SECRET": {{"encrypted": true, "value": "{}"}}}}"#,
            config::crypto::ConfigKey::new("the right key")
                .unwrap()
                .encrypt("x")
        ),
    );
    let environment = Environment::new([("PORTAL_CONFIG_KEY".to_owned(), "wrong".to_owned())]);
    let problems = Configuration::from_tree(&tree, "sample", &environment).unwrap_err();
    let first = problems.iter().next().unwrap();
    assert_eq!(
        (first.file.as_str(), first.path.to_string()),
        ("env/default.json", "PORTAL_SECRET.value".into())
    );
    assert!(Configuration::from_tree(&tree, "sample", &Environment::default()).is_ok());
}

#[test]
fn check_gives_a_text_to_print_and_whether_to_refuse() {
    let problems = Configuration::check(
        std::path::Path::new("/no/such/folder"),
        &Environment::default(),
    );
    assert!(problems.refuse());
    assert!(problems.to_string().ends_with("1 error(s), 0 warning(s)"));
}

#[test]
fn what_has_no_effect_is_a_warning_that_says_what_to_do() {
    let globals = String::from_utf8(Tree::sample().get("globals.json").unwrap().to_vec()).unwrap();
    let globals = globals.replacen(
        "\"api\": {",
        "\"sessionStore\": {\"type\": \"file\"}, \"storage\": {\"type\": \"json\"}, \"api\": {",
        1,
    );
    let problems = problems(&[
        (
            "globals.json",
            &globals.replace("\"useMailer\"", "\"useMailler\""),
        ),
        ("content/manual.docx", "%PDF"),
        (
            "content/odd.json",
            r#"{"showtitle": true, "title": "${PORTAL_API_URL}"}"#,
        ),
        ("kickstarter.json", r#"{"envs": ["default", "nowhere"]}"#),
        (
            "pools/extra.json",
            r#"{"name": "Extra", "properties": [{"id": "name", "requird": true}]}"#,
        ),
    ]);
    for (file, path, part) in [
        ("globals.json", "sessionStore", "no effect"),
        ("globals.json", "storage.type", "SQLite"),
        ("globals.json", "mailer.useMailler", "`useMailer`"),
        ("content/manual.docx", "", "not served"),
        ("content/odd.json", "title", "not replaced"),
        ("content/odd.json", "showtitle", "`showTitle`"),
        ("kickstarter.json", "envs[1]", "env/nowhere.json"),
        ("pools/extra.json", "properties[0].requird", "`required`"),
    ] {
        assert!(
            problems.iter().any(|p| p.file == file
                && p.path.to_string() == path
                && p.severity == Severity::Warning
                && p.message.contains(part)),
            "{file} {path} is missing in {problems}"
        );
    }
    assert!(!problems.refuse(), "{problems}");
}

#[test]
fn a_pool_without_a_name_is_refused_and_a_newer_version_is_not() {
    let pool = r#"{"name": "Extra", "properties": [{"id": "company"}]}"#;
    assert!(problems(&[("pools/extra.json", pool)]).refuse());
    let globals = String::from_utf8(Tree::sample().get("globals.json").unwrap().to_vec()).unwrap();
    let newer = problems(&[("globals.json", &globals.replacen("23", "99", 1))]);
    assert_eq!(places(&newer)[0].1, "version");
    assert!(!newer.refuse());
}

#[test]
fn a_switch_to_kong_is_pointed_out() {
    let globals = String::from_utf8(Tree::sample().get("globals.json").unwrap().to_vec()).unwrap();
    let problems = problems(&[("globals.json", &globals.replace("\"embedded\"", "\"kong\""))]);
    let places = places(&problems);
    for (file, place) in [
        ("globals.json", "gateway.type"),
        ("apis/products/config.json", "plugins[0].name"),
    ] {
        let is_named = places
            .iter()
            .any(|(known, path, _)| known == file && path == place);
        assert!(is_named, "{place}: {problems}");
    }
    assert!(!problems.refuse(), "{problems}");
}

#[test]
fn log_in_methods_that_cannot_work_are_pointed_out() {
    let server = r#"{"tokens": {"mode": "kong-oauth2"}, "authMethods": [
        {"name": "local", "type": "local"},
        {"name": "google", "type": "google", "config": {"clientId": "$PORTAL_API_URL"}},
        {"name": "idp", "type": "oauth2", "config": {"clientId": "a", "clientSecret": "b",
            "endpoints": {"authorizeEndpoint": "https://i/a", "tokenEndpoint": "https://i/t"}}},
        {"name": "off", "type": "saml", "enabled": false},
        {"name": "staff", "type": "ldap", "config": {"url": "ldap://x", "filter": "uid=x", "startTls": "false",
            "profile": {"sub": "uid", "email": "mail"}}},
        {"name": "anybody", "type": "dummy"},
        {"name": "keycloak", "type": "oidc", "config": {"clientId": "a", "clientSecret": "b",
            "issuer": "https://i/realms/a", "scopes": "openid", "grantsEndpoint": "/{{name}}/grants"}},
        {"name": "x", "type": "twitter", "config": {"consumerKey": "a", "consumerSecret": "b"}},
        {"name": "corp", "type": "saml", "config": {"profile": {"sub": "{{{uid}}}", "email": "{{{mail}}}"},
            "spOptions": {"sign_get_request": true}, "idpOptions": {"sso_login_url": "https://i/sso"}, "trustUser": true}},
        {"name": "old", "type": "saml", "config": {"profile": {"sub": "{{{uid}}}", "email": "{{{mail}}}"},
            "spOptions": {"private_key": "k"}, "idpOptions": {"sso_login_url": "https://i/sso", "certificates": ["c"]}}}
    ], "config": {"api": {"upstream_url": "http://a", "routes": [{"paths": ["/auth"]}]}}}"#;
    let problems = problems(&[("auth-servers/default.json", server)]);
    let places: Vec<String> = places(&problems).into_iter().map(|place| place.1).collect();
    assert_eq!(
        places,
        [
            "tokens.mode",
            "authMethods[1].config.clientSecret",
            "authMethods[2].config.certificate",
            "authMethods[4].config.filter",
            "authMethods[4].config.startTls",
            "authMethods[5].type",
            "authMethods[6].config.scopes",
            "authMethods[7].config.clientId",
            "authMethods[7].config.clientSecret",
            "authMethods[7].config.consumerKey",
            "authMethods[8].config.idpOptions.certificates",
            "authMethods[8].config.spOptions.private_key",
            "authMethods[8].config.trustUser",
            "config.api.routes[0].strip_path",
        ],
        "{problems}"
    );
    assert!(!problems.refuse(), "{problems}");
}

#[test]
fn issuers_of_tokens_are_complete() {
    let apis = |settings: &str| {
        let text = r#"{"apis": [{"id": "petstore", "name": "a", "auth": "oauth2", "plans": [], "authMethods": [],
            "settings": SETTINGS}]}"#;
        let apis = text.replace("SETTINGS", settings);
        let problems = problems(&[("apis/apis.json", &apis)]);
        let all = problems.iter().map(|problem| problem.path.to_string());
        all.filter(|path| path.contains("trusted_issuers")).count()
    };
    let complete = r#"[{"name": "corp", "issuer": "https://i"}]"#;
    for mode in ["jwt", "opaque"] {
        let settings = format!(r#"{{"token_mode": "{mode}", "trusted_issuers": {complete}}}"#);
        assert_eq!(apis(&settings), 0);
    }
    assert_eq!(apis(r#"{"trusted_issuers": [{"issuer": "https://i"}]}"#), 1);
}

#[test]
fn paths_in_their_old_form_are_taken_in_files_of_the_newest_version_too() {
    let old =
        r#"{"api": {"upstream_url": "http://x", "uris": ["/petstore/v1"], "strip_uri": true}}"#;
    let mixed = r#"{"api": {"upstream_url": "http://x", "uris": ["/x"], "routes": [{"paths": ["/clock/v1"]}]}}"#;
    let problems = problems(&[
        ("apis/petstore/config.json", old),
        ("apis/timezones/config.json", mixed),
        ("pools/notes.txt", "x"),
    ]);
    let named: Vec<_> = problems
        .iter()
        .map(|p| (p.file.as_str(), p.path.to_string()))
        .collect();
    assert_eq!(
        named,
        [
            ("apis/petstore/config.json", "api.uris".to_owned()),
            ("apis/timezones/config.json", "api.uris".to_owned()),
            ("pools/notes.txt", String::new()),
        ]
    );
    assert!(!problems.refuse(), "{problems}");
}

#[test]
fn plans_with_approval_need_somebody_who_is_told() {
    let globals = String::from_utf8(Tree::sample().get("globals.json").unwrap().to_vec()).unwrap();
    let off = globals.replace("\"useMailer\": true", "\"useMailer\": false");
    assert_ne!(off, globals);
    let problems = problems(&[("globals.json", &off)]);
    assert!(
        places(&problems)[0].1.ends_with(".needsApproval"),
        "{problems}"
    );
}

#[test]
fn options_of_plugins_that_answer_calls_are_checked_at_their_place() {
    let written = |file: &str, old: &str, new: &str| {
        let sample = Tree::sample();
        let text = sample.text(file).unwrap();
        assert!(text.contains(old), "{old}");
        problems(&[(file, &text.replacen(old, new, 1))])
    };
    let products = "apis/products/config.json";
    let today = "apis/today/config.json";
    let first = "plugins[0].config.operations[0]";
    for (file, old, new, place) in [
        (
            products,
            "\"database\"",
            "\"databse\"",
            "plugins[0].config.databse".to_owned(),
        ),
        (
            products,
            "\"database\"",
            "\"databse\"",
            "plugins[0].config.database".to_owned(),
        ),
        (
            products,
            "select id, name",
            "drop id, name",
            format!("{first}.sql"),
        ),
        (
            products,
            "limit :limit\"",
            "limit :most\"",
            format!("{first}.sql"),
        ),
        (
            products,
            "\"minimum\": 0",
            "\"minimum\": \"0\"",
            format!("{first}.parameters[1].minimum"),
        ),
        (
            products,
            "\"default\": 20",
            "\"default\": 200",
            format!("{first}.parameters[2].default"),
        ),
        (
            today,
            "\"backend\": \"pets\"",
            "\"backend\": \"pet\"",
            format!("{first}.steps[0].backend"),
        ),
        (
            today,
            "query.zone",
            "query.zone(",
            format!("{first}.steps[1].query.zone"),
        ),
        (
            today,
            "\"timeout\"",
            "\"timeouts\"",
            format!("{first}.steps[1].timeouts"),
        ),
    ] {
        let problems = written(file, old, new);
        assert!(problems.refuse(), "{new}");
        let found = places(&problems);
        let is_named = |(named, path, line): &(String, String, Option<usize>)| {
            named == file && *path == place && line.is_some()
        };
        assert!(found.iter().any(is_named), "{place}: {problems}");
    }
    let plan = r#"{"plans": [{"id": "free", "config": {"plugins": [{"name": "compose", "config": {}}]}}]}"#;
    let problems = problems(&[("plans/plans.json", plan)]);
    let found = places(&problems);
    assert!(
        found
            .iter()
            .any(|(_, path, _)| path == "plans[0].config.plugins[0]"),
        "{problems}"
    );
}
