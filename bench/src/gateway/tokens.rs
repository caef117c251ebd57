//! Calls with tokens: known ones in rotation, and each a new one, beside the bare verification of a
//! signature.

use std::time::Instant;

use anyhow::{Context, anyhow};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use reqwest::Method;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use serde_json::json;

use super::{Extent, Place, print};
use crate::{
    load::Requests,
    sample::Subject,
    table::{Row, measure},
};

const BYTES: usize = 1024;
const ROTATED: usize = 1000;
/// Tokens that nobody has seen, for each round.
const FRESH: usize = 40_000;
/// What stands before a public key of P-256 in its DER form.
const PREFIX: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

pub async fn run(place: &Place, peer: Option<Subject>, extent: &Extent) -> anyhow::Result<()> {
    let signer = Signer::new()?;
    place.publish("token").await?;
    place
        .plugin("token", "jwt", json!({"claims_to_verify": ["exp"]}))
        .await?;
    place.put("/consumers/tokens", json!({})).await?;
    let credential = json!({
        "key": "bench", "algorithm": "ES256", "rsa_public_key": signer.public_pem()?,
    });
    place
        .call(Method::POST, "/consumers/tokens/jwt", credential)
        .await?;

    println!("Tokens, answers of {BYTES} bytes, 64 connections\n");
    println!(
        "| bytes | connections | proxy | CPU µs/request | beside nginx plain | requests/s | p99 ms |"
    );
    println!("|---:|---:|---|---:|---:|---:|---:|");
    let known = (0..ROTATED).map(|number| signer.request(number));
    let known = Requests::rotating(known.collect::<anyhow::Result<_>>()?);
    let plain = format!("GET /plain/{BYTES} HTTP/1.1\r\nHost: bench\r\n\r\n");
    let mut rows = Vec::new();
    if let Some(peer) = peer {
        rows.push(Row::new(
            "nginx, plain",
            Requests::same(plain.clone()),
            peer,
        ));
    }
    rows.push(Row::new(
        "gateway, plain",
        Requests::same(plain),
        place.subject()?,
    ));
    rows.push(Row::new(
        "gateway, jwt, 1,000 tokens",
        known,
        place.subject()?,
    ));
    measure(&mut rows, 64, extent.rounds()).await?;
    let mut fresh = Row::new(
        "gateway, jwt, each token new",
        Requests::each(Vec::new()),
        place.subject()?,
    );
    let rounds = extent.rounds();
    for round in 0..rounds.count {
        let first = ROTATED + round * FRESH;
        let tokens = (first..first + FRESH).map(|number| signer.request(number));
        fresh.requests = Requests::each(tokens.collect::<anyhow::Result<_>>()?);
        let sample = fresh.sample(64, rounds.time).await?;
        fresh.samples.push(sample);
    }
    rows.push(fresh);
    print(&rows, BYTES, 64);
    println!(
        "\nOne verification of ES256: {:.1} µs\n",
        signer.verification()?
    );
    Ok(())
}

struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new() -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random);
        let pkcs8 = pkcs8.map_err(|_| anyhow!("no key could be made"))?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
        Ok(Self {
            key: key.map_err(|error| anyhow!("no key could be made: {error}"))?,
            random,
        })
    }

    fn public_pem(&self) -> anyhow::Result<String> {
        // The first byte says that both coordinates follow, and ends the prefix.
        let point = self.key.public_key().as_ref();
        let point = point.get(1..).context("a public key without a point")?;
        let der = [STANDARD.decode(PREFIX)?.as_slice(), point].concat();
        let text = STANDARD.encode(der);
        Ok(format!(
            "-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
        ))
    }

    fn token(&self, number: usize) -> anyhow::Result<String> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"at+jwt"}"#);
        let claims = json!({
            "iss": "bench", "sub": "client", "jti": number.to_string(), "exp": 4_000_000_000_u64,
            "scope": "read write", "aud": "https://api.example.org",
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let text = format!("{header}.{claims}");
        let signature = self.key.sign(&self.random, text.as_bytes());
        let signature = signature.map_err(|_| anyhow!("nothing could be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn request(&self, number: usize) -> anyhow::Result<String> {
        let token = self.token(number)?;
        Ok(format!(
            "GET /token/{BYTES} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
    }

    /// Microseconds.
    fn verification(&self) -> anyhow::Result<f64> {
        const TIMES: u32 = 2000;
        let token = self.token(0)?;
        let (text, signature) = token
            .rsplit_once('.')
            .context("a token without signature")?;
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key());
        let started = Instant::now();
        for _ in 0..TIMES {
            let verified = key.verify(std::hint::black_box(text.as_bytes()), &signature);
            verified.map_err(|_| anyhow!("the signature is wrong"))?;
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES))
    }
}
