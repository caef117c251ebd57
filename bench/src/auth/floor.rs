//! The floors: bare handlers that parse the same form, and sign the same claims or run the same
//! statement.

use std::{net::SocketAddr, sync::Arc};

use axum::{Form, Json, Router, extract::State, routing::post};
use clap::Args;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde::Deserialize;
use serde_json::{Value, json};

/// Serves the floors until it is killed.
#[derive(Args)]
pub struct Floor {
    #[arg(long)]
    listen: SocketAddr,
    /// That of the auth server
    #[arg(long)]
    database: String,
}

/// The form of both requests.
#[derive(Deserialize)]
struct Request {
    grant_type: Option<String>,
    client_id: String,
    client_secret: String,
    token: Option<String>,
}

struct Floors {
    key: EncodingKey,
    database: DatabaseConnection,
}

impl Floor {
    pub async fn run(self) -> anyhow::Result<()> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("cannot make a key"))?;
        let floors = Arc::new(Floors {
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
            database: Database::connect(&self.database).await?,
        });
        let app = Router::new()
            .route("/auth/oauth2/token", post(issue))
            .route("/auth/oauth2/introspect", post(introspect))
            .with_state(floors);
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        Ok(axum::serve(listener, app).await?)
    }
}

fn claims(request: &Request) -> Value {
    let now = service::clock::now().timestamp();
    json!({
        "iss": "http://localhost:8000/auth", "sub": request.client_id, "aud": "orders",
        "client_id": request.client_id, "scope": "read_orders write_orders",
        "gateway_key": format!("{}.bench", request.client_id), "exp": now + 3600, "iat": now,
        "jti": service::random::token(16),
    })
}

async fn issue(State(floors): State<Arc<Floors>>, Form(request): Form<Request>) -> Json<Value> {
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some("bench".to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let token = jsonwebtoken::encode(&header, &claims(&request), &floors.key);
    Json(json!({
        "access_token": token.expect("the key was made here"), "token_type": "bearer",
        "expires_in": 3600, "scope": "read_orders write_orders",
        "given": request.grant_type.is_some() && !request.client_secret.is_empty(),
    }))
}

async fn introspect(
    State(floors): State<Arc<Floors>>,
    Form(request): Form<Request>,
) -> Json<Value> {
    let token = request.token.clone().unwrap_or_default();
    let jti: String = token.chars().take(22).collect();
    let statement = Statement::from_sql_and_values(
        floors.database.get_database_backend(),
        "select * from auth_revocations where jti = $1 or (sub = $2 and not_before > $3) limit 1",
        [
            jti.into(),
            request.client_id.as_str().into(),
            service::clock::now().timestamp().into(),
        ],
    );
    let found = floors.database.query_one_raw(statement).await;
    let mut members = claims(&request);
    members["active"] = found
        .expect("the statement fits the database")
        .is_none()
        .into();
    Json(members)
}
