//! Which event becomes which mail (events-and-adapters D1, D4).

use std::time::Duration;

use sdk::types::Event;
use serde::{Deserialize, Serialize};

/// A mail that this service sends. Its name in templates, settings and preferences is the variant
/// in lower case with underscores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mail {
    VerifyEmail,
    LostPassword,
    PendingApproval,
    SubscriptionApproved,
    SubscriptionDeclined,
    ApplicationOwnerAdded,
    PasswordChanged,
    Welcome,
    ApiDeprecated,
    SecretExpires,
    QuotaNearlyUsed,
    Invitation,
    PoolInvitation,
    Announcement,
    ListenerDisabled,
    /// Several of the others in one, for those who want it so.
    Digest,
    /// Sent on request only, to see whether mails arrive.
    Test,
}

impl Mail {
    pub const ALL: [Self; 17] = [
        Self::VerifyEmail,
        Self::LostPassword,
        Self::PendingApproval,
        Self::SubscriptionApproved,
        Self::SubscriptionDeclined,
        Self::ApplicationOwnerAdded,
        Self::PasswordChanged,
        Self::Welcome,
        Self::ApiDeprecated,
        Self::SecretExpires,
        Self::QuotaNearlyUsed,
        Self::Invitation,
        Self::PoolInvitation,
        Self::Announcement,
        Self::ListenerDisabled,
        Self::Digest,
        Self::Test,
    ];

    /// The kinds of events that are asked for.
    pub const KINDS: [&'static str; 14] = [
        "verification_email.*",
        "verification_lostpassword.*",
        "approval.add",
        "approval.delete",
        "owner.add",
        "user.password",
        "user.validated",
        "api.lifecycle",
        "credential.expiring",
        "usage.threshold",
        "invitation.add",
        "pool_invitation.add",
        "announcement.add",
        "listener.disabled",
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
            ("owner", "add") => Some(Self::ApplicationOwnerAdded),
            ("user", "password") => Some(Self::PasswordChanged),
            ("user", "validated") => Some(Self::Welcome),
            ("api", "lifecycle") => {
                matches!(event.text("to")?, "deprecated" | "retired").then_some(Self::ApiDeprecated)
            }
            ("credential", "expiring") => Some(Self::SecretExpires),
            // A limit per minute or hour is back before somebody has read of it.
            ("usage", "threshold") => {
                let is_short = matches!(event.text("window")?, "minute" | "hour");
                (!is_short).then_some(Self::QuotaNearlyUsed)
            }
            ("invitation", "add") => Some(Self::Invitation),
            ("pool_invitation", "add") => Some(Self::PoolInvitation),
            ("announcement", "add") => Some(Self::Announcement),
            ("listener", "disabled") => Some(Self::ListenerDisabled),
            _ => None,
        }
    }

    /// Whether a user may do without it (portal-api B17). Links that somebody waits for, what
    /// concerns the safety of an account, and what operators have to know are always sent.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::SubscriptionApproved
                | Self::SubscriptionDeclined
                | Self::ApplicationOwnerAdded
                | Self::Welcome
                | Self::ApiDeprecated
                | Self::SecretExpires
                | Self::QuotaNearlyUsed
                | Self::Announcement
                | Self::Digest
        )
    }

    /// Whether it can wait until tomorrow, to be one mail with others.
    pub const fn can_wait(self) -> bool {
        self.is_optional() && !matches!(self, Self::SecretExpires | Self::QuotaNearlyUsed)
    }

    /// Whether it is sent where `globals.mailer.events` does not mention it.
    pub const fn is_usual(self) -> bool {
        // The page after the confirmation says the same.
        !matches!(self, Self::Welcome)
    }

    /// Whether the installation can switch it off. Without the others nobody could sign up, get back
    /// in, or take what he was invited to.
    pub const fn can_be_switched_off(self) -> bool {
        !matches!(
            self,
            Self::VerifyEmail
                | Self::LostPassword
                | Self::Invitation
                | Self::PoolInvitation
                | Self::Test
        )
    }

    /// The name of its templates.
    pub const fn template(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::LostPassword => "lost_password",
            Self::PendingApproval => "pending_approval",
            Self::SubscriptionApproved => "subscription_approved",
            Self::SubscriptionDeclined => "subscription_declined",
            Self::ApplicationOwnerAdded => "application_owner_added",
            Self::PasswordChanged => "password_changed",
            Self::Welcome => "welcome",
            Self::ApiDeprecated => "api_deprecated",
            Self::SecretExpires => "secret_expires",
            Self::QuotaNearlyUsed => "quota_nearly_used",
            Self::Invitation => "invitation",
            Self::PoolInvitation => "pool_invitation",
            Self::Announcement => "announcement",
            Self::ListenerDisabled => "listener_disabled",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }

    /// The mail of that name.
    pub fn named(template: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mail| mail.template() == template)
    }

    /// The part of the subject after the title, where the template says nothing else.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::VerifyEmail => "Email validation",
            Self::LostPassword => "Lost Password Recovery",
            Self::PendingApproval => "Pending Approval",
            Self::SubscriptionApproved => "Subscription Approved",
            Self::SubscriptionDeclined => "Subscription Declined",
            Self::ApplicationOwnerAdded => "New Role",
            Self::PasswordChanged => "Password Changed",
            Self::Welcome => "Welcome",
            Self::ApiDeprecated => "API Ends",
            Self::SecretExpires => "Credential Expires",
            Self::QuotaNearlyUsed => "Limit Nearly Reached",
            Self::Invitation | Self::PoolInvitation => "Invitation",
            Self::Announcement => "Announcement",
            Self::ListenerDisabled => "Listener Switched Off",
            Self::Digest => "News",
            Self::Test => "Test",
        }
    }

    /// After this time the mail has no sense any more: the link has expired, the decision is old.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::VerifyEmail | Self::LostPassword | Self::Test => Duration::from_hours(1),
            // As long as its link works.
            Self::Invitation | Self::PoolInvitation => Duration::from_hours(7 * 24),
            _ => Duration::from_hours(48),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(entity: &str, action: &str, data: &serde_json::Value) -> Event {
        serde_json::from_value(json!({
            "id": "1", "entity": entity, "action": action, "data": data
        }))
        .unwrap()
    }

    #[test]
    fn events_become_mails_where_somebody_needs_one() {
        let result = |result: &str| json!({"result": result});
        let to = |to: &str| json!({"to": to});
        let cases = [
            ("approval.add", json!({}), Some(Mail::PendingApproval)),
            (
                "approval.delete",
                result("approved"),
                Some(Mail::SubscriptionApproved),
            ),
            (
                "approval.delete",
                result("declined"),
                Some(Mail::SubscriptionDeclined),
            ),
            ("approval.delete", result("withdrawn"), None),
            ("verification_email.add", json!({}), Some(Mail::VerifyEmail)),
            ("verification.delete", json!({}), None),
            ("api.lifecycle", to("deprecated"), Some(Mail::ApiDeprecated)),
            ("api.lifecycle", to("published"), None),
            ("user.password", json!({}), Some(Mail::PasswordChanged)),
            ("user.add", json!({}), None),
            (
                "usage.threshold",
                json!({"window": "day"}),
                Some(Mail::QuotaNearlyUsed),
            ),
            ("usage.threshold", json!({"window": "minute"}), None),
        ];
        for (kind, data, expected) in cases {
            let (entity, action) = kind.split_once('.').unwrap();
            assert_eq!(
                Mail::about(&event(entity, action, &data)),
                expected,
                "{kind}"
            );
        }
    }

    #[test]
    fn the_name_is_the_same_everywhere() {
        for mail in Mail::ALL {
            assert_eq!(json!(mail), mail.template());
            assert_eq!(Mail::named(mail.template()), Some(mail));
        }
    }
}
