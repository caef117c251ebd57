//! The frame around every page: head, header, messages, footer.

use std::sync::Arc;

use askama::Template;

use crate::{
    Drawing, Html, Icon, Lang, Preferences, Theme,
    assets::{Asset, SPRITE},
    component, texts,
};

/// What is the same on all pages of one service, taken from the configuration.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of the operator's own"
)]
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Title of the installation; "Wicketgate" unless the operator chose another.
    pub title: String,
    /// Shown in the footer.
    pub company: String,
    /// Footer text of the operator, already sanitised.
    pub footer: Html,
    /// Where the portal is, without slash at the end: empty on the portal itself.
    pub portal: String,
    /// Path under which this service has `/assets` and `/preferences`: empty, or `/auth`.
    pub base: String,
    /// URL of the operator's style sheet, loaded after the built-in one.
    pub style: Option<String>,
    /// The installation does without https: a visible warning stands in the footer.
    pub development: bool,
    /// Version of the product.
    pub version: &'static str,
    /// Navigation entries that only people who are logged in get.
    pub hidden_from_guests: Vec<Entry>,
    /// Where name and mark lead.
    pub root: RootLink,
    /// URL of the operator's own mark.
    pub logo: Option<String>,
    /// The operator's word for the start page.
    pub home_text: Option<String>,
    /// The operator's word for logging in.
    pub login_text: Option<String>,
    /// There is no link to make an account.
    pub hides_signup: bool,
    /// Log-in stands beside the navigation instead of at the end.
    pub login_left: bool,
    /// The product is not named in the footer.
    pub hides_product: bool,
    /// Its version is shown to administrators only.
    pub hides_builds: bool,
    /// Address of the script by which the operator counts visits.
    pub statistics: Option<String>,
}

impl Site {
    /// The script that counts a visit: with the reader's consent, and never beside somebody's
    /// session, in which it could do whatever that person may.
    pub fn counting(&self, preferences: &Preferences, is_guest: bool) -> Option<&str> {
        let agreed = preferences.statistics == Some(true) && is_guest;
        self.statistics.as_deref().filter(|_| agreed)
    }
}

/// Where name and mark of every page lead.
#[derive(Clone, Debug, Default)]
pub struct RootLink {
    /// A path of the portal, or an address elsewhere; empty is the start page.
    pub url: String,
    pub new_window: bool,
    /// Instead of mark and title.
    pub text: Option<String>,
}

/// An entry of the main navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    Home,
    Apis,
    Applications,
    Docs,
    Contact,
    Help,
    Profile,
    Publish,
    Admin,
    /// The page belongs to none of them.
    #[default]
    None,
}

impl Entry {
    fn path(self) -> &'static str {
        match self {
            Self::Apis => "/apis",
            Self::Applications => "/applications",
            Self::Docs => "/content/toc",
            Self::Contact => "/contact",
            Self::Help => "/help",
            Self::Profile => "/users/me",
            Self::Publish => "/publish",
            Self::Admin => "/admin",
            Self::Home | Self::None => "/",
        }
    }

    fn label(self, t: texts::Shared) -> &'static str {
        match self {
            Self::Apis => t.apis(),
            Self::Applications => t.applications(),
            Self::Docs => t.docs(),
            Self::Contact => t.contact(),
            Self::Help => t.help(),
            Self::Profile => t.profile(),
            Self::Publish => t.publish(),
            Self::Admin => t.admin(),
            Self::Home | Self::None => t.home(),
        }
    }
}

/// The person who is logged in.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: String,
    pub admin: bool,
    pub approver: bool,
    /// Owns APIs, or may change all of them.
    pub publisher: bool,
}

impl User {
    fn initials(&self) -> String {
        component::initials(&self.name)
    }

    fn tint(&self) -> u8 {
        component::tint(&self.id)
    }
}

/// What a message says about the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Good,
    Info,
    Waiting,
    Bad,
}

/// A sentence at the top of the content, after a redirect or beside a form with faults.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: Kind,
    pub text: String,
}

impl Message {
    fn class(&self) -> &'static str {
        match self.kind {
            Kind::Good => "message message-ok",
            Kind::Info => "message",
            Kind::Waiting => "message message-wait",
            Kind::Bad => "message message-bad",
        }
    }

    fn icon(&self) -> Icon {
        match self.kind {
            Kind::Good => Icon::OkCircle,
            Kind::Info => Icon::Info,
            Kind::Waiting => Icon::Clock,
            Kind::Bad => Icon::XCircle,
        }
    }

    fn role(&self) -> &'static str {
        if self.kind == Kind::Bad {
            "alert"
        } else {
            "status"
        }
    }
}

/// What search engines and messengers are told about a page that everybody may read.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The one address of the page, complete.
    pub url: String,
    pub title: String,
    /// One sentence, without marks.
    pub description: String,
    /// The same page as Markdown.
    pub markdown: String,
}

/// Everything the frame of one page needs. Field `frame` of every page struct.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    pub site: Arc<Site>,
    pub preferences: Preferences,
    pub user: Option<User>,
    /// Which navigation entry the page belongs to.
    pub current: Entry,
    /// Token for the forms of the frame (log out) and of the page; empty for guests without session.
    pub csrf: String,
    pub messages: Vec<Message>,
    /// Open decisions, for people who may decide.
    pub waiting: usize,
    /// The page has a search of its own, so the header's is left out.
    pub own_search: bool,
    /// Of pages for reading.
    pub about: Option<About>,
}

impl Frame {
    pub fn lang(&self) -> Lang {
        self.preferences.lang
    }

    /// Words of the frame and of parts that many pages share.
    pub fn t(&self) -> texts::Shared {
        texts::Shared(self.lang())
    }

    /// Content of `head` after the title.
    pub fn head(&self) -> Html {
        Html::of(&Head { frame: self })
    }

    /// Skip link and header.
    pub fn header(&self) -> Html {
        Html::of(&Header {
            frame: self,
            t: self.t(),
        })
    }

    /// Messages of the last action.
    pub fn message_list(&self) -> Html {
        Html::of(&Messages {
            frame: self,
            t: self.t(),
        })
    }

    /// Footer and icon sprite.
    pub fn footer(&self) -> Html {
        Html::of(&Footer {
            frame: self,
            t: self.t(),
        })
    }

    /// Mark and name on log-in pages.
    pub fn brand(&self) -> Html {
        Html::of(&Brand { frame: self })
    }

    /// Language, privacy and company below log-in pages, and the icon sprite.
    pub fn auth_footer(&self) -> Html {
        Html::of(&AuthFooter {
            frame: self,
            t: self.t(),
        })
    }

    /// The night scene beside log-in pages.
    pub fn auth_side(&self) -> Html {
        Html::of(&AuthSide {
            t: self.t(),
            company: &self.site.title,
        })
    }

    /// `data-theme` of the root element; nothing when the system decides.
    pub fn theme_attribute(&self) -> Html {
        match self.preferences.theme {
            Theme::System => Html::default(),
            chosen => Html::trusted(format!(r#" data-theme="{}""#, chosen.value())),
        }
    }

    /// Hidden field that proves a form came from one of our pages.
    pub fn csrf_field(&self) -> Html {
        Html::of(&Csrf { token: &self.csrf })
    }

    /// The page is one for reading, about this.
    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    /// Shorthand for a fact that belongs on top of the page.
    #[must_use]
    pub fn with_message(mut self, kind: Kind, text: impl Into<String>) -> Self {
        self.messages.push(Message {
            kind,
            text: text.into(),
        });
        self
    }

    /// The number of open decisions; beyond 99 nobody counts.
    fn waiting_text(&self) -> String {
        match self.waiting {
            100.. => "99+".to_owned(),
            count => count.to_string(),
        }
    }

    fn statistics(&self) -> Option<&str> {
        self.site.counting(&self.preferences, self.user.is_none())
    }

    /// Whether the reader is asked for his consent.
    fn asks_for_statistics(&self) -> bool {
        let is_open = self.preferences.statistics.is_none() && self.user.is_none();
        is_open && self.site.statistics.is_some()
    }

    fn may_decide(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.admin || user.approver)
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            Entry::Home,
            Entry::Apis,
            Entry::Applications,
            Entry::Docs,
            Entry::Contact,
        ];
        if self.user.is_none() {
            entries.retain(|entry| !self.site.hidden_from_guests.contains(entry));
        }
        if self.user.as_ref().is_some_and(|user| user.publisher) {
            entries.push(Entry::Publish);
        }
        if self.may_decide() {
            entries.push(Entry::Admin);
        }
        entries
    }

    fn label(&self, entry: Entry) -> &str {
        match (entry, &self.site.home_text) {
            (Entry::Home, Some(text)) => text,
            _ => entry.label(self.t()),
        }
    }

    fn log_in(&self) -> &str {
        let own = self.t().log_in();
        self.site.login_text.as_deref().unwrap_or(own)
    }

    fn root_url(&self) -> String {
        match self.site.root.url.as_str() {
            "" => format!("{}/", self.site.portal),
            path if path.starts_with('/') => format!("{}{path}", self.site.portal),
            url => url.to_owned(),
        }
    }

    /// Versions are of use to administrators in any case.
    fn shows_build(&self) -> bool {
        !self.site.hides_builds || self.user.as_ref().is_some_and(|user| user.admin)
    }

    fn asset(&self, asset: Asset) -> String {
        format!("{}/assets/{}", self.site.base, asset.file())
    }
}

#[derive(Template)]
#[template(path = "frame/head.html")]
struct Head<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "frame/header.html")]
struct Header<'a> {
    frame: &'a Frame,
    t: texts::Shared,
}

#[derive(Template)]
#[template(path = "frame/messages.html")]
struct Messages<'a> {
    frame: &'a Frame,
    t: texts::Shared,
}

#[derive(Template)]
#[template(path = "frame/footer.html")]
struct Footer<'a> {
    frame: &'a Frame,
    t: texts::Shared,
}

#[derive(Template)]
#[template(path = "frame/brand.html")]
struct Brand<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "frame/auth_footer.html")]
struct AuthFooter<'a> {
    frame: &'a Frame,
    t: texts::Shared,
}

#[derive(Template)]
#[template(path = "frame/auth_side.html")]
struct AuthSide<'a> {
    t: texts::Shared,
    company: &'a str,
}

#[derive(Template)]
#[template(
    source = r#"<input type="hidden" name="_csrf" value="{{ token }}">"#,
    ext = "html"
)]
struct Csrf<'a> {
    token: &'a str,
}
