//! One API in the list, and words for its properties that other pages share.

use chrono::NaiveDate;
use sdk::types::{Api, Plan, apis::LifecycleState};
use ui::{Html, Icon, Lang, Tile, format, texts};

use crate::{markdown, mine::Mine, plans};

/// A card, ready to be printed.
pub struct Card {
    pub id: String,
    pub name: String,
    pub version: String,
    pub tile: Html,
    pub text: String,
    pub life_cycle: LifeCycle,
    pub auth_icon: Icon,
    pub auth_name: &'static str,
    pub operations: Option<String>,
    /// Price or limit of the first plan, or why there is none.
    pub offer: String,
    pub subscribed: Option<String>,
    pub needs_approval: bool,
}

impl Card {
    pub fn new(
        api: &Api,
        all_plans: &[Plan],
        mine: &[Mine],
        operations: Option<usize>,
        lang: Lang,
    ) -> Self {
        let t = texts::Catalogue(lang);
        let offered = plans::of_api(api, all_plans, None, lang);
        let life_cycle = LifeCycle::of(api);
        let subscribed = mine
            .iter()
            .filter(|mine| mine.subscription(&api.id).is_some())
            .count();
        let offer = if auth(api) == Auth::None {
            t.no_subscription_needed().to_owned()
        } else if life_cycle.is_closed() {
            t.no_new_subscriptions().to_owned()
        } else {
            match offered.first() {
                Some(plan) if !plan.price.is_empty() => format!("{}, {}", plan.price, plan.words()),
                Some(plan) => plan.words(),
                None => t.no_plan().to_owned(),
            }
        };
        Self {
            id: api.id.clone(),
            name: name(api).to_owned(),
            version: api.version.clone().unwrap_or_default(),
            tile: Tile::medium(&api.id, name(api)),
            text: markdown::plain(&api.desc),
            auth_icon: auth_icon(api),
            auth_name: auth_name(api, texts::Shared(lang)),
            operations: operations.map(|count| t.operations(count)),
            offer,
            subscribed: (subscribed > 0).then(|| t.your_apps(subscribed)),
            needs_approval: !offered.is_empty()
                && !life_cycle.is_closed()
                && offered.iter().all(|plan| plan.needs_approval),
            life_cycle,
        }
    }
}

/// The name, or the id of an API without one.
pub fn name(api: &Api) -> &str {
    if api.name.is_empty() {
        &api.id
    } else {
        &api.name
    }
}

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Token,
    Key,
    None,
}

/// An API that does not say is protected by keys.
pub fn auth(api: &Api) -> Auth {
    match api.auth.as_deref() {
        _ if api.is_oauth2() => Auth::Token,
        Some("none") => Auth::None,
        _ => Auth::Key,
    }
}

/// Everything but an open API is called by a subscribed application.
pub fn needs_subscription(api: &Api) -> bool {
    auth(api) != Auth::None
}

pub fn auth_icon(api: &Api) -> Icon {
    match auth(api) {
        Auth::Token => Icon::Shield,
        Auth::Key => Icon::Key,
        Auth::None => Icon::Open,
    }
}

pub fn auth_name(api: &Api, t: texts::Shared) -> &'static str {
    match auth(api) {
        Auth::Token => t.oauth(),
        Auth::Key => t.api_key(),
        Auth::None => t.open_access(),
    }
}

/// Where an API stands in its life (static-config 24.4).
#[derive(Clone, Debug)]
pub struct LifeCycle {
    pub state: LifecycleState,
    pub sunset: Option<NaiveDate>,
    pub successor: Option<String>,
    /// What the owner says about it.
    pub note: Option<String>,
}

impl LifeCycle {
    /// `deprecated: true` without a life cycle is read as that state.
    pub fn of(api: &Api) -> Self {
        let stated = api.lifecycle.clone().unwrap_or_default();
        let state = match stated.state {
            LifecycleState::Published if api.deprecated => LifecycleState::Deprecated,
            state => state,
        };
        Self {
            state,
            sunset: stated.sunset_on.and_then(|date| date.parse().ok()),
            successor: stated.successor.filter(|api| !api.is_empty()),
            note: stated.note.filter(|note| !note.is_empty()),
        }
    }

    /// No new subscriptions.
    pub fn is_closed(&self) -> bool {
        self.state != LifecycleState::Published
    }

    /// The word on pages; with the date, if the end is fixed.
    pub fn label(&self, lang: Lang) -> String {
        let t = texts::Catalogue(lang);
        match (self.state, self.sunset) {
            (LifecycleState::Created, _) => t.preview().to_owned(),
            (LifecycleState::Published, _) => t.current().to_owned(),
            (LifecycleState::Deprecated, Some(date)) => t.retires_on(format::date(lang, date)),
            (LifecycleState::Deprecated, None) => t.deprecated().to_owned(),
            (LifecycleState::Retired, _) => t.retired().to_owned(),
        }
    }

    pub fn class(&self) -> &'static str {
        match self.state {
            LifecycleState::Created => "badge badge-info",
            LifecycleState::Published => "badge badge-ok",
            LifecycleState::Deprecated => "badge badge-wait",
            LifecycleState::Retired => "badge",
        }
    }

    pub fn icon(&self) -> Icon {
        match self.state {
            LifecycleState::Created => Icon::Flag,
            LifecycleState::Published => Icon::Check,
            LifecycleState::Deprecated => Icon::Clock,
            LifecycleState::Retired => Icon::X,
        }
    }
}
