//! Which event becomes which message (events-and-adapters E1, E4).

use sdk::types::Event;

/// How much a message matters; platforms show it by a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    /// Somebody has to do something.
    Action,
    Warning,
}

/// A kind of message.
#[derive(Debug)]
pub struct Kind {
    /// As configuration and templates name it.
    pub name: &'static str,
    /// The event it tells of.
    event: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    /// Links that are offered as buttons: member of the model, and what stands on the button.
    pub links: &'static [(&'static str, &'static str)],
}

const USER: (&str, &str) = ("userLink", "User");
const APPLICATION: (&str, &str) = ("applicationLink", "Application");
const APPROVALS: (&str, &str) = ("approvalsLink", "Decide");
const API: (&str, &str) = ("apiLink", "API");

const fn info(
    name: &'static str,
    event: &'static str,
    title: &'static str,
    links: &'static [(&'static str, &'static str)],
) -> Kind {
    Kind {
        name,
        event,
        title,
        severity: Severity::Info,
        links,
    }
}

static KINDS: [Kind; 13] = [
    info("userLoggedIn", "user.login", "Log-in", &[USER]),
    info("userSignedUp", "user.add", "New user", &[USER]),
    info(
        "userValidatedEmail",
        "user.validated",
        "Address confirmed",
        &[USER],
    ),
    info(
        "applicationAdded",
        "application.add",
        "New application",
        &[APPLICATION, USER],
    ),
    info(
        "applicationDeleted",
        "application.delete",
        "Application deleted",
        &[USER],
    ),
    info(
        "subscriptionAdded",
        "subscription.add",
        "New subscription",
        &[APPLICATION, USER],
    ),
    info(
        "subscriptionDeleted",
        "subscription.delete",
        "Subscription ended",
        &[APPLICATION, USER],
    ),
    info(
        "subscriptionApproved",
        "approval.delete",
        "Subscription approved",
        &[APPLICATION, USER],
    ),
    Kind {
        name: "approvalRequired",
        event: "approval.add",
        title: "Approval required",
        severity: Severity::Action,
        links: &[APPROVALS, APPLICATION],
    },
    info(
        "lostPasswordRequest",
        "verification_lostpassword.add",
        "New password asked for",
        &[USER],
    ),
    info(
        "verifyEmailRequest",
        "verification_email.add",
        "Confirmation of an address asked for",
        &[USER],
    ),
    Kind {
        name: "listenerDisabled",
        event: "listener.disabled",
        title: "Listener switched off",
        severity: Severity::Warning,
        links: &[],
    },
    Kind {
        name: "apiDeprecated",
        event: "api.lifecycle",
        title: "API deprecated",
        severity: Severity::Warning,
        links: &[API],
    },
];

/// The gateway adapter does not get the gateway up to date.
pub const GATEWAY_SYNC_FAILED: &str = "gatewaySyncFailed";
/// Events for a listener were given up.
pub const DELIVERY_DEAD: &str = "deliveryDead";

/// Messages about what is no event; [`crate::watch`] finds out.
static WATCHED: [Kind; 2] = [
    Kind {
        name: GATEWAY_SYNC_FAILED,
        event: "",
        title: "Gateway not up to date",
        severity: Severity::Warning,
        links: &[],
    },
    Kind {
        name: DELIVERY_DEAD,
        event: "",
        title: "Events given up",
        severity: Severity::Warning,
        links: &[],
    },
];

/// The message of that name about what is no event.
pub fn watched(name: &str) -> Option<&'static Kind> {
    WATCHED.iter().find(|kind| kind.name == name)
}

/// To see whether messages arrive.
pub static TEST: Kind = info("test", "", "Test", &[]);

/// Stands for several.
pub static SUMMARY: Kind = info("summary", "", "Further events", &[]);

/// The message about an event, if there is one.
pub fn about(event: &Event) -> Option<&'static Kind> {
    let kind = KINDS.iter().find(|kind| event.is(kind.event))?;
    let is_told = match kind.name {
        "subscriptionApproved" => event.text("result") == Some("approved"),
        "apiDeprecated" => matches!(event.text("to"), Some("deprecated" | "retired")),
        // What is not about a deed of somebody is not told (events-and-adapters E1).
        "listenerDisabled" => true,
        _ => event.text("userId").is_some(),
    };
    is_told.then_some(kind)
}

/// The kinds of events that are asked for.
pub fn events() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.event)
}

/// The texts used where the configuration has none.
pub fn built_in_templates() -> sdk::types::apis::ChatTemplates {
    let sample = include_str!("../../../static-config/templates/chatbot.json");
    serde_json::from_str(sample).expect("a test reads it")
}

#[cfg(test)]
mod tests {
    use sdk::testing::event;
    use serde_json::json;

    use super::*;
    use crate::configuration::parse;

    #[test]
    fn every_message_has_a_built_in_template() {
        let templates = built_in_templates();
        for kind in KINDS.iter().chain(&WATCHED) {
            parse(&templates[kind.name]).unwrap();
        }
        assert_eq!(templates.len(), KINDS.len() + WATCHED.len());
    }

    #[test]
    fn events_without_a_deed_make_no_message() {
        let name = |entity, action, data| about(&event(entity, action, data)).map(|kind| kind.name);
        let ada = || json!({"userId": "ada"});
        assert_eq!(name("user", "login", ada()), Some("userLoggedIn"));
        assert_eq!(name("application", "delete", json!({})), None);
        assert_eq!(name("application", "update", ada()), None);
        let approved = json!({"userId": "ada", "result": "approved"});
        assert_eq!(
            name("approval", "delete", approved),
            Some("subscriptionApproved")
        );
        let withdrawn = json!({"userId": "ada", "result": "withdrawn"});
        assert_eq!(name("approval", "delete", withdrawn), None);
        assert_eq!(
            name("listener", "disabled", json!({"listenerId": "crm"})),
            Some("listenerDisabled")
        );
        let published = json!({"apiId": "pets", "to": "published"});
        assert_eq!(name("api", "lifecycle", published), None);
    }
}
