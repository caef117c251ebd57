//! The release before and this one on one database, and the way back.

use std::time::Duration;

use service::settings;

use crate::{
    rolling::{expect_nothing_failed, replace},
    support::{Installation, Pace, Shape, under_load_of},
};

/// The order of `docs/operations.md`.
const ORDER: [&str; 7] = [
    "portal-api",
    "auth-server",
    "gateway-adapter",
    "portal",
    "mailer",
    "chatbot",
    "gateway",
];

#[tokio::test]
#[ignore = "WICKETGATE_TEST_PREVIOUS names the program of the release before, WICKETGATE_TEST_MINUTES how long both run"]
async fn two_releases_share_a_database_and_the_older_one_takes_over_again() {
    let previous = settings::var("WICKETGATE_TEST_PREVIOUS").expect("the release before");
    let minutes = settings::var("WICKETGATE_TEST_MINUTES").unwrap_or_else(|| "1".to_owned());
    let side_by_side = Duration::from_secs(60 * minutes.parse::<u64>().unwrap());
    let Some(mut installation) = Installation::prepare(Shape::Balanced).await else {
        return;
    };
    installation.set("LOG_LEVEL", "warn");
    installation.use_program(&previous);
    installation.launch().await;
    let mut names = installation.processes();
    names.sort_by_key(|name| ORDER.iter().position(|service| is_of(service, name)));
    // Nobody asks a portal-api that is older than himself.
    let (asked, asking) = names.split_at(2);
    let (second, first): (Vec<_>, Vec<_>) = asking
        .iter()
        .cloned()
        .partition(|name| name.ends_with("-2"));
    let (requests, work) = under_load_of(&installation, Pace::STEADY, async |load| {
        installation.use_program(Installation::binary());
        replace(&installation, load, &asked[..1]).await;
        tokio::time::sleep(side_by_side / 2).await;
        replace(&installation, load, &asked[1..]).await;
        replace(&installation, load, &first).await;
        tokio::time::sleep(side_by_side / 2).await;
        replace(&installation, load, &second).await;
        load.until_further(500).await;
        installation.use_program(&previous);
        let back: Vec<String> = names.iter().rev().cloned().collect();
        replace(&installation, load, &back).await;
        load.until_further(500).await;
    })
    .await;
    expect_nothing_failed(&installation, &requests, &work).await;
}

fn is_of(service: &str, process: &str) -> bool {
    process.trim_end_matches(|end: char| end == '-' || end.is_ascii_digit()) == service
}
