//! Every text of the pages, English and German side by side.
//!
//! A group of texts is a type with one method per text, so a missing translation or a misspelt
//! name does not compile. Groups follow the pages; `Shared` is what many pages need. Files of the
//! configuration correct single texts and add languages (`own`).

mod account;
mod admin;
mod apis;
mod applications;
mod approvals;
mod auth_pages;
mod catalogue;
mod console;
mod content;
mod failures;
mod help;
mod listeners;
mod login;
mod mails;
pub mod own;
mod passwords;
mod plans;
mod publish;
mod reference;
mod scopes;
mod search;
mod shared;
mod subscribe;
mod teams;
mod times;
mod trial;
mod usage;
mod users;

pub use account::Account;
pub use admin::Admin;
pub use apis::Apis;
pub use applications::Applications;
pub use approvals::Approvals;
pub use auth_pages::AuthPages;
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
pub use times::Times;
pub use trial::Trial;
pub use usage::Usage;
pub use users::Users;

/// A compiled text.
#[derive(Debug)]
pub struct Entry {
    /// Group and name: `Shared.log_in`.
    pub key: &'static str,
    pub forms: Forms,
}

/// A text in English and German.
#[derive(Debug)]
pub enum Forms {
    Plain([&'static str; 2]),
    /// Names of its values, which stand in braces.
    With(&'static [&'static str], [&'static str; 2]),
    /// Singular and plural, with the number as `{n}`.
    Counted([&'static str; 2], [&'static str; 2]),
}

/// All groups.
pub const GROUPS: &[fn() -> &'static [Entry]] = &[
    Account::entries,
    Admin::entries,
    Apis::entries,
    Applications::entries,
    Approvals::entries,
    AuthPages::entries,
    Catalogue::entries,
    Console::entries,
    Content::entries,
    Failures::entries,
    Help::entries,
    Listeners::entries,
    Login::entries,
    Mails::entries,
    Passwords::entries,
    Plans::entries,
    Publish::entries,
    Reference::entries,
    Scopes::entries,
    Search::entries,
    Shared::entries,
    Subscribe::entries,
    Teams::entries,
    Times::entries,
    Trial::entries,
    Usage::entries,
    Users::entries,
];

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
/// let t = Birds(ui::Lang::DE);
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
            $crate::texts!(@methods $name $($body)*);
            $crate::texts!(@entries $name [] $($body)*);
        }
    };

    (@key $name:ident $key:ident) => {
        concat!(stringify!($name), ".", stringify!($key))
    };

    (@methods $name:ident) => {};
    (@methods $name:ident plural $key:ident = $en1:literal | $en:literal, $de1:literal | $de:literal; $($rest:tt)*) => {
        pub fn $key(self, count: usize) -> String {
            let key = $crate::texts!(@key $name $key);
            self.0.plural(key, count, [$en1, $en], [$de1, $de])
        }
        $crate::texts!(@methods $name $($rest)*);
    };
    (@methods $name:ident $key:ident ( $($argument:ident),+ ) = $en:literal, $de:literal; $($rest:tt)*) => {
        pub fn $key(self, $($argument: impl ::std::fmt::Display),+) -> String {
            let key = $crate::texts!(@key $name $key);
            let values: &[(&str, &dyn ::std::fmt::Display)] =
                &[$((stringify!($argument), &$argument)),+];
            self.0.filled(key, values).unwrap_or_else(|| match self.0.base() {
                $crate::Base::En => format!($en),
                $crate::Base::De => format!($de),
            })
        }
        $crate::texts!(@methods $name $($rest)*);
    };
    (@methods $name:ident $key:ident = $en:literal, $de:literal; $($rest:tt)*) => {
        pub fn $key(self) -> &'static str {
            self.0.plain($crate::texts!(@key $name $key), $en, $de)
        }
        $crate::texts!(@methods $name $($rest)*);
    };

    (@entries $name:ident [$($entry:expr,)*]) => {
        /// All texts of the group.
        pub fn entries() -> &'static [$crate::texts::Entry] {
            static ENTRIES: &[$crate::texts::Entry] = &[$($entry),*];
            ENTRIES
        }
    };
    (@entries $name:ident [$($entry:expr,)*] plural $key:ident = $en1:literal | $en:literal, $de1:literal | $de:literal; $($rest:tt)*) => {
        $crate::texts!(@entries $name [$($entry,)* $crate::texts::Entry {
            key: $crate::texts!(@key $name $key),
            forms: $crate::texts::Forms::Counted([$en1, $de1], [$en, $de]),
        },] $($rest)*);
    };
    (@entries $name:ident [$($entry:expr,)*] $key:ident ( $($argument:ident),+ ) = $en:literal, $de:literal; $($rest:tt)*) => {
        $crate::texts!(@entries $name [$($entry,)* $crate::texts::Entry {
            key: $crate::texts!(@key $name $key),
            forms: $crate::texts::Forms::With(&[$(stringify!($argument)),+], [$en, $de]),
        },] $($rest)*);
    };
    (@entries $name:ident [$($entry:expr,)*] $key:ident = $en:literal, $de:literal; $($rest:tt)*) => {
        $crate::texts!(@entries $name [$($entry,)* $crate::texts::Entry {
            key: $crate::texts!(@key $name $key),
            forms: $crate::texts::Forms::Plain([$en, $de]),
        },] $($rest)*);
    };
}
