//! Every event there is, made by what makes it, and compared with the catalogue member by member
//! (events-and-adapters A3, B8; portal-api 21.3).
//!
//! The table is a walk through the API: each row is a call and the events it makes, none for most.
//! A route that writes and has no row fails the test.

mod applications;
mod people;
mod setup;
mod subscriptions;
mod untold;
mod walk;

use std::collections::BTreeSet;

use crate::{
    authorization::ROUTES,
    support::{DEVELOPER, Remote, TestApi},
};
use walk::{Row, Walk, row};

/// What a listener gets that named no kinds (events-and-adapters A3).
const OLD_KINDS: [&str; 18] = [
    "application.add",
    "application.update",
    "application.delete",
    "owner.add",
    "owner.delete",
    "subscription.add",
    "approval.add",
    "subscription.update",
    "subscription.delete",
    "user.add",
    "user.update",
    "user.delete",
    "user.password",
    "user.validated",
    "registration.add",
    "verification_email.add",
    "verification_lostpassword.add",
    "verification.delete",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_call_makes_the_events_of_the_catalogue_and_no_other() {
    for api in setup::apis().await {
        let mut walk = Walk::begin(&api).await;
        walk.through(people::rows()).await;
        walk.through(applications::rows()).await;
        walk.through(subscriptions::rows()).await;
        setup::listeners(&mut walk).await;
        walk.through(setup::rows()).await;
        walk.refusals().await;
        setup::archive(&mut walk).await;
        let mut done = walk.end();
        let (_remote, api) = setup::following(&api).await;
        let mut walk = Walk::begin(&api).await;
        setup::configuration(&mut walk).await;
        done.extend(walk.end());
        assert_eq!(done, writes());
    }
}

/// All routes that change something.
fn writes() -> BTreeSet<(String, String)> {
    ROUTES
        .iter()
        .filter(|(method, ..)| *method != "GET")
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect()
}
