//! Our own texts, for templates of the configuration that cannot be read. The sample configuration
//! has the same ones, and more of them.

use sdk::template::Template;

use crate::mails::Mail;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../static-config/templates/email/",
            $name,
            ".mustache"
        ))
    };
}

/// The plain text of a mail.
pub fn text(mail: Mail) -> Template {
    let source = match mail {
        Mail::VerifyEmail => sample!("verify_email"),
        Mail::LostPassword => sample!("lost_password"),
        Mail::PendingApproval => sample!("pending_approval"),
        Mail::SubscriptionApproved => sample!("subscription_approved"),
        Mail::SubscriptionDeclined => sample!("subscription_declined"),
        Mail::ApplicationOwnerAdded => sample!("application_owner_added"),
        Mail::PasswordChanged => sample!("password_changed"),
        Mail::Welcome => sample!("welcome"),
        Mail::ApiDeprecated => sample!("api_deprecated"),
        Mail::SecretExpires => sample!("secret_expires"),
        Mail::QuotaNearlyUsed => sample!("quota_nearly_used"),
        Mail::Invitation => sample!("invitation"),
        Mail::PoolInvitation => sample!("pool_invitation"),
        Mail::Announcement => sample!("announcement"),
        Mail::ListenerDisabled => sample!("listener_disabled"),
        Mail::Digest => sample!("digest"),
        Mail::Test => sample!("test"),
    };
    Template::parse(source).expect("a test reads all of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_can_be_read() {
        for mail in Mail::ALL {
            assert!(!text(mail).render_text(&serde_json::json!({})).is_empty());
        }
    }
}
