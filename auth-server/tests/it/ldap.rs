//! Log-in against a real directory: `slapd`.

use serde_json::{Value, json};

use crate::support::{Browser, Directory, PASSWORD, REDIRECT, SECRET, TestServer};

/// A server with a method `staff-directory` of type `ldap`, and the directory behind it.
async fn server(change: impl FnOnce(&Directory, &mut Value)) -> Option<(TestServer, Directory)> {
    let directory = Directory::start().await?;
    let mut config = json!({
        "url": directory.tls, "certificate": directory.certificate,
        "ldapUser": "cn=service,dc=example,dc=org", "ldapPassword": "let me search",
        "base": "ou=people,dc=example,dc=org", "filter": "(&(objectClass=inetOrgPerson)(uid=%username%))",
        "profile": {"sub": "uid", "email": "MAIL", "name": "cn", "employee_number": "employeeNumber"},
        "groupField": "ou", "defaultGroups": {"Research": "dev"}, "usernamePrompt": "Staff name"
    });
    change(&directory, &mut config);
    let server =
        TestServer::start_beside(|portal| portal.add_method("staff-directory", "ldap", config))
            .await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    Some((server, directory))
}

async fn log_in(server: &TestServer, username: &str, password: &str) -> crate::support::Answer {
    let browser = server.browser();
    let url = Browser::authorize_url("app-social", &[("auth_method", "staff-directory")]);
    let page = browser.page(&url).await.expect("login");
    assert_eq!(page.model["usernamePrompt"], "Staff name");
    assert_eq!(page.model["disableSignup"], true);
    let csrf = page.csrf();
    let form = [
        ("_csrf", &*csrf),
        ("username", username),
        ("password", password),
    ];
    browser.post("/staff-directory/login", &form).await
}

#[tokio::test]
async fn a_directory_is_asked_over_tls_and_the_account_made_from_its_entry() {
    let Some((server, _directory)) = server(|_, _| {}).await else {
        return;
    };
    let target = log_in(&server, "turing", PASSWORD).await.expect(302);
    assert!(target.location().as_str().starts_with(REDIRECT));
    let (id, email, validated) = server.portal.find_custom("staff-directory:turing").unwrap();
    assert_eq!((email.as_str(), validated), ("turing@example.org", false));
    assert_eq!(server.portal.groups(&id), ["dev"]);
    assert_eq!(server.portal.mails(), 1);
    let form = [
        ("grant_type", "password"),
        ("client_id", "app-social"),
        SECRET,
        ("username", "turing"),
        ("password", PASSWORD),
    ];
    let path = "/staff-directory/api/social/token";
    server.post(path, &form).await.expect(200);
}

#[tokio::test]
async fn f6_ldap_refuses_empty_passwords_wrong_ones_and_names_that_are_filters() {
    let Some((server, directory)) = server(|_, _| {}).await else {
        return;
    };
    // OpenLDAP itself would let an empty password through, as nobody (F6).
    for (username, password) in [
        ("turing", ""),
        ("turing", "wrong"),
        ("nobody", PASSWORD),
        ("*", PASSWORD),
        ("turing)(uid=*", PASSWORD),
        ("tu*", PASSWORD),
        // Two entries, and one without a mail address.
        ("twin", PASSWORD),
        ("hermit", PASSWORD),
    ] {
        let answer = log_in(&server, username, password).await.expect(200);
        assert_eq!(answer.json()["template"], "login", "{username}");
        assert!(answer.json()["errorMessage"].is_string());
    }
    for username in ["*", "nobody", "turing"] {
        let form = [
            ("grant_type", "password"),
            ("client_id", "app-social"),
            SECRET,
            ("username", username),
            ("password", ""),
        ];
        let path = "/staff-directory/api/social/token";
        let (status, error) = server.post(path, &form).await.error();
        assert!(status == 400, "{username}: {error}");
    }
    drop(directory);
    let away = log_in(&server, "turing", PASSWORD).await.expect(503);
    assert_eq!(away.json()["template"], "error");
}

#[tokio::test]
async fn starttls_is_the_rule_and_a_certificate_has_to_be_believed() {
    let plain = |directory: &Directory, config: &mut Value| {
        config["url"] = json!(directory.plain);
    };
    let Some((server, directory)) = server(plain).await else {
        return;
    };
    log_in(&server, "turing", PASSWORD).await.expect(302);
    drop((server, directory));
    for change in ["certificate", "ldapPassword"] {
        let spoil = |_: &Directory, config: &mut Value| {
            config.as_object_mut().unwrap().remove(change);
        };
        let (server, _directory) = self::server(spoil).await.unwrap();
        log_in(&server, "turing", PASSWORD).await.expect(503);
    }
    let without = |directory: &Directory, config: &mut Value| {
        config["url"] = json!(directory.plain);
        config["startTls"] = json!(false);
        config["trustUsers"] = json!(true);
    };
    let (server, _directory) = self::server(without).await.unwrap();
    log_in(&server, "turing", PASSWORD).await.expect(302);
    let (_, _, validated) = server.portal.find_custom("staff-directory:turing").unwrap();
    assert!(validated);
}
