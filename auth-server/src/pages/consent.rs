//! Consent: asking for it, and listing what was given.

use askama::Template;
use serde::Serialize;
use ui::{Frame, Icon};

use super::{Common, Page};

/// Page `grant_scopes`: the scopes that the user has not granted yet.
#[derive(Template, Serialize)]
#[template(path = "grant_scopes.html")]
#[serde(rename_all = "camelCase")]
pub struct GrantsPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub grant_requests: Vec<ScopeRequest>,
    pub api_info: Named,
    pub app_info: Named,
}

impl Page for GrantsPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "grant_scopes"
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct ScopeRequest {
    pub scope: String,
    pub description: String,
}

/// Something with an id and a name.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    pub id: String,
    pub name: String,
}

/// Page `form_post`: an answer that the browser takes to the client as a form.
#[derive(Template, Serialize)]
#[template(path = "form_post.html")]
#[serde(rename_all = "camelCase")]
pub struct FormPostPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub to: String,
    /// Names and values.
    pub members: Vec<(String, String)>,
}

impl Page for FormPostPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "form_post"
    }
}

/// Page `scope_list`: all consents of a user.
#[derive(Template, Serialize)]
#[template(path = "scope_list.html")]
#[serde(rename_all = "camelCase")]
pub struct ScopeListPage {
    #[serde(skip)]
    pub frame: Frame,
    #[serde(flatten)]
    pub common: Common,
    pub grants: Vec<GrantEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_message: Option<FlashMessage>,
}

impl Page for ScopeListPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn id(&self) -> &'static str {
        "scope_list"
    }
}

/// What came of a withdrawal.
#[derive(Clone, Debug, Serialize)]
pub struct FlashMessage {
    pub r#type: &'static str,
    pub message: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantEntry {
    pub user_id: String,
    pub api_id: String,
    pub application_id: String,
    pub grants: Vec<serde_json::Value>,
    pub api_info: Named,
    pub app_info: Named,
    #[serde(skip)]
    pub scopes: Vec<String>,
}
