//! Credentials of subscriptions, and the page that shows a new secret, once.

pub mod change;
pub mod list;
mod view;

use axum::response::Response;
use sdk::types::{Api, Application, Secret};
use ui::{Entry, Lang, texts};

use crate::{
    apis::{credential, token_call},
    catalogue::name,
    installation::Keeping,
    links,
    reference::{Language, SampleView, view},
    secret::{self, Call, NewSecret},
    visitor::Visitor,
};

pub use view::{CredentialView, State};

/// A secret that was made a moment ago.
pub struct Made {
    pub api_key: Option<Secret>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
}

/// The page with the secret.
pub async fn show(
    visitor: &Visitor,
    application: Application,
    api: Api,
    made: Made,
    title: String,
    lead: String,
    mut notes: Vec<String>,
) -> Response {
    let t = texts::Applications(visitor.lang());
    if made.api_key.is_some() {
        notes.insert(0, t.send_in_header(&visitor.installation.key_header));
    }
    let api_name = name(&api).to_owned();
    let calls = calls(visitor, &api, made.client_secret.is_some()).await;
    let back = links::application(&application.id);
    let page = NewSecret {
        title,
        lead,
        crumbs: vec![
            ("/applications".to_owned(), t.title().to_owned()),
            (back.clone(), application.name),
        ],
        heading: if made.api_key.is_some() {
            t.secret_key(&api_name)
        } else {
            t.secret_client(&api_name)
        },
        promise: match visitor.installation.keeping {
            Keeping::Fingerprint => t.fingerprint(),
            Keeping::Hidden => t.hidden(),
        },
        parts: parts(&made, t),
        notes,
        back,
        entry: Entry::Applications,
        calls,
    };
    secret::show(visitor, page).await
}

fn parts(secret: &Made, t: texts::Applications) -> Vec<(&'static str, String)> {
    let expose = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    [
        (t.api_key(), expose(&secret.api_key)),
        (t.client_id(), secret.client_id.clone()),
        (t.client_secret(), expose(&secret.client_secret)),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

/// How a client gets its token, and a call.
async fn calls(visitor: &Visitor, api: &Api, is_client: bool) -> Vec<Call> {
    let t = texts::Applications(visitor.lang());
    let token = token_call(visitor, api).filter(|_| is_client);
    let token = token.map(|sample| Call {
        title: t.get_token(),
        sample,
        more: (
            "/help/oauth2_client_credentials".to_owned(),
            texts::Apis(visitor.lang()).flow_client().to_owned(),
        ),
    });
    let first = first_call(visitor, api, visitor.lang()).await;
    let first = first.map(|sample| Call {
        title: t.try_now(),
        sample,
        more: (
            format!("{}/reference", links::api(&api.id)),
            name(api).to_owned(),
        ),
    });
    token.into_iter().chain(first).collect()
}

/// A sample of the first GET operation, with the placeholder: the secret itself is copied from above.
async fn first_call(visitor: &Visitor, api: &Api, lang: Lang) -> Option<SampleView> {
    let definition = visitor
        .app
        .definitions()
        .get(&visitor.client(), &api.id)
        .await
        .ok()??;
    let first = definition.first_call()?;
    let view = view(&definition, first, &credential(visitor, api), lang)?;
    let samples = &visitor.installation.samples;
    Some(samples.view(&view.request, Language::Curl))
}
