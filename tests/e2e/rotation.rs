//! The master key is exchanged: what was made with the old one goes on working.

use service::keys::MasterKey;

use crate::{
    journey::{Client, Person},
    rolling::until_resealed,
    support::{Installation, Shape},
};

#[tokio::test]
async fn keys_tokens_and_sessions_outlive_the_master_key() {
    let installation = Installation::start(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    let ada = Person::sign_up(&installation, "ada@example.com", "Ada").await;
    let key = ada
        .subscribe_new_application("tea-shop", "petstore", "free")
        .await;
    let (id, secret) = ada.subscribe_client("tea-orders", "orders", "free").await;
    let client = Client::new(id, secret, "");
    let token = client.own_token(&installation).await;
    let expect_all_to_work = async |step: &str| {
        let call = async |path: &str, header: &str, value: &str| {
            let request = installation.http.get(installation.gateway() + path);
            request.header(header, value).send().await.unwrap().status()
        };
        let status = call("/petstore/v1/pets", "x-apikey", &key).await;
        assert_eq!(status, 200, "{step}: the key");
        let fresh = client.own_token(&installation).await;
        for token in [&token, &fresh] {
            let bearer = format!("Bearer {token}");
            let status = call("/orders/v1/orders", "authorization", &bearer).await;
            assert_eq!(status, 200, "{step}: a token");
        }
        let page = installation.portal() + "/applications/tea-shop";
        ada.visitor.open(&page).await.expect(200);
    };
    expect_all_to_work("before").await;
    let (old, new) = (installation.master_key(), MasterKey::generate().to_text());
    for (current, other) in [(&old, new.as_str()), (&new, old.as_str()), (&new, "")] {
        installation.terminate("up").await;
        installation.use_master_keys(current, other);
        installation.start_again("up");
        installation.until_ready().await;
        expect_all_to_work(other).await;
        if other == old {
            until_resealed(&installation, 2).await;
        }
    }
    // Nothing hangs on the old one any more, and nothing starts with it.
    installation.terminate("up").await;
    let mut start = installation.command("up");
    start.args(installation.port_options());
    let output = start.env("WICKETGATE_MASTER_KEY", &old).output().await;
    let output = output.unwrap();
    assert!(!output.status.success());
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(reason.contains("master key"), "{reason}");
}
