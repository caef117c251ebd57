//! Calls of an API from its pages, with a token of the person who sits there.

use crate::{
    journey::Person,
    support::{Installation, Shape},
};

#[tokio::test]
async fn people_try_an_api_with_a_token_of_theirs() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let url = |path: &str| installation.portal() + path;
    let form = ada.visitor.open(&url("/applications?register=true")).await;
    let fields = [
        ("appid", "ada-spa"),
        ("appname", "Ada"),
        ("clienttype", "public_spa"),
        ("redirecturi", "https://ada.example/callback"),
    ];
    ada.visitor
        .submit(&form, "Create application", &fields)
        .await
        .expect(200);
    ada.subscribe("ada-spa", "orders", "free").await;

    let path = url("/apis/orders/try?application=ada-spa");
    let page = ada.visitor.open(&path).await.expect(200);
    // The application has to allow it first.
    let refused = ada
        .visitor
        .submit(&page, "Log in for a token", &[])
        .await
        .expect(200)
        .expect_text("to the redirect URIs of the application first");
    assert!(refused.url.path() == "/apis/orders/try", "{}", refused.url);
    let settings = url("/applications/ada-spa/settings");
    let settings = ada.visitor.open(&settings).await.expect(200);
    let callback = url("/try/callback");
    ada.visitor
        .submit(&settings, "Save", &[("redirecturi", &callback)])
        .await
        .expect(200);

    let page = ada.visitor.open(&path).await.expect(200);
    let consent = ada
        .visitor
        .submit(&page, "Log in for a token", &[])
        .await
        .expect(200);
    let page = ada.visitor.submit(&consent, "Allow", &[]).await;
    let page = page.expect(200).expect_text("You have a token.");
    assert_eq!(page.url.path(), "/apis/orders/try");
    let answer = ada.visitor.submit(&page, "Send", &[]).await.expect(200);
    let answer = answer.expect_text("200 OK");
    for page in [&page, &answer] {
        assert!(!page.html.contains("eyJ"), "a token is on {}", page.url);
        let query = page.url.query().unwrap_or_default();
        assert!(!query.contains("code="), "{}", page.url);
    }
}
