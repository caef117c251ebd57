//! A snapshot in parts: the configuration as a whole, subscriptions one by one. A large
//! installation is never held as objects, only as the text in which it came.

use std::fmt;

use sdk::types::{Snapshot, snapshot::SnapshotSubscription};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The text of a snapshot, taken apart.
pub struct Parts<'a> {
    /// Everything but what belongs to applications.
    pub config: Snapshot,
    subscriptions: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    revision: String,
    seq: i64,
    #[serde(default)]
    digest_key: Option<sdk::types::Secret>,
    globals: sdk::types::Globals,
    apis: Vec<sdk::types::Api>,
    auth_servers: Vec<sdk::types::AuthServer>,
    plans: Vec<sdk::types::Plan>,
    groups: Vec<sdk::types::Group>,
    #[serde(borrow)]
    subscriptions: &'a RawValue,
}

impl<'a> Parts<'a> {
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        let text: Text = serde_json::from_slice(text)?;
        Ok(Self {
            config: Snapshot {
                revision: text.revision,
                seq: text.seq,
                digest_key: text.digest_key,
                globals: text.globals,
                apis: text.apis,
                auth_servers: text.auth_servers,
                plans: text.plans,
                groups: text.groups,
                applications: Vec::new(),
                subscriptions: Vec::new(),
            },
            subscriptions: text.subscriptions,
        })
    }

    pub fn each_subscription(
        &self,
        take: impl FnMut(SnapshotSubscription),
    ) -> Result<(), serde_json::Error> {
        each(self.subscriptions, take)
    }
}

/// Hands over the elements of a list, one at a time.
fn each<T: DeserializeOwned>(
    list: &RawValue,
    take: impl FnMut(T),
) -> Result<(), serde_json::Error> {
    struct Each<T, F>(F, std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            while let Some(element) = list.next_element()? {
                (self.0)(element);
            }
            Ok(())
        }
    }

    impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_seq(self)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(list.get());
    Each(take, std::marker::PhantomData).deserialize(&mut deserializer)
}
