//! People and applications with more than fits on a page.

use reqwest::StatusCode;

use crate::neighbours::TestPortal;

#[tokio::test]
async fn pages_know_all_applications_of_somebody_who_has_many() {
    let portal = TestPortal::start().await;
    portal.log.give_applications(70);
    let mut lena = portal.lena().await;

    lena.get("/apis").await.shows("71 of your apps");
    let choice = lena
        .get("/applications/tracking-dashboard/subscribe/shipments")
        .await;
    choice.shows("program-70");
    let wanted = "/apis/shipments/subscribe?application=program-70";
    let target = lena.get(wanted).await;
    assert_eq!(
        target.location(),
        "/applications/program-70/subscribe/shipments"
    );
    let (_, list) = lena.json("/applications").await;
    assert_eq!(list["applications"].as_array().unwrap().len(), 71);
    let (_, api) = lena.json("/apis/invoices").await;
    assert_eq!(api["applications"].as_array().unwrap().len(), 71);
    let end = lena
        .get("/applications?sortField=id&pageIndex=8&q=program")
        .await;
    end.shows("61–70 of 70");
}

#[tokio::test]
async fn an_application_with_many_subscriptions_has_pages_and_a_search() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/applications/of-crew";
    let cards = |body: &str| body.matches("id=\"api-api-").count();

    for tab in ["", "/subscriptions", "/credentials"] {
        let first = lena.get(&format!("{path}{tab}")).await;
        assert_eq!(cards(&first.body), 20, "{tab}");
        first.shows("1–20 of 45");
        first.shows(&format!("href=\"{path}{tab}?pageIndex=2\""));
    }
    let last = lena.get(&format!("{path}?pageIndex=99")).await;
    assert_eq!(cards(&last.body), 5, "the last one");
    last.shows("1234");

    let found = lena.get(&format!("{path}/credentials?q=API-3")).await;
    assert_eq!(cards(&found.body), 10);
    let hostile = lena.get(&format!("{path}?q=%22%3E%3Cb%3E.*")).await;
    assert_eq!((hostile.status, cards(&hostile.body)), (StatusCode::OK, 0));
    assert!(!hostile.body.contains("<b>.*"));
    let settings = lena.get(&format!("{path}/settings")).await;
    assert_eq!(cards(&settings.body), 0);
    let few = lena.get("/applications/tracking-dashboard").await;
    assert!(!few.body.contains("Find a subscription"));
}

#[tokio::test]
async fn members_have_pages_and_a_search() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/applications/of-crew/members";
    let first = lena.get(path).await;
    first.shows("1–20 of 45");
    first.shows("sailor-18@");
    assert!(!first.body.contains("sailor-19@"));
    let last = lena.get(&format!("{path}?pageIndex=3")).await;
    last.shows("41–45 of 45");
    last.shows(&format!("href=\"{path}?pageIndex=2\""));
    let found = lena.get(&format!("{path}?q=SAILOR-33")).await;
    found.shows("sailor-33@");
    assert!(!found.body.contains("sailor-34@"));
    let none = lena.get(&format!("{path}?q=%3Cb%3E")).await;
    none.shows("No member matches “&#60;b&#62;”.");
    let overview = lena.get("/applications/of-crew").await;
    overview.shows("All 45 members");
    assert!(overview.body.contains("sailor-08@") && !overview.body.contains("sailor-09@"));
    let few = lena.get("/applications/tracking-dashboard/members").await;
    assert!(!few.body.contains("Find a member") && !few.body.contains("class=\"pager\""));
}

#[tokio::test]
async fn credentials_that_work_come_before_pages_of_those_that_are_over() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/applications/of-crew/subscriptions/invoices/credentials";
    let first = lena.get(path).await;
    first.shows("1–20 of 25");
    assert_eq!(first.body.matches("Active").count(), 1, "{}", first.body);
    let last = lena.get(&format!("{path}?pageIndex=2")).await;
    last.shows("21–25 of 25");
    assert!(last.body.contains("old 24") && !last.body.contains("old 19"));
}

#[tokio::test]
async fn own_applications_on_an_apis_page_come_in_pages_those_that_use_it_first() {
    let portal = TestPortal::start().await;
    portal.log.give_applications(44);
    let mut lena = portal.lena().await;
    let first = lena.get("/apis/invoices").await;
    first.shows("1–20 of 45");
    first.shows(r#"href="/apis/invoices?pageIndex=2#applications""#);
    first.shows("and 28 more");
    let second = lena.get("/apis/invoices?pageIndex=2").await;
    second.shows("/applications/tracking-dashboard/unsubscribe/invoices");
    assert!(!first.body.contains("tracking-dashboard/unsubscribe"));
    let last = lena.get("/apis/invoices?pageIndex=3").await;
    last.shows("41–45 of 45");
    last.shows(r#"href="/applications/program-44""#);
}

#[tokio::test]
async fn the_changelog_of_an_api_has_pages() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let first = lena.get("/apis/invoices/changelog").await;
    first.shows("1–20 of 45");
    assert!(first.body.contains("Change 19") && !first.body.contains("Change 20"));
    let last = lena.get("/apis/invoices/changelog?pageIndex=3").await;
    last.shows("First");
    last.shows(r#"href="/apis/invoices/changelog?pageIndex=2""#);
    let few = lena.get("/apis/shipments/changelog").await;
    assert!(!few.body.contains("class=\"pager\""));
}
