//! Calling an API as the person who sits there: the authorization code flow of an own application,
//! with PKCE, led by the portal (portal-ui 19.4). The token stays in the sealed session and is in no
//! address and no page.

use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use sdk::{
    Optional,
    types::{Api, ClientType, Secret},
};
use serde::{Deserialize, Serialize};
use ui::{Kind, texts};
use url::Url;

use super::page;
use crate::{
    catalogue::{Auth, auth},
    failure::Failure,
    form::Form,
    links,
    login::{Attempt, Client, TokenError, authorize_for, is_ours},
    redirect::found,
    visitor::Visitor,
};

/// A log-in that was begun; kept in the session until the browser comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    attempt: Attempt,
    api: String,
    application: String,
    client_id: String,
    is_confidential: bool,
}

/// A token that stands for the person and an application; one is kept at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonToken {
    api: String,
    application: String,
    access: Secret,
    expires: DateTime<Utc>,
}

impl PersonToken {
    /// The token and its end, if it is for this API and application.
    pub fn of(visitor: &Visitor, api: &str, application: &str) -> Option<(Secret, DateTime<Utc>)> {
        let now = service::clock::now();
        visitor.session(|session| {
            let token = session.as_ref()?.trial_token.as_ref()?;
            let fits = token.api == api && token.application == application;
            (fits && token.expires > now).then(|| (token.access.clone(), token.expires))
        })
    }
}

/// Whether people get tokens of this API.
pub fn is_possible(api: &Api) -> bool {
    let settings = api.settings.as_ref();
    auth(api) == Auth::Token
        && settings.is_some_and(|settings| settings.enable_authorization_code == Some(true))
}

/// Where the auth server sends the browser back to; applications have to allow it.
pub fn callback_url(visitor: &Visitor) -> Url {
    let base = &visitor.installation.external;
    base.join("try/callback")
        .expect("a literal path can be joined")
}

/// `POST /apis/{api}/try/login`: `application`, `operation`, `scope`. Leads to the auth server.
pub async fn begin(
    visitor: Visitor,
    Path(api): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let api = visitor.client().api(&api).await?;
    let (application, operation) = (form.text("application"), form.text("operation"));
    let target = links::with_query(
        &page::path(&api.id),
        [("operation", operation), ("application", application)],
    );
    let begun = match prepare(&visitor, &api, application, &target).await? {
        Ok(begun) => begun,
        Err(text) => {
            visitor.leave(Kind::Bad, text);
            return Ok(Redirect::to(&target).into_response());
        }
    };
    let url = authorize_for(
        &visitor.installation.issuer,
        &callback_url(&visitor),
        &begun.attempt,
        &begun.client_id,
        form.text("scope"),
    );
    visitor.open_session(|session| session.trial = Some(begun));
    Ok(Redirect::to(url.as_str()).into_response())
}

/// The log-in, or what the person has to do first.
async fn prepare(
    visitor: &Visitor,
    api: &Api,
    application: &str,
    target: &str,
) -> Result<Result<Begun, String>, Failure> {
    let t = texts::Trial(visitor.lang());
    if !is_possible(api) {
        return Ok(Err(t.no_people().to_owned()));
    }
    if application.is_empty() {
        return Ok(Err(t.choose_application().to_owned()));
    }
    let client = visitor.client();
    let found = client.subscription(application, &api.id).await.optional()?;
    let Some(subscription) = found else {
        return Ok(Err(t.not_subscribed().to_owned()));
    };
    let Some(client_id) = subscription.client_id.filter(|_| subscription.approved) else {
        return Ok(Err(t.not_approved().to_owned()));
    };
    let found = client.application(application).await?;
    let callback = callback_url(visitor);
    if !found
        .redirect_uris
        .iter()
        .any(|uri| uri == callback.as_str())
    {
        return Ok(Err(t.needs_redirect(callback.as_str())));
    }
    let is_confidential = found.client_type == ClientType::Confidential;
    if is_confidential && subscription.client_secret.is_none() {
        return Ok(Err(t.secret_not_kept_for_people().to_owned()));
    }
    Ok(Ok(Begun {
        attempt: Attempt::new(target, service::clock::now()),
        api: api.id.clone(),
        application: found.id,
        client_id,
        is_confidential,
    }))
}

#[derive(Deserialize)]
pub struct Callback {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

/// `GET /try/callback`: takes the token and goes back to the trial.
pub async fn finish(visitor: Visitor, Query(answer): Query<Callback>) -> Result<Response, Failure> {
    visitor.require_user()?;
    if !is_ours(&visitor, answer.iss.as_deref()) {
        return Err(Failure::StaleLogin);
    }
    let now = service::clock::now();
    let is_meant = |begun: &mut Begun| {
        let attempt = &begun.attempt;
        attempt.is_state(&answer.state) && attempt.is_open(now)
    };
    let begun = visitor.session(|session| session.as_mut()?.trial.take_if(is_meant));
    let begun = begun.ok_or(Failure::StaleLogin)?;
    let t = texts::Trial(visitor.lang());
    let token = match answer.error {
        Some(code) => Err(TokenError::Refused {
            status: http::StatusCode::UNAUTHORIZED,
            code,
            description: answer.error_description,
        }),
        None => exchange(&visitor, &begun, &answer.code).await?,
    };
    match token {
        Ok(token) => {
            visitor.open_session(|session| session.trial_token = Some(token));
            visitor.leave(Kind::Good, t.logged_in());
        }
        Err(TokenError::Refused {
            code, description, ..
        }) => visitor.leave(
            Kind::Bad,
            t.token_refused(format!("{description} ({code})")),
        ),
        Err(away @ TokenError::Away(_)) => return Err(away.into()),
    }
    Ok(found(&begun.attempt.target))
}

async fn exchange(
    visitor: &Visitor,
    begun: &Begun,
    code: &str,
) -> Result<Result<PersonToken, TokenError>, Failure> {
    let subscription = visitor
        .client()
        .subscription(&begun.application, &begun.api)
        .await?;
    let client = Client {
        id: &begun.client_id,
        secret: subscription
            .client_secret
            .as_ref()
            .filter(|_| begun.is_confidential),
    };
    let oauth = visitor.app.oauth();
    let callback = callback_url(visitor);
    let tokens = oauth
        .exchange_for(&client, code, &callback, &begun.attempt)
        .await;
    Ok(tokens.map(|tokens| PersonToken {
        api: begun.api.clone(),
        application: begun.application.clone(),
        access: tokens.access,
        expires: tokens.expires,
    }))
}
