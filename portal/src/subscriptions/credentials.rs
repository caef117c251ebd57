//! A new secret and the page that shows it, once.

use axum::{extract::Path, response::Response};
use sdk::types::{Api, Application, Secret, credentials::CreateCredential};
use ui::{Entry, Lang, texts};

use crate::{
    apis::credential,
    catalogue::name,
    failure::Failure,
    form::Form,
    installation::Keeping,
    links,
    reference::{Language, SampleView, sample, view},
    secret::{self, NewSecret},
    visitor::Visitor,
};

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
    let first_call = first_call(visitor, &api, visitor.lang()).await;
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
        first_call: first_call.map(|sample| (sample, links::api(&api.id), api_name)),
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

/// A sample of the first GET operation, with the placeholder: the secret itself is copied from above.
async fn first_call(visitor: &Visitor, api: &Api, lang: Lang) -> Option<SampleView> {
    let definition = visitor
        .app
        .definitions()
        .get(&visitor.client(), &api.id)
        .await
        .ok()??;
    let operations = definition.operations();
    let first = operations
        .iter()
        .find(|operation| operation.method == "get")
        .or(operations.first())?;
    let view = view(&definition, first, &credential(visitor, api), lang)?;
    Some(sample(&view.request, Language::Curl))
}

/// `POST /applications/{app}/subscriptions/{api}/credentials`
pub async fn create(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, api) = tokio::try_join!(client.application(&application), client.api(&api))?;
    let order = CreateCredential {
        name: form.optional("name").unwrap_or("key").to_owned(),
        note: form.optional("note").map(str::to_owned),
        expires_at: None,
    };
    let made = client
        .create_credential(&application.id, &api.id, &order)
        .await?;
    let is_client = made.client_id.is_some();
    let secret = Made {
        api_key: made.secret.clone().filter(|_| !is_client),
        client_secret: made.secret.filter(|_| is_client),
        client_id: made.client_id,
    };
    let title = application.name.clone();
    Ok(show(
        &visitor,
        application,
        api,
        secret,
        title,
        String::new(),
        Vec::new(),
    )
    .await)
}
