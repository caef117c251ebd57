//! Mails that somebody can do without, their language, and who gets them.

use sdk::testing::{PortalApi, event};
use serde_json::{Value, json};

use crate::service::{Delivered, TestMailer, portal_api};

/// portal-api with the application `shop` of ada and grace, who reads German.
async fn shop(mailer: Value) -> PortalApi {
    let api = portal_api(mailer).await;
    let owner = |id: &str, role: &str| json!({"userId": id, "email": format!("{id}@example.org"), "role": role});
    api.answer(
        "GET /applications/shop",
        json!({"id": "shop", "owners": [owner("ada", "owner"), owner("grace", "owner"), owner("eve", "reader")]}),
    );
    let grace = json!({"id": "grace", "email": "grace@example.org"});
    api.answer("GET /users/grace", grace);
    let german = json!({"mails": {}, "language": "de"});
    api.answer("GET /users/grace/preferences", german);
    let subscriber = |id: &str, preferences: Value| json!({"id": id, "email": format!("{id}@example.org"), "registrations": [], "preferences": preferences});
    api.answer(
        "GET /apis/pets/subscribers?limit=1000&offset=0",
        json!({"items": [subscriber("ada", json!({}))], "count": 2}),
    );
    api.answer(
        "GET /apis/pets/subscribers?limit=1000&offset=1",
        json!({"items": [subscriber("grace", json!({"language": "de"}))], "count": 2}),
    );
    api.answer(
        "GET /templates/email",
        json!({
            "secret_expires": "Ends {{expiresAt}}, in {{days}} days",
            "secret_expires.html": "<p>{{expiresAt}}</p>",
            "secret_expires.de": "Subject: Läuft ab\n\nEndet {{expiresAt}}",
            "layout.html": "<!doctype html><html><body>{{{content}}}<a href=\"{{unsubscribeLink}}\">stop</a></body></html>",
        }),
    );
    api
}

fn expiring() -> sdk::types::Event {
    let data = json!({
        "credentialId": "c", "subscriptionId": "s1", "applicationId": "shop", "apiId": "pets",
        "last4": "x7Kq", "expiresAt": "2026-12-05T10:00:00Z", "days": 14,
    });
    event("credential", "expiring", data)
}

#[tokio::test]
async fn owners_are_told_in_their_language_with_a_way_out() {
    let mailer = TestMailer::in_memory(shop(json!({})).await).await;
    assert_eq!(mailer.deliver(&expiring()).await, Delivered::Acked);
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 2, "the reader is not told");
    let mail = |to: &str| mails.iter().find(|mail| mail.contains(to)).unwrap();
    let ada = mail("ada@example.org");
    assert!(ada.contains("Ends 2026-12-05, in 14 days"), "{ada}");
    assert!(ada.contains("multipart/alternative") && ada.contains("<p>2026-12-05</p>"));
    assert!(ada.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    let start = "List-Unsubscribe: <https://portal.acme.example/unsubscribe/";
    let unfolded = ada.replace("\r\n ", "");
    let token = unfolded.split(start).nth(1).unwrap();
    let token = token.split('>').next().unwrap();
    let key = mailer
        .portal_api
        .keys()
        .derive(&service::keys::Purpose::Unsubscribe)
        .unwrap();
    assert_eq!(
        sdk::unsubscribe::verify(&key, token),
        Some(("ada".to_owned(), "secret_expires".to_owned()))
    );
    let grace = mail("grace@example.org");
    assert!(grace.contains("Endet 2026-12-05"), "{grace}");
    assert!(!grace.contains("multipart"), "no HTML in another language");
}

#[tokio::test]
async fn installation_and_users_switch_mails_off() {
    let api = shop(json!({"events": {"quota_nearly_used": false}})).await;
    let unwanted = json!({"mails": {"secret_expires": false}});
    api.answer("GET /users/ada/preferences", unwanted);
    let mailer = TestMailer::in_memory(api).await;
    assert_eq!(mailer.deliver(&expiring()).await, Delivered::Acked);
    assert_eq!(mailer.outbox().len(), 1);
    let data = json!({"applicationId": "shop", "apiId": "pets", "percent": 80});
    let threshold = event("usage", "threshold", data);
    assert_eq!(mailer.deliver(&threshold).await, Delivered::Acked);
    assert_eq!(mailer.outbox().len(), 1);
    // What concerns the safety of an account comes anyway.
    let changed = event("user", "password", json!({"userId": "ada"}));
    assert_eq!(mailer.deliver(&changed).await, Delivered::Acked);
    assert_eq!(mailer.outbox().len(), 2);
}

#[tokio::test]
async fn each_further_kind_reaches_those_it_concerns() {
    let cases = [
        (
            event(
                "owner",
                "add",
                json!({"applicationId": "shop", "userId": "boss", "addedUserId": "ada", "role": "reader"}),
            ),
            vec!["ada"],
        ),
        (
            event(
                "api",
                "lifecycle",
                json!({"apiId": "pets", "from": "published", "to": "deprecated", "sunsetOn": "2027-01-01"}),
            ),
            vec!["ada", "grace"],
        ),
        (
            event(
                "usage",
                "threshold",
                json!({"applicationId": "shop", "apiId": "pets", "window": "day", "percent": 100, "limit": 10, "used": 10}),
            ),
            vec!["ada", "grace"],
        ),
        (
            event(
                "listener",
                "disabled",
                json!({"listenerId": "crm", "reason": "gone"}),
            ),
            vec!["boss"],
        ),
        (
            event(
                "listener",
                "disabled",
                json!({"listenerId": "own", "reason": "gone", "applicationId": "shop"}),
            ),
            vec!["ada", "grace"],
        ),
        (event("user", "validated", json!({"userId": "ada"})), vec![]),
    ];
    for (event, expected) in cases {
        let api = shop(json!({"adminEmail": "boss@example.org"})).await;
        let mailer = TestMailer::in_memory(api).await;
        assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
        let mails = mailer.outbox();
        assert_eq!(mails.len(), expected.len(), "{}", event.kind());
        for name in expected {
            let to = format!("{name}@example.org");
            let is_to = |mail: &String| {
                let head = mail.split("\r\n\r\n").next().unwrap_or_default();
                head.replace("\r\n ", " ")
                    .lines()
                    .any(|line| line.starts_with("To:") && line.contains(&to))
            };
            assert!(mails.iter().any(is_to), "{} {name}", event.kind());
        }
    }
}

#[tokio::test]
async fn requests_go_to_those_who_decide_and_to_somebody_in_any_case() {
    let request = || {
        let data =
            json!({"applicationId": "shop", "apiId": "pets", "planId": "gold", "userId": "ada"});
        event("approval", "add", data)
    };
    let approvers = json!([{"id": "grace", "email": "grace@example.org"}]);
    for (recipients, approvers, expected) in [
        ("approvers", approvers.clone(), vec!["grace"]),
        ("both", approvers, vec!["boss", "grace"]),
        ("approvers", json!([]), vec!["boss"]),
    ] {
        let mailer = json!({"adminEmail": "boss@example.org", "approvalRecipients": recipients});
        let api = shop(mailer).await;
        api.answer("GET /users?approverOf=pets", approvers);
        let mailer = TestMailer::in_memory(api).await;
        assert_eq!(mailer.deliver(&request()).await, Delivered::Acked);
        let mails = mailer.outbox().concat();
        for name in ["boss", "grace"] {
            let is_told = mails.contains(&format!("{name}@example.org>"))
                || mails.contains(&format!("To: {name}@example.org"));
            assert_eq!(is_told, expected.contains(&name), "{recipients} {name}");
        }
    }
}

#[tokio::test]
async fn requests_that_are_collected_become_one_mail() {
    let data = tempfile::tempdir().unwrap();
    let api = shop(json!({"adminEmail": "boss@example.org", "approvalDigestMinutes": "60"})).await;
    let mailer = TestMailer::on_disk(api, data).await;
    for plan in ["gold", "silver", "bronze"] {
        let data =
            json!({"applicationId": "shop", "apiId": "pets", "planId": plan, "userId": "ada"});
        let request = event("approval", "add", data);
        assert_eq!(mailer.deliver(&request).await, Delivered::Acked);
    }
    let queue = mailer.queue().await;
    assert_eq!(queue.len(), 3);
    assert!(mailer.outbox().is_empty(), "the hour is not over");
    // An operator does not want to wait.
    let path = format!("queue/{}/retry", queue[0]["id"].as_str().unwrap());
    assert_eq!(mailer.operate("POST", &path, Value::Null).await.0, 202);
    mailer.until_queue(<[Value]>::is_empty).await;
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 1);
    for plan in ["gold", "silver", "bronze"] {
        assert!(mails[0].contains(plan), "{}", mails[0]);
    }
}

#[tokio::test]
async fn mails_can_be_looked_at() {
    let mailer = TestMailer::in_memory(shop(json!({})).await).await;
    let look = async |path: &str| mailer.operate("GET", path, Value::Null).await;
    let (status, text) = look("preview/secret_expires?locale=de").await;
    assert_eq!(status, 200);
    assert!(text.starts_with("Subject: Läuft ab\n\nEndet 20"), "{text}");
    let (status, html) = look("preview/secret_expires?format=html").await;
    assert_eq!(status, 200);
    assert!(html.contains("/unsubscribe/sample"), "{html}");
    assert_eq!(
        look("preview/secret_expires?locale=de&format=html").await.0,
        404
    );
    assert_eq!(look("preview/nothing").await.0, 404);
    assert_eq!(look("preview/welcome?format=pdf").await.0, 400);
}

#[tokio::test]
async fn who_wants_a_digest_gets_what_can_wait_once_a_day() {
    let data = tempfile::tempdir().unwrap();
    let api = shop(json!({})).await;
    api.answer("GET /users/ada/preferences", json!({"digest": true}));
    api.answer(
        "GET /users/grace/preferences",
        json!({"mails": {"secret_expires": false}}),
    );
    let subscriber =
        json!({"id": "ada", "email": "ada@example.org", "preferences": {"digest": true}});
    api.answer(
        "GET /apis/pets/subscribers?limit=1000&offset=0",
        json!({"items": [subscriber], "count": 1}),
    );
    let mailer = TestMailer::on_disk(api, data).await;
    let role =
        json!({"applicationId": "shop", "userId": "boss", "addedUserId": "ada", "role": "reader"});
    let word =
        json!({"announcementId": "a", "apiId": "pets", "subject": "Sunday", "text": "No answers."});
    let events = [
        event("owner", "add", role),
        event("announcement", "add", word),
        expiring(),
    ];
    for event in &events {
        assert_eq!(mailer.deliver(event).await, Delivered::Acked);
    }
    let queue = mailer.until_queue(|queue| queue.len() == 2).await;
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("Ends 2026-12-05"),
        "that cannot wait: {}",
        mails[0]
    );
    let due = queue[0]["nextAttemptAt"].as_str().unwrap();
    assert!(due.ends_with("T06:00:00Z"), "{due}");
    assert_eq!(queue[1]["nextAttemptAt"], due);
    // An operator does not want to wait for the morning.
    let path = format!("queue/{}/retry", queue[0]["id"].as_str().unwrap());
    assert_eq!(mailer.operate("POST", &path, Value::Null).await.0, 202);
    mailer.until_queue(<[Value]>::is_empty).await;
    let mails = mailer.outbox();
    assert_eq!(mails.len(), 2, "both are one");
    let digest = mails.iter().find(|mail| mail.contains("News")).unwrap();
    for text in ["No answers.", "as reader", "List-Unsubscribe"] {
        assert!(digest.contains(text), "{text}\n{digest}");
    }
    assert!(!digest.contains("Ends 2026"), "{digest}");
    for event in &events {
        assert_eq!(mailer.deliver(event).await, Delivered::Acked);
    }
    assert!(mailer.queue().await.is_empty(), "nothing is told twice");
}

#[tokio::test]
async fn whoever_ends_the_digest_gets_nothing_that_would_be_in_it() {
    let api = shop(json!({})).await;
    let ended = json!({"digest": true, "mails": {"digest": false}});
    api.answer("GET /users/ada/preferences", ended);
    let mailer = TestMailer::in_memory(api).await;
    let role =
        json!({"applicationId": "shop", "userId": "boss", "addedUserId": "ada", "role": "reader"});
    let added = event("owner", "add", role);
    assert_eq!(mailer.deliver(&added).await, Delivered::Acked);
    assert!(mailer.outbox().is_empty());
}
