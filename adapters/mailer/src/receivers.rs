//! Who gets a mail.

use lettre::{Address, message::Mailbox};
use sdk::{
    Client, Error, Optional, Person,
    types::{Event, Role},
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
