//! Who gets a mail.

use std::collections::BTreeSet;

use sdk::{
    Client, Error, Optional, Person,
    types::{Event, ListQuery, Role, users::Preferences},
};

use crate::{
    compose::{address, clean},
    configuration::{ApprovalRecipients, Configuration},
    letter::Receiver,
    mails::Mail,
};

/// The receivers, each with the person the text speaks of. Users who do not exist any more get
/// nothing, and those who do not want the mail neither.
pub async fn of(
    client: &Client,
    mail: Mail,
    event: &Event,
    configuration: &Configuration,
) -> Result<Vec<(Receiver, Person)>, Error> {
    let text = |member| event.text(member).map(str::to_owned);
    let ids: Vec<String> = match mail {
        Mail::PendingApproval => return of_request(client, event, configuration).await,
        Mail::Invitation | Mail::PoolInvitation => return Ok(invited(event).into_iter().collect()),
        Mail::ListenerDisabled if event.text("applicationId").is_none() => {
            let person = Person::unknown("");
            let admin = configuration.admin.clone();
            return Ok(admin.map(|admin| (admin, person)).into_iter().collect());
        }
        Mail::VerifyEmail
        | Mail::LostPassword
        | Mail::PasswordChanged
        | Mail::Welcome
        | Mail::Digest
        | Mail::Test => text("userId").into_iter().collect(),
        Mail::ApplicationOwnerAdded => text("addedUserId").into_iter().collect(),
        Mail::SubscriptionApproved | Mail::SubscriptionDeclined => {
            let mut ids: Vec<String> = text("requesterId").into_iter().collect();
            ids.extend(owners(client, event.text("applicationId")).await?);
            ids
        }
        Mail::SecretExpires | Mail::QuotaNearlyUsed | Mail::ListenerDisabled => {
            owners(client, event.text("applicationId")).await?
        }
        Mail::Announcement | Mail::ApiDeprecated => return of_api(client, mail, event).await,
    };
    let ids: BTreeSet<String> = ids.into_iter().collect();
    let mut receivers = Vec::new();
    for id in ids {
        receivers.extend(user(client, mail, event, &id).await?);
    }
    Ok(receivers)
}

/// A user as receiver of a mail about himself, unless he does not want it.
async fn user(
    client: &Client,
    mail: Mail,
    event: &Event,
    id: &str,
) -> Result<Option<(Receiver, Person)>, Error> {
    let Some(person) = client.person(id).await? else {
        return Ok(None);
    };
    let preferences = client.preferences(id).await.optional()?.unwrap_or_default();
    Ok(wanted(mail, event, person, preferences))
}

/// As receiver of a mail about himself, unless he does not want it.
fn wanted(
    mail: Mail,
    event: &Event,
    person: Person,
    preferences: Preferences,
) -> Option<(Receiver, Person)> {
    if mail.is_optional() && preferences.mails.get(mail.template()) == Some(&false) {
        tracing::debug!(user.id = person.id, "this user does not want the mail");
        return None;
    }
    let digest = preferences.digest && mail.can_wait();
    if digest && preferences.mails.get(Mail::Digest.template()) == Some(&false) {
        tracing::debug!(user.id = person.id, "this user does not want the digest");
        return None;
    }
    // Without a preference, that of the page from which the mail was asked for.
    let asked = || event.text("language").map(str::to_owned);
    let language = preferences.language.or_else(asked);
    let receiver = receiver(&person, language)?;
    let receiver = Receiver {
        wants_digest: digest,
        ..receiver
    };
    Some((receiver, person))
}

/// Whoever decides about requests. The text speaks of the requester.
async fn of_request(
    client: &Client,
    event: &Event,
    configuration: &Configuration,
) -> Result<Vec<(Receiver, Person)>, Error> {
    let Some(requester) = event.text("userId") else {
        return Ok(Vec::new());
    };
    let Some(requester) = client.person(requester).await? else {
        return Ok(Vec::new());
    };
    let mut receivers: Vec<Receiver> = Vec::new();
    if configuration.approval_recipients != ApprovalRecipients::Admin {
        let api = event.text("apiId").unwrap_or_default();
        for approver in client.approvers_of_api(api).await? {
            let found = user(client, Mail::PendingApproval, event, &approver.id).await?;
            receivers.extend(found.map(|(receiver, _)| receiver));
        }
    }
    // A request must not wait unnoticed because an API has nobody who decides.
    let is_for_admin =
        configuration.approval_recipients != ApprovalRecipients::Approvers || receivers.is_empty();
    let admin = configuration.admin.as_ref().filter(|_| is_for_admin);
    let is_told = |admin: &&Receiver| receivers.iter().any(|one| one.address == admin.address);
    receivers.extend(admin.filter(|admin| !is_told(admin)).cloned());
    if receivers.is_empty() {
        tracing::warn!("globals.mailer.adminEmail is missing: nobody is told of the request");
    }
    Ok(receivers
        .into_iter()
        .map(|receiver| (receiver, requester.clone()))
        .collect())
}

/// Somebody who may have no account here.
fn invited(event: &Event) -> Option<(Receiver, Person)> {
    let person = Person::unknown(event.text("email")?);
    let language = event.text("language").map(str::to_owned);
    receiver(&person, language).map(|receiver| (receiver, person))
}

/// The owners of all applications that have a subscription to an API, a thousand with one call.
async fn of_api(
    client: &Client,
    mail: Mail,
    event: &Event,
) -> Result<Vec<(Receiver, Person)>, Error> {
    let api = event.text("apiId").unwrap_or_default();
    let mut query = ListQuery {
        limit: 1000,
        ..ListQuery::default()
    };
    let mut receivers = Vec::new();
    loop {
        let page = client.subscribers(api, &query).await.optional()?;
        let page = page.unwrap_or_default();
        query.offset += page.items.len() as u64;
        let is_last = page.items.is_empty() || query.offset >= page.count;
        for one in page.items {
            let person = Person::new(one.id, one.email, &one.registrations);
            receivers.extend(wanted(mail, event, person, one.preferences));
        }
        if is_last {
            return Ok(receivers);
        }
    }
}

async fn owners(client: &Client, application: Option<&str>) -> Result<Vec<String>, Error> {
    let Some(application) = application else {
        return Ok(Vec::new());
    };
    let application = client.application(application).await.optional()?;
    let owners = application.and_then(|application| application.owners);
    Ok(owners
        .unwrap_or_default()
        .into_iter()
        .filter(|owner| owner.role == Role::Owner)
        .map(|owner| owner.user_id)
        .collect())
}

/// Nothing when the address is none.
fn receiver(person: &Person, language: Option<String>) -> Option<Receiver> {
    let Some(address) = address(&person.email) else {
        tracing::warn!(user.id = person.id, "the address of this user is not valid");
        return None;
    };
    Some(Receiver {
        user_id: Some(person.id.clone()).filter(|id| !id.is_empty()),
        // The address as name would only say everything twice.
        name: (person.name != person.email).then(|| clean(&person.name)),
        address,
        language,
        wants_digest: false,
    })
}
