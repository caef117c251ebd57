//! Which event becomes which message (events-and-adapters E1).

use sdk::types::Event;

/// Message names as configuration and templates use them, with the event they tell of.
const MESSAGES: [(&str, &str); 10] = [
    ("userLoggedIn", "user.login"),
    ("userSignedUp", "user.add"),
    ("userValidatedEmail", "user.validated"),
    ("applicationAdded", "application.add"),
    ("applicationDeleted", "application.delete"),
    ("subscriptionAdded", "subscription.add"),
    ("subscriptionDeleted", "subscription.delete"),
    ("approvalRequired", "approval.add"),
    ("lostPasswordRequest", "verification_lostpassword.add"),
    ("verifyEmailRequest", "verification_email.add"),
];

/// The name of the message about an event, if there is one.
pub fn about(event: &Event) -> Option<&'static str> {
    MESSAGES
        .into_iter()
        .find(|(_, kind)| event.is(kind))
        .map(|(name, _)| name)
}

/// The kinds of events that are asked for.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    MESSAGES.into_iter().map(|(_, kind)| kind)
}

/// The texts used where the configuration has none.
pub fn built_in_templates() -> sdk::types::apis::ChatTemplates {
    serde_json::from_str(include_str!("../templates.json")).expect("a test reads it")
}

#[cfg(test)]
mod tests {
    use sdk::template::Template;

    use super::*;

    #[test]
    fn every_message_has_a_built_in_template() {
        let templates = built_in_templates();
        for (name, _) in MESSAGES {
            Template::parse(&templates[name]).unwrap();
        }
        assert_eq!(templates.len(), MESSAGES.len());
    }
}
