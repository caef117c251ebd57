//! The navigation beside every administration page.

use askama::Template;
use ui::{Frame, Html, Icon, texts};

/// A page of the administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Overview,
    Gateways,
    Listeners,
    Configuration,
    Health,
    Approvals,
    Subscriptions,
    Subscribe,
    Users,
    Applications,
    Verifications,
    Invitations,
    AuditLog,
    Usage,
}

impl Item {
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "/admin",
            Self::Gateways => "/admin/gateways",
            Self::Listeners => "/admin/listeners",
            Self::Configuration => "/admin/configuration",
            Self::Health => "/admin/health",
            Self::Approvals => "/admin/approvals",
            Self::Subscriptions => "/admin/subscriptions",
            Self::Subscribe => "/admin/subscribe",
            Self::Users => "/admin/users",
            Self::Applications => "/admin/applications",
            Self::Verifications => "/admin/verifications",
            Self::Invitations => "/admin/invitations",
            Self::AuditLog => "/admin/auditlog",
            Self::Usage => "/admin/usage",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Overview => Icon::List,
            Self::Gateways => Icon::Plug,
            Self::Listeners => Icon::Bell,
            Self::Configuration => Icon::Git,
            Self::Health => Icon::Heartbeat,
            Self::Approvals => Icon::OkCircle,
            Self::Subscriptions => Icon::Layers,
            Self::Subscribe => Icon::Plus,
            Self::Users => Icon::Users,
            Self::Applications => Icon::Application,
            Self::Verifications => Icon::Mail,
            Self::Invitations => Icon::Send,
            Self::AuditLog => Icon::Log,
            Self::Usage => Icon::Chart,
        }
    }

    fn label(self, t: texts::Admin) -> &'static str {
        match self {
            Self::Overview => t.overview(),
            Self::Gateways => t.gateways(),
            Self::Listeners => t.listeners(),
            Self::Configuration => t.configuration(),
            Self::Health => t.health(),
            Self::Approvals => t.approvals(),
            Self::Subscriptions => t.subscriptions(),
            Self::Subscribe => t.subscribe(),
            Self::Users => t.users(),
            Self::Applications => t.applications(),
            Self::Verifications => t.verifications(),
            Self::Invitations => t.invitations(),
            Self::AuditLog => t.audit_log(),
            Self::Usage => t.usage(),
        }
    }

    /// Approvers see what they decide about, administrators everything.
    fn is_for_approvers(self) -> bool {
        matches!(self, Self::Approvals | Self::Subscriptions)
    }
}

#[derive(Template)]
#[template(path = "admin/side.html")]
struct Side {
    t: texts::Admin,
    /// Heading and entries.
    groups: Vec<(&'static str, Vec<Item>)>,
    current: Item,
    waiting: usize,
}

impl Side {
    fn is_current(&self, item: &Item) -> bool {
        *item == self.current
    }

    fn is_waiting(&self, item: &Item) -> bool {
        *item == Item::Approvals && self.waiting > 0
    }

    /// Beyond 99 nobody counts.
    fn waiting_text(&self) -> String {
        match self.waiting {
            100.. => "99+".to_owned(),
            count => count.to_string(),
        }
    }
}

/// The entries that the visitor may open.
pub fn side(frame: &Frame, current: Item) -> Html {
    let t = texts::Admin(frame.lang());
    let admin = frame.user.as_ref().is_some_and(|user| user.admin);
    let groups = [
        (
            t.operate(),
            vec![
                Item::Overview,
                Item::Gateways,
                Item::Listeners,
                Item::Configuration,
                Item::Health,
            ],
        ),
        (
            t.decide(),
            vec![Item::Approvals, Item::Subscriptions, Item::Subscribe],
        ),
        (
            t.people(),
            vec![
                Item::Users,
                Item::Applications,
                Item::Verifications,
                Item::Invitations,
            ],
        ),
        (t.records(), vec![Item::AuditLog, Item::Usage]),
    ];
    let groups = groups
        .into_iter()
        .map(|(heading, mut items)| {
            items.retain(|item| admin || item.is_for_approvers());
            (heading, items)
        })
        .filter(|(_, items)| !items.is_empty())
        .collect();
    Html::of(&Side {
        t,
        groups,
        current,
        waiting: frame.waiting,
    })
}
