//! The form of a trial, beside an operation and on a page of its own.

use askama::Template;
use sdk::types::Api;
use ui::{Html, Icon, texts};

use super::{PersonToken, person, routes::Asked, target};
use crate::{
    apis::urls,
    catalogue::{Auth, auth, needs_subscription},
    failure::Failure,
    form::Form,
    installation::Keeping,
    links,
    mine::Mine,
    reference::{Definition, Input, Operation, OperationView},
    visitor::Visitor,
};

/// The form for one operation.
#[derive(Template)]
#[template(path = "trial/form.html")]
pub struct TrialForm {
    t: texts::Trial,
    csrf: Html,
    action: String,
    operation: String,
    /// Addresses of the API; one is chosen if there are several.
    bases: Vec<String>,
    base: String,
    /// Id and name of own applications with a subscription.
    applications: Vec<(String, String)>,
    application: String,
    needs_credential: bool,
    /// Whether the credential of an application can be read here; otherwise one is pasted.
    is_kept: bool,
    is_token: bool,
    scope: String,
    inputs: Vec<Field>,
    body: Option<Body>,
    subscribe_url: String,
    /// What becomes of the application's own credential, where it is kept.
    added: Option<String>,
    /// For APIs whose tokens stand for people, too.
    people: Option<People>,
}

/// Calling as the person.
struct People {
    /// Until when there is a token of his.
    logged_in: Option<String>,
    /// Calls may carry something else, too.
    has_others: bool,
    login_action: String,
    callback: String,
}

/// An input with what stands in it.
struct Field {
    id: String,
    input: Input,
    value: String,
}

/// A body that is written by hand.
struct Body {
    media: String,
    text: String,
    rows: usize,
}

/// What is tried, and where.
pub struct Subject<'a> {
    pub api: &'a Api,
    pub operation: &'a Operation,
    pub view: &'a OperationView,
    pub bases: Vec<String>,
}

impl TrialForm {
    /// `form` is one that was sent before; its values stand in the fields again.
    pub fn new(
        visitor: &Visitor,
        subject: Subject,
        mine: &[Mine],
        asked: &Asked,
        form: Option<&Form>,
    ) -> Self {
        let Subject {
            api,
            operation,
            view,
            bases,
        } = subject;
        let usable = mine.iter().filter(|mine| {
            let subscription = mine.subscription(&api.id);
            subscription.is_some_and(|one| one.approved)
        });
        let applications: Vec<(String, String)> = usable
            .map(|mine| (mine.application.id.clone(), mine.application.name.clone()))
            .collect();
        let wanted = match form {
            Some(form) => form.text("application").to_owned(),
            None => asked.application.clone().unwrap_or_default(),
        };
        let is_own = |id: &str| applications.iter().any(|(own, _)| own == id);
        let base = form.map_or("", |form| form.text("server"));
        let inputs = view.inputs.iter().enumerate().map(|(number, input)| {
            let sent = form.and_then(|form| form.exact(&input.name));
            Field {
                id: format!("try-{number}"),
                value: sent.unwrap_or(&input.example).to_owned(),
                input: input.clone(),
            }
        });
        let body = view.trial_body.as_ref().map(|(media, example)| {
            let sent = form.and_then(|form| form.exact("body"));
            let text = sent.unwrap_or(example).to_owned();
            let media = form
                .and_then(|form| form.optional("content_type"))
                .unwrap_or(media);
            Body {
                rows: text.lines().count().clamp(4, 16),
                media: media.to_owned(),
                text,
            }
        });
        let application = if is_own(&wanted) {
            wanted
        } else {
            let first = applications.first();
            first.map(|(id, _)| id.clone()).unwrap_or_default()
        };
        let t = texts::Trial(visitor.lang());
        let is_kept = visitor.installation.keeping != Keeping::Fingerprint;
        let settings = api.settings.as_ref();
        let has_client = settings.is_some_and(|own| own.enable_client_credentials == Some(true));
        let people = person::is_possible(api).then(|| {
            let token = PersonToken::of(visitor, &api.id, &application);
            People {
                logged_in: token.map(|(_, end)| ui::format::moment(visitor.lang(), end)),
                has_others: has_client || !is_kept,
                login_action: format!("{}/login", path(&api.id)),
                callback: person::callback_url(visitor).into(),
            }
        });
        let added = || match auth(api) {
            Auth::Token if has_client => t.token_added().to_owned(),
            Auth::Token => t.token_by_login().to_owned(),
            _ => t.key_added(&visitor.installation.key_header),
        };
        Self {
            added: is_kept.then(added),
            people,
            t,
            csrf: visitor.frame_csrf(),
            action: path(&api.id),
            operation: operation.slug.clone(),
            base: bases
                .iter()
                .find(|known| *known == base)
                .or(bases.first())
                .cloned()
                .unwrap_or_default(),
            application,
            applications,
            needs_credential: needs_subscription(api),
            is_kept,
            is_token: auth(api) == Auth::Token,
            scope: match form {
                Some(form) => form.text("scope").to_owned(),
                None => view.scopes.join(" "),
            },
            inputs: inputs.collect(),
            body,
            subscribe_url: format!("{}/subscribe", links::api(&api.id)),
            bases,
        }
    }

    pub fn html(&self) -> Html {
        Html::of(self)
    }

    fn is_chosen(&self, application: &str) -> bool {
        self.application == application
    }

    /// Nothing else could be sent.
    fn must_paste(&self) -> bool {
        let people = self.people.as_ref();
        people.is_none_or(|people| people.logged_in.is_none())
    }

    fn is_base(&self, base: &str) -> bool {
        self.base == base
    }
}

/// Where trials of an API are sent.
pub fn path(api: &str) -> String {
    format!("{}/try", links::api(api))
}

/// The addresses of an API that can be tried, the one that its definition names first.
pub async fn bases(
    visitor: &Visitor,
    api: &Api,
    definition: Option<&Definition>,
) -> Result<(Vec<String>, Vec<url::Url>), Failure> {
    let config = visitor.client().api_config(&api.id).await?;
    let own = urls(&visitor.installation.gateway, &config);
    let allowed = target::callable(&own);
    let named = definition.and_then(Definition::base_url);
    let mut bases: Vec<String> = named
        .filter(|base| target::check(base, &allowed).is_ok())
        .into_iter()
        .collect();
    for url in own {
        let url = url.trim_end_matches('/').to_owned();
        if target::check(&url, &allowed).is_ok() && !bases.contains(&url) {
            bases.push(url);
        }
    }
    Ok((bases, allowed))
}
