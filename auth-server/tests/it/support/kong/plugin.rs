//! `POST <path of the API>/oauth2/authorize` and `…/oauth2/token`.

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use service::clock;
use uuid::Uuid;

use super::{Credential, Data, EXPIRES_IN, IssuedCode, Kong, TokenRow, random_token, text};

pub fn router(kong: Kong) -> Router {
    Router::new().fallback(serve).with_state(kong)
}

/// An error of the plugin, or its answer.
type Answer = Result<Value, Value>;

fn refuse(code: &str, description: &str) -> Value {
    json!({"error": code, "error_description": description})
}

async fn serve(State(kong): State<Kong>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    let path = parts.uri.path();
    let mut data = kong.data();
    data.calls.push(format!("{} {path}", parts.method));
    let found = data.apis.iter().position(|api| path.starts_with(&api.path));
    let end_point = path
        .rsplit_once("/oauth2/")
        .map(|(_, name)| name.to_owned());
    let (Some(api), Some(end_point), Method::POST) = (found, end_point, parts.method) else {
        let body = json!({"message": "no Route matched with those values"});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    let is_tls = parts
        .headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let answer = match serde_json::from_slice::<Value>(&body) {
        _ if !is_tls => Err(refuse("access_denied", "You must use HTTPS")),
        Err(_) => Err(refuse("invalid_request", "no body")),
        Ok(body) if end_point == "authorize" => authorize(&mut data, api, &body),
        Ok(body) => token(&mut data, api, &body),
    };
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(body) => (StatusCode::BAD_REQUEST, Json(body)).into_response(),
    }
}

/// All faults that come after a known client go into an error redirect to its first URI.
fn authorize(data: &mut Data, api: usize, body: &Value) -> Answer {
    let api = &data.apis[api];
    if text(body, "provision_key") != api.provision_key {
        return Err(refuse("invalid_provision_key", "Invalid provision_key"));
    }
    let client = find_client(&data.credentials, body)
        .ok_or_else(|| refuse("invalid_client", "Invalid client authentication"))?;
    let to = client.redirect_uris[0].clone();
    let redirect = |code: &str| json!({"redirect_uri": format!("{to}&error={code}")});
    if !client.redirect_uris.contains(&text(body, "redirect_uri")) {
        return Err(redirect("invalid_request"));
    }
    let wanted = text(body, "response_type");
    if !api.flows.contains(&wanted.as_str()) {
        return Err(redirect("unsupported_response_type"));
    }
    if text(body, "authenticated_userid").is_empty() {
        return Err(refuse(
            "invalid_authenticated_userid",
            "Missing authenticated_userid",
        ));
    }
    let scope = scope(&api.scopes, body).map_err(|()| redirect("invalid_scope"))?;
    let user = Some(text(body, "authenticated_userid"));
    let (credential, name) = (client.id, api.name);
    if wanted == "code" {
        let code = random_token();
        let target = format!("{to}&code={code}");
        data.codes.push(IssuedCode {
            code,
            credential,
            api: name,
            user,
            scope,
        });
        return Ok(json!({"redirect_uri": target}));
    }
    let made = make(data, credential, name, user, scope, false);
    let access_token = made["access_token"].as_str().unwrap();
    let target =
        format!("{to}#access_token={access_token}&expires_in={EXPIRES_IN}&token_type=bearer");
    Ok(json!({"redirect_uri": target}))
}

fn token(data: &mut Data, api: usize, body: &Value) -> Answer {
    let invalid = |what: &str| refuse("invalid_request", what);
    let api = &data.apis[api];
    let name = api.name;
    let grant = text(body, "grant_type");
    let flow = match grant.as_str() {
        "authorization_code" => "code",
        "refresh_token" => "",
        other => other,
    };
    if !flow.is_empty() && !api.flows.contains(&flow) {
        return Err(refuse("unsupported_grant_type", "Invalid grant_type"));
    }
    let client = find_client(&data.credentials, body)
        .filter(|client| client.client_secret == text(body, "client_secret"))
        .ok_or_else(|| refuse("invalid_client", "Invalid client authentication"))?;
    let scope = scope(&api.scopes, body).map_err(|()| refuse("invalid_scope", "no such scope"));
    let id = client.id;
    match grant.as_str() {
        "client_credentials" => {
            let scope = scope?;
            Ok(make(data, id, name, None, scope, false))
        }
        "password" if text(body, "provision_key") != api.provision_key => {
            Err(refuse("invalid_provision_key", "Invalid provision_key"))
        }
        "password" => {
            let (scope, user) = (scope?, text(body, "authenticated_userid"));
            Ok(make(data, id, name, Some(user), scope, true))
        }
        "authorization_code" => {
            if !client.redirect_uris.contains(&text(body, "redirect_uri")) {
                return Err(invalid("Invalid redirect_uri"));
            }
            let presented = text(body, "code");
            let of_client =
                |one: &IssuedCode| one.code == presented && one.credential == id && one.api == name;
            let found = data.codes.iter().position(of_client);
            let code = data
                .codes
                .remove(found.ok_or_else(|| invalid("Invalid code"))?);
            Ok(make(data, id, name, code.user, code.scope, true))
        }
        _ => {
            let presented = text(body, "refresh_token");
            let of_api = |one: &TokenRow| {
                one.refresh_token.as_deref() == Some(&*presented) && one.api == name
            };
            let found = data.tokens.iter().position(of_api);
            let found = found.ok_or_else(|| invalid("Invalid refresh_token"))?;
            if data.tokens[found].credential != id {
                return Err(refuse("invalid_client", "Invalid client authentication"));
            }
            let old = data.tokens.remove(found);
            Ok(make(data, id, name, old.user, old.scope, true))
        }
    }
}

fn find_client(credentials: &[Credential], body: &Value) -> Option<Credential> {
    let id = text(body, "client_id");
    credentials.iter().find(|one| one.client_id == id).cloned()
}

fn scope(defined: &[String], body: &Value) -> Result<Option<String>, ()> {
    let Some(scope) = body["scope"].as_str() else {
        return Ok(None);
    };
    let is_defined = |one: &str| defined.iter().any(|scope| scope == one);
    if scope.split(' ').all(is_defined) {
        Ok(Some(scope.to_owned()))
    } else {
        Err(())
    }
}

fn make(
    data: &mut Data,
    credential: Uuid,
    api: &'static str,
    user: Option<String>,
    scope: Option<String>,
    refreshes: bool,
) -> Value {
    let token = TokenRow {
        id: Uuid::new_v4(),
        access_token: random_token(),
        refresh_token: refreshes.then(random_token),
        user,
        scope,
        credential,
        api,
        created_at: clock::now().timestamp(),
    };
    let mut answer = json!({
        "access_token": token.access_token, "token_type": "bearer", "expires_in": EXPIRES_IN,
    });
    if let Some(refresh_token) = &token.refresh_token {
        answer["refresh_token"] = json!(refresh_token);
    }
    data.tokens.push(token);
    answer
}
