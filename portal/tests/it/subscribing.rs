use reqwest::StatusCode;

use crate::neighbours::TestPortal;

const SUBSCRIBE: &str = "/applications/tracking-dashboard/subscribe/shipments";

#[tokio::test]
async fn registering_leads_on_to_the_plans_of_the_api() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let form = "/applications?register=true&api=shipments";
    let fields = [
        ("appid", "new-app"),
        ("appname", "New"),
        ("redirecturi", ""),
        ("api", "shipments"),
    ];
    let answer = browser
        .submit(form, "/applications/register", &fields)
        .await;
    assert_eq!(
        answer.location(),
        "/applications/new-app/subscribe/shipments"
    );
    let fields = [("appid", "taken"), ("appname", "My <name>")];
    let answer = browser
        .submit(form, "/applications/register", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.shows("This id is taken");
    answer.shows("My &#60;name&#62;");
}

#[tokio::test]
async fn a_new_key_is_shown_once_and_kept_by_nobody() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let answer = browser
        .submit(SUBSCRIBE, SUBSCRIBE, &[("plan", "starter")])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.shows("wg_the-new-key_1234");
    answer.shows("We keep only a fingerprint");
    assert_eq!(answer.header("cache-control"), "no-store");
    let page = browser.get("/applications/tracking-dashboard").await;
    assert!(!page.body.contains("the-new-key"));
}

#[tokio::test]
async fn a_plan_with_approval_says_that_somebody_decides() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let answer = browser
        .submit(
            SUBSCRIBE,
            SUBSCRIBE,
            &[("plan", "business"), ("purpose", "Arrival times")],
        )
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/apis/shipments")
    );
    assert!(
        portal
            .log
            .entries()
            .iter()
            .any(|entry| entry.contains(r#""purpose":"Arrival times""#))
    );
    let page = browser.get("/apis/shipments").await;
    page.shows("waits for approval");
    assert!(
        !browser
            .get("/apis/shipments")
            .await
            .body
            .contains("waits for approval"),
        "said once"
    );
}

#[tokio::test]
async fn a_refused_subscription_keeps_what_was_entered() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let answer = browser
        .submit(
            SUBSCRIBE,
            SUBSCRIBE,
            &[("plan", "other"), ("purpose", "Kept")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.shows("Nothing was subscribed.");
    answer.shows(">Kept</textarea>");
}

#[tokio::test]
async fn links_to_subscribe_find_the_application() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let answer = browser.get("/apis/shipments/subscribe?plan=business").await;
    assert_eq!(answer.location(), format!("{SUBSCRIBE}?plan=business"));
    let guest = portal.guest().get("/apis/shipments/subscribe").await;
    assert!(guest.location().starts_with("/login?redirect="));
}

#[tokio::test]
async fn unsubscribing_and_another_key_are_forms_of_the_application() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let page = "/applications/tracking-dashboard";
    let key = browser
        .submit(
            page,
            &format!("{page}/subscriptions/invoices/credentials"),
            &[],
        )
        .await;
    key.shows("wg_another-key_5678");
    assert_eq!(key.header("cache-control"), "no-store");
    let ended = browser
        .submit(page, &format!("{page}/unsubscribe/invoices"), &[])
        .await;
    assert_eq!(ended.location(), "/apis/invoices");
    assert!(
        portal
            .log
            .entries()
            .contains(&"unsubscribe tracking-dashboard invoices".to_owned())
    );
}

#[tokio::test]
async fn a_request_is_approved_or_declined_with_a_reason() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let queue = "/admin/approvals";
    let request = [("id", "a1"), ("app", "haven-erp"), ("api", "shipments")];
    let without = [request[0], request[1], request[2], ("reason", " ")];
    let missing = browser
        .submit(queue, "/admin/approvals/decline", &without)
        .await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    missing.shows("Say why you decline.");
    let with_reason = [
        request[0],
        request[1],
        request[2],
        ("reason", "Use Starter"),
    ];
    let declined = browser
        .submit(queue, "/admin/approvals/decline", &with_reason)
        .await;
    assert_eq!(declined.location(), queue);
    assert!(
        portal
            .log
            .entries()
            .iter()
            .any(|entry| entry == r#"/approvals/a1/decline {"reason":"Use Starter"}"#)
    );
    browser
        .submit(queue, "/admin/approvals/approve", &request)
        .await;
    assert!(
        portal
            .log
            .entries()
            .iter()
            .any(|entry| entry.starts_with("/approvals/a1/approve"))
    );
    let mixed = [("id", "a1"), ("app", "another-app"), ("api", "shipments")];
    browser
        .submit(queue, "/admin/approvals/approve", &mixed)
        .await;
    let approvals = portal
        .log
        .entries()
        .iter()
        .filter(|entry| entry.starts_with("/approvals/a1/approve"))
        .count();
    assert_eq!(
        approvals, 1,
        "one cannot approve something else than the page said"
    );
}

#[tokio::test]
async fn an_application_for_a_console_is_prefilled() {
    let portal = TestPortal::start().await;
    let page = portal.lena().await.get("/applications?swagger=true").await;
    page.shows(r#"value="swagger-ui-"#);
    page.shows("http://localhost:8000/swagger-ui/oauth2-redirect.html");
}

#[tokio::test]
async fn a_form_without_redirects_registers_none() {
    let portal = TestPortal::start().await;
    let fields = [
        ("appid", "no-redirect"),
        ("appname", "X"),
        ("hasredirecturi", ""),
        ("redirecturi", "https://x.example"),
    ];
    let mut lena = portal.lena().await;
    let form = "/applications?register=true";
    lena.submit(form, "/applications/register", &fields).await;
    let log = portal.log.entries();
    let entry = log
        .iter()
        .find(|entry| entry.contains("no-redirect"))
        .unwrap();
    assert!(!entry.contains("x.example"), "{entry}");
}
