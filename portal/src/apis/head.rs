//! What all pages of one API show on top.

use askama::Template;
use sdk::types::Api;
use ui::{Html, Icon, Tile, texts};

use crate::{
    catalogue::{LifeCycle, auth_icon, auth_name, name, needs_subscription},
    reference::Definition,
    visitor::Visitor,
};

/// A section of the pages of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiTab {
    Overview,
    Reference,
    Guides,
    Changelog,
}

#[derive(Template)]
#[template(path = "api_tabs.html")]
struct Tabs<'a> {
    api: &'a ApiHead,
    current: ApiTab,
}

impl Tabs<'_> {
    fn is(&self, tab: ApiTab) -> bool {
        self.current == tab
    }
}

/// Name, tile, state and the one action.
pub struct ApiHead {
    pub t: texts::Apis,
    pub id: String,
    pub name: String,
    pub version: String,
    pub tile_large: Html,
    pub tile_small: Html,
    pub life_cycle: LifeCycle,
    pub auth_icon: Icon,
    pub auth_name: &'static str,
    pub operations: usize,
    /// Absent where a subscription is not possible or not needed.
    pub subscribe_url: Option<String>,
    /// There are guides beside the reference.
    pub has_guides: bool,
    logged_in: bool,
}

impl ApiHead {
    pub fn new(
        visitor: &Visitor,
        api: &Api,
        definition: Option<&Definition>,
        has_guides: bool,
    ) -> Self {
        let lang = visitor.lang();
        let life_cycle = LifeCycle::of(api);
        let open = needs_subscription(api) && !life_cycle.is_closed();
        Self {
            t: texts::Apis(lang),
            id: api.id.clone(),
            name: name(api).to_owned(),
            version: api.version.clone().unwrap_or_default(),
            tile_large: Tile::large(&api.id, name(api)),
            tile_small: Tile::small(&api.id, name(api)),
            auth_icon: auth_icon(api),
            auth_name: auth_name(api, texts::Shared(lang)),
            operations: definition.map_or(0, |definition| definition.operations().len()),
            subscribe_url: open.then(|| format!("/apis/{}/subscribe", api.id)),
            logged_in: visitor.user().is_some(),
            has_guides,
            life_cycle,
        }
    }

    /// Where the section of a page is in the navigation of the API.
    pub fn tabs(&self, current: ApiTab) -> Html {
        Html::of(&Tabs { api: self, current })
    }

    fn changelog_label(&self) -> &'static str {
        texts::Publish(self.t.0).changelog()
    }

    pub fn subscribe_label(&self) -> &'static str {
        if self.logged_in {
            self.t.subscribe()
        } else {
            self.t.log_in_to_subscribe()
        }
    }
}
