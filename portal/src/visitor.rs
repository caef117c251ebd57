//! Who is looking at a page, and what every page needs because of that.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::FromRequestParts;
use chrono::TimeDelta;
use http::{Extensions, request::Parts};
use sdk::{
    Auth, Client, Renew,
    types::{Secret, page::Walk},
};
use ui::{About, Entry, Frame, Html, Kind, Lang, Message, Preferences, texts};

use crate::{
    failure::Failure,
    installation::Installation,
    login::{self, Renewal},
    session::{Session, SessionUser},
    state::App,
};

/// The first administrator, who comes with the installation.
const BUILT_IN: &str = "1";

/// One request's view of person, session, language and installation. Made by the visitor layer.
#[derive(Clone)]
pub struct Visitor {
    pub app: App,
    pub installation: Arc<Installation>,
    pub preferences: Preferences,
    /// JSON instead of pages (portal-ui 4).
    pub wants_json: bool,
    session: Arc<Mutex<Option<Session>>>,
    /// Came with a token instead of a session cookie: for this request alone, and without forms that
    /// another site could have made.
    pub by_token: bool,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// A token that portal-api refuses is renewed once; the session goes on with the new one.
impl Renew for Visitor {
    fn renew<'a>(
        &'a self,
        refused: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send + 'a>> {
        Box::pin(async move {
            let tokens = self.user()?.tokens;
            // Another call of this request was first.
            if tokens.access != *refused {
                return Some(tokens.access);
            }
            let Renewal::Renewed(tokens) = login::renew_now(&self.app, &tokens).await else {
                return None;
            };
            let access = tokens.access.clone();
            self.session(|session| {
                if let Some(user) = session.as_mut().and_then(|session| session.user.as_mut()) {
                    user.tokens = tokens;
                }
            });
            Some(access)
        })
    }
}

impl Visitor {
    pub fn new(
        app: App,
        installation: Arc<Installation>,
        preferences: Preferences,
        session: Option<Session>,
        wants_json: bool,
    ) -> Self {
        Self {
            app,
            installation,
            preferences,
            wants_json,
            session: Arc::new(Mutex::new(session)),
            by_token: false,
        }
    }

    /// The visitor that the layer has put into the request.
    pub fn of(extensions: &Extensions) -> Result<Self, Failure> {
        extensions.get().cloned().ok_or(Failure::NotFound)
    }

    pub fn lang(&self) -> Lang {
        self.preferences.lang
    }

    /// Reads or changes the session; a change makes the layer write the cookie.
    pub fn session<R>(&self, work: impl FnOnce(&mut Option<Session>) -> R) -> R {
        work(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session, begun if there was none.
    pub fn open_session<R>(&self, work: impl FnOnce(&mut Session) -> R) -> R {
        self.session(|slot| work(slot.get_or_insert_with(|| Session::new(service::clock::now()))))
    }

    pub fn user(&self) -> Option<SessionUser> {
        self.session(|session| session.as_ref().and_then(|session| session.user.clone()))
    }

    /// The person, or a trip to log-in.
    pub fn require_user(&self) -> Result<SessionUser, Failure> {
        self.user().ok_or(Failure::LoginNeeded)
    }

    /// Whether the person has logged in, with all that takes, within this time.
    pub fn logged_in_within(&self, time: TimeDelta) -> bool {
        let now = service::clock::now();
        self.session(|session| {
            session
                .as_ref()
                .is_some_and(|session| session.age(now) < time)
        })
    }

    /// Refuses what a stolen session must not do, unless the person has logged in lately. A page
    /// goes on at `target` afterwards.
    pub fn require_fresh_login(&self, target: &str) -> Result<(), Failure> {
        if self.logged_in_within(self.app.settings().fresh_login) {
            return Ok(());
        }
        Err(Failure::FreshLoginNeeded(target.to_owned()))
    }

    /// portal-api with the rights of this visitor.
    pub fn client(&self) -> Client {
        let service = self.app.service();
        let client = match self.user() {
            Some(user) => service
                .with_auth(Auth::Bearer(user.tokens.access))
                .with_renewal(Arc::new(self.clone())),
            None => service.clone(),
        };
        client
            .with_config_hash(self.installation.hash.clone())
            .with_language(self.lang().tag())
    }

    /// Token for forms; empty without session, because then no form needs one.
    pub fn csrf(&self) -> String {
        self.session(|session| session.as_ref().map(|session| session.csrf.clone()))
            .unwrap_or_default()
    }

    /// The hidden field that proves where a form came from.
    pub fn frame_csrf(&self) -> Html {
        Frame {
            csrf: self.csrf(),
            ..Frame::default()
        }
        .csrf_field()
    }

    /// Leaves a sentence for the next page.
    pub fn leave(&self, kind: Kind, text: impl Into<String>) {
        self.open_session(|session| session.leave(kind, text.into()));
    }

    /// The frame of a page. Asks portal-api for the number of open decisions if the person may
    /// decide; without an answer the number is left out, since the page is about something else.
    pub async fn frame(&self, current: Entry) -> Frame {
        let decides = self.user().is_some_and(|user| user.admin || user.approver);
        let waiting = if decides {
            self.open_requests().await.unwrap_or_default()
        } else {
            0
        };
        self.frame_with(current, waiting)
    }

    /// What others may be told about the page at `path`, which everybody may read.
    pub fn about(&self, path: &str, title: &str, text: &str) -> About {
        const MAX: usize = 200;
        let base = self.installation.external.as_str().trim_end_matches('/');
        let markdown = if path == "/" { "/index" } else { path };
        About {
            url: format!("{base}{path}"),
            title: title.to_owned(),
            description: text.chars().take(MAX).collect(),
            markdown: format!("{base}{markdown}.md"),
        }
    }

    /// How many requests wait for a decision of this visitor. Beyond 99 nobody counts.
    pub async fn open_requests(&self) -> Result<usize, Failure> {
        let walk = Walk {
            limit: 100,
            ..Walk::default()
        };
        let open = self.client().walk_approvals("open", &walk).await?;
        Ok(open.items.len())
    }

    /// The frame, for pages that know the number of open decisions or have to do without.
    pub fn frame_with(&self, current: Entry, waiting: usize) -> Frame {
        Frame {
            site: self.installation.site.clone(),
            preferences: self.preferences.clone(),
            user: self.user().map(|user| ui::User {
                id: user.id,
                name: user.name,
                email: user.email,
                admin: user.admin,
                approver: user.approver,
                publisher: user.publisher,
            }),
            current,
            csrf: self.csrf(),
            messages: self.take_messages(),
            waiting,
            own_search: false,
            about: None,
        }
    }

    fn take_messages(&self) -> Vec<Message> {
        let mut messages = self
            .session(|session| session.as_mut().map(Session::take_messages))
            .unwrap_or_default();
        if self.user().is_some_and(|user| user.id == BUILT_IN) {
            messages.push(Message {
                kind: Kind::Waiting,
                text: texts::Users(self.lang()).built_in().to_owned(),
            });
        }
        messages
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::of(&parts.extensions)
    }
}
