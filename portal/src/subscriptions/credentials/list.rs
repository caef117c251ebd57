//! `/applications/{app}/subscriptions/{api}/credentials`: all credentials of a subscription.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::types::{Api, Application};
use serde_json::json;
use ui::{Entry, Field, FieldKind, Frame, Html, Icon, Kind, Tile, texts};

use super::view::{CredentialView, State};
use crate::{
    applications::{self, Tab},
    catalogue::name,
    failure::Failure,
    json, links,
    pager::{Question, Shown},
    visitor::Visitor,
};

/// Credentials of one page. Those that work are at most fifty; those that are over stay for the record.
const PAGE_SIZE: usize = 20;
/// How long the old one may live on after a rotation, in seconds (portal-ui 18.2).
const OVERLAPS: [u64; 5] = [0, 3600, 86_400, 604_800, 2_592_000];

#[derive(Template)]
#[template(path = "subscriptions/credentials.html")]
pub struct CredentialsPage {
    frame: Frame,
    tabs: Html,
    t: texts::Applications,
    application: Application,
    api: Api,
    tile: Html,
    rows: Vec<CredentialView>,
    pager: Html,
    may_change: bool,
    /// In seconds.
    max_overlap: u64,
    entered: Entered,
}

/// What was entered for a new one, when the form is shown again.
#[derive(Clone, Debug, Default)]
pub struct Entered {
    pub name: String,
    pub note: String,
    pub expires: String,
}

impl CredentialsPage {
    fn path(&self) -> String {
        path(&self.application.id, &self.api.id)
    }

    fn action(&self, id: &str, what: &str) -> String {
        format!("{}/{}/{what}", self.path(), links::segment(id))
    }

    fn api_name(&self) -> &str {
        name(&self.api)
    }

    /// Those that the installation allows.
    fn overlaps(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let t = self.t;
        let labels = [
            t.overlap_none(),
            t.overlap_hour(),
            t.overlap_day(),
            t.overlap_week(),
            t.overlap_month(),
        ];
        let choices = OVERLAPS.into_iter().zip(labels);
        choices.filter(|(seconds, _)| *seconds <= self.max_overlap)
    }

    fn name_field(&self) -> Field {
        Field {
            value: self.entered.name.clone(),
            hint: Some(self.t.key_name_hint().to_owned()),
            max_length: Some(128),
            autocomplete: "off",
            ..Field::required("name", self.t.name())
        }
    }

    fn note_field(&self) -> Field {
        Field {
            kind: FieldKind::Area,
            value: self.entered.note.clone(),
            optional: Some(self.frame.t().optional()),
            max_length: Some(1024),
            ..Field::required("note", self.t.note())
        }
    }

    fn is_open(&self) -> bool {
        self.rows.is_empty() || !self.entered.name.is_empty()
    }
}

/// Address of the page.
pub fn path(application: &str, api: &str) -> String {
    format!(
        "{}/subscriptions/{}/credentials",
        links::application(application),
        links::segment(api)
    )
}

/// `GET …/credentials`
pub async fn show(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    if visitor.wants_json {
        let client = visitor.client();
        let (application, api, credentials) = tokio::try_join!(
            client.application(&application),
            client.api(&api),
            client.credentials(&application, &api),
        )?;
        let t = texts::Applications(visitor.lang());
        let body = json!({
            "title": t.credentials(), "application": application, "api": api,
            "credentials": credentials,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let page =
        CredentialsPage::load(&visitor, &application, &api, &question, Entered::default()).await?;
    Ok(ui::page(StatusCode::OK, &page))
}

impl CredentialsPage {
    pub async fn load(
        visitor: &Visitor,
        application: &str,
        api: &str,
        question: &Question,
        entered: Entered,
    ) -> Result<Self, Failure> {
        let client = visitor.client();
        let (application, api, credentials) = tokio::try_join!(
            client.application(application),
            client.api(api),
            client.credentials(application, api),
        )?;
        let (lang, now) = (visitor.lang(), service::clock::now());
        let owners = application.owners.as_deref().unwrap_or_default();
        let mut rows: Vec<CredentialView> = credentials
            .into_iter()
            .map(|credential| CredentialView::new(credential, owners, now, lang))
            .collect();
        // Those that work first; what is over is for the record.
        rows.sort_by_key(|row| !row.is_alive());
        let shown = Shown::cut(&mut rows, question.page(), PAGE_SIZE);
        let t = texts::Applications(lang);
        let here = path(&application.id, &api.id);
        let frame = visitor.frame(Entry::Applications).await;
        Ok(Self {
            tabs: applications::tabs(&frame, &application, Tab::Credentials),
            t,
            pager: shown.pager(lang, t.credentials(), |page| question.url(&here, &[], page)),
            tile: Tile::small(&api.id, name(&api)),
            may_change: application.links.contains_key("addSubscription"),
            max_overlap: visitor.installation.max_overlap,
            rows,
            frame,
            application,
            api,
            entered,
        })
    }

    /// The page again, with a text of portal-api on top.
    pub fn refused(mut self, text: &str) -> Self {
        self.frame = self.frame.with_message(Kind::Bad, text);
        self
    }
}
