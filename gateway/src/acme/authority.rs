//! Speaking to the authority, with the client that everything else uses.

use std::{pin::Pin, time::Duration};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType,
    Error, ExternalAccountKey, HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};

use service::http::{innermost, read_at_most};

use super::folder::Kept;
use crate::settings::Acme as Settings;

/// Chains are a few kB.
const MAX_ANSWER: usize = 1 << 20;
/// How often and how long an order is looked at.
const POLLING: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_mins(2));

struct Client(reqwest::Client);

type Answering = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Client {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answering {
        let client = self.0.clone();
        Box::pin(async move {
            let other = |error: &dyn std::error::Error| Error::Other(innermost(error).into());
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| other(&error))?;
            let sent = client
                .request(head.method, head.uri.to_string())
                .headers(head.headers)
                .body(body.to_bytes())
                .send();
            let answer = sent.await.map_err(|error| other(&error))?;
            let mut response = Response::new(());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            let body = read_at_most(answer, MAX_ANSWER).await;
            let body = body.map_err(|error| other(&error))?;
            let (parts, ()) = response.into_parts();
            Ok(BytesResponse {
                parts,
                body: Box::new(body),
            })
        })
    }
}

fn client(settings: &Settings) -> anyhow::Result<Box<Client>> {
    let client = service::http::client_with(settings.authorities.clone())?;
    Ok(Box::new(Client(client)))
}

/// A new account.
pub async fn register(settings: &Settings) -> anyhow::Result<(Account, Kept)> {
    let contact = settings
        .contact
        .as_ref()
        .map(|address| format!("mailto:{address}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let about = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let binding = settings.binding.as_ref();
    let binding = binding.map(|(id, key)| ExternalAccountKey::new(id.clone(), key));
    let builder = Account::builder_with_http(client(settings)?);
    let directory = settings.directory.to_string();
    let created = builder.create(&about, directory, binding.as_ref());
    let (account, credentials) = created.await.context("it registers nobody")?;
    let kept = Kept {
        thumbprint: account.key_thumbprint().to_owned(),
        credentials,
    };
    Ok((account, kept))
}

/// The account that there is.
pub async fn known(
    settings: &Settings,
    credentials: AccountCredentials,
) -> anyhow::Result<Account> {
    let builder = Account::builder_with_http(client(settings)?);
    Ok(builder.from_credentials(credentials).await?)
}

/// Whether the authority knows nothing of the account.
pub fn is_unknown(reason: &anyhow::Error) -> bool {
    let problem = match reason.downcast_ref() {
        Some(Error::Api(problem)) => problem.r#type.as_deref(),
        _ => None,
    };
    problem == Some("urn:ietf:params:acme:error:accountDoesNotExist")
}

/// A new key with its chain, as one text.
pub async fn order(account: &Account, name: &str) -> anyhow::Result<String> {
    let identifiers = [Identifier::Dns(name.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    prove(&mut order).await?;
    if order.poll_ready(&POLLING).await? != OrderStatus::Ready {
        bail!(refusal(&mut order).await);
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&POLLING).await?;
    Ok(key + &chain)
}

/// Asks for the questions about the names of the order that are open.
async fn prove(order: &mut Order) -> anyhow::Result<()> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => bail!("the authority says that the name is {other:?}"),
        }
        let challenge = authorization.challenge(ChallengeType::Http01);
        let mut challenge = challenge.context("the authority does not ask by HTTP (http-01)")?;
        challenge.set_ready().await?;
    }
    Ok(())
}

/// What the authority says of its questions.
async fn refusal(order: &mut Order) -> anyhow::Error {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let mut problems = state
            .challenges
            .iter()
            .filter_map(|asked| asked.error.as_ref());
        if let Some(problem) = problems.next() {
            return anyhow!("the authority has not found the answer: {problem}");
        }
    }
    anyhow!("the authority has refused the order")
}
