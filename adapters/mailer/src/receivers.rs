//! Who gets a mail.

use std::collections::BTreeSet;

use lettre::{Address, message::Mailbox};
use sdk::{
    Client, Error, Optional, Person,
    types::{Event, ListQuery, Role},
};

use crate::{compose::clean, configuration::Configuration, mails::Mail};

/// The receivers, each with the person the text speaks of. Users who do not exist any more get
/// nothing.
pub async fn of(
    client: &Client,
    mail: Mail,
    event: &Event,
    configuration: &Configuration,
) -> Result<Vec<(Mailbox, Person)>, Error> {
    match mail {
        Mail::VerifyEmail | Mail::LostPassword => {
            let person = person(client, event.text("userId")).await?;
            Ok(person.into_iter().filter_map(to_himself).collect())
        }
        Mail::PendingApproval => {
            let Some(admin) = configuration.admin.clone() else {
                tracing::warn!(
                    "globals.mailer.adminEmail is missing: nobody is told of the request"
                );
                return Ok(Vec::new());
            };
            let person = person(client, event.text("userId")).await?;
            Ok(person.map(|person| (admin, person)).into_iter().collect())
        }
        Mail::SubscriptionApproved | Mail::SubscriptionDeclined => {
            let mut receivers = Vec::new();
            for id in concerned(client, event).await? {
                receivers.extend(client.person(&id).await?.and_then(to_himself));
            }
            Ok(receivers)
        }
        Mail::Invitation => Ok(invited(event).into_iter().collect()),
        Mail::Announcement => {
            let mut receivers = Vec::new();
            for id in users_of(client, event.text("apiId").unwrap_or_default()).await? {
                receivers.extend(client.person(&id).await?.and_then(to_himself));
            }
            Ok(receivers)
        }
    }
}

/// Somebody who may have no account here.
fn invited(event: &Event) -> Option<(Mailbox, Person)> {
    let email = event.text("email")?;
    to_himself(Person {
        id: String::new(),
        email: email.to_owned(),
        name: email.to_owned(),
        first_name: String::new(),
        last_name: String::new(),
    })
}

/// Ids of the owners of all applications that have a subscription to an API, each once.
async fn users_of(client: &Client, api: &str) -> Result<BTreeSet<String>, Error> {
    let mut query = ListQuery {
        limit: 1000,
        ..ListQuery::default()
    };
    let mut owners = BTreeSet::new();
    loop {
        let page = client.subscriptions_of_api(api, &query).await?;
        for subscription in &page.items {
            let application = client.application(&subscription.application).await;
            let found = application.optional()?.and_then(|found| found.owners);
            let found = found.unwrap_or_default().into_iter();
            let owning = found.filter(|owner| owner.role == Role::Owner);
            owners.extend(owning.map(|owner| owner.user_id));
        }
        query.offset += page.items.len() as u64;
        if page.items.is_empty() || query.offset >= page.count {
            return Ok(owners);
        }
    }
}

/// Ids of the requester and of all owners of the application, each once.
async fn concerned(client: &Client, event: &Event) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> = event
        .text("requesterId")
        .map(str::to_owned)
        .into_iter()
        .collect();
    if let Some(application) = event.text("applicationId") {
        let application = client.application(application).await.optional()?;
        let owners = application
            .and_then(|application| application.owners)
            .unwrap_or_default();
        for owner in owners.into_iter().filter(|owner| owner.role == Role::Owner) {
            if !ids.contains(&owner.user_id) {
                ids.push(owner.user_id);
            }
        }
    }
    Ok(ids)
}

async fn person(client: &Client, id: Option<&str>) -> Result<Option<Person>, Error> {
    match id {
        Some(id) => client.person(id).await,
        None => Ok(None),
    }
}

/// The user as receiver of a mail about himself; nothing when his address is none.
fn to_himself(person: Person) -> Option<(Mailbox, Person)> {
    let Ok(address) = person.email.parse::<Address>() else {
        tracing::warn!(user.id = person.id, "the address of this user is not valid");
        return None;
    };
    // The address as name would only say everything twice.
    let name = (person.name != person.email).then(|| clean(&person.name));
    Some((Mailbox::new(name, address), person))
}
