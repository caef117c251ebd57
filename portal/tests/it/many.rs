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
