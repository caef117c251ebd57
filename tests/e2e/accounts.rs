//! Accounts that end, and what they leave.

use crate::{
    journey::Person,
    support::{Installation, Shape},
};

#[tokio::test]
async fn an_account_ends_and_its_application_goes_on_with_somebody_else() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let mut bob = Person::sign_up(&installation, "bob@example.org", "Bob Martin").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    let url = |path: &str| installation.portal() + path;
    let page = ada.visitor.open(&url("/users/me/delete")).await.expect(200);
    let page = page.expect_text("Nobody else owns it");
    let fields = [("applications", "transfer"), ("heir", "bob@example.org")];
    ada.visitor.submit(&page, "Delete account", &fields).await;
    let gone = ada.visitor.open(&url("/users/me")).await;
    assert_ne!(gone.url.path(), "/users/me", "{}", gone.text());
    bob.log_in_again().await;
    bob.visitor
        .open(&url("/applications/ada-shop"))
        .await
        .expect(200)
        .expect_text("Owner");
    let call = installation.gateway() + "/petstore/v1/inventory";
    let call = installation.http.get(call).header("x-apikey", key);
    assert_eq!(call.send().await.unwrap().status(), 200, "its key goes on");
}
