//! Who the owner of a provider's access token is.

use ::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Validation};
use sdk::types::Secret;
use serde_json::{Map, Value, json};
use service::clock;
use url::Url;

use crate::{
    configuration::{ProfileSource, RedirectSettings, SignedBy},
    federated::{Identity, groups_of, other_claims, text},
};

use super::{UpstreamError, http};

/// How far the provider's clock may be behind ours.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Asks for the profile where `source` says.
pub async fn identity(
    settings: &RedirectSettings,
    source: &ProfileSource,
    access: &Secret,
) -> Result<Identity, UpstreamError> {
    let token = access.expose();
    match source {
        ProfileSource::UserInfo(url) => {
            let claims = object(http::get(url, Some(token)).await?)?;
            complete(settings, &claims)
        }
        ProfileSource::AccessToken(signed_by) => {
            let claims = signed_claims(token, signed_by, clock::now())?;
            complete(settings, &claims)
        }
        ProfileSource::GitHub { user, emails } => github(token, user, emails).await,
        ProfileSource::Facebook(url) => facebook(settings, token, url).await,
        ProfileSource::Twitter(url) => twitter(token, url).await,
    }
}

/// The claims of a signed access token that has not ended. Which algorithm it may be follows from the
/// key, not from the token.
fn signed_claims(
    token: &str,
    signed_by: &SignedBy,
    now: DateTime<Utc>,
) -> Result<Map<String, Value>, UpstreamError> {
    let refused = |why: &str| UpstreamError::Unbelievable(format!("the access token {why}"));
    let header = jsonwebtoken::decode_header(token)
        .map_err(|_| refused("is no JSON web token; its owner has to be asked for"))?;
    let is_symmetric = matches!(
        header.alg,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    );
    if is_symmetric || header.alg.family() != signed_by.key.family() {
        return Err(refused(
            "has a signature of another kind than the certificate",
        ));
    }
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &signed_by.key, &validation)
        .map_err(|_| refused("is not signed with the certificate's key"))?
        .claims;
    let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds, for some time to come")]
    let (earliest, latest) = (
        (now - LEEWAY).timestamp() as f64,
        (now + LEEWAY).timestamp() as f64,
    );
    if moment("exp").is_none_or(|end| end < earliest) {
        return Err(refused("has ended"));
    }
    if moment("nbf").is_some_and(|start| start > latest) {
        return Err(refused("does not count yet"));
    }
    let is_expected = |name: &str, expected: &Option<String>| {
        let expected = expected.as_deref();
        expected.is_none_or(|expected| match claims.get(name) {
            Some(Value::String(one)) => one == expected,
            Some(Value::Array(many)) => many.iter().any(|one| one == expected),
            _ => false,
        })
    };
    if !is_expected("iss", &signed_by.issuer) || !is_expected("aud", &signed_by.audience) {
        return Err(refused("is of another issuer or for another audience"));
    }
    Ok(claims)
}

/// The identity in the claims of a generic provider. Id and mail address have to be there.
fn complete(
    settings: &RedirectSettings,
    claims: &Map<String, Value>,
) -> Result<Identity, UpstreamError> {
    let identity = of_claims(settings, claims)?;
    if identity.email.is_none() {
        let text = format!("claim `{}` is missing", settings.claims.email);
        return Err(UpstreamError::Unbelievable(text));
    }
    Ok(identity)
}

/// The identity in `claims`, under the names of OpenID Connect.
pub fn of_claims(
    settings: &RedirectSettings,
    claims: &Map<String, Value>,
) -> Result<Identity, UpstreamError> {
    let names = &settings.claims;
    let missing = || UpstreamError::Unbelievable(format!("claim `{}` is missing", names.id));
    let id = text(claims, &names.id).ok_or_else(missing)?;
    let mut kept = other_claims(claims);
    let given = text(claims, &names.first_name);
    let family = text(claims, &names.last_name);
    let both = given
        .as_deref()
        .zip(family.as_deref())
        .map(|(given, family)| format!("{given} {family}"));
    for (name, value) in [
        ("name", text(claims, &names.name).or(both)),
        ("given_name", given),
        ("family_name", family),
    ] {
        if let Some(value) = value {
            kept.insert(name.to_owned(), value.into());
        }
    }
    let email = text(claims, &names.email).filter(|email| email.contains('@'));
    Ok(Identity {
        id,
        email,
        email_verified: settings.trust_users,
        groups: groups(settings, claims),
        claims: kept,
        session: None,
    })
}

/// The groups of ours that stand for the provider's.
fn groups(settings: &RedirectSettings, claims: &Map<String, Value>) -> Vec<String> {
    let theirs: Vec<&str> = match claims.get(&settings.group_field) {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    };
    groups_of(&settings.default_groups, &theirs)
}

async fn github(token: &str, user: &Url, emails: &Url) -> Result<Identity, UpstreamError> {
    let profile = object(http::get(user, Some(token)).await?)?;
    let (status, addresses) = http::try_get(emails, Some(token)).await?;
    let addresses = match addresses {
        Value::Array(addresses) if status == StatusCode::OK => addresses,
        _ => Vec::new(),
    };
    let is = |one: &Value, name: &str| one.get(name) == Some(&Value::Bool(true));
    let best = addresses
        .iter()
        .find(|one| is(one, "primary"))
        .or_else(|| addresses.iter().find(|one| is(one, "verified")))
        .or_else(|| addresses.first());
    let email = best.and_then(|one| one.get("email")).cloned();
    known(&json!({
        "sub": profile.get("id"), "name": profile.get("name"),
        "preferred_username": profile.get("login"), "username": profile.get("login"),
        "email": email, "email_verified": best.is_some_and(|one| is(one, "verified")),
    }))
}

async fn facebook(
    settings: &RedirectSettings,
    token: &str,
    url: &Url,
) -> Result<Identity, UpstreamError> {
    // Proves that the token was not taken from another application.
    let secret = settings.client_secret.expose().as_bytes();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let proof = hex::encode(ring::hmac::sign(&key, token.as_bytes()));
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("fields", "id,name,first_name,last_name,email")
        .append_pair("appsecret_proof", &proof);
    let profile = object(http::get(&url, Some(token)).await?)?;
    known(&json!({
        "sub": profile.get("id"), "name": profile.get("name"), "email": profile.get("email"),
        "given_name": profile.get("first_name"), "family_name": profile.get("last_name"),
        "email_verified": settings.trust_users,
    }))
}

async fn twitter(token: &str, url: &Url) -> Result<Identity, UpstreamError> {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("user.fields", "confirmed_email");
    let answer = object(http::get(&url, Some(token)).await?)?;
    let member = |name: &str| answer.get("data").and_then(|data| data.get(name));
    known(&json!({
        "sub": member("id"), "name": member("name"), "username": member("username"),
        "preferred_username": member("username"), "email": member("confirmed_email"),
        "email_verified": member("confirmed_email").is_some(),
    }))
}

/// The identity of one of the well-known providers. Names that do not come in parts are split.
fn known(profile: &Value) -> Result<Identity, UpstreamError> {
    let mut profile = profile.as_object().cloned().unwrap_or_default();
    if !profile.contains_key("given_name")
        && let Some(name) = text(&profile, "name")
        && let Some((given, family)) = name.split_once(' ')
    {
        profile.insert("given_name".to_owned(), given.into());
        profile.insert("family_name".to_owned(), family.trim().into());
    }
    profile.retain(|_, value| !value.is_null());
    Identity::of_profile(&profile)
        .ok_or_else(|| UpstreamError::unbelievable("the profile has no id"))
}

fn object(value: Value) -> Result<Map<String, Value>, UpstreamError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(UpstreamError::unbelievable("the profile is no object")),
    }
}
