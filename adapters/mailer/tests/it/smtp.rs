//! A real mail server, and everything that can go wrong with one.

use std::time::Duration;

use sdk::{testing::event, types::Event};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    service::{Delivered, TestMailer, portal_api},
    smtp_server::{CA, Manners, SmtpServer, Tls, Trouble},
};

fn settings(port: u16) -> Value {
    json!({
        "useMailer": "true", "senderName": "Acme Portal", "senderEmail": "portal@acme.example",
        "smtpHost": "127.0.0.1", "smtpPort": port.to_string(), "tls": "none",
        "username": "portal", "password": "hush", "adminEmail": "boss@acme.example",
    })
}

const ENCRYPTED: Manners = Manners {
    tls: Tls::Offered,
    auth: true,
    greylisting: false,
    smtputf8: false,
};
const PLAIN: Manners = Manners {
    tls: Tls::Never,
    ..ENCRYPTED
};

fn lost_password() -> Event {
    let data = json!({
        "id": "70ce9", "type": "lostpassword", "email": "ada@example.org", "userId": "ada",
        "link": "https://api.acme.example/auth/local/verify/{{id}}",
    });
    event("verification_lostpassword", "add", data)
}

fn request() -> Event {
    let data =
        json!({"applicationId": "orders", "apiId": "pets", "planId": "gold", "userId": "ada"});
    event("approval", "add", data)
}

#[tokio::test]
async fn mails_leave_by_smtp_over_one_connection() {
    let (server, port) = SmtpServer::start(PLAIN).await;
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
    assert_eq!(mail.login.as_deref(), Some("portal"));
    assert_eq!(mail.header("From"), "\"Acme Portal\" <portal@acme.example>");
    assert_eq!(mail.header("Subject"), "Acme APIs - Lost Password Recovery");
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
async fn after_a_hundred_mails_a_connection_is_left() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mailer = TestMailer::start(settings(port)).await;
    for _ in 0..101 {
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn connections_are_encrypted_as_configured_and_certificates_checked() {
    let implicit = Manners {
        tls: Tls::FromTheStart,
        ..ENCRYPTED
    };
    let cases = [
        (ENCRYPTED, json!({"tls": "starttls", "tlsCa": CA})),
        (
            ENCRYPTED,
            json!({"tls": "opportunistic", "tlsVerify": false}),
        ),
        (
            ENCRYPTED,
            json!({"tls": null, "forceSecure": false, "tlsCa": CA}),
        ),
        (implicit, json!({"tls": "implicit", "tlsCa": CA})),
        (
            implicit,
            json!({"tls": null, "forceSecure": true, "tlsCa": CA}),
        ),
    ];
    for (manners, tls) in cases {
        let (server, port) = SmtpServer::start(manners).await;
        let mut settings = settings(port);
        for (member, value) in tls.as_object().unwrap() {
            settings[member] = value.clone();
        }
        let mailer = TestMailer::durable(settings).await;
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
        let mail = server.until(1).await.remove(0);
        assert!(mail.is_encrypted, "{tls}");
        assert_eq!(mail.login.as_deref(), Some("portal"), "{tls}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_gets_no_mail_and_no_password() {
    let (server, port) = SmtpServer::start(ENCRYPTED).await;
    let (plain, plain_port) = SmtpServer::start(PLAIN).await;
    for (port, tls) in [(port, "opportunistic"), (plain_port, "starttls")] {
        let mut settings = settings(port);
        settings["tls"] = json!(tls);
        let mailer = TestMailer::durable(settings).await;
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
        mailer
            .until_queue(|queue| queue[0]["attempts"].as_u64() > Some(1))
            .await;
        let (status, ping) = mailer.ping().await;
        assert_eq!((status, &ping["healthy"]), (500, &json!(0)), "{ping}");
        assert_eq!(ping["queueLength"], 1);
        assert!(!ping.to_string().contains("hush"));
    }
    assert!(server.mails().is_empty() && plain.mails().is_empty());
}

#[tokio::test]
async fn whatever_happens_each_mail_arrives_and_only_an_acceptance_that_got_lost_repeats_one() {
    let manners = Manners {
        greylisting: true,
        ..ENCRYPTED
    };
    let (server, port) = SmtpServer::start(manners).await;
    let mut settings = settings(port);
    settings["tls"] = json!("starttls");
    settings["tlsCa"] = json!(CA);
    let mailer = TestMailer::durable(settings).await;
    // The first of all is greylisted; what happens to the others comes later.
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    server.until(1).await;
    let troubles = [
        Trouble::Refuse("450 4.2.1 mailbox busy"),
        Trouble::Refuse("421 4.3.2 shutting down"),
        Trouble::RefuseContent("452 4.3.1 disk full"),
        Trouble::Slow(Duration::from_millis(300)),
        Trouble::CutInData,
        Trouble::CutInData,
    ];
    for trouble in troubles {
        server.trouble(trouble);
        let before = server.mails().len();
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
        server.until(before + 1).await;
        mailer.until_queue(<[Value]>::is_empty).await;
        assert_eq!(server.mails().len(), before + 1, "{trouble:?}");
    }
    let mails = server.mails();
    let mut ids: Vec<String> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(
        ids.len(),
        1 + troubles.len(),
        "each mail has an id of its own"
    );

    server.trouble(Trouble::LoseAnswer);
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    server.until(mails.len() + 2).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    let twice = &server.mails()[mails.len()..];
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].header("Message-ID"), twice[1].header("Message-ID"));
    assert_eq!(twice[0].data, twice[1].data);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_the_time_limit() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let api = portal_api(settings(port)).await;
    let limit = Duration::from_millis(200);
    let data = tempfile::tempdir().unwrap();
    let mailer = TestMailer::run(api, data, |settings, data| {
        settings.state = Some(data.join("state"));
        settings.limits = mailer::Limits {
            command: limit,
            mail: limit,
            ..mailer::Limits::default()
        };
    })
    .await;
    server.trouble(Trouble::Silent);
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    server.until(1).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    assert_eq!(server.mails().len(), 1, "it had not been accepted before");
    server.trouble(Trouble::SilentAfterMail);
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    server.until(3).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    let twice = &server.mails()[1..];
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].header("Message-ID"), twice[1].header("Message-ID"));
}

#[tokio::test]
async fn many_mails_through_a_bad_server_arrive_once_each() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mailer = TestMailer::durable(settings(port)).await;
    for number in 0..60 {
        match number % 4 {
            0 => server.trouble(Trouble::CutInData),
            1 => server.trouble(Trouble::Refuse("450 busy")),
            2 => server.trouble(Trouble::Slow(Duration::from_millis(5))),
            _ => server.trouble(Trouble::RefuseContent("451 try again")),
        }
    }
    let events: Vec<Event> = (0..40).map(|_| lost_password()).collect();
    let report = mailer.portal_api.deliver("mailer", &events).await.unwrap();
    assert_eq!(report.acked.len(), events.len());
    server.until(events.len()).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    let mut ids: Vec<String> = server
        .mails()
        .iter()
        .map(|mail| mail.header("Message-ID"))
        .collect();
    assert_eq!(ids.len(), events.len());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), events.len());
}

#[tokio::test]
async fn a_final_refusal_is_one_attempt_and_can_be_seen() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mailer = TestMailer::durable(settings(port)).await;
    server.trouble(Trouble::Refuse("550 5.1.1 no such user"));
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    let queue = mailer
        .until_queue(|queue| queue.iter().any(|mail| mail["state"] == "failed"))
        .await;
    assert_eq!(queue[0]["attempts"], 1);
    assert_eq!(queue[0]["to"], "a***@example.org");
    assert!(queue[0]["lastError"].as_str().unwrap().contains("550"));
    let (status, ping) = mailer.ping().await;
    assert_eq!(status, 200, "the server itself is well");
    assert_eq!(ping["problems"], 1);
    assert!(ping["error"].as_str().unwrap().contains("no such user"));
    assert!(server.mails().is_empty());

    // An operator has put it right.
    let path = format!("queue/{}/retry", queue[0]["id"].as_str().unwrap());
    assert_eq!(mailer.operate("POST", &path, Value::Null).await.0, 202);
    server.until(1).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    assert_eq!(mailer.operate("POST", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_request_arrives_once_after_the_server_was_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = TestMailer::durable(settings(port)).await;
    let request = request();
    assert_eq!(mailer.deliver(&request).await, Delivered::Acked);
    mailer
        .until_queue(|queue| queue[0]["attempts"].as_u64() > Some(2))
        .await;
    assert_eq!(mailer.ping().await.0, 500);
    let healthz = mailer.operate("GET", "healthz", Value::Null).await;
    assert_eq!(healthz.0, 200);
    assert!(mailer.readiness.is_ready());

    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let server = SmtpServer::on(listener, PLAIN);
    server.until(1).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    assert_eq!(mailer.deliver(&request).await, Delivered::Acked);
    let (status, ping) = mailer.ping().await;
    assert_eq!((status, &ping["healthy"]), (200, &json!(1)), "{ping}");
    assert!(ping["lastSuccess"].is_string());
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].to[0].contains("boss@acme.example"));
}

#[tokio::test]
async fn mails_that_wait_survive_a_restart_sealed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = TestMailer::durable(settings(port)).await;
    let event = lost_password();
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    let (portal_api, data) = mailer.stop().await;
    let folder = data.path().join("state/queue");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("70ce9") && !text.contains("example.org"));
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let server = SmtpServer::on(listener, PLAIN);
    let mailer = TestMailer::on_disk(portal_api, data).await;
    server.until(1).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    // Once more after another restart, and it is known that the mail has left.
    let (portal_api, data) = mailer.stop().await;
    let mailer = TestMailer::on_disk(portal_api, data).await;
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(mailer.deliver(&request()).await, Delivered::Acked);
    server.until(2).await;
    mailer.until_queue(<[Value]>::is_empty).await;
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn without_a_state_folder_an_event_is_acknowledged_when_its_mail_has_its_end() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mailer = TestMailer::start(settings(port)).await;
    let event = lost_password();
    server.trouble(Trouble::Refuse("450 come back later"));
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(server.mails().len(), 1);

    let event = lost_password();
    server.trouble(Trouble::Refuse("550 no such user"));
    assert_eq!(mailer.deliver(&event).await, Delivered::Dead);
    // An operator takes it out of the dead letters.
    assert_eq!(mailer.deliver(&event).await, Delivered::Acked);
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_server_that_is_away_holds_up_no_delivery() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = TestMailer::start(settings(port)).await;
    let event = lost_password();
    assert_eq!(mailer.deliver(&event).await, Delivered::Pending);
    assert_eq!(mailer.deliver(&event).await, Delivered::Pending);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let server = SmtpServer::on(listener, PLAIN);
    server.until(1).await;
    while mailer.deliver(&event).await != Delivered::Acked {}
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_refused_log_in_loses_no_mail() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mut settings = settings(port);
    settings["password"] = json!("wrong");
    let mailer = TestMailer::durable(settings).await;
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    let queue = mailer
        .until_queue(|queue| queue[0]["attempts"].as_u64() > Some(1))
        .await;
    assert_eq!(queue[0]["state"], "waiting");
    assert!(queue[0]["lastError"].as_str().unwrap().contains("535"));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn addresses_beyond_ascii_need_a_server_that_knows_them() {
    for smtputf8 in [true, false] {
        let (server, port) = SmtpServer::start(Manners { smtputf8, ..PLAIN }).await;
        let portal_api = portal_api(settings(port)).await;
        let user = json!({"id": "ada", "email": "jörg@grüße.example"});
        portal_api.answer("GET /users/ada", user);
        let data = tempfile::tempdir().unwrap();
        let mailer = TestMailer::on_disk(portal_api, data).await;
        assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
        if smtputf8 {
            let mail = server.until(1).await.remove(0);
            assert!(mail.from.contains("SMTPUTF8"), "{}", mail.from);
            assert!(mail.to[0].contains("<jörg@xn--gre-6ka8l.example>"));
        } else {
            let failed = |queue: &[Value]| queue.iter().any(|mail| mail["state"] == "failed");
            mailer.until_queue(failed).await;
            assert!(server.mails().is_empty());
        }
    }
}

#[tokio::test]
async fn with_the_mailer_switched_off_events_are_acknowledged_without_work() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mut settings = settings(port);
    settings["useMailer"] = json!(false);
    let mailer = TestMailer::start(settings).await;
    assert_eq!(mailer.deliver(&lost_password()).await, Delivered::Acked);
    assert_eq!(server.connections(), 0);
    assert!(mailer.outbox().is_empty());
    let (_, ping) = mailer.ping().await;
    let warning = ping["warnings"][0].as_str().unwrap();
    assert!(warning.contains("useMailer"), "{warning}");
}

#[tokio::test]
async fn operators_send_a_mail_to_see_whether_mails_arrive() {
    let (server, port) = SmtpServer::start(PLAIN).await;
    let mailer = TestMailer::start(settings(port)).await;
    let to = json!({"to": "boss@acme.example"});
    assert_eq!(mailer.operate("POST", "test", to.clone()).await.0, 202);
    assert_eq!(mailer.operate("POST", "test", to).await.0, 202);
    let mails = server.until(2).await;
    assert_eq!(mails[0].header("Subject"), "Acme APIs - Test");
    let bad = json!({"to": "boss@acme.example\r\nBcc: x@example.org"});
    assert_eq!(mailer.operate("POST", "test", bad).await.0, 400);
    for path in ["test", "queue"] {
        let url = mailer.url.join(path).unwrap();
        let answer = service::http::client().get(url).send().await.unwrap();
        assert!([403, 404].contains(&answer.status().as_u16()), "{path}");
    }
}
