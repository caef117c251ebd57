//! The pages on which somebody lets a device in.

use axum::{
    extract::{Query, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use service::clock;

use crate::{
    authorize,
    brake::{self, Act, BrakeError, Who},
    flows::{AuthorizeGoal, Flow, FormSource, Goal, ResponseMode, ResponseType},
    interaction,
    local::{PageForm, delay},
    oauth::Answer,
    pages::{
        self, DeviceConfirmPage, DevicePage, Fault, MethodChoice, Named, NoticeKind, NoticePage,
        PageError, Shell,
    },
    state::AppState,
    visitor::Visitor,
};

use super::{Device, store, user_code};

#[derive(Deserialize)]
pub struct Parameters {
    user_code: Option<String>,
    /// How it ended.
    outcome: Option<String>,
}

/// `GET {B}/device`
pub async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Response {
    let kind = match parameters.outcome.as_deref() {
        Some("allowed") => NoticeKind::DeviceAllowed,
        Some("denied") => NoticeKind::DeviceDenied,
        Some("ended") => NoticeKind::DeviceEnded,
        _ => {
            let typed = parameters.user_code.unwrap_or_default();
            return ask(&state, visitor, &typed, None, StatusCode::OK);
        }
    };
    let shell = Shell::new(&state, &visitor, "", FormSource::Device, None);
    let page = NoticePage::new(shell, kind, None);
    pages::show(visitor, StatusCode::OK, &page, &[])
}

fn ask(
    state: &AppState,
    visitor: Visitor,
    typed: &str,
    error_message: Option<&'static str>,
    status: StatusCode,
) -> Response {
    let shell = Shell::new(state, &visitor, "", FormSource::Device, None);
    let page = DevicePage {
        frame: shell.frame,
        common: shell.common,
        error_message,
        user_code: user_code::read(typed).map(|code| user_code::show(&code)),
    };
    pages::show(visitor, status, &page, &[])
}

#[derive(Deserialize)]
pub struct Entry {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    user_code: String,
    #[serde(rename = "_action", default)]
    action: String,
    auth_method: Option<String>,
}

/// `POST {B}/device`: first with the code, then with the answer to the question that follows. The
/// question is asked even if consent is not needed: the code may have come in a stranger's mail.
pub async fn enter(
    State(state): State<AppState>,
    visitor: Visitor,
    PageForm(form): PageForm<Entry>,
) -> Result<Response, PageError> {
    let csrf = form.csrf.as_deref();
    if visitor
        .check_form(&state, FormSource::Device, csrf)
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let t = pages::Texts(visitor.preferences.lang);
    let found = match find(&state, &visitor, &form.user_code).await {
        Ok(found) => found,
        Err(BrakeError::Braked(braked)) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut page = ask(&state, visitor, "", Some(t.too_many()), status);
            pages::retry_after(&mut page, braked.0);
            return Ok(page);
        }
        Err(BrakeError::Database(error)) => return Err(PageError::database(&state, &error)),
    };
    let Some((code, device)) = found else {
        let wrong = Some(t.device_code_wrong());
        return Ok(ask(&state, visitor, "", wrong, StatusCode::OK));
    };
    match form.action.as_str() {
        "" => confirm(&state, visitor, &code, &device).await,
        "allow" => begin(&state, visitor, &device, form.auth_method.as_deref()).await,
        "deny" => {
            let answer = deny(&state, &device.id).await?;
            Ok(interaction::send(&state, visitor, answer))
        }
        _ => Err(PageError::new(&state, Fault::Action)),
    }
}

/// The device that shows what was typed. Wrong codes are counted, and answered slower and slower.
async fn find(
    state: &AppState,
    visitor: &Visitor,
    typed: &str,
) -> Result<Option<(String, Device)>, BrakeError> {
    let now = clock::now();
    let whos = [
        Who::Account(&visitor.browser),
        Who::Address(visitor.peer.address),
    ];
    brake::check(&state.database, Act::UserCode, &whos, now).await?;
    if let Some(code) = user_code::read(typed)
        && let Some(device) = store::find_waiting(state.database.read(), &code, now).await?
    {
        return Ok(Some((code, device)));
    }
    let wait = brake::count(&state.database, Act::UserCode, &whos, now).await?;
    tokio::time::sleep(wait).await;
    Ok(None)
}

async fn confirm(
    state: &AppState,
    visitor: Visitor,
    code: &str,
    device: &Device,
) -> Result<Response, PageError> {
    let unknown = || PageError::new(state, Fault::ClientUnknown);
    let (client, api) = client_of(state, device).await?.ok_or_else(unknown)?;
    let shell = Shell::new(state, &visitor, "", FormSource::Device, None);
    let methods = authorize::offered_methods(state, &api);
    let page = DeviceConfirmPage {
        frame: shell.frame,
        common: shell.common,
        user_code: user_code::show(code),
        api_info: Named {
            id: api.id.clone(),
            name: api.name.clone(),
        },
        app_info: Named {
            id: client.application_id.clone(),
            name: client.application_name.clone(),
        },
        methods: methods
            .into_iter()
            .map(|method| MethodChoice {
                id: method.id,
                title: method.title,
                href: String::new(),
            })
            .collect(),
    };
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}

async fn begin(
    state: &AppState,
    visitor: Visitor,
    device: &Device,
    method: Option<&str>,
) -> Result<Response, PageError> {
    let Some((client, api)) = client_of(state, device).await? else {
        return Err(PageError::new(state, Fault::ClientUnknown));
    };
    let mut offered = authorize::offered_methods(state, &api).into_iter();
    let chosen = match method {
        Some(named) => offered.find(|method| method.id == named),
        None => offered.next(),
    };
    let Some(method) = chosen else {
        return Err(PageError::new(state, Fault::Action));
    };
    let goal = AuthorizeGoal {
        api: api.id,
        client_id: client.client_id.clone(),
        response: ResponseType::Code,
        mode: ResponseMode::Query,
        redirect_uri: String::new(),
        state: None,
        scope: device.scope.clone(),
        namespace: None,
        challenge: None,
        nonce: None,
        id_token_hint: None,
        resource: None,
        device: Some(device.id.clone()),
        silent: false,
        asks_consent: false,
        agreed_once: false,
    };
    let flow = Flow::new(&method.id, Goal::Authorize(Box::new(goal)));
    interaction::respond(state, visitor, flow, true).await
}

type ClientAndApi = (
    std::sync::Arc<crate::clients::Client>,
    crate::apis::ApiPolicy,
);

async fn client_of(state: &AppState, device: &Device) -> Result<Option<ClientAndApi>, PageError> {
    let found = async {
        let Some(client) = state.portal_api.client(&device.client_id).await? else {
            return Ok(None);
        };
        let api = state.portal_api.api(&client.api_id).await?;
        Ok(api.map(|api| (client, api)))
    };
    found
        .await
        .map_err(|error| PageError::portal_api(state, &error))
}

/// The owner does not want it; answers where that is said.
pub async fn deny(state: &AppState, id: &str) -> Result<Answer, PageError> {
    let work = async {
        let txn = state.database.write().await?;
        store::deny(&txn, id, clock::now()).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error| PageError::database(state, &error))?;
    Ok(outcome(state, "denied"))
}

/// Where it is said how it ended.
pub fn outcome(state: &AppState, outcome: &str) -> Answer {
    let base = &state.settings.base_path;
    Answer::Redirect(format!("{base}/device?outcome={outcome}"))
}
