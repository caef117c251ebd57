use std::os::unix::fs::PermissionsExt;

use sdk::testing::event;
use serde_json::json;

use crate::service::{Delivered, TestMailer, portal_api};

fn verification() -> sdk::types::Event {
    let data = json!({
        "id": "5ec2e7", "type": "email", "email": "ada@example.org", "userId": "ada",
        "link": "https://api.acme.example/auth/local/verifyemail/{{id}}",
    });
    event("verification_email", "add", data)
}

#[tokio::test]
async fn without_a_mail_server_mails_become_files_for_the_owner_only() {
    let mailer =
        TestMailer::start(json!({"useMailer": true, "senderEmail": "portal@acme.example"})).await;
    assert_eq!(mailer.deliver(&verification()).await, Delivered::Acked);
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(
        mail.contains("https://api.acme.example/auth/local/verifyemail/5ec2e7"),
        "{mail}"
    );
    assert!(
        mail.contains("Subject: Acme APIs - Email validation\r\n"),
        "{mail}"
    );
    assert!(mail.contains("@portal.acme.example>\r\n"), "{mail}");
    assert!(!mail.contains("\r\nBcc:"), "{mail}");
    let folder = mailer.data.path().join("outbox");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn an_event_delivered_twice_makes_one_mail() {
    let mailer = TestMailer::start(json!({})).await;
    let event = verification();
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(mailer.outbox().len(), 1);
}

#[tokio::test]
async fn requests_go_to_the_administrator_and_decisions_to_requester_and_owners() {
    let mailer =
        TestMailer::start(json!({"adminEmail": "boss@acme.example", "adminName": "The Boss"}))
            .await;
    let api = &mailer.portal_api;
    api.answer(
        "GET /users/grace",
        json!({"id": "grace", "email": "grace@example.org"}),
    );
    api.answer(
        "GET /applications/orders",
        json!({"id": "orders", "name": "Orders", "owners": [
            {"userId": "ada", "email": "ada@example.org", "role": "owner"},
            {"userId": "grace", "email": "grace@example.org", "role": "owner"},
            {"userId": "eve", "email": "eve@example.org", "role": "reader"},
        ]}),
    );
    let subject =
        json!({"applicationId": "orders", "apiId": "pets", "planId": "gold", "userId": "ada"});
    let mut asked = event("approval", "add", subject.clone());
    asked.data.insert("group".to_owned(), json!("partners"));
    assert_eq!(mailer.deliver(&asked).await, Delivered::Acked);
    let mails = mailer.outbox();
    assert!(
        mails[0].contains("To: \"The Boss\" <boss@acme.example>"),
        "{}",
        mails[0]
    );
    assert!(
        mails[0].contains("Subject: Acme APIs - Pending Approval - partners"),
        "{}",
        mails[0]
    );
    assert!(
        mails[0].contains("https://portal.acme.example/admin/approvals"),
        "{}",
        mails[0]
    );

    let mut declined = event("approval", "delete", subject);
    declined.data.insert("result".to_owned(), json!("declined"));
    declined.data.insert("requesterId".to_owned(), json!("ada"));
    declined
        .data
        .insert("reason".to_owned(), json!("<too> much & more"));
    assert_eq!(mailer.deliver(&declined).await, Delivered::Acked);
    let mails: Vec<_> = mailer
        .outbox()
        .into_iter()
        .filter(|mail| mail.contains("Subscription Declined"))
        .collect();
    assert_eq!(mails.len(), 2, "requester and second owner, the reader not");
    assert!(
        mails.iter().all(|mail| mail.contains("<too> much & more")),
        "text mails are not escaped"
    );
}

#[tokio::test]
async fn the_templates_of_the_configuration_win_unless_they_have_faults() {
    let api = portal_api(json!({})).await;
    api.answer(
        "GET /templates/email",
        json!({"verify_email": "Dear {{user.firstName}}: {{{verificationLink}}}", "welcome": "{{#open}}"}),
    );
    let mailer = TestMailer::in_memory(api).await;
    assert_eq!(mailer.deliver(&verification()).await, Delivered::Acked);
    assert!(
        mailer.outbox()[0].contains("Dear Ada: https://"),
        "{:?}",
        mailer.outbox()
    );
    let (_, ping) = mailer.ping().await;
    let warnings = ping["warnings"].to_string();
    assert!(warnings.contains("welcome.mustache"), "{warnings}");

    let api = portal_api(json!({})).await;
    api.answer(
        "GET /templates/email",
        json!({"verify_email": "{{#broken}}"}),
    );
    let mailer = TestMailer::in_memory(api).await;
    assert_eq!(mailer.deliver(&verification()).await, Delivered::Acked);
    assert!(mailer.outbox()[0].contains("5ec2e7"));
}

#[tokio::test]
async fn mails_that_are_too_late_or_to_nobody_are_not_sent() {
    let mailer = TestMailer::start(json!({})).await;
    let mut late = verification();
    late.utc -= 3700;
    assert_eq!(mailer.deliver(&late).await, Delivered::Dead);
    let mut unknown = verification();
    unknown.data.insert("userId".to_owned(), json!("gone"));
    assert_eq!(mailer.deliver(&unknown).await, Delivered::Acked);
    assert!(mailer.outbox().is_empty());
}

#[tokio::test]
async fn deliveries_that_are_not_signed_are_refused() {
    let mailer = TestMailer::start(json!({})).await;
    let body = serde_json::to_string(&[verification()]).unwrap();
    let request = service::http::client().post(mailer.url.clone()).body(body);
    assert_eq!(request.send().await.unwrap().status(), 401);
    assert!(mailer.outbox().is_empty());
    assert!(mailer.readiness.is_ready());
    for path in ["ping", "healthz", "readyz", "metrics"] {
        let url = mailer.url.join(path).unwrap();
        assert_eq!(
            service::http::client()
                .get(url)
                .send()
                .await
                .unwrap()
                .status(),
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_invited_get_a_link_with_or_without_an_account() {
    let mailer = TestMailer::start(json!({})).await;
    let data = json!({
        "id": "70ken", "link": "https://portal.acme.example/invitations/{{id}}",
        "applicationId": "shop", "email": "new@example.org", "role": "collaborator", "userId": "ada",
    });
    let invitation = event("invitation", "add", data);
    assert_eq!(mailer.deliver(&invitation).await, Delivered::Acked);
    let mail = mailer.outbox().remove(0);
    assert!(mail.contains("To: new@example.org\r\n"), "{mail}");
    assert!(
        mail.contains("https://portal.acme.example/invitations/70ken"),
        "{mail}"
    );
    assert!(mail.contains("as collaborato"), "{mail}");
}

#[tokio::test]
async fn whoever_is_invited_into_a_pool_gets_the_link_of_the_auth_server() {
    let mailer = TestMailer::start(json!({})).await;
    for (namespace, words) in [(Some("acme"), "for acme"), (None, "register at")] {
        let mut data = json!({
            "id": "70ken", "link": "https://api.acme.example/auth/invitations/{{id}}",
            "poolId": "guests", "email": "new@example.org", "userId": "ada",
        });
        if let Some(namespace) = namespace {
            data["namespace"] = namespace.into();
        }
        let mut invitation = event("pool_invitation", "add", data);
        invitation.id = format!("to-{namespace:?}");
        assert_eq!(mailer.deliver(&invitation).await, Delivered::Acked);
        let mail = mailer.outbox().pop().unwrap();
        assert!(mail.contains("To: new@example.org\r\n"), "{mail}");
        assert!(
            mail.contains("https://api.acme.example/auth/invitations/70ken"),
            "{mail}"
        );
        assert!(mail.contains(words), "{mail}");
        assert!(mail.contains("acme."));
    }
}

#[tokio::test]
async fn announcements_go_to_the_owners_who_want_them() {
    let mailer = TestMailer::start(json!({})).await;
    let api = &mailer.portal_api;
    api.answer(
        "GET /apis/pets/subscribers?limit=1000&offset=0",
        json!({"items": [
            {"id": "ada", "email": "ada@example.org", "registrations": [{"name": "Ada Lovelace"}]},
            {"id": "grace", "email": "grace@example.org",
             "preferences": {"mails": {"announcement": false}}},
        ], "count": 2}),
    );
    let data = json!({"announcementId": "a", "apiId": "pets", "subject": "Maintenance", "text": "On Sunday.", "userId": "boss"});
    let announcement = event("announcement", "add", data);
    assert_eq!(mailer.deliver(&announcement).await, Delivered::Acked);
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 1, "grace does not want it");
    for text in ["ada@example.org", "Ada Lovelace", "On Sunday."] {
        assert!(mails[0].contains(text), "{}", mails[0]);
    }
    let calls = api.calls();
    let about_people = calls
        .iter()
        .filter(|call| call.contains("/users/") || call.contains("/applications/"));
    assert_eq!(
        about_people.count(),
        0,
        "one call tells everything: {calls:?}"
    );
}

#[tokio::test]
async fn the_users_own_language_wins_over_that_of_the_page() {
    let api = portal_api(json!({})).await;
    let templates = json!({"lost_password": "Hello", "lost_password.de": "Guten Tag"});
    api.answer("GET /templates/email", templates);
    let mailer = TestMailer::in_memory(api).await;
    let asked = |language: &str| {
        let data = json!({
            "id": "70ce9", "type": "lostpassword", "email": "ada@example.org", "userId": "ada",
            "link": "https://api.acme.example/verify/{{id}}", "language": language,
        });
        event("verification_lostpassword", "add", data)
    };
    assert_eq!(mailer.deliver(&asked("de")).await, Delivered::Acked);
    assert!(
        mailer.outbox()[0].contains("Guten Tag"),
        "nothing is chosen"
    );
    let english = json!({"language": "en"});
    mailer
        .portal_api
        .answer("GET /users/ada/preferences", english);
    assert_eq!(mailer.deliver(&asked("de")).await, Delivered::Acked);
    let mails = mailer.outbox();
    assert_eq!(
        mails.iter().filter(|mail| mail.contains("Hello")).count(),
        1
    );
}
