//! `{B}/account/security`: what somebody can show at a log-in. Whoever changes it has logged in a
//! moment ago.

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::TimeDelta;
use http::StatusCode;
use sdk::types::User;
use sea_orm::{DatabaseTransaction, DbErr};
use serde::Deserialize;
use service::{clock, problem::Problem};

use crate::{
    brake::{self, Act, Who},
    configuration::Method,
    factors::{
        self, MAX_PASSKEYS, NewPasskey,
        webauthn::{Credential, Expected, Registered},
    },
    flows::{Flow, FormSource, Goal},
    interaction, links,
    local::{self, PageForm, delay},
    pages::{self, AccountSecurityPage, FactorsNews, Fault, OwnFactors, PageError, Shell, Texts},
    records,
    state::AppState,
    visitor::Visitor,
};

use super::{Refused, database, holder::Owner};

const PATH: &str = "account/security";
/// How long ago somebody may have logged in.
const FRESH: TimeDelta = TimeDelta::minutes(10);
const MAX_NAME: usize = 64;

/// The owner, after a log-in to an account of this installation a moment ago.
struct Present {
    user: User,
    method: String,
}

/// Nothing: he has to log in.
async fn present(state: &AppState, visitor: &Visitor) -> Result<Option<Present>, PageError> {
    let configuration = state.configuration();
    let after = clock::now() - FRESH;
    let logins = visitor.session.iter().flat_map(|session| &session.logins);
    let is_local = |id: &str| configuration.method(id).and_then(Method::local).is_some();
    let login = logins
        .filter(|login| login.auth_time >= after && !login.user_id.is_empty())
        .find(|login| is_local(&login.method));
    let Some(login) = login else {
        return Ok(None);
    };
    let user = state.portal_api.user(&login.user_id).await;
    let user = user.map_err(|error| PageError::portal_api(state, &error))?;
    let user = user.filter(|user| user.accepts_session_of(login.auth_time));
    Ok(user.map(|user| Present {
        user,
        method: login.method.clone(),
    }))
}

/// To the log-in, and back here afterwards.
async fn to_login(state: &AppState, visitor: Visitor) -> Result<Response, PageError> {
    let configuration = state.configuration();
    let is_local = |method: &&Method| method.local().is_some();
    // The one that the person has used, if he has.
    let used = visitor.session.iter().flat_map(|session| &session.logins);
    let mut used = used.filter_map(|login| configuration.method(&login.method));
    let method = used.find(is_local);
    let Some(method) = method.or_else(|| configuration.methods.iter().find(is_local)) else {
        return Err(PageError::new(state, Fault::NotFound));
    };
    let target = format!("{}/{PATH}", state.settings.base_path);
    let flow = Flow {
        login_after: Some(clock::now() - FRESH),
        ..Flow::new(&method.id, Goal::OwnPage { target })
    };
    interaction::respond(state, visitor, flow, true).await
}

/// `GET {B}/account/security`
pub async fn show(State(state): State<AppState>, visitor: Visitor) -> Result<Response, PageError> {
    match present(&state, &visitor).await? {
        Some(who) => page(&state, visitor, &who, FactorsNews::default()).await,
        None => to_login(&state, visitor).await,
    }
}

async fn page(
    state: &AppState,
    visitor: Visitor,
    who: &Present,
    news: FactorsNews,
) -> Result<Response, PageError> {
    let mut shell = Shell::new(state, &visitor, &who.method, FormSource::Account, None);
    shell.frame.preferences.here = format!("{}/{PATH}", state.settings.base_path);
    let challenge = local::passkey_challenge(state, &shell.common.csrf_token);
    let own = own(state, &who.user, challenge).await;
    let own = own.map_err(|error| PageError::database(state, &error))?;
    let status = if news.fault.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let page = AccountSecurityPage::new(shell, own, news, clock::now());
    Ok(pages::show(visitor, status, &page, &[]))
}

async fn own(state: &AppState, user: &User, challenge: String) -> Result<OwnFactors, DbErr> {
    let db = state.database.read();
    let totp = factors::find_totp(db, &user.id).await?;
    let is_new = totp.as_ref().filter(|totp| totp.confirmed_at.is_none());
    let configuration = state.configuration();
    let title = |id: &str| {
        let method = configuration.method(id);
        method.map_or_else(|| id.to_owned(), |method| method.title.clone())
    };
    let links = links::list(db, &user.id).await?.into_iter();
    Ok(OwnFactors {
        user_id: user.id.clone(),
        email: user.email.clone(),
        rp_id: local::expected_place(state).unwrap_or_default().0,
        enrolment: is_new.and_then(|totp| totp.enrolment(state, &user.id, &user.email)),
        totp: totp.is_some_and(|totp| totp.confirmed_at.is_some()),
        codes_left: factors::codes_left(db, &user.id).await?,
        passkeys: factors::list_passkeys(db, &user.id).await?,
        links: links
            .map(|link| (link.clone(), title(&link.method)))
            .collect(),
        challenge,
    })
}

#[derive(Deserialize)]
pub struct Change {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    action: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    credential: String,
}

/// What a change came to.
enum Outcome {
    /// What goes on record, what is said, and codes that are shown this once.
    Done(&'static str, &'static str, Vec<String>),
    /// There is nothing to put on record.
    Silent,
    Wrong(&'static str),
}

/// `POST {B}/account/security`: the forms of the page.
pub async fn submit(
    State(state): State<AppState>,
    visitor: Visitor,
    PageForm(form): PageForm<Change>,
) -> Result<Response, PageError> {
    let Some(who) = present(&state, &visitor).await? else {
        return to_login(&state, visitor).await;
    };
    let csrf = form.csrf.as_deref();
    if visitor
        .check_form(&state, FormSource::Account, csrf)
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let t = Texts(visitor.preferences.lang);
    let database = |error: DbErr| PageError::database(&state, &error);
    let whos = [Who::Account(&who.user.id)];
    brake::check(&state.database, Act::SecondFactor, &whos, clock::now())
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    let Some(outcome) = change(&state, &visitor, &who, &form, t)
        .await
        .map_err(database)?
    else {
        return Err(PageError::new(&state, Fault::Action));
    };
    let mut news = FactorsNews::default();
    match outcome {
        Outcome::Done(_, text, codes) => {
            news.done = Some(text);
            news.codes = codes;
            state.records.notify_one();
        }
        Outcome::Silent => {}
        Outcome::Wrong(text) => {
            let delay = brake::count(&state.database, Act::SecondFactor, &whos, clock::now());
            tokio::time::sleep(delay.await.map_err(database)?).await;
            news.fault = Some(text);
        }
    }
    page(&state, visitor, &who, news).await
}

/// Changes what the form says; nothing if it says nothing that there is.
async fn change(
    state: &AppState,
    visitor: &Visitor,
    who: &Present,
    form: &Change,
    t: Texts,
) -> Result<Option<Outcome>, DbErr> {
    let (user, now) = (who.user.id.as_str(), clock::now());
    let txn = state.database.write().await?;
    let done = |what, text| Outcome::Done(what, text, Vec::new());
    let gone = |is_gone: bool, what| {
        if is_gone {
            done(what, t.factor_removed())
        } else {
            Outcome::Silent
        }
    };
    let outcome = match form.action.as_str() {
        "begin-totp" => {
            factors::begin_totp(state, &txn, user, now).await?;
            Outcome::Silent
        }
        "confirm-totp" => {
            if factors::confirm_totp(state, &txn, user, &form.code, now).await? {
                let codes = factors::renew_codes(&txn, user, now).await?;
                Outcome::Done("totp-added", t.totp_confirmed(), codes)
            } else {
                Outcome::Wrong(t.totp_wrong())
            }
        }
        "new-codes" => {
            if factors::is_on(&txn, user).await? {
                let codes = factors::renew_codes(&txn, user, now).await?;
                Outcome::Done("codes-renewed", t.codes_renewed(), codes)
            } else {
                Outcome::Silent
            }
        }
        "remove-totp" => {
            let was_on = factors::is_on(&txn, user).await?;
            factors::switch_off(&txn, user).await?;
            gone(was_on, "totp-removed")
        }
        "add-passkey" => add_passkey(state, &txn, who, form, t).await?,
        "remove-passkey" => {
            let is_gone = factors::delete_passkey(&txn, user, &form.id).await?;
            gone(is_gone, "passkey-removed")
        }
        "remove-link" => gone(links::delete(&txn, user, &form.id).await?, "link-removed"),
        _ => return Ok(None),
    };
    if let Outcome::Done(what, ..) = outcome {
        let act = records::Act::FactorChanged {
            user_id: user,
            what,
        };
        records::insert(&txn, act, &who.method, visitor.peer.address, now).await?;
        tracing::info!(user.id = user, "{what}");
    }
    txn.commit().await?;
    Ok(Some(outcome))
}

async fn add_passkey(
    state: &AppState,
    txn: &DatabaseTransaction,
    who: &Present,
    form: &Change,
    t: Texts,
) -> Result<Outcome, DbErr> {
    let user = &who.user.id;
    let name = form.name.trim();
    let is_name = (1..=MAX_NAME).contains(&name.chars().count());
    if !is_name || name.chars().any(char::is_control) {
        return Ok(Outcome::Wrong(t.passkey_name_wrong()));
    }
    let full = u64::try_from(MAX_PASSKEYS).unwrap_or(u64::MAX);
    if factors::count_passkeys(txn, user).await? >= full {
        return Ok(Outcome::Wrong(t.passkey_wrong()));
    }
    let Some(made) = registered(state, form) else {
        return Ok(Outcome::Wrong(t.passkey_wrong()));
    };
    let new = NewPasskey {
        user_id: user,
        name,
        credential_id: &made.id,
        public_key: &made.public_key,
        sign_count: made.sign_count,
    };
    Ok(if factors::insert_passkey(txn, &new, clock::now()).await? {
        Outcome::Done("passkey-added", t.passkey_added(), Vec::new())
    } else {
        Outcome::Wrong(t.passkey_wrong())
    })
}

fn registered(state: &AppState, form: &Change) -> Option<Registered> {
    let (rp_id, origin) = local::expected_place(state)?;
    let credential = Credential::parse(&form.credential)?;
    let mut challenges = state.form_key.challenges(form.csrf.as_deref()?);
    challenges.find_map(|challenge| {
        let expected = Expected {
            rp_id: &rp_id,
            origin: &origin,
            challenge: &challenge,
        };
        let made = credential.registered(&expected);
        made.inspect_err(|error| tracing::info!("a new passkey is refused: {error}"))
            .ok()
    })
}

/// `DELETE {B}/account/factors/{user}`: an administrator helps somebody who has lost everything.
pub async fn reset(
    State(state): State<AppState>,
    Path(user): Path<String>,
    owner: Owner,
) -> Result<StatusCode, Refused> {
    if !owner.user.admin {
        let text = "Only administrators may do this.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-allowed", text).into());
    }
    let now = clock::now();
    let work = async {
        let txn = state.database.write().await?;
        factors::delete_of(&txn, &user).await?;
        let act = records::Act::FactorsReset {
            user_id: &user,
            by: &owner.user.id,
        };
        records::insert(&txn, act, "", owner.address, now).await?;
        txn.commit().await
    };
    work.await.map_err(database)?;
    state.records.notify_one();
    tracing::info!(user.id = user, by = owner.user.id, "second proofs removed");
    Ok(StatusCode::NO_CONTENT)
}
