//! Applications and the roles of users on them.

use std::collections::{HashMap, HashSet};

use sdk::types::{ClientType, Role};
use sea_orm::EntityTrait;

use super::{Import, object::Object, report::Fate, store::save};
use crate::{
    applications::{self, row::RedirectUris, rules},
    events::{self, Event},
    owners, users,
};

const APPLICATION: &str = "application";
const OWNER: &str = "role";
/// The portal's own application is made here and not taken over.
const OWN: &str = "__portal";

impl Import<'_> {
    /// The ids of the applications that were taken over.
    pub(super) async fn applications(
        &mut self,
        found: Vec<Object>,
        roles: Vec<Object>,
        users: &HashMap<String, users::row::Model>,
    ) -> anyhow::Result<HashMap<String, applications::row::Model>> {
        self.report.found(APPLICATION, found.len());
        let here = applications::row::Entity::find().all(self.txn).await?;
        let here: HashMap<_, _> = here.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut taken = HashMap::new();
        let mut told = Vec::new();
        for object in found {
            let id = object.id().to_owned();
            if id == OWN {
                self.report
                    .left_out(APPLICATION, &id, "Wicketgate keeps it itself");
                continue;
            }
            if let Err(error) = rules::check_id(&id) {
                self.report.left_out(APPLICATION, &id, error.to_string());
                continue;
            }
            let row = application(&object, here.get(&id));
            let fate = save(self.txn, here.get(&id), row.clone(), |row| row.changed_at).await?;
            self.report.did(APPLICATION, &id, fate);
            let row = if fate == Fate::Kept {
                here[&id].clone()
            } else {
                row
            };
            match fate {
                Fate::Added => told.push(Event::application_added(&id, None).becomes(&row)),
                Fate::Updated => {
                    let event = Event::application_updated(&id, None).becomes(&row);
                    told.push(event.was(&here[&id]));
                }
                Fate::Unchanged | Fate::Kept => {}
            }
            taken.insert(id, row);
        }
        self.roles(roles, users, &taken).await?;
        for event in told {
            events::append(self.txn, self.state, &self.actor, event).await?;
        }
        Ok(taken)
    }

    async fn roles(
        &mut self,
        found: Vec<Object>,
        users: &HashMap<String, users::row::Model>,
        applications: &HashMap<String, applications::row::Model>,
    ) -> anyhow::Result<()> {
        self.report.found(OWNER, found.len());
        let here = owners::row::Entity::find().all(self.txn).await?;
        let mut here: HashMap<_, _> = here
            .into_iter()
            .map(|row| ((row.application_id.clone(), row.user_id.clone()), row.role))
            .collect();
        let mut owned = HashSet::new();
        for object in found {
            let (application, user) = (object.text("appId"), object.text("userId"));
            let (application, user) = (application.unwrap_or_default(), user.unwrap_or_default());
            let name = format!("{user} on {application}");
            let role = object.text("role").unwrap_or_default();
            let known = Role::ALL.into_iter().find(|known| known.as_str() == role);
            let Some(role) = known else {
                self.report
                    .left_out(OWNER, &name, format!("there is no role `{role}`"));
                continue;
            };
            let Some(row) = applications.get(application) else {
                if application != OWN {
                    self.report
                        .left_out(OWNER, &name, "its application is not there");
                }
                continue;
            };
            if !users.contains_key(user) {
                self.report.left_out(OWNER, &name, "its user is not there");
                continue;
            }
            owned.insert(application.to_owned());
            let key = (application.to_owned(), user.to_owned());
            let fate = match here.get(&key).map(String::as_str) {
                Some(here) if here == role.as_str() => Fate::Unchanged,
                Some(_) => Fate::Kept,
                None => {
                    let at = row.created_at;
                    owners::store::insert(self.txn, application, user, role, at).await?;
                    here.insert(key, role.as_str().to_owned());
                    Fate::Added
                }
            };
            self.report.did(OWNER, &name, fate);
        }
        for id in applications.keys().filter(|id| !owned.contains(*id)) {
            self.report.note(APPLICATION, id, "nobody has a role on it");
        }
        Ok(())
    }
}

fn application(
    object: &Object,
    here: Option<&applications::row::Model>,
) -> applications::row::Model {
    let by_flag = if object.is("confidential") {
        ClientType::Confidential
    } else {
        ClientType::PublicSpa
    };
    let client_type = object
        .text("clientType")
        .and_then(rules::client_type)
        .unwrap_or(by_flag);
    let mut uris = object.texts("redirectUris");
    if uris.is_empty() {
        uris.extend(object.text("redirectUri").map(str::to_owned));
    }
    applications::row::Model {
        id: object.id().to_owned(),
        name: object
            .text_up_to("name", 128)
            .unwrap_or_else(|| object.id().to_owned()),
        description: object.text_up_to("description", 1024),
        main_url: object.text("mainUrl").map(str::to_owned),
        client_type: client_type.as_str().to_owned(),
        redirect_uris: RedirectUris(uris),
        created_at: here.map_or(object.changed_at(), |here| here.created_at),
        changed_at: object.changed_at(),
        changed_by: object.changed_by(),
        team_id: here.and_then(|here| here.team_id.clone()),
        oauth: here.and_then(|here| here.oauth.clone()),
    }
}
