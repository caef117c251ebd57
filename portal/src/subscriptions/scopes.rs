//! Which scopes the tokens of a subscription may have (portal-ui 9.4). Everybody with access may
//! look, administrators may change.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{
    Api, Application, Subscription,
    subscriptions::{PatchSubscription, ScopesMode},
};
use serde_json::json;
use ui::{Entry, Frame, Icon, Kind, Lang, texts};

use crate::{catalogue::name, failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "subscriptions/scopes.html")]
struct ScopesPage {
    frame: Frame,
    t: texts::Scopes,
    application: Application,
    api: Api,
    mode: ScopesMode,
    /// Name, description, and whether it is among the chosen ones.
    scopes: Vec<(String, String, bool)>,
    trusted: bool,
    may_change: bool,
}

impl ScopesPage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }

    fn modes(&self) -> [(ScopesMode, &'static str, &'static str); 3] {
        let t = self.t;
        [
            (ScopesMode::All, t.all(), t.all_text()),
            (ScopesMode::None, t.no_scope(), t.no_scope_text()),
            (ScopesMode::Select, t.select(), t.select_text()),
        ]
    }
}

/// `GET /applications/{app}/subscriptions/{api}`
pub async fn show(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let client = visitor.client();
    let (application, api, subscription) = tokio::try_join!(
        client.application(&application),
        client.api(&api),
        client.subscription(&application, &api),
    )?;
    if visitor.wants_json {
        let body = json!({"application": application, "api": api, "subscription": subscription});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let chosen = subscription.allowed_scopes.as_deref().unwrap_or_default();
    let settings = api.settings.iter();
    let page = ScopesPage {
        t: texts::Scopes(visitor.lang()),
        mode: mode(&api, &subscription),
        scopes: settings
            .flat_map(|settings| settings.scopes())
            .map(|(id, text)| {
                let is_chosen = chosen.iter().any(|scope| scope == id);
                (id.to_owned(), text.to_owned(), is_chosen)
            })
            .collect(),
        trusted: subscription.trusted.unwrap_or_default(),
        may_change: user.admin,
        frame: visitor.frame(Entry::Applications).await,
        application,
        api,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// What holds, where nothing was chosen: clients without users have no use for the scopes of users.
fn mode(api: &Api, subscription: &Subscription) -> ScopesMode {
    if subscription.trusted == Some(true) {
        return ScopesMode::All;
    }
    let settings = api.settings.clone().unwrap_or_default();
    let has_users = settings.enable_authorization_code == Some(true)
        || settings.enable_implicit_grant == Some(true)
        || settings.enable_password_grant == Some(true);
    let by_default = if has_users {
        ScopesMode::All
    } else {
        ScopesMode::None
    };
    subscription.allowed_scopes_mode.unwrap_or(by_default)
}

/// Which scopes a subscription may have, in a word.
pub fn in_short(api: &Api, subscription: &Subscription, lang: Lang) -> &'static str {
    let t = texts::Scopes(lang);
    match mode(api, subscription) {
        ScopesMode::All => t.all(),
        ScopesMode::None => t.no_scope(),
        ScopesMode::Select => t.select_short(),
    }
}

/// `POST /applications/{app}/subscriptions/{api}`
pub async fn change(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let modes = [ScopesMode::All, ScopesMode::None, ScopesMode::Select];
    let Some(mode) = modes
        .into_iter()
        .find(|mode| mode.as_str() == form.text("scope_mode"))
    else {
        let text = "`scope_mode` is `all`, `none` or `select`";
        return Err(Failure::BadRequest(text.to_owned()));
    };
    let chosen = form.all("scope").filter(|scope| !scope.is_empty());
    let patch = PatchSubscription {
        allowed_scopes_mode: Some(mode),
        allowed_scopes: (mode == ScopesMode::Select).then(|| chosen.map(str::to_owned).collect()),
        ..PatchSubscription::default()
    };
    let client = visitor.client();
    let subscription = client
        .patch_subscription(&application, &api, &patch)
        .await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &subscription));
    }
    visitor.leave(Kind::Good, texts::Scopes(visitor.lang()).saved());
    let (application, api) = (&subscription.application, &subscription.api);
    let page = format!("/applications/{application}/subscriptions/{api}");
    Ok(Redirect::to(&page).into_response())
}
