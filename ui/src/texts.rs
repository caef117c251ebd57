//! Every text of the pages, English and German side by side.
//!
//! A group of texts is a type with one method per text, so a missing translation or a misspelt
//! name does not compile. Groups follow the pages; `Shared` is what many pages need.

mod account;
mod admin;
mod apis;
mod applications;
mod approvals;
mod catalogue;
mod console;
mod content;
mod failures;
mod help;
mod listeners;
mod login;
mod mails;
mod passwords;
mod plans;
mod publish;
mod reference;
mod scopes;
mod search;
mod shared;
mod subscribe;
mod teams;
mod trial;
mod usage;
mod users;

pub use account::Account;
pub use admin::Admin;
pub use apis::Apis;
pub use applications::Applications;
pub use approvals::Approvals;
pub use catalogue::Catalogue;
pub use console::Console;
pub use content::Content;
pub use failures::Failures;
pub use help::Help;
pub use listeners::Listeners;
pub use login::Login;
pub use mails::Mails;
pub use passwords::Passwords;
pub use plans::Plans;
pub use publish::Publish;
pub use reference::Reference;
pub use scopes::Scopes;
pub use search::Search;
pub use shared::Shared;
pub use subscribe::Subscribe;
pub use teams::Teams;
pub use trial::Trial;
pub use usage::Usage;
pub use users::Users;

/// Declares a group of texts.
///
/// ```
/// ui::texts! {
///     /// Words of a page about birds.
///     Birds {
///         title = "Birds", "Vögel";
///         seen_by(name) = "Seen by {name}", "Gesehen von {name}";
///         plural nests = "{n} nest" | "{n} nests", "{n} Nest" | "{n} Nester";
///     }
/// }
/// let t = Birds(ui::Lang::De);
/// assert_eq!(t.title(), "Vögel");
/// assert_eq!(t.seen_by("Ada"), "Gesehen von Ada");
/// assert_eq!(t.nests(2000), "2.000 Nester");
/// ```
#[macro_export]
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub $crate::Lang);

        impl $name {
            $crate::texts!(@entries $($body)*);
        }
    };
    (@entries) => {};
    (@entries plural $key:ident = $en1:literal | $en:literal, $de1:literal | $de:literal; $($rest:tt)*) => {
        pub fn $key(self, count: usize) -> String {
            self.0.plural(count, [$en1, $en], [$de1, $de])
        }
        $crate::texts!(@entries $($rest)*);
    };
    (@entries $key:ident ( $($argument:ident),+ ) = $en:literal, $de:literal; $($rest:tt)*) => {
        pub fn $key(self, $($argument: impl ::std::fmt::Display),+) -> String {
            match self.0 {
                $crate::Lang::En => format!($en),
                $crate::Lang::De => format!($de),
            }
        }
        $crate::texts!(@entries $($rest)*);
    };
    (@entries $key:ident = $en:literal, $de:literal; $($rest:tt)*) => {
        pub fn $key(self) -> &'static str {
            match self.0 {
                $crate::Lang::En => $en,
                $crate::Lang::De => $de,
            }
        }
        $crate::texts!(@entries $($rest)*);
    };
}
