//! Refresh tokens: rotation, the one repetition, reuse.

use crate::support::{Answer, Form, SECRET, TestServer};

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server
        .portal
        .add_client("other", "orders", "confidential", true);
    server
}

async fn first(server: &TestServer) -> Answer {
    let code = server.browser().code("app-orders", &[]).await;
    server.redeem("app-orders", &code).await
}

async fn refresh(server: &TestServer, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
    ];
    let form: Vec<(&str, &str)> = form.iter().chain(more).copied().collect();
    server.token(&form).await
}

fn refused() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn f22_each_use_gives_new_tokens_with_the_groups_of_now() {
    let server = server().await;
    let tokens = first(&server).await;
    server.portal.change_user("ada", &["admin"], false);
    let token = tokens.member("refresh_token");
    let next = refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    assert_eq!(next.member("scope"), "read write wicked:admin");
    assert_ne!(next.member("refresh_token"), token);
    let narrow = [SECRET, ("scope", "read")];
    let token = next.member("refresh_token");
    let next = refresh(&server, "app-orders", &token, &narrow)
        .await
        .expect(200);
    assert_eq!(next.member("scope"), "read wicked:admin");
    let wide = [SECRET, ("scope", "read fly")];
    let token = next.member("refresh_token");
    let error = refresh(&server, "app-orders", &token, &wide).await.error();
    assert_eq!(error, (400, "invalid_scope".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_once_more_and_then_it_is_theft() {
    let server = server().await;
    let token = first(&server).await.member("refresh_token");
    let one = refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    let two = refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    // The same successor: the family goes on in one line, whoever of the two was the thief.
    assert_eq!(one.member("refresh_token"), two.member("refresh_token"));
    assert_ne!(one.member("access_token"), two.member("access_token"));
    assert_eq!(
        refresh(&server, "app-orders", &token, &[SECRET])
            .await
            .error(),
        refused()
    );
    // The family has ended, its youngest members included.
    for answer in [one, two] {
        let token = answer.member("refresh_token");
        assert_eq!(
            refresh(&server, "app-orders", &token, &[SECRET])
                .await
                .error(),
            refused()
        );
        let access = answer.member("access_token");
        server
            .get_with("/userinfo", &format!("Bearer {access}"))
            .await
            .expect(401);
    }
}

#[tokio::test]
async fn a_token_older_than_the_last_rotation_is_theft_at_once() {
    let server = server().await;
    let oldest = first(&server).await.member("refresh_token");
    let second = refresh(&server, "app-orders", &oldest, &[SECRET])
        .await
        .member("refresh_token");
    let third = refresh(&server, "app-orders", &second, &[SECRET])
        .await
        .member("refresh_token");
    assert_eq!(
        refresh(&server, "app-orders", &oldest, &[SECRET])
            .await
            .error(),
        refused()
    );
    assert_eq!(
        refresh(&server, "app-orders", &third, &[SECRET])
            .await
            .error(),
        refused()
    );
}

#[tokio::test]
async fn f3_a_refresh_token_is_for_its_client_only_and_the_client_proves_itself() {
    let server = server().await;
    let token = first(&server).await.member("refresh_token");
    let wrong: &[(&str, Form, u16)] = &[
        ("app-orders", &[("client_secret", "wrong")], 401),
        ("app-orders", &[], 401),
        ("other-orders", &[SECRET], 400),
    ];
    for (client, more, status) in wrong {
        refresh(&server, client, &token, more).await.expect(*status);
    }
    refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    assert_eq!(
        refresh(&server, "app-orders", "unknown", &[SECRET])
            .await
            .error(),
        refused()
    );
}

#[tokio::test]
async fn without_its_user_a_family_ends_and_a_revoked_one_stays_ended() {
    let server = server().await;
    let token = first(&server).await.member("refresh_token");
    let form = [
        ("client_id", "app-orders"),
        SECRET,
        ("token", token.as_str()),
    ];
    server.post("/oauth2/revoke", &form).await.expect(200);
    assert_eq!(
        refresh(&server, "app-orders", &token, &[SECRET])
            .await
            .error(),
        refused()
    );
    let token = first(&server).await.member("refresh_token");
    server.portal.remove_user("ada");
    assert_eq!(
        refresh(&server, "app-orders", &token, &[SECRET])
            .await
            .error(),
        refused()
    );
}

#[tokio::test]
async fn f24_tokens_outlive_a_change_of_redirect_uris() {
    let server = server().await;
    let tokens = first(&server).await;
    server.portal.remove_redirect_uris("app-orders");
    server
        .portal
        .add_redirect_uri("app-orders", "https://new.example/cb");
    assert!(server.is_active(&tokens.member("access_token")).await);
    let token = tokens.member("refresh_token");
    refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
}

#[tokio::test]
async fn parallel_refreshes_never_both_rotate() {
    let server = server().await;
    let token = first(&server).await.member("refresh_token");
    let call = || refresh(&server, "app-orders", &token, &[SECRET]);
    let (a, b, c) = tokio::join!(call(), call(), call());
    let good: Vec<String> = [&a, &b, &c]
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.member("refresh_token"))
        .collect();
    assert!((1..=2).contains(&good.len()), "{a:?} {b:?} {c:?}");
    assert!(
        good.iter().all(|token| *token == good[0]),
        "{a:?} {b:?} {c:?}"
    );
}

#[tokio::test]
async fn of_a_repeated_refresh_token_one_line_goes_on_and_the_other_ends_the_family() {
    let server = server().await;
    let token = first(&server).await.member("refresh_token");
    let own = refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    // Somebody has read the token, and is as fast.
    let thief = refresh(&server, "app-orders", &token, &[SECRET])
        .await
        .expect(200);
    let mut newest = own.member("refresh_token");
    for _ in 0..2 {
        let next = refresh(&server, "app-orders", &newest, &[SECRET]).await;
        newest = next.expect(200).member("refresh_token");
    }
    let stolen = thief.member("refresh_token");
    for token in [stolen, newest] {
        let ended = refresh(&server, "app-orders", &token, &[SECRET]).await;
        assert_eq!(ended.error(), refused());
    }
}
