//! Made-up content, to look at mails with.

use chrono::TimeDelta;
use lettre::Address;
use sdk::{Person, types::Event};
use serde_json::{Value, json};
use service::clock;

use crate::{
    letter::{Content, Letter, Other, Receiver},
    mails::Mail,
};

/// A mail of this kind to nobody.
pub fn letter(mail: Mail, language: Option<String>) -> Letter {
    let now = clock::now();
    let day = |days| (now + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let data = json!({
        "id": "2b6f4c1e9a", "link": "https://portal.example.org/verify/{{id}}",
        "applicationId": "web-shop", "apiId": "petstore", "planId": "gold",
        "role": "collaborator", "listenerId": "crm-sync", "namespace": "acme",
        "reason": reason(mail), "subject": "Maintenance on Sunday",
        "text": "On Sunday from 6 to 8 o'clock the API answers more slowly than usual.\n\nNothing has to be done.",
        "days": 14, "last4": "x7Kq", "expiresAt": day(14),
        "percent": 80, "used": 8000, "limit": 10_000, "window": "day", "resetAt": day(1),
        "from": "published", "to": "deprecated", "deprecatedOn": day(0), "sunsetOn": day(180),
        "successor": "petstore-v2",
    });
    let Value::Object(data) = data else {
        unreachable!("it stands above")
    };
    let event = Event {
        id: "sample".to_owned(),
        seq: None,
        utc: now.timestamp(),
        action: String::new(),
        entity: String::new(),
        data,
        replay: false,
    };
    let about = Person {
        id: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        name: "Ada Lovelace".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
    };
    let to = Receiver {
        user_id: Some(about.id.clone()),
        name: Some(about.name.clone()),
        address: Address::new("ada", "example.org").expect("a valid address"),
        language,
        wants_digest: mail == Mail::Digest,
    };
    let content = Content { event, about };
    if mail != Mail::Digest {
        return Letter::new(mail, to, content, now);
    }
    let mut letter = Letter::new(Mail::Announcement, to, content.clone(), now);
    letter.more.push(Other {
        id: "sample".to_owned(),
        mail: Mail::SubscriptionApproved,
        content,
    });
    letter
}

const fn reason(mail: Mail) -> &'static str {
    match mail {
        Mail::ListenerDisabled => "every attempt failed for 5 days",
        Mail::SubscriptionDeclined => "Please try the plan silver first.",
        _ => "Welcome on board!",
    }
}
