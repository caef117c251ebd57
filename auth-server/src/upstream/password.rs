//! The password grant at providers that take names and passwords from us (19.3).

use crate::{
    configuration::{Provider, RedirectSettings},
    federated::Identity,
    interaction::InteractionError,
};

use super::{UpstreamError, exchange::TokenEndpoint, profile};

/// Who somebody is, or nothing if the provider refuses name and password.
pub async fn verify(
    settings: &RedirectSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, InteractionError> {
    let verified = ask(settings, username, password).await;
    verified.map_err(|error| InteractionError::Provider(error.to_string()))
}

async fn ask(
    settings: &RedirectSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, UpstreamError> {
    let Provider::OAuth2 { endpoints, profile } = &settings.provider else {
        return Ok(None);
    };
    let endpoint = TokenEndpoint {
        url: endpoints.token.clone(),
        basic: endpoints.basic,
    };
    let mut form = vec![
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
    ];
    form.extend(settings.scope.as_deref().map(|scope| ("scope", scope)));
    let is_free = |name: &str| !form_names(&form).any(|taken| taken == name);
    let parameters = settings.parameters.iter();
    let parameters: Vec<(&str, &str)> = parameters
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| is_free(name) && !name.starts_with("client_"))
        .collect();
    form.extend(parameters);
    match endpoint.ask(settings, &form).await? {
        Some(tokens) => profile::identity(settings, profile, &tokens.access)
            .await
            .map(Some),
        None => Ok(None),
    }
}

fn form_names<'a>(form: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = &'a str> {
    form.iter().map(|(name, _)| *name)
}
