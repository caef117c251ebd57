//! The main path, from signing up to metered calls, in every shape that users run.

mod client;
mod person;
mod tokens;

use std::time::{Duration, Instant};

pub use client::Client;
pub use person::{PASSWORD, Person};

use crate::support::{Installation, Shape, change, copy_sample, eventually};

#[tokio::test]
async fn from_sign_up_to_calls_in_one_process_on_sqlite() {
    walk(Shape::OneProcess).await;
}

#[tokio::test]
async fn from_sign_up_to_calls_in_one_process_on_postgresql() {
    walk(Shape::OneProcessPostgres).await;
}

#[tokio::test]
async fn from_sign_up_to_calls_with_each_service_a_process() {
    walk(Shape::Apart).await;
}

#[tokio::test]
async fn from_sign_up_to_calls_with_two_of_each_stateless_service() {
    walk(Shape::Doubled).await;
}

#[tokio::test]
async fn from_sign_up_to_calls_through_haproxy_over_tls() {
    walk(Shape::Balanced).await;
}

#[tokio::test]
async fn what_a_page_with_a_new_client_shows_can_be_run() {
    let installation = Installation::start(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    let ada = Person::sign_up(&installation, "ada@example.com", "Ada").await;
    tokens::as_the_page_shows(&ada).await;
}

#[tokio::test]
async fn sign_up_and_calls_with_opaque_tokens() {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    installation.set("WICKETGATE_TOKEN_MODE", "opaque");
    installation.launch().await;
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    tokens::that_say_nothing_work_alike(&installation, &ada).await;
}

#[tokio::test]
async fn sign_up_and_calls_with_tokens_signed_by_rsa() {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let place = tempfile::tempdir().unwrap();
    copy_sample(place.path());
    change(&place.path().join("auth-servers/default.json"), |file| {
        file["tokens"]["algorithm"] = "RS256".into();
    });
    installation.configure(place.path().to_str().unwrap());
    installation.launch().await;
    // The portal's pages are drawn with what portal-api answers to such a token.
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    tokens::of_applications_are_checked(&installation, &ada).await;
    let client = tokens::of_users_reach_the_backend(&installation, &ada).await;
    tokens::signed_by_rsa_choose_no_other_algorithm(&installation, &ada, &client).await;
}

async fn walk(shape: Shape) {
    let Some(installation) = Installation::start(shape).await else {
        return;
    };
    let admin = Person::administrator(&installation).await;
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;

    catalogue_and_reference_are_open_to_everybody(&installation, &ada).await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    keys_are_checked_and_limited(&installation, &key).await;
    unsubscribing_ends_the_key(&installation, &ada).await;
    plans_with_approval_wait(&installation, &ada, &admin).await;
    tokens::of_applications_are_checked(&installation, &ada).await;
    let client = tokens::of_users_reach_the_backend(&installation, &ada).await;
    tokens::end_with_their_user(&installation, &client).await;
}

async fn catalogue_and_reference_are_open_to_everybody(
    installation: &Installation,
    ada: &Person<'_>,
) {
    let guest = crate::support::Visitor::default();
    let catalogue = guest
        .open(&(installation.portal() + "/apis"))
        .await
        .expect(200);
    for name in ["Pet Store", "World Clock", "Orders"] {
        assert!(
            catalogue.text().contains(name),
            "{name}: {}",
            catalogue.text()
        );
    }
    let reference = installation.portal() + "/apis/petstore/reference/listPets";
    guest
        .open(&reference)
        .await
        .expect(200)
        .expect_text("species");
    ada.visitor.open(&reference).await.expect(200);
}

async fn keys_are_checked_and_limited(installation: &Installation, key: &str) {
    let url = installation.gateway() + "/petstore/v1/pets";
    let call = |key: &str| installation.http.get(&url).header("x-apikey", key);
    assert_eq!(
        installation.http.get(&url).send().await.unwrap().status(),
        401,
        "no key"
    );
    assert_eq!(
        call("wg_nonsense").send().await.unwrap().status(),
        401,
        "a wrong key"
    );

    // The plan allows ten calls a minute; a minute may turn in between.
    let mut passed = 0;
    let limited = loop {
        let answer = call(key)
            .header("x-consumer-username", "admin")
            .send()
            .await
            .unwrap();
        if answer.status() == 429 {
            break answer;
        }
        assert_eq!(answer.status(), 200);
        passed += 1;
        assert!(passed <= 20, "the limit is ten a minute");
    };
    // A call or two were made to see that the key works.
    assert!(passed >= 5, "{passed}");
    for header in [
        "retry-after",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
    ] {
        assert!(limited.headers().contains_key(header), "{header}");
    }
    assert_eq!(limited.headers()["ratelimit-remaining"], "0");
}

async fn unsubscribing_ends_the_key(installation: &Installation, ada: &Person<'_>) {
    let key = ada
        .subscribe_new_application("ada-short", "petstore", "free")
        .await;
    let url = installation.gateway() + "/petstore/v1/inventory";
    let call = async || {
        let answer = installation
            .http
            .get(&url)
            .header("x-apikey", &key)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(call().await, 200);
    let page = installation.portal() + "/applications/ada-short/unsubscribe/petstore";
    let confirmation = ada.visitor.open(&page).await.expect(200);
    let started = Instant::now();
    ada.visitor
        .submit(&confirmation, "Unsubscribe", &[])
        .await
        .expect(200);
    eventually("the key is refused", async || {
        matches!(call().await, 401 | 403).then_some(())
    })
    .await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

async fn plans_with_approval_wait(
    installation: &Installation,
    ada: &Person<'_>,
    admin: &Person<'_>,
) {
    ada.create_application("ada-team").await;
    let waiting = ada.subscribe("ada-team", "petstore", "team").await;
    assert!(
        Person::secret(&waiting).is_none(),
        "no key before somebody has decided"
    );
    installation.mail_with(&["ada-team"]).await;

    let queue = installation.portal() + "/admin/approvals";
    ada.visitor.open(&queue).await.expect(403);
    let approvals = admin
        .visitor
        .open(&queue)
        .await
        .expect(200)
        .expect_text("ada-team");
    admin
        .visitor
        .submit(&approvals, "Approve", &[])
        .await
        .expect(200);
    installation
        .mail_with(&["ada@example.org", "may now use"])
        .await;

    let key = ada.new_key("ada-team", "petstore").await;
    let url = installation.gateway() + "/petstore/v1/inventory";
    eventually("the approved key works", async || {
        let answer = installation
            .http
            .get(&url)
            .header("x-apikey", &key)
            .send()
            .await
            .unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
    // A key is for its API only.
    let foreign = installation.gateway() + "/orders/v1/orders";
    let answer = installation
        .http
        .get(&foreign)
        .header("x-apikey", &key)
        .send()
        .await
        .unwrap();
    assert!(
        matches!(answer.status().as_u16(), 401 | 403),
        "{}",
        answer.status()
    );
}
