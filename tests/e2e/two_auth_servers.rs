//! Two auth servers as processes of their own on one PostgreSQL: `kill -9` of either in the middle of a
//! log-in stops nobody, and what is presented to both at once counts once.

use serde_json::Value;

use crate::{
    journey::{Client, PASSWORD, Person},
    support::{Installation, Shape, Visitor, eventually},
};

const SERVERS: [&str; 2] = ["auth-server-0", "auth-server-1"];

#[tokio::test]
async fn flows_outlive_their_server_and_nothing_is_given_out_twice() {
    let Some(mut installation) = Installation::start(Shape::Doubled).await else {
        return;
    };
    let (client, email) = client(&installation).await;
    let url = client.authorize_url(&installation);
    let visitor = Visitor::default();

    let login = visitor.open(&url).await.expect(200);
    kill(&mut installation, SERVERS[0]).await;
    let fields = [("username", email.as_str()), ("password", PASSWORD)];
    let consent = visitor.submit(&login, "Log in", &fields).await.expect(200);
    installation.start_again(SERVERS[0]);
    installation.until_process_ready(SERVERS[0]).await;
    kill(&mut installation, SERVERS[1]).await;
    let returned = visitor.submit(&consent, "Allow", &[]).await;
    let code = Client::code(&returned);
    client.token(&installation, &client.redemption(&code)).await;
    installation.start_again(SERVERS[1]);
    installation.until_process_ready(SERVERS[1]).await;

    let mut token = None;
    for round in 0..5 {
        let code = Client::code(&visitor.open(&url).await);
        let answers = ask_both(&installation, &client, &client.redemption(&code)).await;
        let good = answers.iter().filter(|(status, _)| *status == 200);
        assert_eq!(good.count(), 1, "round {round}: {answers:?}");
        // Two uses of a code are an attack, so this one is not asked for both.
        let code = Client::code(&visitor.open(&url).await);
        let base = installation.process_url(SERVERS[round % 2]);
        let form = client.redemption(&code);
        let (status, answer) = client.ask(&installation, &base, &form).await;
        assert_eq!(status, 200, "{answer}");
        token = Some(member(&answer, "refresh_token"));
    }
    let mut token = token.unwrap();
    for round in 0..5 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
        let [one, two] = ask_both(&installation, &client, &form).await;
        // One use, and the repetition of a lost answer: one successor.
        assert_eq!((one.0, two.0), (200, 200), "round {round}: {one:?} {two:?}");
        let next = member(&one.1, "refresh_token");
        assert_eq!(next, member(&two.1, "refresh_token"), "round {round}");
        assert_ne!(next, token);
        token = next;
    }
}

async fn client(installation: &Installation) -> (Client, String) {
    let ada = Person::sign_up(installation, "ada@example.org", "Ada Lovelace").await;
    // An address that answers, so that the browser can be sent there.
    let redirect_uri = installation.portal() + "/about-to-return";
    ada.create_application_at("ada-web", &redirect_uri).await;
    let (id, secret) = ada.client("ada-web", "orders", "free").await;
    (Client::new(id, secret, &redirect_uri), ada.email)
}

/// `kill -9`. Returns when the gateway has noticed.
async fn kill(installation: &mut Installation, name: &str) {
    installation.kill(name).await;
    let url = installation.gateway() + "/auth/oauth2/jwks";
    eventually("the other server answers", async || {
        let answer = installation.http.get(&url).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
}

async fn ask_both(
    installation: &Installation,
    client: &Client,
    form: &[(&str, &str)],
) -> [(u16, Value); 2] {
    let [one, two] = SERVERS.map(|name| installation.process_url(name));
    let (one, two) = tokio::join!(
        client.ask(installation, &one, form),
        client.ask(installation, &two, form)
    );
    [one, two]
}

fn member(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap().to_owned()
}
