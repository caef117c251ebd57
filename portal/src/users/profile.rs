//! The page of a profile, and the same for scripts.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use sdk::types::{Pool, Registration, User, groups::Group, pools::PORTAL_POOL};
use serde_json::json;
use ui::{
    Breakable, Entry, Field, FieldKind, Frame, Html, Icon, NewPassword, PasswordRule,
    RegistrationField, initials, texts, tint,
};

use super::{change::Fault, id_of};
use crate::{account, failure::Failure, json, session::SessionUser, visitor::Visitor};

/// Everything that is known about a person.
pub struct Profile {
    pub user: User,
    /// What the person told about himself; nothing if he did not yet.
    pub registration: Option<Registration>,
    pub pool: Pool,
    pub groups: Vec<Group>,
}

impl Profile {
    /// Reads a profile with the visitor's rights. Accounts of programs have none.
    pub async fn load(visitor: &Visitor, id: &str) -> Result<Self, Failure> {
        let client = visitor.client();
        let (user, registrations, pool, groups) = tokio::try_join!(
            client.user(id),
            client.registrations(PORTAL_POOL, id),
            client.pool(PORTAL_POOL),
            client.groups(),
        )?;
        if custom_id(&user).is_some_and(|id| id.starts_with("internal:")) {
            return Err(Failure::Forbidden);
        }
        Ok(Self {
            user,
            registration: registrations.into_iter().next(),
            pool,
            groups: groups.groups,
        })
    }

    /// The name, or the mail address of somebody who gave none.
    pub fn name(&self) -> &str {
        let given = self.registration.as_ref().and_then(Registration::name);
        given.unwrap_or(&self.user.email)
    }

    /// Whether the account has a password here, or could have one.
    pub fn is_local(&self) -> bool {
        custom_id(&self.user).is_none()
    }
}

/// The account at a provider.
fn custom_id(user: &User) -> Option<&str> {
    user.custom_id.as_deref().filter(|id| !id.is_empty())
}

#[derive(Template)]
#[template(path = "users/profile.html")]
struct ProfilePage {
    frame: Frame,
    t: texts::Users,
    name: String,
    initials: String,
    tint: u8,
    is_self: bool,
    is_local: bool,
    by_admin: bool,
    fields: Vec<RegistrationField>,
    groups: Vec<GroupRow>,
    password_rule: PasswordRule,
    password_error: Option<String>,
    current_error: Option<String>,
    grants_url: String,
    security_url: String,
    /// Of the account's pages; for the person himself.
    tabs: Html,
    /// Where an address is confirmed; absent if that is done, or another person's business.
    confirm_url: Option<String>,
    user: User,
}

/// A group as a box to tick.
struct GroupRow {
    id: String,
    name: String,
    is_member: bool,
    /// What membership brings.
    marks: Vec<&'static str>,
}

impl ProfilePage {
    fn new(
        visitor: &Visitor,
        frame: Frame,
        me: &SessionUser,
        profile: Profile,
        fault: &Fault,
    ) -> Self {
        let lang = visitor.lang();
        let t = texts::Users(lang);
        let installation = &visitor.installation;
        let is_self = profile.user.id == me.id;
        let endpoints = installation.endpoints(&me.method);
        let known = profile.registration.as_ref();
        let fields = profile.pool.properties.iter().map(|property| {
            let value = fault.entered(&property.id);
            let value = value.or_else(|| known?.property(&property.id));
            RegistrationField::new(lang, property, value, "/")
                .with_error(fault.of(&property.id).map(str::to_owned))
        });
        let is_validated = profile.user.validated == Some(true);
        Self {
            t,
            initials: initials(profile.name()),
            tint: tint(&profile.user.id),
            fields: fields.collect(),
            groups: groups(&profile, installation.validated_group.as_deref(), t),
            is_self,
            is_local: profile.is_local(),
            by_admin: me.admin,
            password_rule: installation.password_rule,
            password_error: fault.of("password").map(str::to_owned),
            current_error: fault.of("currentPassword").map(str::to_owned),
            grants_url: endpoints.grants,
            tabs: if is_self {
                account::tabs(visitor, account::Part::Profile)
            } else {
                Html::default()
            },
            security_url: installation.auth_url("account/security"),
            confirm_url: (is_self && !is_validated).then_some(endpoints.verify_email),
            name: profile.name().to_owned(),
            user: profile.user,
            frame,
        }
    }

    fn is_validated(&self) -> bool {
        self.user.validated == Some(true)
    }

    fn has_password(&self) -> bool {
        self.user.has_password == Some(true)
    }

    fn external_id(&self) -> Option<&str> {
        custom_id(&self.user)
    }

    /// The old password is asked for where there is one to prove who sits here.
    fn current_field(&self) -> Option<Html> {
        let field = Field {
            kind: FieldKind::Password,
            error: self.current_error.clone(),
            autocomplete: "current-password",
            ..Field::required("currentPassword", self.t.current_password())
        };
        (self.is_self && self.has_password()).then(|| field.html())
    }

    fn password_fields(&self) -> Html {
        NewPassword {
            lang: self.frame.lang(),
            label: self.t.new_password(),
            error: self.password_error.as_deref(),
            rule: self.password_rule,
        }
        .html()
    }
}

fn groups(profile: &Profile, validated: Option<&str>, t: texts::Users) -> Vec<GroupRow> {
    let row = |group: &Group| {
        let marks = [
            (group.admin_group, t.admin_group()),
            (group.approver_group, t.approver_group()),
            (validated == Some(group.id.as_str()), t.validated_group()),
        ];
        GroupRow {
            name: if group.name.is_empty() {
                group.id.clone()
            } else {
                group.name.clone()
            },
            is_member: profile.user.groups.contains(&group.id),
            marks: marks
                .into_iter()
                .filter_map(|(holds, mark)| holds.then_some(mark))
                .collect(),
            id: group.id.clone(),
        }
    };
    profile.groups.iter().map(row).collect()
}

/// `GET /users/me`, `GET /users/{id}`
pub async fn show(visitor: Visitor, Path(named): Path<String>) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let profile = Profile::load(&visitor, id_of(&named, &me)).await?;
    if visitor.wants_json {
        let body = json!({
            "title": profile.name(),
            "userInfo": profile.user,
            "grantsLink": visitor.installation.endpoints(&me.method).grants,
            "registrationInfo": profile.registration,
            "poolInfo": profile.pool,
            "groups": profile.groups,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    Ok(page(&visitor, &me, profile, &Fault::default()).await)
}

/// The page; with faults, those of a form that was not saved.
pub async fn page(
    visitor: &Visitor,
    me: &SessionUser,
    profile: Profile,
    fault: &Fault,
) -> Response {
    let mut frame = visitor.frame(Entry::Profile).await;
    if let Some(summary) = &fault.summary {
        frame = frame.with_message(ui::Kind::Bad, summary);
    }
    let page = ProfilePage::new(visitor, frame, me, profile, fault);
    ui::page(fault.status.unwrap_or(StatusCode::OK), &page)
}
