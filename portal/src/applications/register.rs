//! Registering an application.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::applications::CreateApplication;
use ui::{Entry, Field, FieldKind, Frame, Icon, Kind, Lang, texts};

use crate::{catalogue::name, failure::Failure, form::Form, json, visitor::Visitor};

/// What was entered, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub name: String,
    pub id: String,
    pub description: String,
    pub client_type: String,
    pub redirect_uri: String,
    /// The API to subscribe afterwards.
    pub api: String,
    errors: Vec<(&'static str, String)>,
}

impl Fields {
    /// An empty form that leads on to an API.
    pub fn for_api(api: String) -> Self {
        Self {
            api,
            ..Self::default()
        }
    }

    /// For an API console, whose log-ins come back to a page of its own.
    pub fn for_console(gateway: &str) -> Self {
        let id: String = service::random::token(16)
            .to_lowercase()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(9)
            .collect();
        Self {
            id: format!("swagger-ui-{id}"),
            name: "Swagger UI".to_owned(),
            client_type: "confidential".to_owned(),
            redirect_uri: format!("{gateway}/swagger-ui/oauth2-redirect.html"),
            ..Self::default()
        }
    }

    fn read(form: &Form) -> Self {
        let name = form.text("appname");
        let id = match form.text("appid") {
            "" => id_of(name),
            id => id.to_owned(),
        };
        Self {
            name: name.to_owned(),
            id,
            description: form.text("appdesc").to_owned(),
            client_type: form.text("clienttype").to_owned(),
            redirect_uri: form.text("redirecturi").to_owned(),
            api: form.text("api").to_owned(),
            errors: Vec::new(),
        }
    }

    fn error(&self, field: &str) -> Option<String> {
        let mut errors = self.errors.iter();
        errors
            .find(|(name, _)| *name == field)
            .map(|(_, text)| text.clone())
    }

    fn into_request(self, form: &Form) -> CreateApplication {
        // Old forms have a switch for it.
        let has_uris = !form.has("hasredirecturi") || form.is_set("hasredirecturi");
        let uris: Vec<String> = form
            .all("redirecturi")
            .filter(|uri| has_uris && !uri.is_empty())
            .map(str::to_owned)
            .collect();
        CreateApplication {
            id: Some(self.id),
            name: Some(self.name),
            description: Some(self.description).filter(|text| !text.is_empty()),
            redirect_uris: (!uris.is_empty()).then_some(uris),
            client_type: Some(self.client_type).filter(|kind| !kind.is_empty()),
            ..CreateApplication::default()
        }
    }
}

#[derive(Template)]
#[template(path = "applications/register.html")]
pub struct RegisterPage {
    frame: Frame,
    t: texts::Applications,
    fields: Fields,
    /// Name of the API to subscribe afterwards.
    api: Option<String>,
    /// Where the mail address has to be confirmed first.
    confirm_url: Option<String>,
}

impl RegisterPage {
    pub async fn new(visitor: &Visitor, frame: Frame, fields: Fields) -> Self {
        Self {
            t: texts::Applications(frame.lang()),
            api: api_name(visitor, &fields.api).await,
            frame,
            fields,
            confirm_url: None,
        }
    }

    pub fn with_confirm_url(mut self, url: Option<String>) -> Self {
        self.confirm_url = url;
        self
    }

    fn name(&self) -> Field {
        Field {
            value: self.fields.name.clone(),
            hint: Some(self.t.name_hint().to_owned()),
            error: self.fields.error("name"),
            max_length: Some(128),
            autocomplete: "off",
            ..Field::required("appname", self.t.name())
        }
    }

    fn id(&self) -> Field {
        Field {
            value: self.fields.id.clone(),
            hint: Some(self.t.id_hint().to_owned()),
            error: self.fields.error("id"),
            optional: Some(self.frame.t().optional()),
            max_length: Some(50),
            autocomplete: "off",
            ..Field::required("appid", self.t.id())
        }
    }

    fn description(&self) -> Field {
        Field {
            kind: FieldKind::Area,
            value: self.fields.description.clone(),
            hint: Some(self.t.description_hint().to_owned()),
            preview: Some(self.frame.t().preview()),
            error: self.fields.error("description"),
            optional: Some(self.frame.t().optional()),
            max_length: Some(1024),
            ..Field::required("appdesc", self.t.description())
        }
    }

    fn redirect_uri(&self) -> Field {
        Field {
            value: self.fields.redirect_uri.clone(),
            hint: Some(self.t.redirect_hint().to_owned()),
            error: self.fields.error("redirectUris"),
            optional: Some(self.frame.t().optional()),
            max_length: Some(2000),
            autocomplete: "off",
            ..Field::required("redirecturi", self.t.redirect_uri())
        }
    }

    /// Value, label, explanation, chosen.
    fn client_types(&self) -> [(&'static str, &'static str, &'static str, bool); 3] {
        let t = self.t;
        let chosen = |value: &str| match self.fields.client_type.as_str() {
            "" => value == "confidential",
            other => value == other,
        };
        [
            (
                "confidential",
                t.confidential(),
                t.confidential_text(),
                chosen("confidential"),
            ),
            (
                "public_spa",
                t.public_spa(),
                t.public_spa_text(),
                chosen("public_spa"),
            ),
            (
                "public_native",
                t.public_native(),
                t.public_native_text(),
                chosen("public_native"),
            ),
        ]
    }
}

/// For those who leave the choice to us: words of the name, joined.
fn id_of(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(50).collect()
}

/// `POST /applications/register`
pub async fn create(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    visitor.require_user()?;
    let t = texts::Applications(visitor.lang());
    let mut fields = Fields::read(&form);
    match visitor
        .client()
        .create_application(&fields.clone().into_request(&form))
        .await
    {
        Ok(application) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::CREATED, &application))
        }
        Ok(application) => {
            visitor.leave(Kind::Good, t.created(&application.name));
            Ok(Redirect::to(&next(&application.id, &fields.api)).into_response())
        }
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_correctable(&error) => {
            let status = error.status;
            let unconfirmed = status == StatusCode::FORBIDDEN;
            fields.errors = if unconfirmed {
                Vec::new()
            } else {
                errors(&error, &fields, visitor.lang())
            };
            let summary = if unconfirmed {
                t.mail_unconfirmed()
            } else {
                t.not_saved()
            };
            let frame = visitor
                .frame(Entry::Applications)
                .await
                .with_message(Kind::Bad, summary);
            let page = RegisterPage::new(&visitor, frame, fields).await;
            Ok(ui::page(status, &page))
        }
        Err(error) => Err(error.into()),
    }
}

async fn api_name(visitor: &Visitor, api: &str) -> Option<String> {
    if !is_id(api) {
        return None;
    }
    let api = visitor.client().api(api).await.ok()?;
    Some(name(&api).to_owned())
}

/// What an address may lead on to.
fn is_id(api: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !api.is_empty() && api.chars().all(plain) && !api.starts_with('.')
}

/// On to the plans of the API that brought the visitor here, else to the list.
fn next(application: &str, api: &str) -> String {
    if is_id(api) {
        format!("/applications/{application}/subscribe/{api}")
    } else {
        format!("/applications?highlightApp={application}")
    }
}

fn is_correctable(error: &sdk::ApiError) -> bool {
    matches!(
        error.status,
        StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::FORBIDDEN
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// Which fields portal-api refused, in the visitor's language as far as the rule is known here.
fn errors(error: &sdk::ApiError, fields: &Fields, lang: Lang) -> Vec<(&'static str, String)> {
    let t = texts::Applications(lang);
    if error.status == StatusCode::CONFLICT {
        return vec![("id", t.id_taken().to_owned())];
    }
    let known = [
        ("name", t.name_missing()),
        ("id", t.id_invalid()),
        ("redirectUris", t.redirect_invalid()),
    ];
    let named: Vec<_> = known
        .into_iter()
        .filter(|(field, _)| {
            error
                .errors
                .iter()
                .any(|error| error.field.starts_with(&field[..field.len().min(8)]))
        })
        .map(|(field, text)| (field, text.to_owned()))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let id_ok = (4..=50).contains(&fields.id.len());
    match (fields.name.is_empty(), id_ok) {
        (true, _) => vec![("name", t.name_missing().to_owned())],
        (false, false) => vec![("id", t.id_invalid().to_owned())],
        (false, true) => vec![("id", error.message.clone())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_the_words_of_a_name() {
        for (name, id) in [
            ("My shop", "my-shop"),
            ("  Tea & Coffee (new) ", "tea-coffee-new"),
            ("日本", ""),
        ] {
            assert_eq!(id_of(name), id);
        }
        assert_eq!(id_of(&"x".repeat(60)).len(), 50);
    }

    #[test]
    fn registration_leads_on_to_the_api_that_was_wanted() {
        assert_eq!(
            next("my-app", "petstore"),
            "/applications/my-app/subscribe/petstore"
        );
        for odd in ["", "..", "a/b", "a?b"] {
            assert_eq!(
                next("my-app", odd),
                "/applications?highlightApp=my-app",
                "{odd}"
            );
        }
    }
}
