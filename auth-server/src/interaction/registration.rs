//! Registration and tenant (9.1, 9.2).

use std::sync::Arc;

use sdk::types::{Pool, Registration, User, pools::Property};
use serde_json::{Map, Value};

use crate::{
    apis::ApiPolicy, clients::Client, flows::AuthorizeGoal, pages::Fault, pages::NamespaceChoice,
    state::AppState, subject::Subject,
};

use super::{InteractionError, Next};

/// Whether the user may go on.
pub enum Decision {
    Registered { namespace: Option<String> },
    Ask(Next),
}

/// What the form has to ask.
pub struct Form {
    pub pool_id: String,
    pub pool: Arc<Pool>,
    pub user: User,
    /// What is known of the user, in the names of OpenID Connect.
    pub profile: Map<String, Value>,
    /// What the user has said before, if he is asked again.
    pub known: Option<Registration>,
    /// Who asks: the portal, or an API.
    pub asked_by: String,
}

impl Form {
    /// What the field of a property shows before anybody has typed: what was said before, or what a
    /// provider says.
    pub fn prefilled(&self, property: &Property) -> Option<&str> {
        let known = self.known.as_ref();
        if let Some(known) = known.and_then(|known| known.property(&property.id)) {
            return Some(known);
        }
        let claim = property.oidc_claim.as_deref()?;
        self.profile.get(claim)?.as_str()
    }
}

/// What the pool and the user's registrations lead to; the table of 9.1.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Registered(Option<String>),
    Register,
    Select(Vec<String>),
    Refuse(Fault),
}

pub async fn decide(
    state: &AppState,
    (client, api): (&Client, &ApiPolicy),
    subject: &Subject,
    goal: &AuthorizeGoal,
) -> Result<Decision, InteractionError> {
    let (Some(pool_id), Some(user)) = (&api.pool, &subject.user) else {
        return Ok(Decision::Registered { namespace: None });
    };
    let Some(pool) = state.portal_api.pool(pool_id).await? else {
        tracing::error!(
            api.id = api.id,
            "the API names pool `{pool_id}`, which does not exist"
        );
        return Ok(Decision::Ask(Next::Refuse(Fault::Internal)));
    };
    let registrations = state.portal_api.registrations(pool_id, &user.id).await?;
    Ok(
        match outcome(&pool, &registrations, goal.namespace.as_deref()) {
            Outcome::Registered(namespace) => Decision::Registered { namespace },
            Outcome::Register => Decision::Ask(Next::Register(Box::new(Form {
                pool_id: pool_id.clone(),
                pool,
                user: user.clone(),
                profile: subject.profile.clone(),
                known: registrations
                    .into_iter()
                    .find(|one| one.namespace == goal.namespace),
                asked_by: if client.is_portal() {
                    state.configuration().title.clone()
                } else {
                    api.name.clone()
                },
            }))),
            Outcome::Select(namespaces) => {
                Decision::Ask(match offered(state, pool_id, namespaces).await? {
                    none if none.is_empty() => Next::Refuse(Fault::Namespace),
                    some => Next::SelectNamespace(some),
                })
            }
            Outcome::Refuse(fault) => Decision::Ask(Next::Refuse(fault)),
        },
    )
}

/// The namespaces among `registered` that still exist, by their names (9.2).
async fn offered(
    state: &AppState,
    pool_id: &str,
    registered: Vec<String>,
) -> Result<Vec<NamespaceChoice>, InteractionError> {
    let mut offered = Vec::new();
    for namespace in registered {
        let found = state.portal_api.namespace(pool_id, &namespace).await?;
        offered.extend(found.map(|description| NamespaceChoice {
            namespace,
            pool_id: pool_id.to_owned(),
            description,
        }));
    }
    Ok(offered)
}

fn outcome(pool: &Pool, registrations: &[Registration], requested: Option<&str>) -> Outcome {
    let namespaces = || registrations.iter().filter_map(|one| one.namespace.clone());
    // A text that has to be accepted again asks like a missing registration.
    let is_consented = |namespace: Option<&str>| {
        let own = registrations.iter();
        own.filter(|one| one.namespace.as_deref() == namespace)
            .all(|one| pool.is_consented(one))
    };
    let register = if pool.is_closed() {
        Outcome::Refuse(Fault::RegisterOff)
    } else if pool.requires_invitation {
        Outcome::Refuse(Fault::NotInvited)
    } else {
        Outcome::Register
    };
    match (pool.requires_namespace, requested) {
        (true, Some(wanted)) if namespaces().any(|one| one == wanted) => {
            if !is_consented(requested) {
                return Outcome::Register;
            }
            Outcome::Registered(Some(wanted.to_owned()))
        }
        (true, Some(_)) => register,
        (true, None) => match namespaces().collect::<Vec<_>>() {
            none if none.is_empty() => Outcome::Refuse(Fault::Namespace),
            // Which one it is has to be told before it can be asked about.
            one if one.len() == 1 && !is_consented(one.first().map(String::as_str)) => {
                Outcome::Select(one)
            }
            mut one if one.len() == 1 => Outcome::Registered(one.pop()),
            several => Outcome::Select(several),
        },
        // Only a pool with tenants knows one (F1).
        (false, Some(_)) => Outcome::Refuse(Fault::Namespace),
        (false, None) => match registrations.len() {
            0 => register,
            1 if !is_consented(None) => Outcome::Register,
            1 => Outcome::Registered(None),
            _ => Outcome::Refuse(Fault::Internal),
        },
    }
}

#[cfg(test)]
mod tests {
    use sdk::types::pools::{CONSENT, Property};

    use super::*;

    #[test]
    fn pool_request_and_registrations_decide() {
        let registered = |namespaces: &[&str]| -> Vec<Registration> {
            namespaces
                .iter()
                .map(|namespace| Registration {
                    namespace: Some((*namespace).to_owned()).filter(|text| !text.is_empty()),
                    ..Registration::default()
                })
                .collect()
        };
        let some = |text: &str| Some(text.to_owned());
        let cases: [(bool, Option<&str>, &[&str], Outcome); 10] = [
            (true, Some("a"), &["b", "a"], Outcome::Registered(some("a"))),
            (true, Some("a"), &["b"], Outcome::Register),
            (true, None, &[], Outcome::Refuse(Fault::Namespace)),
            (true, None, &["a"], Outcome::Registered(some("a"))),
            (
                true,
                None,
                &["a", "b"],
                Outcome::Select(vec!["a".into(), "b".into()]),
            ),
            (false, None, &[], Outcome::Register),
            (false, None, &[""], Outcome::Registered(None)),
            (false, None, &["", ""], Outcome::Refuse(Fault::Internal)),
            (false, Some("a"), &[""], Outcome::Refuse(Fault::Namespace)),
            (false, Some("a"), &[], Outcome::Refuse(Fault::Namespace)),
        ];
        for (requires_namespace, requested, namespaces, expected) in cases {
            let pool = Pool {
                requires_namespace,
                ..Pool::default()
            };
            let got = outcome(&pool, &registered(namespaces), requested);
            assert_eq!(
                got, expected,
                "{requires_namespace} {requested:?} {namespaces:?}"
            );
        }
        let mut pool = Pool {
            properties: vec![Property {
                id: "terms".to_owned(),
                kind: CONSENT.to_owned(),
                required: true,
                version: Some("2".to_owned()),
                ..Property::default()
            }],
            ..Pool::default()
        };
        let mut own = registered(&[""]);
        own[0].properties.0.insert("terms".to_owned(), "1".into());
        assert_eq!(outcome(&pool, &own, None), Outcome::Register);
        own[0].properties.0.insert("terms".to_owned(), "2".into());
        assert_eq!(outcome(&pool, &own, None), Outcome::Registered(None));
        pool.properties[0].required = false;
        assert_eq!(
            outcome(&pool, &registered(&[""]), None),
            Outcome::Registered(None)
        );
        let closed = Pool {
            disable_register: true,
            ..Pool::default()
        };
        assert_eq!(
            outcome(&closed, &[], None),
            Outcome::Refuse(Fault::RegisterOff)
        );
        let closed = Pool {
            requires_namespace: true,
            ..closed
        };
        let elsewhere = registered(&["b"]);
        assert_eq!(
            outcome(&closed, &elsewhere, Some("a")),
            Outcome::Refuse(Fault::RegisterOff)
        );
        let by_invitation = Pool {
            requires_invitation: true,
            ..Pool::default()
        };
        let refused = Outcome::Refuse(Fault::NotInvited);
        assert_eq!(outcome(&by_invitation, &[], None), refused);
        let own = registered(&[""]);
        assert_eq!(
            outcome(&by_invitation, &own, None),
            Outcome::Registered(None)
        );
    }
}
