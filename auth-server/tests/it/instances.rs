//! Two instances on one PostgreSQL: nothing sticks to one of them, and nothing counts twice.

use crate::support::{
    Answer, Browser, Page, REDIRECT, SECRET, TestServer, VERIFIER, code_of, parameter,
};

async fn redeem(server: &TestServer, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app-portal-api"),
        SECRET,
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    server.token(&form).await
}

async fn refresh(server: &TestServer, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-portal-api"),
        SECRET,
        ("refresh_token", token),
    ];
    server.token(&form).await
}

/// One with registration and consent on the way.
async fn two() -> Option<(TestServer, TestServer)> {
    let (one, two) = TestServer::start_two().await?;
    one.portal
        .add_client("app", "portal-api", "confidential", false);
    Some((one, two))
}

fn page(answer: Answer, template: &str) -> Page {
    let answer = answer.expect(200);
    let model = answer.json();
    Page { answer, model }.expect(template)
}

#[tokio::test]
async fn a_flow_ends_well_though_an_instance_is_killed_in_its_middle() {
    let Some((one, two)) = two().await else {
        return;
    };
    let at_one = one.browser();
    let url = Browser::authorize_url("app-portal-api", &[("scope", "read")]);
    let login = at_one.page(&url).await.expect("login");
    let at_two = at_one.at(&two);
    let register = page(at_two.log_in(&login, "ada").await, "register");
    let at_one = at_two.at(&one);
    let nonce = register.model["nonce"].as_str().unwrap().to_owned();
    let form = [("nonce", nonce.as_str()), ("name", "Ada")];
    let grants = page(at_one.post("/local/register", &form).await, "grant_scopes");
    let at_two = at_one.at(&two);
    one.kill();
    let csrf = grants.csrf();
    let form = [("_csrf", csrf.as_str()), ("_action", "allow")];
    let target = at_two
        .post("/local/grant", &form)
        .await
        .expect(302)
        .location();
    assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
    let tokens = redeem(&two, &code_of(&target)).await.expect(200);
    refresh(&two, &tokens.member("refresh_token"))
        .await
        .expect(200);
    let token = format!("Bearer {}", tokens.member("access_token"));
    two.get_with("/userinfo", &token).await.expect(200);
}

#[tokio::test]
async fn what_is_presented_to_both_at_once_counts_once() {
    let Some((one, two)) = two().await else {
        return;
    };
    one.portal.add_registration("wicked", "ada", None);
    let browser = one.browser();
    let url = Browser::authorize_url("app-portal-api", &[]);
    let login = browser.page(&url).await.expect("login");
    let mut target = browser.log_in(&login, "ada").await.expect(302).location();
    for round in 0..8 {
        let code = code_of(&target);
        let (a, b) = tokio::join!(redeem(&one, &code), redeem(&two, &code));
        let good: Vec<&Answer> = [&a, &b]
            .into_iter()
            .filter(|answer| answer.status == 200)
            .collect();
        assert_eq!(good.len(), 1, "round {round}: {a:?} {b:?}");
        // Two uses of a code are an attack, whoever was first.
        let token = good[0].member("refresh_token");
        let refused = refresh(&one, &token).await;
        assert_eq!(refused.error(), (400, "invalid_grant".to_owned()));
        target = browser.get(&url).await.expect(302).location();
    }
    let tokens = redeem(&one, &code_of(&target)).await.expect(200);
    let mut token = tokens.member("refresh_token");
    for round in 0..8 {
        let (a, b) = tokio::join!(refresh(&one, &token), refresh(&two, &token));
        // One replaces the token; the other is the repetition that a lost answer causes, and gets the
        // same successor.
        for answer in [&a, &b] {
            assert_eq!(answer.status, 200, "round {round}: {answer:?}");
        }
        assert_eq!(a.member("refresh_token"), b.member("refresh_token"));
        assert_ne!(a.member("access_token"), b.member("access_token"));
        token = a.member("refresh_token");
    }
    let (a, b) = tokio::join!(refresh(&one, &token), refresh(&two, &token));
    assert_eq!((a.status.as_u16(), b.status.as_u16()), (200, 200));
    // Not a third time: whoever has it stole it, and nobody goes on.
    assert_eq!(refresh(&two, &token).await.error().1, "invalid_grant");
    for answer in [&a, &b] {
        let ended = refresh(&one, &answer.member("refresh_token")).await;
        assert_eq!(ended.error().1, "invalid_grant");
    }
}
