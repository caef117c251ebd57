//! `/users/me/notifications`: which mails come, and how.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::users::Preferences;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, Kind, Lang, texts};

use super::{Part, tabs};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

/// Mails that one can do without, by the name of their template.
const OPTIONAL: [&str; 7] = [
    "subscription_approved",
    "subscription_declined",
    "application_owner_added",
    "api_deprecated",
    "secret_expires",
    "quota_nearly_used",
    "announcement",
];

#[derive(Template)]
#[template(path = "account/mails.html")]
struct MailsPage {
    frame: Frame,
    tabs: Html,
    t: texts::Account,
    /// Name, sentence, wanted.
    optional: Vec<(&'static str, &'static str, bool)>,
    digest: bool,
    language: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl MailsPage {
    fn is_language(&self, lang: &Lang) -> bool {
        self.language == lang.tag()
    }
}

/// The sentence about a mail.
fn words(mail: &str, t: texts::Account) -> &'static str {
    match mail {
        "subscription_approved" => t.mail_approved(),
        "subscription_declined" => t.mail_declined(),
        "application_owner_added" => t.mail_owner(),
        "api_deprecated" => t.mail_deprecated(),
        "secret_expires" => t.mail_expires(),
        "quota_nearly_used" => t.mail_quota(),
        _ => t.mail_announcement(),
    }
}

/// `GET /users/me/notifications`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let preferences = visitor.client().preferences(&user.id).await?;
    let t = texts::Account(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.mails(), "preferences": preferences});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let wanted = |mail: &str| preferences.mails.get(mail) != Some(&false);
    let page = MailsPage {
        tabs: tabs(&visitor, Part::Mails),
        optional: OPTIONAL
            .into_iter()
            .map(|mail| (mail, words(mail, t), wanted(mail)))
            .collect(),
        digest: preferences.digest,
        language: preferences.language.unwrap_or_default(),
        t,
        frame: visitor.frame(Entry::Profile).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /users/me/notifications`: a ticked box per mail, `digest`, `language`.
pub async fn save(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let client = visitor.client();
    let before = client.preferences(&user.id).await?;
    // Boxes that are not ticked are not sent; scripts name what they change.
    let is_page = form.has("__mails");
    let mut wanted = Preferences {
        digest: if is_page || form.has("digest") {
            form.is_set("digest")
        } else {
            before.digest
        },
        language: if form.has("language") {
            form.optional("language").map(str::to_owned)
        } else {
            before.language
        },
        mails: before.mails,
    };
    for mail in OPTIONAL {
        if is_page || form.has(mail) {
            wanted.mails.insert(mail.to_owned(), form.is_set(mail));
        }
    }
    let saved = client.put_preferences(&user.id, &wanted).await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &saved));
    }
    visitor.leave(Kind::Good, texts::Account(visitor.lang()).mails_saved());
    Ok(Redirect::to("/users/me/notifications").into_response())
}
