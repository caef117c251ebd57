//! What a form of the profile asks for, and what is wrong with it. No I/O.

use http::StatusCode;
use sdk::types::{Extra, Secret, registrations::PutRegistration, users::PatchUser};
use serde_json::Value;
use ui::{PasswordRule, registration_answer, texts};

use super::profile::Profile;
use crate::form::Form;

/// Set by the form of the page: boxes that are not sent are not ticked.
const COMPLETE: &str = "__profile";
/// Set where groups are to be replaced.
const GROUPS: &str = "__updategroups";

/// A form, read against what is stored.
pub struct Change {
    /// Password and groups.
    pub user: Option<PatchUser>,
    pub registration: Option<PutRegistration>,
}

/// Why a form was not saved: by field, and on top of the page.
#[derive(Default)]
pub struct Fault {
    pub status: Option<StatusCode>,
    pub summary: Option<String>,
    pub fields: Vec<(String, String)>,
    /// What was entered, for the fields of the pool.
    pub entered: Vec<(String, String)>,
}

impl Fault {
    /// The fault of one field.
    pub fn field(name: &str, text: &str) -> Self {
        Self {
            status: Some(StatusCode::BAD_REQUEST),
            fields: vec![(name.to_owned(), text.to_owned())],
            ..Self::default()
        }
    }

    pub fn of(&self, field: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(name, _)| name == field)
            .map(|(_, text)| text.as_str())
    }

    pub fn entered(&self, field: &str) -> Option<&str> {
        let mut entered = self.entered.iter();
        entered
            .find(|(name, _)| name == field)
            .map(|(_, text)| text.as_str())
    }

    /// One sentence for clients that get no page.
    pub fn sentence(&self) -> String {
        let mut fields = self.fields.iter();
        let of_field = fields
            .next()
            .map(|(name, text)| format!("`{name}`: {text}"));
        of_field
            .or_else(|| self.summary.clone())
            .unwrap_or_default()
    }
}

impl Change {
    /// `proven`: whoever sends the form has just shown that he is the person of the session, so that
    /// a password may be set where there is none to ask for.
    pub fn read(
        form: &Form,
        profile: &Profile,
        is_self: bool,
        proven: bool,
        rule: PasswordRule,
        t: texts::Users,
    ) -> Result<Self, Fault> {
        let password = new_password(form, profile, is_self, proven, rule, t)?;
        let current = form.exact("currentPassword");
        let groups = form.has(GROUPS).then(|| groups(form, profile));
        let is_needed = password.is_some() || groups.is_some();
        Ok(Self {
            user: is_needed.then(|| PatchUser {
                current_password: current
                    .filter(|text| password.is_some() && !text.is_empty())
                    .map(Secret::from),
                password: password.map(Secret::from),
                groups,
                ..PatchUser::default()
            }),
            registration: registration(form, profile),
        })
    }

    pub fn sets_password(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.password.is_some())
    }
}

fn new_password(
    form: &Form,
    profile: &Profile,
    is_self: bool,
    proven: bool,
    rule: PasswordRule,
    t: texts::Users,
) -> Result<Option<String>, Fault> {
    let Some(password) = form.exact("password").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let words = texts::Passwords(t.0);
    let fault = |field: &str, text: &str| Err(Fault::field(field, text));
    if !profile.is_local() {
        return fault("password", t.no_password_here());
    }
    if form.has("password2") && form.exact("password2") != Some(password) {
        return fault("password", words.differ());
    }
    if !rule.holds(password) {
        return fault("password", words.broken());
    }
    let has_password = profile.user.has_password == Some(true);
    let current = form.exact("currentPassword").unwrap_or_default();
    match (is_self && has_password, current.is_empty()) {
        (true, true) => fault("currentPassword", t.current_missing()),
        (false, _) if !proven => fault("password", t.log_in_anew()),
        _ => Ok(Some(password.to_owned())),
    }
}

/// Those that are ticked, and those that the configuration does not have any more: nobody could
/// tick them.
fn groups(form: &Form, profile: &Profile) -> Vec<String> {
    let known = |id: &String| profile.groups.iter().any(|group| group.id == *id);
    let gone = profile.user.groups.iter().filter(|id| !known(id)).cloned();
    let ticked = profile.groups.iter().map(|group| group.id.clone());
    let is_ticked = |id: &String| !matches!(form.text(id), "" | "false");
    gone.chain(ticked.filter(is_ticked)).collect()
}

/// The whole registration, because saving replaces it; nothing if the form is about something else.
fn registration(form: &Form, profile: &Profile) -> Option<PutRegistration> {
    let properties = &profile.pool.properties;
    let complete = form.has(COMPLETE);
    if !complete && !properties.iter().any(|property| form.has(&property.id)) {
        return None;
    }
    let before = |id: &str| profile.registration.as_ref()?.property(id);
    let values = properties.iter().filter_map(|property| {
        let id = property.id.as_str();
        let given = form.has(id).then(|| form.text(id));
        let value = if complete || given.is_some() {
            registration_answer(property, given)
        } else {
            before(id).map(str::to_owned)
        };
        let value = value.filter(|text| property.required || !text.is_empty())?;
        Some((property.id.clone(), Value::String(value)))
    });
    Some(PutRegistration {
        namespace: None,
        invitation: None,
        properties: Extra(values.collect()),
    })
}

/// What portal-api refused, sorted to the fields of the page.
pub fn fault_of(error: &sdk::ApiError, form: &Form, profile: &Profile, t: texts::Users) -> Fault {
    let is_field = |name: &str| {
        matches!(name, "password" | "currentPassword")
            || profile.pool.properties.iter().any(|one| one.id == name)
    };
    let named = error.errors.iter().filter(|one| is_field(&one.field));
    let mut fields: Vec<_> = named
        .map(|one| (one.field.clone(), one.message.clone()))
        .collect();
    if fields.is_empty() && error.status == StatusCode::FORBIDDEN && form.has("currentPassword") {
        fields.push(("currentPassword".to_owned(), t.current_wrong().to_owned()));
    }
    let summary = if fields.is_empty() {
        error.message.clone()
    } else {
        t.not_saved().to_owned()
    };
    let properties = profile.pool.properties.iter();
    Fault {
        status: Some(error.status),
        summary: Some(summary),
        fields,
        entered: properties
            .filter(|property| form.has(&property.id))
            .map(|property| (property.id.clone(), form.text(&property.id).to_owned()))
            .collect(),
    }
}

/// Whether portal-api's refusal is something that the person can correct on the page.
pub fn is_correctable(error: &sdk::ApiError, form: &Form) -> bool {
    match error.status {
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => true,
        StatusCode::FORBIDDEN => form.has("currentPassword"),
        _ => false,
    }
}
