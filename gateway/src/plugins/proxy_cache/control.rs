//! What `Cache-Control` and its relatives say (RFC 9111), as far as it counts here.

use chrono::DateTime;
use http::{
    HeaderMap,
    header::{AGE, CACHE_CONTROL, DATE, EXPIRES, PRAGMA},
};

#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive of the RFC"
)]
pub struct Directives {
    pub no_store: bool,
    pub no_cache: bool,
    pub private: bool,
    pub must_revalidate: bool,
    pub only_if_cached: bool,
    pub max_age: Option<u64>,
    pub s_maxage: Option<u64>,
    /// Any number of seconds, if none is written.
    pub max_stale: Option<u64>,
    pub min_fresh: Option<u64>,
}

impl Directives {
    pub fn of(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        let mut is_silent = true;
        for value in headers.get_all(CACHE_CONTROL) {
            is_silent = false;
            // What is not text may be anything, so it is not to be kept.
            match value.to_str() {
                Ok(text) => text.split(',').for_each(|part| read.add(part.trim())),
                Err(_) => read.no_store = true,
            }
        }
        if is_silent {
            let pragma = headers.get(PRAGMA).and_then(|value| value.to_str().ok());
            read.no_cache =
                pragma.is_some_and(|text| text.to_ascii_lowercase().contains("no-cache"));
        }
        read
    }

    fn add(&mut self, directive: &str) {
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim().trim_matches('"'))),
            None => (directive, None),
        };
        // A number that is none makes an answer stale; of several the strictest counts.
        let seconds = || value.and_then(|value| value.parse().ok()).unwrap_or(0);
        let least = |known: Option<u64>| known.map_or(seconds(), |known| known.min(seconds()));
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "must-revalidate" | "proxy-revalidate" => self.must_revalidate = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => self.max_age = Some(least(self.max_age)),
            "s-maxage" => self.s_maxage = Some(least(self.s_maxage)),
            "max-stale" if value.is_none() => self.max_stale = Some(u64::MAX),
            "max-stale" => self.max_stale = Some(least(self.max_stale)),
            "min-fresh" => self.min_fresh = Some(self.min_fresh.unwrap_or(0).max(seconds())),
            _ => {}
        }
    }

    /// Seconds for which an answer with these headers counts, from when it was made.
    pub fn lifetime(&self, headers: &HeaderMap, now: i64) -> u64 {
        self.s_maxage.or(self.max_age).unwrap_or_else(|| {
            let moment = |name| {
                let text = headers.get(name)?;
                DateTime::parse_from_rfc2822(text.to_str().ok()?).ok()
            };
            let made = moment(DATE).map_or(now, |date| date.timestamp());
            let left = moment(EXPIRES).map_or(0, |end| end.timestamp() - made);
            u64::try_from(left).unwrap_or(0)
        })
    }
}

/// How old an answer is already when it comes.
pub fn age(headers: &HeaderMap) -> u64 {
    let text = headers.get(AGE).and_then(|age| age.to_str().ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn lifetimes_are_found() {
        const NOW: i64 = 784_111_777;
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (pairs, seconds) in [
            (vec![(CACHE_CONTROL, "max-age=60")], 60),
            (vec![(CACHE_CONTROL, "max-age=60, s-maxage=5")], 5),
            (vec![(CACHE_CONTROL, "Max-Age=\"60\"")], 60),
            (vec![(CACHE_CONTROL, "max-age=60, max-age=5")], 5),
            (vec![(CACHE_CONTROL, "max-age=soon")], 0),
            (vec![(CACHE_CONTROL, "max-age=-1")], 0),
            (vec![(CACHE_CONTROL, "public")], 0),
            (vec![(EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT")], 60),
            (vec![(EXPIRES, "0")], 0),
            (vec![(EXPIRES, date), (DATE, date)], 0),
            (
                vec![
                    (EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT"),
                    (CACHE_CONTROL, "max-age=1"),
                ],
                1,
            ),
            (vec![], 0),
        ] {
            let headers = headers(&pairs);
            let found = Directives::of(&headers).lifetime(&headers, NOW);
            assert_eq!(found, seconds, "{pairs:?}");
        }
    }

    #[test]
    fn directives_are_read() {
        let read = Directives::of(&headers(&[(
            CACHE_CONTROL,
            "No-Store ,private=\"a, b\", max-stale, min-fresh=7,, only-if-cached",
        )]));
        assert!(read.no_store && read.private && read.only_if_cached);
        assert_eq!((read.max_stale, read.min_fresh), (Some(u64::MAX), Some(7)));
        assert!(Directives::of(&headers(&[(PRAGMA, "No-Cache")])).no_cache);
        let both = headers(&[(PRAGMA, "no-cache"), (CACHE_CONTROL, "max-age=5")]);
        assert!(!Directives::of(&both).no_cache);
    }

    proptest! {
        /// Nothing that is added makes an answer count for longer.
        #[test]
        fn further_directives_are_only_stricter(one in "[a-z0-9=, \"-]{0,40}", other in ".{0,40}") {
            let read = |text: &str| {
                let value = HeaderValue::from_str(text).ok()?;
                let headers = HeaderMap::from_iter([(CACHE_CONTROL, value)]);
                let read = Directives::of(&headers);
                let lifetime = read.max_age.map(|_| read.lifetime(&headers, 0));
                Some((read, lifetime))
            };
            if let (Some((alone, before)), Some((both, after))) = (read(&one), read(&format!("{one},{other}"))) {
                prop_assert!(!alone.no_store || both.no_store);
                prop_assert!(!alone.private || both.private);
                if alone.s_maxage.is_some() || both.s_maxage.is_none() {
                    prop_assert!(before.is_none() || after <= before);
                }
            }
        }
    }
}
