//! `GET /apis`: the list of APIs with search, filters and sorting.

mod card;
mod filter;

use askama::Template;
use axum::{Router, extract::RawQuery, response::Response, routing::get};
use http::StatusCode;
use sdk::types::{Api, apis::LifecycleState};
use ui::{Drawing, Entry, Frame, Html, Icon, texts};

use crate::{failure::Failure, json, markdown, mine, pager::Shown, state::App, visitor::Visitor};
use card::Card;
pub use card::{Auth, LifeCycle, auth, auth_icon, auth_name, name, needs_subscription};
use filter::{Facets, Filter, Sort};

/// Cards on one page.
const PAGE_SIZE: usize = 20;

pub fn routes() -> Router<App> {
    Router::new().route("/apis", get(list))
}

#[derive(Template)]
#[template(path = "catalogue.html")]
struct CataloguePage {
    frame: Frame,
    t: texts::Catalogue,
    tagline: Option<String>,
    introduction: Html,
    filter: Filter,
    facets: Facets,
    cards: Vec<Card>,
    /// APIs that the visitor may see, and those of them that match.
    total: usize,
    matching: usize,
    pager: Html,
}

impl CataloguePage {
    fn nothing_text(&self) -> String {
        match self.filter.text.as_str() {
            "" => self.t.nothing().to_owned(),
            text => self.t.nothing_for(text),
        }
    }
}

async fn list(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let client = visitor.client();
    if visitor.wants_json {
        let visible: Vec<Api> = client.apis().await?.apis;
        let visible: Vec<Api> = visible.into_iter().filter(is_listed).collect();
        let filter = Filter::parse(query.as_deref().unwrap_or_default(), &visible);
        let matching: Vec<&Api> = visible.iter().filter(|api| filter.accepts(api)).collect();
        return Ok(json::answer(&visitor, StatusCode::OK, &matching));
    }
    let (apis, introduction, plans, mine) = tokio::try_join!(
        async { client.apis().await.map_err(Failure::from) },
        async { Ok(client.apis_description().await.unwrap_or_default()) },
        async { client.plans().await.map_err(Failure::from) },
        mine::all(&visitor),
    )?;
    let visible: Vec<Api> = apis.apis.into_iter().filter(is_listed).collect();
    let filter = Filter::parse(query.as_deref().unwrap_or_default(), &visible);
    let facets = Facets::count(&visible, &filter);
    let mut matching: Vec<&Api> = visible.iter().filter(|api| filter.accepts(api)).collect();
    if filter.sort == Sort::Name {
        matching.sort_by_key(|api| api.name.to_lowercase());
    }
    let all_matching = matching.len();
    let shown = Shown::cut(&mut matching, Some(filter.page), PAGE_SIZE);
    let counts = visitor.app.definitions().counts(&client, &matching).await;
    let cards = matching
        .iter()
        .zip(counts)
        .map(|(api, operations)| {
            let mut card = Card::new(api, &plans.plans, &mine, operations, visitor.lang());
            if visitor.installation.views.hides_api_icon {
                card.tile = Html::default();
            }
            card
        })
        .collect();
    let frame = Frame {
        own_search: true,
        about: Some(visitor.about("/apis", texts::Catalogue(visitor.lang()).title(), "")),
        ..visitor.frame(Entry::Apis).await
    };
    let t = texts::Catalogue(visitor.lang());
    let page = CataloguePage {
        t,
        tagline: visitor.installation.views.apis.clone(),
        introduction: markdown::render(&introduction),
        total: visible.len(),
        matching: all_matching,
        pager: shown.pager(visitor.lang(), t.pages(), |page| filter.page_url(page)),
        cards,
        facets,
        filter,
        frame,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// Retired APIs keep their page for those who know the address.
fn is_listed(api: &Api) -> bool {
    LifeCycle::of(api).state != LifecycleState::Retired
}
