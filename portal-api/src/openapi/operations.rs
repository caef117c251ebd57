//! Every operation there is, by subject. A route that is missing here fails a test.

mod applications;
mod catalogue;
mod configuration;
mod operating;
mod people;
mod subscriptions;
mod webhooks;

use super::operation::Operation;

/// All operations, in the order of the description.
pub fn all() -> Vec<(&'static str, Vec<Operation>)> {
    vec![
        ("Catalogue", catalogue::operations()),
        ("Users", people::users()),
        ("Registrations", people::registrations()),
        ("Consent", people::grants()),
        ("Verifications", people::verifications()),
        ("Applications", applications::operations()),
        ("Teams", applications::teams()),
        ("Invitations", applications::invitations()),
        ("Subscriptions", subscriptions::operations()),
        ("Credentials", subscriptions::credentials()),
        ("Approvals", subscriptions::approvals()),
        ("Usage", subscriptions::usage()),
        ("Webhooks", webhooks::operations()),
        ("Listeners of applications", webhooks::of_applications()),
        ("Audit", operating::audit()),
        ("Gateway", operating::gateway()),
        ("Configuration", configuration::operations()),
        ("Operations", operating::operations()),
    ]
}
