//! Style sheet, script, icons and mark: embedded, named by their content, cached for ever.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

use crate::preferences;

/// The icon sprite, put into each page once.
pub const SPRITE: &str = include_str!("../assets/icons.svg");

const STYLE: &str = concat!(
    include_str!("../styles/reset.css"),
    include_str!("../styles/tokens.css"),
    include_str!("../styles/base.css"),
    include_str!("../styles/components.css"),
    include_str!("../styles/pages.css"),
    include_str!("../styles/admin.css"),
);
const SCRIPT: &str = include_str!("../assets/wicketgate.js");
const MARK: &str = include_str!("../assets/mark.svg");

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub enum Asset {
    Style,
    Script,
    Mark,
}

impl Asset {
    fn text(self) -> &'static str {
        match self {
            Self::Style => STYLE,
            Self::Script => SCRIPT,
            Self::Mark => MARK,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Mark => "image/svg+xml",
        }
    }

    /// File name with the first 12 digits of the content's hash.
    pub fn file(self) -> &'static str {
        static FILES: LazyLock<[String; 3]> = LazyLock::new(|| {
            [
                format!("wicketgate.{}.css", digest(STYLE)),
                format!("wicketgate.{}.js", digest(SCRIPT)),
                format!("mark.{}.svg", digest(MARK)),
            ]
        });
        &FILES[self as usize]
    }
}

fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text)
        .iter()
        .take(6)
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// `GET /assets/{file}` and `POST /preferences`, to be nested at the service's base path.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/{file}", get(serve))
        .route("/preferences", post(preferences::change))
}

async fn serve(Path(file): Path<String>) -> Response {
    let known = [Asset::Style, Asset::Script, Asset::Mark];
    let Some(asset) = known.into_iter().find(|asset| asset.file() == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.text()).into_response()
}
