//! Which event becomes which mail (events-and-adapters D1, D4).

use std::time::Duration;

use sdk::types::Event;

/// A mail that this service sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mail {
    VerifyEmail,
    LostPassword,
    PendingApproval,
    SubscriptionApproved,
    SubscriptionDeclined,
    Invitation,
    Announcement,
}

impl Mail {
    /// The kinds of events that are asked for.
    pub const KINDS: [&'static str; 6] = [
        "verification_email.*",
        "verification_lostpassword.*",
        "approval.add",
        "approval.delete",
        "invitation.add",
        "announcement.add",
    ];

    /// The mail about an event; most events need none.
    pub fn about(event: &Event) -> Option<Self> {
        match (event.entity.as_str(), event.action.as_str()) {
            ("verification_email", _) => Some(Self::VerifyEmail),
            // The second is how the old client library spells it.
            ("verification_lostpassword" | "verification_lost_password", _) => {
                Some(Self::LostPassword)
            }
            ("approval", "add") => Some(Self::PendingApproval),
            ("approval", "delete") => match event.text("result")? {
                "approved" => Some(Self::SubscriptionApproved),
                "declined" => Some(Self::SubscriptionDeclined),
                _ => None,
            },
            ("invitation", "add") => Some(Self::Invitation),
            ("announcement", "add") => Some(Self::Announcement),
            _ => None,
        }
    }

    /// Whether a user may do without it (portal-api B17).
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::SubscriptionApproved | Self::SubscriptionDeclined | Self::Announcement
        )
    }

    /// The name at `/templates/email/{name}`.
    pub const fn template(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::LostPassword => "lost_password",
            Self::PendingApproval => "pending_approval",
            Self::SubscriptionApproved => "subscription_approved",
            Self::SubscriptionDeclined => "subscription_declined",
            Self::Invitation => "invitation",
            Self::Announcement => "announcement",
        }
    }

    /// Used when the configuration has no such template, or one that cannot be read.
    pub const fn built_in_template(self) -> &'static str {
        match self {
            Self::VerifyEmail => include_str!("../templates/verify_email.mustache"),
            Self::LostPassword => include_str!("../templates/lost_password.mustache"),
            Self::PendingApproval => include_str!("../templates/pending_approval.mustache"),
            Self::SubscriptionApproved => {
                include_str!("../templates/subscription_approved.mustache")
            }
            Self::SubscriptionDeclined => {
                include_str!("../templates/subscription_declined.mustache")
            }
            Self::Invitation => include_str!("../templates/invitation.mustache"),
            Self::Announcement => include_str!("../templates/announcement.mustache"),
        }
    }

    /// `<title> - <part>`, and the group of the API where the event names one.
    pub fn subject(self, title: &str, group: Option<&str>) -> String {
        let part = match self {
            Self::VerifyEmail => "Email validation",
            Self::LostPassword => "Lost Password Recovery",
            Self::PendingApproval => "Pending Approval",
            Self::SubscriptionApproved => "Subscription Approved",
            Self::SubscriptionDeclined => "Subscription Declined",
            Self::Invitation => "Invitation",
            Self::Announcement => "Announcement",
        };
        match group {
            Some(group) => format!("{title} - {part} - {group}"),
            None => format!("{title} - {part}"),
        }
    }

    /// After this time the mail has no sense any more: the link has expired, the decision is old.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::VerifyEmail | Self::LostPassword => Duration::from_hours(1),
            Self::PendingApproval
            | Self::SubscriptionApproved
            | Self::SubscriptionDeclined
            | Self::Announcement => Duration::from_hours(48),
            // As long as its link works.
            Self::Invitation => Duration::from_hours(7 * 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use sdk::template::Template;
    use serde_json::json;

    use super::*;

    fn event(entity: &str, action: &str, result: &str) -> Event {
        serde_json::from_value(json!({
            "id": "1", "entity": entity, "action": action, "data": {"result": result}
        }))
        .unwrap()
    }

    #[test]
    fn decisions_are_told_and_withdrawals_are_not() {
        let cases = [
            ("approval", "add", "", Some(Mail::PendingApproval)),
            (
                "approval",
                "delete",
                "approved",
                Some(Mail::SubscriptionApproved),
            ),
            (
                "approval",
                "delete",
                "declined",
                Some(Mail::SubscriptionDeclined),
            ),
            ("approval", "delete", "withdrawn", None),
            ("verification_email", "add", "", Some(Mail::VerifyEmail)),
            ("verification", "delete", "", None),
            ("user", "add", "", None),
        ];
        for (entity, action, result, expected) in cases {
            assert_eq!(
                Mail::about(&event(entity, action, result)),
                expected,
                "{entity}.{action}"
            );
        }
    }

    #[test]
    fn the_subject_names_the_group() {
        assert_eq!(Mail::VerifyEmail.subject("T", None), "T - Email validation");
        let subject = Mail::PendingApproval.subject("T", Some("partners"));
        assert_eq!(subject, "T - Pending Approval - partners");
    }

    #[test]
    fn the_built_in_templates_can_be_read() {
        for mail in [
            Mail::VerifyEmail,
            Mail::LostPassword,
            Mail::PendingApproval,
            Mail::SubscriptionApproved,
            Mail::SubscriptionDeclined,
            Mail::Invitation,
            Mail::Announcement,
        ] {
            Template::parse(mail.built_in_template()).unwrap();
        }
    }
}
