//! Ending sessions here and at the provider (SAML profiles 4.4).

use axum::response::Response;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use service::{clock, random};
use url::form_urlencoded::Serializer;

use crate::{
    assertions,
    configuration::{Method, SamlSettings},
    federated::ForeignSession,
    interaction,
    pages::{Fault, PageError},
    sessions::Login,
    state::AppState,
    visitor::Visitor,
};

use super::{
    Place,
    assertion::{Expected, NameId},
    message, redirect, response,
};

/// Where a person who logs out goes, so that the session at the provider ends, too; nothing if no
/// provider knows about it. `target` is where the way is to end.
pub fn leave_url(state: &AppState, visitor: &Visitor, target: Option<&str>) -> Option<String> {
    let configuration = state.configuration();
    let session = visitor.session.as_ref()?;
    session.logins.iter().find_map(|login| {
        let settings = configuration.method(&login.method)?.saml()?;
        let to = settings.sso_logout_url.as_ref()?;
        let foreign = foreign_of(login)?;
        let name_id = NameId {
            value: foreign.name_id.clone()?,
            format: foreign.format.clone(),
        };
        let text = message::log_out(
            &Place::of(state, &login.method),
            (&new_id(), clock::now()),
            to.as_str(),
            (&name_id, foreign.index.as_deref()),
        );
        let relay_state = target.map(|target| STANDARD.encode(target));
        Some(redirect::address(
            to,
            ("SAMLRequest", &text),
            relay_state.as_deref(),
            settings.signing_key.as_deref(),
        ))
    })
}

/// The provider has answered; our session ended before.
pub fn done(state: &AppState, visitor: Visitor, relay_state: Option<&str>) -> Response {
    let target = relay_state.and_then(|text| {
        let bytes = STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE.decode(text))
            .ok()?;
        String::from_utf8(bytes).ok()
    });
    let mut url = format!("{}/logout", state.settings.base_path);
    if let Some(target) = target {
        let query = Serializer::new(String::new())
            .append_pair("redirect_uri", &target)
            .finish();
        url = format!("{url}?{query}");
    }
    visitor.finish(interaction::redirect(&url))
}

/// The provider ends a session: ours with this browser ends, if it is the same.
pub async fn asked(
    state: &AppState,
    mut visitor: Visitor,
    (method, settings): (&Method, &SamlSettings),
    (query, relay_state): (&str, Option<&str>),
) -> Result<Response, PageError> {
    let now = clock::now();
    let place = Place::of(state, &method.id);
    let expected = Expected {
        request: "",
        assert: &place.assert,
        entity: &place.entity,
        issuer: settings.issuer.as_deref(),
        now,
    };
    let request = redirect::signed_message(query, "SAMLRequest", &settings.signers)
        .and_then(|text| response::read_logout(&text, &expected));
    let request = match request {
        Ok(request) => request,
        Err(why) => {
            tracing::warn!(
                method = method.id,
                "a provider's log-out is not accepted: {why}"
            );
            return Err(PageError::new(state, Fault::Parameters));
        }
    };
    let remember = async {
        let txn = state.database.write().await?;
        let of = format!("saml/{}", method.id);
        let name = format!("{}/{}", request.issuer, request.id);
        let ends = now + response::MAX_AGE * 2;
        let is_new = assertions::remember(&txn, &of, &name, ends).await?;
        txn.commit().await?;
        Ok(is_new)
    };
    let database = |error: sea_orm::DbErr| PageError::database(state, &error);
    if !remember.await.map_err(database)? {
        return Err(PageError::new(state, Fault::Parameters));
    }
    let is_meant = |foreign: &ForeignSession| {
        let indexes = &request.session_indexes;
        foreign.name_id.is_some()
            && foreign.name_id == request.name_id
            && (indexes.is_empty()
                || foreign
                    .index
                    .as_ref()
                    .is_some_and(|own| indexes.contains(own)))
    };
    let login = visitor.login(&method.id);
    let is_done = login.and_then(foreign_of).is_some_and(is_meant);
    if is_done {
        visitor.log_out(state).await.map_err(database)?;
    }
    let Some(to) = &settings.sso_logout_url else {
        let url = format!("{}/logout", state.settings.base_path);
        return Ok(visitor.finish(interaction::redirect(&url)));
    };
    let text = message::logged_out(&place, (&new_id(), now), to.as_str(), &request.id, is_done);
    let url = redirect::address(
        to,
        ("SAMLResponse", &text),
        relay_state,
        settings.signing_key.as_deref(),
    );
    Ok(visitor.finish(interaction::redirect(&url)))
}

fn foreign_of(login: &Login) -> Option<&ForeignSession> {
    login.identity.as_ref()?.session.as_deref()
}

/// Ids do not begin with a digit.
fn new_id() -> String {
    format!("_{}", random::hex_id())
}
