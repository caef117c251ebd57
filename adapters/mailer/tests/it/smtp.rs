use sdk::{testing::event, types::Event};
use serde_json::{Value, json};

use crate::{
    service::{Delivered, TestMailer},
    smtp_server::SmtpServer,
};

fn settings(port: u16) -> Value {
    json!({
        "useMailer": "true", "senderName": "Acme Portal", "senderEmail": "portal@acme.example",
        "smtpHost": "127.0.0.1", "smtpPort": port.to_string(), "tls": "none",
        "username": "portal", "password": "hush",
    })
}

fn lost_password() -> Event {
    let data = json!({
        "id": "70ce9", "type": "lostpassword", "email": "ada@example.org", "userId": "ada",
        "link": "https://api.acme.example/auth/local/verify/{{id}}",
    });
    event("verification_lostpassword", "add", data)
}

#[tokio::test]
async fn mails_leave_by_smtp_over_one_connection() {
    let (server, port) = SmtpServer::start().await;
    let mailer = TestMailer::start(settings(port)).await;
    for _ in 0..3 {
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 3);
    assert_eq!(server.connections(), 1);
    let mail = &mails[0];
    assert!(mail.from.contains("<portal@acme.example>"));
    assert_eq!(mail.to.len(), 1);
    assert!(mail.to[0].contains("<ada@example.org>"));
    assert!(mail.login.as_ref().unwrap().starts_with("AUTH PLAIN "));
    assert!(
        mail.data
            .contains("From: \"Acme Portal\" <portal@acme.example>"),
        "{}",
        mail.data
    );
    assert!(
        mail.data
            .contains("Subject: Acme APIs - Lost Password Recovery"),
        "{}",
        mail.data
    );
    assert!(
        mail.data
            .contains("https://api.acme.example/auth/local/verify/70ce9"),
        "{}",
        mail.data
    );
    assert_eq!(mail.data.matches("\nTo: ").count(), 1);
    assert!(!mail.data.contains("\nBcc:"));
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_and_a_final_one_is_not() {
    let (server, port) = SmtpServer::start().await;
    let mailer = TestMailer::start(settings(port)).await;
    let event = lost_password();
    server.refuse_next("450 come back later");
    assert_eq!(mailer.deliver(&event).await, Delivered::Retry);
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(server.mails().len(), 1);

    let event = lost_password();
    server.refuse_next("550 no such user");
    assert_eq!(mailer.deliver(&event).await, Delivered::Dead);
    assert_eq!(server.mails().len(), 1);
    // An operator takes it out of the dead letters.
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_server_that_is_away_loses_nothing() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let mailer = TestMailer::start(settings(port)).await;
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Retry);
    assert!(mailer.readiness.is_ready());
}

#[tokio::test]
async fn with_the_mailer_switched_off_events_are_acknowledged_without_work() {
    let (server, port) = SmtpServer::start().await;
    let mut settings = settings(port);
    settings["useMailer"] = json!(false);
    let mailer = TestMailer::start(settings).await;
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    assert_eq!(server.connections(), 0);
    assert!(mailer.outbox().is_empty());
}
