//! Applications as they go over the wire.

use sdk::types::{
    self, ChangedDate, ClientType,
    links::{Link, Links},
};

use super::{
    access::{Application, Standing},
    row,
};
use crate::owners::{self, Owner, row::granted};

/// The stored members, without owners and links.
pub fn base(row: row::Model) -> types::Application {
    let client_type = row.client_type();
    types::Application {
        redirect_uri: row.redirect_uris.0.first().cloned().unwrap_or_default(),
        redirect_uris: row.redirect_uris.0,
        id: row.id,
        name: row.name,
        description: row.description,
        main_url: row.main_url,
        team: row.team_id,
        oauth: row.oauth.map(|oauth| oauth.0),
        client_type,
        confidential: client_type == ClientType::Confidential,
        changed_date: Some(ChangedDate::Iso(row.changed_at.into())),
        changed_by: row.changed_by,
        ..types::Application::default()
    }
}

/// With owners, but without links: the answer of every change.
pub fn with_owners(row: row::Model, owners: Vec<Owner>) -> types::Application {
    let owners = owners
        .into_iter()
        .map(|owner| self::owner(owner, Links::new()))
        .collect();
    types::Application {
        owners: Some(owners),
        ..base(row)
    }
}

/// With owners and the links that tell the caller what he may do (portal-api 13.4). They equal his
/// real rights, so that pages offer a collaborator what the API would let him do.
pub fn with_links(application: Application) -> types::Application {
    let Application {
        row,
        owners,
        standing,
    } = application;
    let href = format!("/applications/{}", row.id);
    let mut links = Links::from([("self".to_owned(), Link::to(&href))]);
    let mut allow = |relation: &str, href: String, method: &str| {
        links.insert(relation.to_owned(), Link::with_method(href, method));
    };
    if standing.edits() {
        allow("addSubscription", format!("{href}/subscriptions"), "POST");
        allow("patchApplication", href.clone(), "PATCH");
    }
    if standing.owns() {
        allow("addOwner", format!("{href}/owners"), "POST");
        allow("deleteApplication", href.clone(), "DELETE");
    }
    let shown = owners
        .iter()
        .map(|one| owner(one.clone(), owner_links(one, &owners, &href, standing)));
    types::Application {
        owners: Some(shown.collect()),
        links,
        ..base(row)
    }
}

fn owner_links(owner: &Owner, owners: &[Owner], application: &str, standing: Standing) -> Links {
    let user = Link::to(format!("/users/{}", owner.user_id));
    let mut links = Links::from([("user".to_owned(), user)]);
    if standing.owns() && !owner.by_team && !owners::is_last(owners, &owner.user_id) {
        let href = format!("{application}/owners");
        links.insert("deleteOwner".to_owned(), Link::with_method(href, "DELETE"));
    }
    links
}

fn owner(owner: Owner, links: Links) -> types::Owner {
    types::Owner {
        user_id: owner.user_id,
        email: owner.email,
        role: owner.role,
        via: owner.by_team.then(|| granted::TEAM.to_owned()),
        links,
    }
}

#[cfg(test)]
mod tests {
    use sdk::types::Role;

    use super::*;
    use crate::applications::row::RedirectUris;

    fn application(standing: Standing, owners: &[(&str, Role)]) -> types::Application {
        let row = row::Model {
            id: "orders".to_owned(),
            name: "Orders".to_owned(),
            description: None,
            main_url: None,
            client_type: "confidential".to_owned(),
            redirect_uris: RedirectUris(vec!["https://a.example".to_owned()]),
            created_at: chrono::DateTime::UNIX_EPOCH,
            changed_at: chrono::DateTime::UNIX_EPOCH,
            changed_by: None,
            team_id: None,
            oauth: None,
        };
        let owners = owners.iter().map(|(id, role)| Owner {
            user_id: (*id).to_owned(),
            email: format!("{id}@example.org"),
            role: *role,
            by_team: false,
        });
        with_links(Application {
            row,
            owners: owners.collect(),
            standing,
        })
    }

    fn relations(links: &Links) -> Vec<&str> {
        links.keys().map(String::as_str).collect()
    }

    #[test]
    fn links_equal_the_rights_of_the_caller() {
        let owners = [("ada", Role::Owner), ("bob", Role::Collaborator)];
        let shown = |standing| application(standing, &owners);
        let owner = shown(Standing::Member(Role::Owner));
        assert_eq!(
            relations(&owner.links),
            [
                "addOwner",
                "addSubscription",
                "deleteApplication",
                "patchApplication",
                "self"
            ]
        );
        let owners_of_owner = owner.owners.unwrap();
        assert_eq!(
            relations(&owners_of_owner[0].links),
            ["user"],
            "the only owner has to stay"
        );
        assert_eq!(
            relations(&owners_of_owner[1].links),
            ["deleteOwner", "user"]
        );
        let collaborator = shown(Standing::Member(Role::Collaborator));
        assert_eq!(
            relations(&collaborator.links),
            ["addSubscription", "patchApplication", "self"]
        );
        let reader = shown(Standing::Member(Role::Reader));
        assert_eq!(relations(&reader.links), ["self"]);
    }

    #[test]
    fn the_first_redirect_uri_is_mirrored() {
        let shown = application(Standing::Admin, &[("ada", Role::Owner)]);
        assert_eq!(shown.redirect_uri, "https://a.example");
        assert!(shown.confidential);
    }
}
