//! Head and tabs of the pages of one application.

use askama::Template;
use sdk::types::Application;
use ui::{Frame, Html, Icon, texts};

use super::role_name;
use crate::links;

/// A page of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Subscriptions,
    Credentials,
    Usage,
    Members,
    Listeners,
    Settings,
}

#[derive(Template)]
#[template(path = "applications/tabs.html")]
struct Tabs<'a> {
    t: texts::Applications,
    crumbs: &'static str,
    application: &'a Application,
    role: &'static str,
    current: Tab,
    url: String,
}

impl Tabs<'_> {
    fn is(&self, tab: Tab) -> bool {
        self.current == tab
    }

    fn may_change(&self) -> bool {
        self.application.links.contains_key("patchApplication")
            || self.application.links.contains_key("deleteApplication")
    }

    fn members(&self) -> usize {
        self.application.owners.as_deref().unwrap_or_default().len()
    }
}

/// What stands above each of them.
pub fn tabs(frame: &Frame, application: &Application, current: Tab) -> Html {
    let t = texts::Applications(frame.lang());
    let role = frame.user.as_ref().map_or_else(
        || t.role_none(),
        |user| role_name(application.role_of(&user.id), user.admin, t),
    );
    Html::of(&Tabs {
        t,
        crumbs: frame.t().breadcrumb(),
        url: links::application(&application.id),
        application,
        role,
        current,
    })
}
