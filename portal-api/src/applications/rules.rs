//! Decisions about applications, without I/O (portal-api 13).

use sdk::types::{
    ClientType,
    applications::{CreateApplication, OauthSettings, PatchApplication},
};

use unicode_normalization::UnicodeNormalization;

use super::{
    oauth,
    redirect_uris::{self, Leniency},
};
use crate::ApiError;

const MAX_NAME: usize = 128;
const MAX_DESCRIPTION: usize = 1024;
const MAX_MAIN_URL: usize = 2048;

/// `roles` could not be read afterwards: its address is that of the list of roles.
const RESERVED_IDS: [&str; 1] = ["roles"];

/// A new application whose members were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApplication {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub main_url: Option<String>,
    pub client_type: ClientType,
    pub redirect_uris: Vec<String>,
    pub oauth: Option<OauthSettings>,
    /// Not looked up yet.
    pub team: Option<String>,
}

/// Checks a request in the order of portal-api 13.3: redirect URIs, name, id, client type.
pub fn check_new(
    request: CreateApplication,
    leniency: Leniency,
) -> Result<NewApplication, ApiError> {
    let redirect_uris = redirect_uris::read(request.redirect_uris, request.redirect_uri, leniency)?;
    let name = cut(request.name.as_deref().unwrap_or_default().trim(), MAX_NAME);
    if name.is_empty() {
        return Err(ApiError::invalid(
            "name",
            "required",
            "Give the application a name.",
        ));
    }
    let id = check_id(request.id.as_deref().unwrap_or_default())?;
    let client_type = match request.client_type {
        Some(text) => client_type(&text).ok_or_else(unknown_client_type)?,
        None if request.confidential == Some(true) => ClientType::Confidential,
        None => ClientType::PublicSpa,
    };
    if let Some(url) = &request.main_url {
        check_main_url(url)?;
    }
    Ok(NewApplication {
        id,
        name,
        description: request.description.map(|text| cut(&text, MAX_DESCRIPTION)),
        main_url: request.main_url,
        client_type,
        redirect_uris,
        oauth: oauth::read(request.oauth, leniency)?,
        team: request.team.filter(|team| !team.is_empty()),
    })
}

/// `^[a-z0-9_-]+$` with 4 to 50 characters; blanks around it are dropped.
pub fn check_id(text: &str) -> Result<String, ApiError> {
    let id = text.trim();
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
    if id.is_empty() || !id.bytes().all(is_allowed) {
        let message = "`id` of an application consists of a-z, 0-9, `-` and `_`.";
        return Err(ApiError::invalid("id", "characters", message));
    }
    if !(4..=50).contains(&id.len()) {
        let message = "`id` of an application has 4 to 50 characters.";
        return Err(ApiError::invalid("id", "length", message));
    }
    if RESERVED_IDS.contains(&id) {
        let message = format!("`{id}` is reserved; choose another id.");
        return Err(ApiError::invalid("id", "reserved", message));
    }
    Ok(id.to_owned())
}

/// The type named by `text`.
pub fn client_type(text: &str) -> Option<ClientType> {
    [
        ClientType::Confidential,
        ClientType::PublicSpa,
        ClientType::PublicNative,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == text)
}

fn unknown_client_type() -> ApiError {
    let message = "`clientType` has to be `confidential`, `public_spa` or `public_native`.";
    ApiError::invalid("clientType", "choice", message)
}

fn check_main_url(url: &str) -> Result<(), ApiError> {
    if url.chars().count() <= MAX_MAIN_URL {
        return Ok(());
    }
    let message = format!("`mainUrl` has at most {MAX_MAIN_URL} characters.");
    Err(ApiError::invalid("mainUrl", "length", message))
}

/// What a patch changes; absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub name: Option<String>,
    /// `Some(None)` clears.
    pub description: Option<Option<String>>,
    pub main_url: Option<Option<String>>,
    pub client_type: Option<ClientType>,
    pub redirect_uris: Option<Vec<String>>,
    pub oauth: Option<Option<OauthSettings>>,
    /// Not looked up yet; `Some(None)` takes the application out of its team.
    pub team: Option<Option<String>>,
}

/// A member that a merge patch may clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    Description,
    MainUrl,
    RedirectUris,
    Oauth,
    Team,
}

impl Member {
    pub const ALL: [Self; 5] = [
        Self::Description,
        Self::MainUrl,
        Self::RedirectUris,
        Self::Oauth,
        Self::Team,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::MainUrl => "mainUrl",
            Self::RedirectUris => "redirectUris",
            Self::Oauth => "oauth",
            Self::Team => "team",
        }
    }
}

/// The changes a patch asks for. Old clients cannot empty a member, because they send all of them
/// in every patch; `cleared` comes from merge patches only (portal-api 13.5).
pub fn check_patch(
    id: &str,
    request: PatchApplication,
    cleared: &[Member],
    leniency: Leniency,
) -> Result<Changes, ApiError> {
    if request.id.as_deref() != Some(id) {
        let message = "`id` in the body has to be the id in the address; it cannot be changed.";
        return Err(ApiError::invalid("id", "fixed", message));
    }
    let uris = redirect_uris::read(request.redirect_uris, request.redirect_uri, leniency)?;
    let client_type = match request.client_type {
        Some(text) => Some(client_type(&text).ok_or_else(unknown_client_type)?),
        None => None,
    };
    let name = request
        .name
        .map(|name| cut(name.trim(), MAX_NAME))
        .filter(|name| !name.is_empty());
    let description = request.description.filter(|text| !text.is_empty());
    Ok(Changes {
        name,
        description: if cleared.contains(&Member::Description) {
            Some(None)
        } else {
            description.map(|text| Some(cut(&text, MAX_DESCRIPTION)))
        },
        main_url: cleared.contains(&Member::MainUrl).then_some(None),
        client_type,
        redirect_uris: if cleared.contains(&Member::RedirectUris) {
            Some(Vec::new())
        } else {
            Some(uris).filter(|uris| !uris.is_empty())
        },
        oauth: if cleared.contains(&Member::Oauth) {
            Some(None)
        } else {
            oauth::read(request.oauth, leniency)?.map(Some)
        },
        team: if cleared.contains(&Member::Team) {
            Some(None)
        } else {
            request.team.filter(|team| !team.is_empty()).map(Some)
        },
    })
}

/// The first `length` characters, composed, so that equal names are equal texts.
fn cut(text: &str, length: usize) -> String {
    text.nfc().take(length).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(id: &str) -> CreateApplication {
        CreateApplication {
            id: Some(id.to_owned()),
            name: Some("Orders".to_owned()),
            ..CreateApplication::default()
        }
    }

    fn check(request: CreateApplication) -> Result<NewApplication, ApiError> {
        check_new(request, Leniency::default())
    }

    #[test]
    fn ids_have_4_to_50_small_letters_digits_and_dashes() {
        for id in ["abcd", "a-b_1", &"x".repeat(50), " trimmed ", "__portal"] {
            assert_eq!(check(request(id)).unwrap().id, id.trim());
        }
        for id in ["abc", &"x".repeat(51), "Capital", "doll$r", "", "roles"] {
            assert!(check(request(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn the_client_type_overrules_confidential() {
        let kind = |client_type: Option<&str>, confidential| {
            let client_type = client_type.map(str::to_owned);
            check(CreateApplication {
                client_type,
                confidential,
                ..request("orders")
            })
            .map(|new| new.client_type)
        };
        assert_eq!(kind(None, None).unwrap(), ClientType::PublicSpa);
        assert_eq!(kind(None, Some(true)).unwrap(), ClientType::Confidential);
        assert_eq!(
            kind(Some("public_native"), Some(true)).unwrap(),
            ClientType::PublicNative
        );
        assert!(kind(Some("other"), None).is_err());
    }

    #[test]
    fn a_long_name_is_cut_and_an_empty_one_refused() {
        let name = |name: &str| CreateApplication {
            name: Some(name.to_owned()),
            ..request("orders")
        };
        assert_eq!(
            check(name(&"ä".repeat(200))).unwrap().name.chars().count(),
            128
        );
        assert!(check(name("  ")).is_err());
    }

    #[test]
    fn a_patch_without_a_value_changes_nothing() {
        let patch = PatchApplication {
            id: Some("orders".to_owned()),
            name: Some(String::new()),
            redirect_uris: Some(Vec::new()),
            description: Some(String::new()),
            ..PatchApplication::default()
        };
        let leniency = Leniency::default();
        let changes = check_patch("orders", patch.clone(), &[], leniency).unwrap();
        assert_eq!(changes, Changes::default());
        let cleared = [Member::Description, Member::RedirectUris];
        let changes = check_patch("orders", patch.clone(), &cleared, leniency).unwrap();
        assert_eq!(changes.description, Some(None));
        assert_eq!(changes.redirect_uris, Some(Vec::new()));
        assert!(check_patch("other", patch, &[], leniency).is_err());
    }

    proptest! {
        #[test]
        fn ids_are_accepted_by_their_form_alone(text in "[ \t]?[a-z0-9_-]{0,52}[A-Z.$/ä\u{0}]?[a-z]?[ \n]?") {
            let form = regex::Regex::new("^[a-z0-9_-]{4,50}$").unwrap();
            let id = text.trim();
            let is_valid = form.is_match(id) && id != "roles";
            prop_assert_eq!(check_id(&text).ok(), is_valid.then(|| id.to_owned()));
        }

        #[test]
        fn whatever_is_stored_keeps_its_bounds(
            name in any::<Option<String>>(), description in any::<Option<String>>(), kind in "(confidential|public_spa|.{0,5})",
        ) {
            let request = CreateApplication { name, description, client_type: Some(kind), ..request("orders") };
            if let Ok(new) = check(request) {
                prop_assert!((1..=MAX_NAME).contains(&new.name.chars().count()));
                prop_assert!(new.description.is_none_or(|text| text.chars().count() <= MAX_DESCRIPTION));
            }
        }
    }
}
