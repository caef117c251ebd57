//! Mails, from the page that causes them to the file in the outbox.

use serde_json::json;

use crate::{
    journey::Person,
    support::{Installation, Shape, Visitor, change, copy_sample},
};

const EMAIL: &str = "greta@example.org";

#[tokio::test]
async fn who_signs_up_in_german_gets_german_mails() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let login_page = installation.portal() + "/login";
    let german = Visitor::speaking("de-AT,de;q=0.9,en;q=0.5");
    let login = german.open(&login_page).await.expect(200);
    let form = german.follow(&login, "Konto anlegen").await.expect(200);
    let fields = [
        ("email", EMAIL),
        ("password", "Correct-horse-7"),
        ("password2", "Correct-horse-7"),
    ];
    german
        .submit(&form, "Konto anlegen", &fields)
        .await
        .expect(200);
    let mail = installation.mail_with(&[EMAIL, "/verify/"]).await;
    assert!(
        mail.contains("Guten Tag") && mail.contains("innerhalb einer Stunde"),
        "{mail}"
    );
    assert!(mail.contains(r#"lang="de""#), "{mail}");

    // The language stays with the account, whoever asks for a mail to it.
    let english = Visitor::default();
    let login = english.open(&login_page).await.expect(200);
    let form = english.follow(&login, "Forgotten?").await.expect(200);
    let sent = english.submit(&form, "Send", &[("email", EMAIL)]).await;
    sent.expect(200).expect_text("Look into your mail");
    let mail = installation.mail_with(&[EMAIL, "Neues Passwort"]).await;
    assert!(mail.contains("Guten Tag"), "{mail}");
}

#[tokio::test]
async fn owners_are_told_when_most_of_a_plan_is_used_up() {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let configuration = installation.data().with_file_name("config");
    copy_sample(&configuration);
    change(&configuration.join("plans/plans.json"), |plans| {
        let free = &mut plans["plans"][0];
        assert_eq!(free["id"], "free");
        free["config"]["plugins"][0]["config"] = json!({"day": 20, "policy": "local"});
    });
    installation.configure(configuration.to_str().unwrap());
    installation.launch().await;
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    let url = installation.gateway() + "/petstore/v1/pets";
    for _ in 0..21 {
        let call = installation.http.get(&url).header("x-apikey", &key);
        call.send().await.unwrap();
    }
    let told = [
        "ada@example.org",
        "has used 100%",
        " of 20",
        "Counted per: day",
    ];
    installation.mail_with(&told).await;
}
