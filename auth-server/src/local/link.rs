//! Joining a log-in at a provider with an account that has its mail address. The provider vouches for
//! the address, and whoever comes has to log in to the account, too: nobody takes over an account by
//! an address.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use service::clock;

use crate::{
    configuration::Method,
    federated::{Link, Person},
    flows::{self, Flow, FormSource},
    interaction, links,
    pages::{self, Fault, LinkPage, MethodChoice, PageError, Shell},
    records,
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{method_of, open_form},
};

/// Remembers who came from the provider and asks whether the account is his.
pub async fn ask(state: &AppState, visitor: Visitor, flow: &Flow) -> Result<Response, PageError> {
    let methods = others(state, &flow.method);
    let (Some(identity), false) = (&flow.identity, methods.is_empty()) else {
        return Err(PageError::new(state, Fault::AddressTaken));
    };
    let work = async {
        let txn = state.database.write().await?;
        flows::set_identity(&txn, &flow.id, Some(identity)).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    let shell = Shell::new(state, &visitor, &flow.method, FormSource::Link, Some(flow));
    let title = state
        .configuration()
        .method(&flow.method)
        .map_or_else(|| flow.method.clone(), |method| method.title.clone());
    let page = LinkPage {
        link_url: format!("{}/link", flow.method),
        email: identity.email.clone().unwrap_or_default(),
        provider: title,
        methods,
        frame: shell.frame,
        common: shell.common,
    };
    let targets = interaction::targets(flow);
    Ok(pages::show(visitor, StatusCode::OK, &page, &targets))
}

/// The ways to log in to the account.
fn others(state: &AppState, own: &str) -> Vec<MethodChoice> {
    let configuration = state.configuration();
    let offered = |method: &&Method| method.id != own && !method.protected && !method.is_dummy();
    let methods = configuration.methods.iter().filter(offered);
    methods
        .map(|method| MethodChoice {
            id: method.id.clone(),
            title: method.title.clone(),
            href: String::new(),
        })
        .collect()
}

#[derive(Deserialize)]
pub struct Choice {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    method: String,
}

/// `POST {B}/{method}/link`: goes on to the log-in of the account.
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Choice>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let source = FormSource::Link;
    let mut flow = open_form(&state, &visitor, &method.id, source, form.csrf.as_deref()).await?;
    let is_offered = others(&state, &method.id)
        .iter()
        .any(|other| other.id == form.method);
    if !is_offered {
        return Err(PageError::new(&state, Fault::Action));
    }
    let Some(identity) = flow.identity.take() else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    flow.prefill_username.clone_from(&identity.email);
    flow.link = Some(Link {
        method: method.id,
        identity,
    });
    flow.method = form.method;
    // A session that is open here proves less than somebody who is.
    flow.login_after = Some(clock::now());
    store(&state, &flow).await?;
    interaction::respond(&state, visitor, flow, false).await
}

async fn store(state: &AppState, flow: &Flow) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        flows::set_link(&txn, flow).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))
}

/// Joins the log-in at the provider with the account of `person`, and answers who goes on: by the
/// method that the request began with.
pub async fn join(
    state: &AppState,
    visitor: &Visitor,
    flow: &mut Flow,
    link: Link,
    person: &Person,
) -> Result<Person, PageError> {
    let Link { method, identity } = link;
    let proven = identity
        .email
        .as_deref()
        .filter(|_| identity.email_verified);
    let user = person
        .user
        .clone()
        .filter(|user| proven.is_some_and(|email| email.eq_ignore_ascii_case(&user.email)));
    let Some(user) = user else {
        return Err(PageError::new(state, Fault::LinkOther));
    };
    let custom_id = format!("{method}:{}", identity.id);
    let now = clock::now();
    flow.method.clone_from(&method);
    flow.login_after = None;
    let work = async {
        let txn = state.database.write().await?;
        links::insert(&txn, (&custom_id, &method), &user.id, now).await?;
        let act = records::Act::Linked { user_id: &user.id };
        records::insert(&txn, act, &method, visitor.peer.address, now).await?;
        flows::set_link(&txn, flow).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    state.records.notify_one();
    tracing::info!(
        user.id = user.id,
        method,
        "a log-in was joined with the account"
    );
    Ok(Person {
        user: Some(user),
        identity: Some(identity),
        proof: person.proof,
    })
}
